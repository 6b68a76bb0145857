# Items about dockerd, and the containers that it has.

SERVER=
SERVER_ERROR=
MIN_API=
SECURITY=
LOADED=
IS_ASKED=

# Ask once, and only when it is needed.
ask_dockerd() {
	[ -z "$ROOT$IS_ASKED" ] || return 0
	IS_ASKED=yes
	if ! have docker; then
		SERVER_ERROR='there is no docker command'
		return 0
	fi
	SERVER=$(dk version --format \
	    '{{.Server.Version}} {{.Server.MinAPIVersion}}' 2>"$WORK/error" \
	    </dev/null) || SERVER=
	if grep -q 'denied by plugin' "$WORK/error"; then
		SERVER='unknown unknown'
	fi
	SERVER_ERROR=$(head -n 1 "$WORK/error")
	[ -n "$SERVER" ] || return 0
	MIN_API=${SERVER#* }
	SERVER=${SERVER% *}
}

# What dockerd says of itself.
ask_info() {
	ask_dockerd
	[ -n "$SERVER" ] && [ ! -e "$WORK/info" ] || return 0
	dk info --format '{{json .SecurityOptions}}
{{range .Plugins.Authorization}}{{.}} {{end}}' >"$WORK/info" 2>/dev/null \
	    </dev/null
	SECURITY=$(head -n 1 "$WORK/info")
	LOADED=$(sed -n 2p "$WORK/info" | sed 's/ *$//')
}

need_containers() {
	need_dockerd || return 1
	[ ! -e "$WORK/containers" ] || return 0
	dk ps -aq --no-trunc 2>/dev/null </dev/null >"$WORK/ids"
	inspect_all >"$WORK/containers"
}

# One container a line, fields between tabs: name, program, privileged, options,
# and then each mount: writable, source.  Strings are JSON's, so there are no
# tabs and line ends in them.
inspect_all() {
	DOCKER_CONFIG=$WORK/docker xargs -r -n 50 docker -H "unix://$SOCKET" \
	    inspect --type container --format "{{json .Name}}$TAB{{json .Path}}\
$TAB{{.HostConfig.Privileged}}$TAB{{json .HostConfig.SecurityOpt}}\
{{range .Mounts}}$TAB{{.RW}}$TAB{{json .Source}}{{end}}" \
	    <"$WORK/ids" 2>/dev/null
}

# unquoted JSON: the text of a string, and an x, for line ends at its end.
unquoted() {
	dsp_text=${1#\"}
	dsp_text=${dsp_text%\"}
	case $dsp_text in
	*\\*)
		printf '%s' "$dsp_text" | awk '
		BEGIN {
			for (i = 1; i < 128; i++)
				byte[sprintf("%04x", i)] = sprintf("%c", i)
			byte["2028"] = "\342\200\250"
			byte["2029"] = "\342\200\251"
			plain["n"] = "\n"
			plain["t"] = "\t"
			plain["r"] = "\r"
			plain["b"] = "\b"
			plain["f"] = "\f"
		}
		{
			while ((i = index($0, "\\")) > 0) {
				c = substr($0, i + 1, 1)
				printf "%s", substr($0, 1, i - 1)
				if (c == "u")
					printf "%s", byte[substr($0, i + 2, 4)]
				else
					printf "%s", c in plain ? plain[c] : c
				$0 = substr($0, i + (c == "u" ? 6 : 2))
			}
			printf "%s", $0
		}' ;;
	*)
		printf '%s' "$dsp_text" ;;
	esac
	printf x
}

# names PATTERN: what a pattern of grep says of containers, in one line.
names() {
	grep -E "$1" "$WORK/containers" | cut -f 1 | sed 's,^"/,,; s/"$//' |
	    in_one_line
}

# Device and inode of the socket, and of all directories that it is in.
reaching() {
	dsp_path=$REAL
	while :; do
		stat -L -c '%d:%i' "${dsp_path:-/}" 2>/dev/null
		[ -n "$dsp_path" ] || return 0
		dsp_path=${dsp_path%/*}
	done
}

# Mounts by which the socket is reached, under whatever name: lines of
# "container, of what, how".
mounts_of_socket() {
	dsp_reaching=$(reaching | tr '\n' ' ')
	awk -F '\t' '{
		for (i = 5; i < NF; i += 2)
			print $1 "\t" $2 "\t" $i "\t" $(i + 1)
	}' "$WORK/containers" |
	while IFS=$TAB read -r dsp_name dsp_program dsp_rw dsp_source; do
		dsp_from=$(unquoted "$dsp_source")
		dsp_inode=$(stat -L -c '%d:%i' "${dsp_from%x}" 2>/dev/null) ||
			continue
		has_word "$dsp_reaching" "$dsp_inode" || continue
		dsp_how=rw
		[ "$dsp_rw" = true ] || dsp_how=ro
		dsp_what=
		case $dsp_program in
		*docker-socket-protector\") dsp_what=' is our proxy' ;;
		esac
		dsp_name=$(unquoted "$dsp_name")
		dsp_name=${dsp_name%x}
		say "${dsp_name#/}$dsp_what ($dsp_how $dsp_source)"
	done
}

item_socket_mounts() {
	need_containers || return 0
	mounts_of_socket >"$WORK/mounts"
	dsp_others=$(grep -v ' is our proxy ' "$WORK/mounts" | in_one_line)
	if [ -n "$dsp_others" ]; then
		verdict bad "root by the socket, and ro is no different from \
rw, for connecting is no writing: $dsp_others" \
		    'give them a socket of docker-socket-protector instead'
	elif [ -s "$WORK/mounts" ]; then
		verdict ok "only $(in_one_line <"$WORK/mounts")"
	else
		verdict ok 'no container has it, or a directory that it is in'
	fi
}

item_privileged() {
	need_containers || return 0
	dsp_names=$(names "^[^${TAB}]*${TAB}[^${TAB}]*${TAB}true")
	if [ -n "$dsp_names" ]; then
		verdict bad "root on the host when they like: $dsp_names" \
		    'name what they need with --cap-add and --device'
	else
		verdict ok 'no container is privileged'
	fi
}

item_mac() {
	ask_info
	if [ "$(cat "$ROOT/sys/module/apparmor/parameters/enabled" \
	    2>/dev/null)" = Y ]; then
		dsp_mac=apparmor
	elif [ -r "$ROOT/sys/fs/selinux/enforce" ]; then
		dsp_mac=selinux
		[ "$(cat "$ROOT/sys/fs/selinux/enforce")" = 1 ] || {
			verdict bad 'SELinux is permissive' 'setenforce 1'
			return 0
		}
	else
		need_host || return 0
		verdict warn "neither AppArmor nor SELinux: a container that \
escapes meets nothing" 'boot with apparmor=1 security=apparmor, or use SELinux'
		return 0
	fi
	case $SECURITY in
	*name=$dsp_mac*)
		verdict ok "$dsp_mac, and dockerd uses it" ;;
	*)
		verdict warn "$dsp_mac is on, and dockerd does not use it" \
		    "apparmor: install apparmor_parser; selinux: \
\"selinux-enabled\": true in $DAEMON_JSON" ;;
	esac
}

item_mac_containers() {
	need_containers || return 0
	dsp_names=$(names 'label[:=]disable|apparmor[:=]unconfined')
	if [ -n "$dsp_names" ]; then
		verdict warn "label=disable, apparmor=unconfined: $dsp_names" \
		    'leave out these two of --security-opt'
	else
		verdict ok 'no container is without its confinement'
	fi
}

item_userns_remap() {
	need_dockerd || return 0
	ask_info
	case $SECURITY in
	*name=userns*) verdict ok 'root in a container is not root outside' ;;
	*name=rootless*) verdict ok 'dockerd itself is not root' ;;
	*) verdict warn 'root in a container is root outside' \
	    "\"userns-remap\": \"default\" in $DAEMON_JSON, before there are \
containers" ;;
	esac
}

item_api_minimum() {
	need_dockerd || return 0
	dsp_minor=${MIN_API#1.}
	case $dsp_minor in
	'' | *[!0-9]*)
		verdict unknown "dockerd does not say it: $MIN_API"
		return 0 ;;
	esac
	if [ "$dsp_minor" -lt 24 ]; then
		verdict warn "dockerd speaks API $MIN_API: below 1.24 a start \
takes a host configuration" \
		    'our --min-api refuses it, and newer versions of dockerd do'
	else
		verdict ok "dockerd speaks API $MIN_API and above"
	fi
}

# The version as one number: 20.10.24+dfsg1 is 20010024.
version_number() {
	say "$SERVER" | awk -F '[^0-9]+' '
	    /^[0-9]+[.][0-9]+/ { print $1 * 1000000 + $2 * 1000 + $3 }'
}

# hole ID IS_HOLE WHAT FIXED
hole() {
	if ! "$2" "$(version_number)"; then
		verdict ok "dockerd $SERVER: fixed upstream in $4"
		return 0
	fi
	ask_info
	dsp_level=warn
	dsp_matters='matters with an authorization plugin only'
	if [ -n "$LOADED$(plugins_configured)" ]; then
		dsp_level=bad
		dsp_matters='a plugin is in use'
	fi
	verdict $dsp_level "dockerd $SERVER: $3; $dsp_matters" \
	    "upstream fixed it in $4; your distribution may have, too, without \
another number"
}

item_cve_2024_41110() {
	need_version || return 0
	hole CVE-2024-41110 has_41110 \
	    'a request with length 0 is judged without its body' \
	    '23.0.15, 25.0.6, 26.1.5, 27.1.1'
}

has_41110() {
	[ "$1" -ge 18009001 ] || return 0
	[ "$1" -ge 19000000 ] || return 1
	for dsp_range in 25000000:25000006 26000000:26001005 \
	    27000000:27001001 19000000:23000015 24000000:25000000; do
		[ "$1" -lt "${dsp_range%:*}" ] ||
			[ "$1" -ge "${dsp_range#*:}" ] || return 0
	done
	return 1
}

item_cve_2026_34040() {
	need_version || return 0
	hole CVE-2026-34040 has_34040 \
	    'a body above 1 MiB is not shown to plugins' 29.3.1
}

has_34040() {
	[ "$1" -lt 29003001 ]
}

need_version() {
	need_dockerd || return 1
	[ -z "$(version_number)" ] || return 0
	verdict unknown "dockerd does not say its version: $SERVER"
	return 1
}
