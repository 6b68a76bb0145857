# What acts on the host, all of it in host(): with systemd or without.

PROBE=docker-socket-protector-audit-probe

has_systemd() {
	[ -d /run/systemd/system ] && have systemctl
}

# host WORD [ARGUMENT]
host() {
	case $1 in
	reload-units)
		! has_systemd || systemctl daemon-reload ;;
	start)
		service_do start "$2" ;;
	stop)
		# One that never started is no reason to stop here.
		service_do stop "$2" || complain "cannot stop $2" ;;
	reload-dockerd)
		reload_dockerd ;;
	release-dockerd)
		release_dockerd "$2" ;;
	load-rules)
		load_rules "$2" ;;
	unload-rules)
		unload_rules ;;
	esac
}

# service_do start|stop UNIT
service_do() {
	if has_systemd; then
		systemctl "$1" "$2"
	elif have rc-service; then
		rc-service "${2%.service}" "$1"
	else
		service "${2%.service}" "$1"
	fi
}

# dockerd reads daemon.json again.  With systemd by its unit, when that is the
# dockerd that we mean.
reload_dockerd() {
	DOCKERD=$(dockerd_pid) || return 0
	if has_systemd && [ "$(systemctl show -p MainPID --value \
	    docker.service 2>/dev/null)" = "$DOCKERD" ]; then
		systemctl reload docker.service
	else
		kill -HUP "$DOCKERD"
	fi
}

# is_denied PLUGIN: does the plugin deny any of some requests?  They are about
# what is not there: without a plugin they change nothing either.
is_denied() {
	for dsp_try in start kill rm rmi 'volume rm' \
	    'inspect --type container'; do
		# They are words.
		# shellcheck disable=SC2086
		dk $dsp_try "$PROBE" >"$WORK/try" 2>&1 </dev/null
		grep -qF "authorization denied by plugin $1" "$WORK/try" &&
			return 0
		# dockerd waits long for a plugin that is not there.
		! grep -qF 'failed with error: AuthZPlugin' "$WORK/try" ||
			return 1
	done
	return 1
}

# Any answer will do: it runs.
dockerd_answers() {
	DOCKERD=$(dockerd_pid) || return 1
	dk inspect --type container "$PROBE" >"$WORK/answer" 2>&1 </dev/null
	grep -Eqi 'no such container|denied by plugin' "$WORK/answer"
}

# tries SECONDS COMMAND...: until it succeeds.
tries() {
	dsp_until=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$dsp_until" ] || return 1
		sleep 0.2
	done
}

is_enforced() {
	dockerd_answers && is_denied "$1"
}

is_free() {
	dockerd_answers && ! is_denied "$1"
}

# Back without the plugin: proven before the plugin may be stopped.
release_dockerd() {
	dockerd_pid >/dev/null || {
		say 'dockerd does not run: nothing to reload'
		return 0
	}
	reload_dockerd && tries 5 is_free "$1" && return 0
	complain "dockerd still asks plugin $1, which is left running"
	return 1
}

# -- a plugin ----------------------------------------------------------------

# Its socket, where dockerd looks for it.
plugin_socket() {
	if [ -S "/run/docker/plugins/$1.sock" ]; then
		say "/run/docker/plugins/$1.sock"
		return 0
	fi
	for dsp_dir in /etc/docker/plugins /usr/lib/docker/plugins; do
		if [ -f "$dsp_dir/$1.spec" ]; then
			sed -n 's,^unix://,,p' "$dsp_dir/$1.spec"
			return 0
		fi
	done
	return 1
}

# post SOCKET PATH: what is answered.
post() {
	if have curl; then
		curl -s -m 5 --unix-socket "$1" -d '' \
		    -H 'Content-Type: application/json' "http://plugin$2"
		return
	fi
	{
		printf 'POST %s HTTP/1.1\r\nHost: plugin\r\n' "$2"
		printf 'Content-Length: 0\r\nConnection: close\r\n\r\n'
	} >"$WORK/request"
	if have socat; then
		socat -t 5 - "UNIX-CONNECT:$1" <"$WORK/request"
	elif have nc; then
		nc -w 5 -U "$1" <"$WORK/request"
	else
		complain 'curl, socat or nc is needed to ask a plugin'
		return 1
	fi
}

# Does it say that it is an authorization plugin?  dockerd must see the socket,
# too: it may run in a file system of its own.
plugin_activates() {
	dsp_plugin=$(plugin_socket "$1") || return 1
	[ -S "/proc/${DOCKERD:-self}/root$dsp_plugin" ] || return 1
	post "$dsp_plugin" /Plugin.Activate | grep -q '"authz"'
}

# -- audit rules ---------------------------------------------------------------

load_rules() {
	if have augenrules && [ -d /etc/audit/rules.d ]; then
		augenrules --load >/dev/null
	else
		auditctl -R "$1" >/dev/null
	fi
}

# Rules that are gone from the files go from the kernel.
unload_rules() {
	have auditctl || return 0
	sed -n 's/^[ \t]*-[aA]/-d/p' "$PKGDATADIR/audit/$SERVICE.rules" \
	    >"$WORK/rules"
	auditctl -R "$WORK/rules" >/dev/null 2>&1
	! have augenrules || augenrules --load >/dev/null 2>&1
	return 0
}
