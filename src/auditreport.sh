# What was found: one verdict an item, as text or as JSON.

COUNT_OK=0
COUNT_WARN=0
COUNT_BAD=0
COUNT_UNKNOWN=0
ITEM=
JSON_COMMA=

# Items, in the order of the report.
items() {
	cat <<-'END'
	socket-path it is a socket, and root alone can replace it
	socket-mode who may connect by its mode
	socket-owner it is root's
	socket-group its group is nobody's but the proxy's
	socket-drift mode and owner are those that are configured
	socket-aliases other names and mounts of it
	docker-group who is in group docker, and so root
	socket-mounts containers that the socket is mounted into
	privileged privileged containers
	tcp the API on TCP, and who may ask there
	authz authorization plugins: configured, loaded, and seen to deny
	mac AppArmor or SELinux
	mac-containers containers without their confinement
	audit-rules the kernel's audit log sees who connects
	userns-remap root in a container is not root outside
	api-minimum the lowest API version that dockerd speaks
	cve-2024-41110 AuthZ plugins are given no body
	cve-2026-34040 AuthZ plugins are given no body above 1 MiB
	proxy docker-socket-protector runs, and dockerd answers it
	profile-risks what its profiles open
	END
}

# verdict ok|warn|bad|unknown FOUND [REMEDY]: about the item that is looked at.
verdict() {
	case $1 in
	ok) COUNT_OK=$((COUNT_OK + 1)) ;;
	warn) COUNT_WARN=$((COUNT_WARN + 1)) ;;
	bad) COUNT_BAD=$((COUNT_BAD + 1)) ;;
	*) COUNT_UNKNOWN=$((COUNT_UNKNOWN + 1)) ;;
	esac
	if [ -n "$IS_JSON" ]; then
		printf '%s\n  {"id": "%s", "verdict": "%s", "found": %s, ' \
		    "$JSON_COMMA" "$ITEM" "$1" "$(quoted "$2")"
		printf '"remedy": %s}' "$(quoted "${3-}")"
		JSON_COMMA=,
		return
	fi
	printf '%-8s %-15s %s\n' "$1" "$ITEM" "$(shown "$2")"
	[ -z "${3-}" ] || printf '%25s-> %s\n' '' "$(shown "$3")"
}

# The item cannot be looked at in files alone, or without dockerd.
need_host() {
	[ -n "$ROOT" ] || return 0
	verdict unknown 'cannot be seen in the files of --root'
	return 1
}

need_dockerd() {
	need_host || return 1
	ask_dockerd
	[ -n "$SERVER" ] && return 0
	verdict unknown "dockerd does not answer: $SERVER_ERROR" \
	    'start dockerd, or name its socket with --docker-socket'
	return 1
}

report() {
	[ -z "$IS_JSON" ] || {
		printf '{"program": "%s", "version": %s, "root": %s, ' \
		    "$NAME" "$(quoted "$VERSION")" "$(quoted "$ROOT")"
		printf '"socket": %s, "items": [' "$(quoted "$SOCKET")"
	}
	for ITEM in $(items | cut -d ' ' -f 1); do
		[ -z "$ONLY" ] || has_word "$ONLY" "$ITEM" || continue
		has_word "$SKIP" "$ITEM" && continue
		"item_$(say "$ITEM" | tr - _)"
	done
	if [ -n "$IS_JSON" ]; then
		printf '\n], "ok": %d, "warn": %d, ' $COUNT_OK $COUNT_WARN
		printf '"bad": %d, "unknown": %d}\n' $COUNT_BAD $COUNT_UNKNOWN
	else
		printf '%d ok, %d warn, %d bad, %d unknown\n' \
		    $COUNT_OK $COUNT_WARN $COUNT_BAD $COUNT_UNKNOWN
	fi
	[ $COUNT_BAD -eq 0 ] || return 1
	[ -z "$IS_STRICT" ] || [ $COUNT_WARN -eq 0 ] || return 1
	# Asked for in vain; what --root cannot show is no fault.
	[ -n "$ROOT" ] || [ -n "$SERVER" ] || [ $COUNT_UNKNOWN -eq 0 ] ||
		return 3
}
