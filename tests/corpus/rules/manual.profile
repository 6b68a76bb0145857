# The examples of docker-socket-protector-profile(5), line by line.
(GET|HEAD)   /(v1\.\d+/)?_ping
GET          /(v1\.\d+/)?version
GET          /(v1\.\d+/)?containers/json(\?.*)?
GET          /(v1\.\d+/)?containers/[0-9A-Za-z][\w.-]*/logs(\?.*)?
POST         /(v1\.\d+/)?containers/(web|db)/restart(\?t=\d+)?
POST         /(v1\.\d+/)?containers/proxy/kill\?signal=(SIG)?USR1
GET          /(v1\.\d+/)?events\?filters=%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D
GET          /(v1\.\d+/)?images/[0-9A-Za-z][\w.:/@+-]*(%40\w+:\w+)?/json
GET          /images/[0-9A-Za-z][\w.:@+-]*((/|%2F)[\w.:@+-]+)*/history
GET          /(v\d+\.\d+\.\d+/)?libpod/containers/json(\?.*)?
