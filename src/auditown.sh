# Items about the kernel's audit, and about docker-socket-protector itself.

# Rules for the socket by its real path; the kernel does not resolve others.
audit_rules() {
	if [ -n "$ROOT" ]; then
		cat "$ROOT"/etc/audit/rules.d/*.rules \
		    "$ROOT/etc/audit/audit.rules" 2>/dev/null
	else
		auditctl -l 2>"$WORK/auditctl"
	fi
}

item_audit_rules() {
	if [ -z "$ROOT" ] && ! have auditctl; then
		verdict warn "there is no auditctl: who connects is written \
nowhere by the kernel" "install auditd, then $NAME --apply audit-rules"
		return 0
	fi
	audit_rules | grep -v '^#' >"$WORK/rules"
	if grep -- '-S' "$WORK/rules" | grep -E '(-S |,)connect' |
	    grep -qE -- "-F path=$REAL( |\$)"; then
		verdict ok "there is a rule for connect to $REAL; io_uring and \
connections that are handed on are not seen"
	elif grep -qE -- "-w [^ ]*${REAL##*/}|path=[^ ]*${REAL##*/}" \
	    "$WORK/rules"; then
		verdict bad "the rules for ${REAL##*/} do not see who connects:\
 that is no read or write, and the path must be $REAL" \
		    "$NAME --apply audit-rules"
	elif [ -s "$WORK/auditctl" ] && [ -z "$ROOT" ]; then
		verdict unknown "auditctl: $(head -n 1 "$WORK/auditctl")"
	else
		verdict warn 'no rule sees who connects to the socket' \
		    "$NAME --apply audit-rules"
	fi
}

# ours WORD: docker-socket-protector with its configuration.
ours() {
	if [ -n "$CONFIG" ]; then
		"$PROGRAM" --config "$CONFIG" "$@" 2>&1 </dev/null
	else
		"$PROGRAM" "$@" 2>&1 </dev/null
	fi
}

need_program() {
	need_host || return 1
	[ ! -x "$PROGRAM" ] || return 0
	verdict unknown "there is no program $PROGRAM" \
	    'install it, or name it with --program'
	return 1
}

item_proxy() {
	need_program || return 0
	if ours --healthcheck >"$WORK/health"; then
		ours --status >"$WORK/status" || :
		verdict ok "it serves, and dockerd answers it; $(grep -c \
		    '^worker' "$WORK/status") workers"
	else
		verdict warn "$(head -n 1 "$WORK/health" | sed 's/^error //')" \
		    "start it: systemctl enable --now $SERVICE"
	fi
}

item_profile_risks() {
	need_program || return 0
	if ! ours --test >"$WORK/test"; then
		verdict warn "$(head -n 1 "$WORK/test" | sed 's/^error //')" \
		    "$SERVICE --test says all that is wrong"
		return 0
	fi
	dsp_root=$(risks host-root)
	dsp_host=$(risks writes-host)
	if [ -n "$dsp_root" ]; then
		verdict bad "root on the host by: $dsp_root" \
		    'take a smaller profile, where the client can do with one'
	elif [ -n "$dsp_host" ]; then
		verdict warn "writes to the host by: $dsp_host" \
		    'take a smaller profile, where the client can do with one'
	else
		dsp_names=$(sed -n 's/^profile \(.*\) opens:$/\1/p' \
		    "$WORK/test" | in_one_line)
		verdict ok "nothing that is root on the host: $dsp_names"
	fi
}

# risks CLASS: what --test says of it, with the name of the profile.
risks() {
	awk -v class="$1" '
	/^profile .* opens:$/ { profile = $2 }
	$1 == class { sub(/^ *[a-z-]+ */, ""); print profile ": " $0 }
	' "$WORK/test" | in_one_line
}
