# Items about who else may ask dockerd: TCP, and the plugins that judge it.

# decoded: addresses and ports of /proc/net/tcp, and of tcp6 where that matters.
decoded() {
	awk '
	BEGIN {
		for (i = 0; i < 16; i++)
			digit[sprintf("%X", i)] = i
	}
	function byte(text, at) {
		return digit[substr(text, at, 1)] * 16 + \
		    digit[substr(text, at + 1, 1)]
	}
	function v4(text) {
		return byte(text, 7) "." byte(text, 5) "." byte(text, 3) "." \
		    byte(text, 1)
	}
	function v6(text,    i, out, at) {
		for (i = 0; i < 8; i++) {
			at = int(i / 2) * 8 + (i % 2 ? 3 : 7)
			out = out (i ? ":" : "") sprintf("%x", \
			    byte(text, at) * 256 + byte(text, at - 2))
		}
		return "[" out "]"
	}
	{
		split($1, part, ":")
		port = byte(part[2], 1) * 256 + byte(part[2], 3)
		if (length(part[1]) == 8)
			print v4(part[1]) ":" port
		else if (part[1] ~ /^0*$/)
			print "*:" port
		else
			print v6(part[1]) ":" port
	}'
}

# Where dockerd listens on TCP, as the kernel says; not what Swarm has.
tcp_listeners() {
	# shellcheck disable=SC2012 # of descriptors
	ls -l "/proc/$DOCKERD/fd" 2>/dev/null |
	    sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' >"$WORK/inodes"
	for dsp_file in tcp tcp6; do
		awk -v inodes="$WORK/inodes" '
		BEGIN {
			while ((getline inode <inodes) > 0)
				ours[inode] = 1
		}
		$4 == "0A" && $10 in ours { print $2 }
		' "/proc/$DOCKERD/net/$dsp_file" 2>/dev/null
	done | decoded | grep -Ev ':(2377|7946)$' | sort -u
}

# asks ADDRESS [FLAG]: does the API answer there, to nobody in particular?
asks() {
	dsp_to=$1
	case $1 in
	'*':* | 0.0.0.0:*) dsp_to=127.0.0.1:${1##*:} ;;
	esac
	shift
	# shellcheck disable=SC2086
	DOCKER_CONFIG=$WORK/docker timeout 5 docker -H "tcp://$dsp_to" "$@" \
	    version --format '{{.Server.Version}}' 2>"$WORK/tcp" </dev/null |
	    grep -q . || grep -q 'denied by plugin' "$WORK/tcp"
}

item_tcp() {
	if [ -n "$ROOT" ]; then
		tcp_configured
		return 0
	fi
	if [ -z "$DOCKERD" ]; then
		verdict unknown 'the process of dockerd is not found here'
		return 0
	fi
	dsp_open=
	dsp_shut=
	for dsp_at in $(tcp_listeners); do
		if asks "$dsp_at" || asks "$dsp_at" --tls; then
			dsp_open="$dsp_open $dsp_at"
		else
			dsp_shut="$dsp_shut $dsp_at"
		fi
	done
	if [ -n "$dsp_open" ]; then
		verdict bad "whoever reaches it is root, for it answers \
without a certificate:$dsp_open" "take it out of -H and \"hosts\", or set \
tlsverify; for containers: docker-socket-protector --listen tcp://..."
	elif [ -n "$dsp_shut" ] && switch tlsverify; then
		verdict ok "TCP with a certificate only (tlsverify):$dsp_shut"
	elif [ -n "$dsp_shut" ]; then
		verdict warn "no tlsverify, and no answer to us:$dsp_shut" \
		    'find out what listens there'
	else
		verdict ok 'dockerd does not listen on TCP'
	fi
}

# By the words of the configuration alone.
tcp_configured() {
	dsp_tcp=$({
		flag H host
		json_get "$DAEMON_JSON" hosts
		unit_value docker.socket ListenStream '' | grep -v '^/'
	} | grep -v -e '^unix:' -e '^fd:' -e '^$' | in_one_line)
	if [ -z "$dsp_tcp" ]; then
		verdict ok 'dockerd is not told to listen on TCP'
	elif switch tlsverify; then
		verdict ok "TCP with a certificate only (tlsverify): $dsp_tcp"
	else
		verdict bad "TCP without tlsverify: $dsp_tcp" \
		    'take it out of -H and "hosts", or set tlsverify'
	fi
}

# By flags and daemon.json, one in a word.
plugins_configured() {
	{
		flag -- authorization-plugin
		json_get "$DAEMON_JSON" authorization-plugins
	} | tr '\n' ' ' | sed 's/ *$//'
}

# "docker info" names the plugins that dockerd was started with, whatever it was
# told since; so what counts is a request that is denied.
item_authz() {
	dsp_plugins=$(plugins_configured)
	if [ -n "$ROOT" ] && [ -n "$dsp_plugins" ]; then
		verdict ok "configured: $dsp_plugins; if it denies anything is \
not seen in files"
		return 0
	fi
	if [ -n "$ROOT" ]; then
		verdict warn 'none: who may connect may do everything' \
		    "$NAME --apply authz"
		return 0
	fi
	need_dockerd || return 0
	ask_info
	dsp_denies=
	for dsp_plugin in $dsp_plugins $LOADED; do
		has_word "$dsp_denies" "$dsp_plugin" && continue
		is_denied "$dsp_plugin" && dsp_denies="$dsp_denies $dsp_plugin"
	done
	if [ -n "$dsp_denies" ]; then
		verdict ok "seen to deny one of our requests:$dsp_denies"
	elif [ -n "$LOADED" ] && [ -z "$dsp_plugins" ]; then
		verdict bad "docker info names $LOADED, with which dockerd was \
started, but no configuration does, and nothing was denied: it is not asked \
any more" \
		    "$NAME --apply authz, or restart dockerd"
	elif [ -n "$dsp_plugins" ]; then
		verdict warn "$dsp_plugins denied none of our requests: it \
allows much, or is not asked" 'look at its policy; reload dockerd'
	else
		verdict warn 'none: who may connect may do everything' \
		    "$NAME --apply authz"
	fi
}
