# Items about the socket itself, and who may connect to it.

# Does systemd make the socket?
is_activated() {
	[ -n "$(unit_file docker.socket)" ] || return 1
	flag H host | grep -q '^fd://'
}

# Mode, user and group that the socket is to have, and who says so.
wanted() {
	WANT_MODE=660
	WANT_USER=root
	if is_activated; then
		WANT_FROM=docker.socket
		WANT_MODE=$(unit_value docker.socket SocketMode 0666)
		WANT_MODE=${WANT_MODE#"${WANT_MODE%%[!0]*}"}
		WANT_USER=$(unit_value docker.socket SocketUser root)
		WANT_GROUP=$(unit_value docker.socket SocketGroup root)
		return
	fi
	WANT_FROM='the flags of dockerd'
	WANT_GROUP=$(flag G group | tail -n 1)
	[ -z "$WANT_GROUP" ] || return 0
	WANT_FROM=$DAEMON_JSON
	WANT_GROUP=$(json_get "$DAEMON_JSON" group)
	[ -z "$WANT_GROUP" ] || return 0
	# Without such a group dockerd leaves the socket to root's.
	WANT_FROM="dockerd's default"
	WANT_GROUP=docker
	[ -n "$(gid_of docker)" ] || WANT_GROUP=root
}

# In --root there is no socket: what it will be is what counts.
socket_meta() {
	if [ -S "$ROOT$REAL" ]; then
		# shellcheck disable=SC2046 # three words
		set -- $(stat -c '%a %u %g' "$ROOT$REAL")
		META_MODE=$1 META_UID=$2 META_GID=$3
		META_SAYS="$REAL has"
		return 0
	fi
	if [ -z "$ROOT" ]; then
		verdict unknown "there is no socket $SOCKET"
		return 1
	fi
	wanted
	META_MODE=$WANT_MODE
	META_UID=$(database passwd | awk -F: -v name="$WANT_USER" '
	    $1 == name { print $3 }')
	META_GID=$(gid_of "$WANT_GROUP")
	META_SAYS="by $WANT_FROM the socket will have"
}

# Where a directory is sticky, others cannot move away what is not theirs.
is_roots_alone() {
	# shellcheck disable=SC2046 # two words
	set -- $(stat -L -c '%u %a' "$1")
	[ "$1" = 0 ] && { [ $((0$2 & 022)) -eq 0 ] ||
		[ $((0$2 & 01000)) -ne 0 ]; }
}

item_socket_path() {
	need_host || return 0
	dsp_bad=
	dsp_dir=$REAL
	while [ -n "$dsp_dir" ] && [ "$dsp_dir" != / ]; do
		dsp_dir=${dsp_dir%/*}
		is_roots_alone "${dsp_dir:-/}" ||
			dsp_bad="$dsp_bad ${dsp_dir:-/}"
	done
	if [ -d "$REAL" ]; then
		verdict bad "$SOCKET is a directory: a container that mounts" \
		    "stop that container, rmdir $SOCKET, restart docker.socket"
	elif [ ! -S "$REAL" ]; then
		verdict unknown "there is no socket $SOCKET" \
		    'start dockerd, or name its socket with --docker-socket'
	elif [ -n "$dsp_bad" ]; then
		verdict bad "others than root can replace it, in:$dsp_bad" \
		    'let root alone write to these directories'
	else
		verdict ok "$SOCKET is the socket $REAL"
	fi
}

item_socket_mode() {
	socket_meta || return 0
	case $META_MODE in
	*[2367])
		verdict bad "$META_SAYS mode $META_MODE: all may connect" \
		    "$NAME --apply socket" ;;
	600 | 700)
		verdict ok "$META_SAYS mode $META_MODE: for root alone" ;;
	*)
		verdict ok "$META_SAYS mode $META_MODE: for owner and group" ;;
	esac
}

item_socket_owner() {
	socket_meta || return 0
	if [ "$META_UID" = 0 ]; then
		verdict ok "$META_SAYS owner root"
	else
		verdict bad "$META_SAYS owner $META_UID, who is root by it" \
		    "$NAME --apply socket"
	fi
}

item_socket_group() {
	socket_meta || return 0
	dsp_group=$(group_named "$META_GID")
	dsp_who=$(members "$META_GID" | grep -vxF "$SERVICE" | in_one_line)
	if [ "$META_GID" = 0 ]; then
		verdict ok "$META_SAYS group root"
	elif [ -n "$dsp_who" ]; then
		verdict bad "$META_SAYS group $dsp_group, so these are root: \
$dsp_who" "$NAME --apply socket"
	elif [ "$dsp_group" = "$GROUP" ]; then
		verdict ok "$META_SAYS group $dsp_group, with no other members"
	else
		verdict warn "$META_SAYS group $dsp_group: it is empty, and \
who is put there is root" "$NAME --apply socket"
	fi
}

item_socket_drift() {
	need_host || return 0
	socket_meta || return 0
	wanted
	dsp_uid=$(database passwd | awk -F: -v name="$WANT_USER" '
	    $1 == name { print $3 }')
	dsp_gid=$(gid_of "$WANT_GROUP")
	dsp_want="$WANT_MODE ${dsp_uid:-$WANT_USER} ${dsp_gid:-$WANT_GROUP}"
	dsp_have="$META_MODE $META_UID $META_GID"
	if [ "$dsp_want" = "$dsp_have" ]; then
		verdict ok "mode, owner and group are those of $WANT_FROM: \
$dsp_have"
	elif [ -n "$WANTS_REPAIR" ] && [ -n "$dsp_uid" ] &&
	    [ -n "$dsp_gid" ] && chmod 600 "$REAL" &&
	    chown "$dsp_uid:$dsp_gid" "$REAL" && chmod "$WANT_MODE" "$REAL"
	then
		verdict warn "they were $dsp_have, and are $dsp_want again" \
		    'find out who changed them'
	else
		verdict bad "mode, owner and group are $dsp_have, and \
$WANT_FROM says $dsp_want: the next start undoes what was done by hand" \
		    "$NAME --only socket-drift --repair, or --apply drift"
	fi
}

# Other names: what find sees below directories where such names are made, and
# mounts of the socket, or of a directory that it is in, at another place.
aliases() {
	for dsp_dir in /run /tmp /var/tmp /var/lib /srv /opt /home /root; do
		[ -d "$dsp_dir" ] || continue
		find -L "$dsp_dir" -xdev -maxdepth 3 -samefile "$REAL" \
		    2>/dev/null
	done
	awk -v path="$REAL" '
	{
		root = $4 == "/" ? "" : $4
		at = $5 == "/" ? "" : $5
		if (at == "" || index(path "/", at "/") == 1) {
			if (length(at) >= longest) {
				longest = length(at)
				inside = root substr(path, length(at) + 1)
				device = $3
			}
		}
		devices[NR] = $3
		roots[NR] = root
		points[NR] = $5
	}
	END {
		for (i = 1; i <= NR; i++) {
			if (devices[i] != device ||
			    index(inside "/", roots[i] "/") != 1)
				continue
			point = points[i] == "/" ? "" : points[i]
			print point substr(inside, length(roots[i]) + 1)
		}
	}' /proc/self/mountinfo
}

item_socket_aliases() {
	need_host || return 0
	[ -S "$REAL" ] || {
		verdict unknown "there is no socket $SOCKET"
		return 0
	}
	dsp_names=$(aliases | grep -vxF -e "$REAL" -e "/var$REAL" \
	    -e "$SOCKET" | sort -u | in_one_line)
	if [ -z "$dsp_names" ]; then
		verdict ok "no other name of $REAL where such are made"
	else
		verdict warn "also reached as $dsp_names" \
		    "mode and group hold there too, rules by path do not: \
remove what is not needed"
	fi
}

item_docker_group() {
	dsp_gid=$(gid_of docker)
	if [ -z "$dsp_gid" ]; then
		verdict ok 'there is no group docker'
		return 0
	fi
	dsp_who=$(members "$dsp_gid" | in_one_line)
	if [ -z "$dsp_who" ]; then
		verdict ok 'nobody is in group docker'
		return 0
	fi
	if socket_meta >/dev/null && [ "$META_GID" != "$dsp_gid" ]; then
		verdict warn "in group docker, which gives nothing: $dsp_who" \
		    'gpasswd -d USER docker'
		return 0
	fi
	verdict bad "in group docker, so root without a password: $dsp_who" \
	    "gpasswd -d USER docker (usermod -g for a primary group), or \
$NAME --apply socket"
}
