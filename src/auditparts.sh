# The parts of --apply: remedies.

parts() {
	cat <<-'END'
	socket mode and group of the Docker socket, also when it is made anew
	drift says so when they change, and repairs them if asked
	audit-rules the kernel's audit log sees who connects
	authz dockerd asks our plugin about every request
	END
}

# Said before anything is done, for --yes as well.
apply() {
	for dsp_part in $PARTS; do
		say "== $dsp_part"
		BEFORE=$(entries | tail -n 1)
		"part_$(say "$dsp_part" | tr - _)" && continue
		[ -n "$IS_YES" ] || return 1
		complain 'that failed; what was done is undone'
		undo "$BEFORE"
		[ -z "$SERVER" ] || dockerd_answers ||
			host start docker.service
		return 1
	done
	[ -n "$IS_YES" ] || say 'nothing was done; --yes does it'
}

# edit_daemon_json string|list KEY VALUE: put_file it.
edit_daemon_json() {
	if ! json_edit "$DAEMON_JSON" "$@" >"$WORK/daemon.json"; then
		dsp_line="\"$2\": \"$3\""
		[ "$1" = string ] || dsp_line="\"$2\": [\"$3\"]"
		complain "$DAEMON_JSON is not understood; add by hand:" \
		    "$dsp_line"
		return 1
	fi
	is_valid_config "$WORK/daemon.json" && put_file "$DAEMON_JSON" \
	    "$WORK/daemon.json"
}

# By dockerd itself, where it knows how, and is the one that will read it.
is_valid_config() {
	[ -n "$DOCKERD" ] || return 0
	"/proc/$DOCKERD/exe" --help 2>/dev/null |
	    grep -q -- '--validate' || return 0
	"/proc/$DOCKERD/exe" --validate --config-file "$1" \
	    >"$WORK/validate" 2>&1 && return 0
	complain "dockerd does not take it: $(tail -n 1 "$WORK/validate")"
	return 1
}

# dockerd does not start when something is said by flag and in daemon.json.
no_flag() {
	[ -n "$(flag "$1" "$2")" ] || return 0
	complain "dockerd is started with --$2: change it there;" \
	    "the same in $DAEMON_JSON would keep dockerd from starting"
	return 1
}

# -- socket ----------------------------------------------------------------

part_socket() {
	dsp_gid=$(gid_of "$GROUP")
	if [ -z "$dsp_gid" ]; then
		complain "there is no group $GROUP: groupadd --system $GROUP"
		return 1
	fi
	if is_activated; then
		cat >"$WORK/drop-in" <<-END
		# By $NAME --apply socket.
		[Socket]
		SocketMode=0660
		SocketUser=root
		SocketGroup=$GROUP
		END
		act reload-units
		put_file "$ROOT/etc/systemd/system/docker.socket.d/$NAME.conf" \
		    "$WORK/drop-in" || return 1
		act '' reload-units || return 1
	else
		no_flag G group || return 1
		edit_daemon_json string group "$GROUP" || return 1
	fi
	# The socket that is there now; who is connected stays so.
	[ -n "$ROOT" ] || [ ! -S "$REAL" ] || put_perm "$REAL" 660 0 "$dsp_gid"
}

# -- drift -----------------------------------------------------------------

# enable_unit UNIT: as systemctl does, by the WantedBy= of the unit.
enable_unit() {
	dsp_unit=$(unit_file "$1")
	if [ -z "$dsp_unit" ]; then
		complain "$1 is not installed"
		return 1
	fi
	for dsp_target in $(unit_value "$1" WantedBy multi-user.target); do
		put_link "$ROOT/etc/systemd/system/$dsp_target.wants/$1" \
		    "${dsp_unit#"$ROOT"}" || return 1
	done
}

part_drift() {
	if [ -n "$WANTS_REPAIR" ]; then
		say 'DRIFT=--repair' >"$WORK/drift.env"
		put_file "$ROOT$SYSCONFDIR/$SERVICE/drift.env" \
		    "$WORK/drift.env" || return 1
	fi
	if [ -n "$(unit_file "$SERVICE-drift.path")" ]; then
		act reload-units
		enable_unit "$SERVICE-drift.path" || return 1
		act '' reload-units || return 1
		act "stop $SERVICE-drift.path" start "$SERVICE-drift.path"
	elif [ -d "$ROOT/etc/cron.d" ]; then
		say "* * * * * root $SBINDIR/$NAME --only socket-drift" \
		    "$WANTS_REPAIR >/dev/null" >"$WORK/cron"
		put_file "$ROOT/etc/cron.d/$SERVICE-drift" "$WORK/cron"
	else
		complain "there is neither $SERVICE-drift.path nor /etc/cron.d"
		return 1
	fi
}

# -- audit-rules -------------------------------------------------------------

part_audit_rules() {
	dsp_rules=$PKGDATADIR/audit/$SERVICE.rules
	[ -s "$ROOT$dsp_rules" ] || [ -z "$ROOT" ] || dsp_rules=$ROOT$dsp_rules
	[ -s "$dsp_rules" ] || dsp_rules=$ROOT$PKGDATADIR/audit/$SERVICE.rules
	if [ ! -s "$dsp_rules" ]; then
		complain "there is no $dsp_rules"
		return 1
	fi
	act unload-rules
	put_file "$ROOT/etc/audit/rules.d/$SERVICE.rules" "$dsp_rules" ||
		return 1
	if have auditctl || [ -n "$ROOT" ]; then
		act '' load-rules "/etc/audit/rules.d/$SERVICE.rules"
	else
		say 'there is no auditctl: they are loaded when auditd is there'
	fi
}

# -- authz -----------------------------------------------------------------

# The plugin first, then daemon.json, then the proof; dockerd ends when it is
# told of a plugin that is not there.  It goes on with the old settings when
# daemon.json is missing or empty, so the way back needs one that is not.
part_authz() {
	no_flag -- authorization-plugin || return 1
	json_edit "$DAEMON_JSON" list authorization-plugins "$PLUGIN" \
	    >/dev/null || {
		edit_daemon_json list authorization-plugins "$PLUGIN"
		return 1
	}
	if [ -n "$ROOT" ]; then
		enable_unit "$SERVICE-authz.service" || return 1
		edit_daemon_json list authorization-plugins "$PLUGIN"
		return
	fi
	if [ -z "$SERVER" ]; then
		complain "dockerd does not answer: $SERVER_ERROR"
		return 1
	fi
	start_plugin || return 1
	if [ -n "$IS_YES" ] && ! grep -q '[^[:space:]]' "$DAEMON_JSON" \
	    2>/dev/null; then
		say '{}' >"$WORK/empty.json"
		put_file "$DAEMON_JSON" "$WORK/empty.json" || return 1
	fi
	act "release-dockerd $PLUGIN"
	edit_daemon_json list authorization-plugins "$PLUGIN" || return 1
	act '' reload-dockerd || return 1
	[ -z "$IS_YES" ] || prove "$PLUGIN"
}

start_plugin() {
	if [ -n "$(unit_file "$SERVICE-authz.service")" ]; then
		act reload-units
		enable_unit "$SERVICE-authz.service" || return 1
		act '' reload-units || return 1
	fi
	if plugin_activates "$PLUGIN"; then
		say "plugin $PLUGIN answers"
		return 0
	fi
	act "stop $SERVICE-authz.service" start "$SERVICE-authz.service" || {
		complain "$SERVICE-authz.service does not start:" \
		    "is there a profile in $SYSCONFDIR/$SERVICE/authz.conf?"
		return 1
	}
	[ -n "$IS_YES" ] || return 0
	tries 3 plugin_activates "$PLUGIN" && return 0
	complain "plugin $PLUGIN does not answer; dockerd is left as it is"
	return 1
}

prove() {
	if tries 3 is_enforced "$1"; then
		say "dockerd asks plugin $1, which was seen to deny"
		return 0
	fi
	if ! dockerd_answers; then
		complain 'dockerd does not answer any more'
	else
		complain "plugin $1 denies none of our requests:" \
		    'it is not proven that dockerd asks it'
	fi
	return 1
}
