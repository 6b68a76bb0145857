# HOST ROOT: exec.
# The rules that docker-socket-protector-migration(7) shows.
include ping
include classes

GET          /{V}containers/json{QUERY}
GET          /{V}containers/{ID}/json{QUERY}
GET          /{V}containers/{ID}/logs{QUERY}
GET          /{V}events{QUERY}
GET          /{V}info
POST         /(v1\.(2[4-9]|[3-9]\d)/)?containers/{ID}/start
POST         /{V}containers/{ID}/(stop|restart){QUERY}
POST         /{V}containers/{ID}/exec
POST         /{V}exec/{HEX}/(start|resize\?h=\d+&w=\d+)
GET          /{V}exec/{HEX}/json
POST         /{V}images/create\?fromImage=[^&]+(&.*)?
DELETE       /{V}containers/{ID}{QUERY}
