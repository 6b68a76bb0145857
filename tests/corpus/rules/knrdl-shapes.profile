# Shapes of rules that profiles for knrdl/docker-socket-protector have, each
# on a path of its own.  They must load unchanged.

# Method    Path

### a comment in a frame ###
HEAD        /plain
GET         /v\d+\.\d+/forced/json\?.+
GET         /(v\d+\.\d+/)?optional/json
(GET|HEAD)  /wide/.*
[A-Z]+      /any/.*
GET         /(v\d+\.\d+/)?(one|two|three)(\?.*|/.*)?
GET         /(v\d+\.\d+/)?containers/[0-9a-fA-F]+/(json|top|logs)(\?.*|/.*)?
POST        /(v\d+\.\d+/)?containers/[0-9a-fA-F]+(\?.*|/.*)?
GET         /(v\d+\.\d+/)?containers/[0-9a-fA-F]+/attach(\?.*|/.*)?
GET         /(v\d+(\\)?\.\d+/)backslash(\\?.*|/.*)?
GET         /v\d+\.\d+/middle/.+/json
GET         /filters/json\?filters=.*status.*
POST        /([a-z0-9]+)/kill\?signal=USR1
^GET$       /method-anchors
GET         ^/target-anchors$
GET	/tab
GET 	  /blanks-and-tabs
   GET      /indented
GET         /blanks-behind  	
GET         /line-end

   # an indented comment
	
GET|HEAD    /either|/or
GET         /dollar\$
GET         /no-newline-behind