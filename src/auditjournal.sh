# The journal: what was there before each change, written down before the
# change is made.  An entry appears by a rename, and goes by one, so that after
# a kill between any two steps it is either there or not; undoing an entry
# twice does no harm.
#
#	JOURNAL/NNN/kind	file, link, dir, perm or act
#	JOURNAL/NNN/path	of what; for act, how to undo it
#	JOURNAL/NNN/old		a copy with mode, owner and times; none when
#				there was nothing
#	JOURNAL/NNN/new		what it is to be
#	JOURNAL/NNN/parent	has the times of the directory that it is in

JOURNAL=
# What a new file is called until it is moved to its place.
FRESH=.$NAME.new

journal_dir() {
	JOURNAL=$ROOT$LOCALSTATEDIR/lib/$SERVICE/audit
}

# What says that we made the journal: a directory in the one above the first
# that was missing.  Its name holds the time of that one: a single mkdir, so
# that the time is never lost.
journal_mark() {
	dsp_dir=$JOURNAL
	while [ -n "$dsp_dir" ] && [ "$dsp_dir" != "$ROOT" ]; do
		dsp_dir=${dsp_dir%/*}
		for dsp_mark in "$dsp_dir/.$NAME "*; do
			[ ! -d "$dsp_mark" ] || return 0
		done
	done
	return 1
}

journal_open() {
	[ ! -d "$JOURNAL" ] || return 0
	dsp_top=${JOURNAL%/*}
	while [ ! -d "$dsp_top/" ]; do
		dsp_top=${dsp_top%/*}
	done
	journal_mark || mkdir "$dsp_top/.$NAME $(TZ=UTC0 stat -c %y \
	    "$dsp_top/")" ||
		die 1 "cannot write to $dsp_top"
	(umask 022 && mkdir -p "${JOURNAL%/*}") || die 1 "cannot make $JOURNAL"
	mkdir -m 700 "$JOURNAL" || die 1 "cannot make $JOURNAL"
}

# With the last entry all goes that was made for the journal, times included.
journal_close() {
	rm -rf "$JOURNAL"/*.new "$JOURNAL"/*.gone
	[ ! -d "$JOURNAL" ] || rmdir "$JOURNAL" || return 1
	journal_mark || return 0
	dsp_made=${JOURNAL%/*}
	while [ "$dsp_made" != "$dsp_dir" ]; do
		[ ! -d "$dsp_made" ] || rmdir "$dsp_made" || return 1
		dsp_made=${dsp_made%/*}
	done
	dsp_time=${dsp_mark##*/".$NAME "}
	rmdir "$dsp_mark" || return 1
	# Not all know of parts of a second.
	touch -d "$dsp_time" "$dsp_dir/" 2>/dev/null ||
		TZ=UTC0 touch -d "${dsp_time%%.*}" "$dsp_dir/"
}

# Entries, the oldest first.
entries() {
	for dsp_entry in "$JOURNAL"/[0-9]*; do
		case $dsp_entry in
		*.new | *.gone) ;;
		*) [ ! -d "$dsp_entry" ] || say "$dsp_entry" ;;
		esac
	done
}

# entry_begin KIND PATH: the directory of a new one, not there yet.
entry_begin() {
	journal_open
	dsp_last=$(entries | tail -n 1)
	dsp_last=${dsp_last##*/}
	# A leading zero would make it octal.
	dsp_last=${dsp_last#"${dsp_last%%[!0]*}"}
	ENTRY=$JOURNAL/$(printf '%04d' $((${dsp_last:-0} + 1)))
	rm -rf "$ENTRY.new"
	mkdir "$ENTRY.new" || die 1 "cannot write to $JOURNAL"
	say "$1" >"$ENTRY.new/kind"
	say "$2" >"$ENTRY.new/path"
	case $1 in
	file | link | dir) touch -r "${2%/*}/" "$ENTRY.new/parent" ;;
	esac
}

entry_end() {
	mv "$ENTRY.new" "$ENTRY" || die 1 "cannot write to $JOURNAL"
}

entry_drop() {
	mv "$1" "$1.gone" && rm -rf "$1.gone"
}

# -- making changes: said only, without --yes ---------------------------------

# put_dir DIR
put_dir() {
	[ ! -d "$1" ] || return 0
	case $1 in
	*/*/*) put_dir "${1%/*}" || return 1 ;;
	esac
	if [ -z "$IS_YES" ]; then
		say "would make directory $(shown "$1")"
		return 0
	fi
	entry_begin dir "$1"
	entry_end
	mkdir -m 755 "$1"
}

# put_file PATH TEXT: the whole new text, in a file.
put_file() {
	dsp_path=$1
	[ ! -L "$dsp_path" ] || dsp_path=$(readlink -f "$1")
	if [ -e "$dsp_path" ] && cmp -s "$dsp_path" "$2"; then
		say "$(shown "$1"): nothing to change"
		return 0
	fi
	if [ -z "$IS_YES" ]; then
		dsp_from=$dsp_path
		[ -e "$dsp_path" ] || dsp_from=/dev/null
		diff -u "$dsp_from" "$2" | sed "2s|^+++ .*|+++ $dsp_path|"
		return 0
	fi
	put_dir "${dsp_path%/*}" || return 1
	entry_begin file "$dsp_path"
	keep_both "$2" || die 1 "cannot write to $JOURNAL"
	entry_end
	place_new || {
		complain "cannot write $dsp_path"
		return 1
	}
	say "changed $(shown "$dsp_path")"
}

# keep_both TEXT: what is there, and what is to be there.
keep_both() {
	if [ -e "$dsp_path" ]; then
		cp -a "$dsp_path" "$ENTRY.new/old" &&
			touch -r "$dsp_path" "$ENTRY.new/old" &&
			cp -a "$dsp_path" "$ENTRY.new/new" &&
			cat "$1" >"$ENTRY.new/new"
	else
		cp "$1" "$ENTRY.new/new" && chmod 644 "$ENTRY.new/new"
	fi
}

# Labels of a new file are those of its directory.
place_new() {
	if [ -e "$dsp_path" ]; then
		cp -a "$ENTRY/new" "$dsp_path$FRESH" || return 1
	else
		cp "$ENTRY/new" "$dsp_path$FRESH" &&
			chmod 644 "$dsp_path$FRESH" || return 1
	fi
	mv -f "$dsp_path$FRESH" "$dsp_path"
}

# put_link PATH TARGET
put_link() {
	if [ -L "$1" ] && [ "$(readlink "$1")" = "$2" ]; then
		say "$(shown "$1"): is there"
		return 0
	fi
	if [ -e "$1" ] || [ -L "$1" ]; then
		complain "$1 is there, and is another"
		return 1
	fi
	if [ -z "$IS_YES" ]; then
		say "would link $(shown "$1") to $(shown "$2")"
		return 0
	fi
	put_dir "${1%/*}" || return 1
	entry_begin link "$1"
	ln -s "$2" "$ENTRY.new/new"
	entry_end
	ln -s "$2" "$1" || return 1
	say "linked $(shown "$1")"
}

# put_perm PATH MODE UID GID: of the socket that is there now.
put_perm() {
	dsp_now=$(stat -c '%a %u %g' "$1") || return 1
	[ "$dsp_now" != "$2 $3 $4" ] || return 0
	if [ -z "$IS_YES" ]; then
		say "would change mode, owner and group of $1:" \
		    "$dsp_now -> $2 $3 $4"
		return 0
	fi
	entry_begin perm "$1"
	stat -c '%d:%i %a %u %g' "$1" >"$ENTRY.new/old"
	entry_end
	# Never wider than either of the two on the way.
	chmod 600 "$1" && chown "$3:$4" "$1" && chmod "$2" "$1" || return 1
	say "changed mode, owner and group of $1: $2 $3 $4"
}

# act UNDO [WORD [ARGUMENT]]: a command of host(), written down with how to undo
# it, another one; either may be nothing.
act() {
	dsp_undo=$1
	shift
	if [ -n "$ROOT" ] || [ -z "$IS_YES" ]; then
		[ $# -eq 0 ] || say "would do: $*"
		return 0
	fi
	# What is written down first is undone last.
	[ -z "$dsp_undo" ] || {
		entry_begin act "$dsp_undo"
		entry_end
	}
	[ $# -gt 0 ] || return 0
	say "doing: $*"
	host "$@"
}

# -- undoing them ---------------------------------------------------------

# same_meta A B
same_meta() {
	[ "$(stat -c '%a %u %g' "$1")" = "$(stat -c '%a %u %g' "$2")" ]
}

# is_as ENTRY PATH: is the file as it was before the entry, or after it?
is_as() {
	if [ ! -e "$2" ]; then
		[ ! -e "$1/old" ]
		return
	fi
	for dsp_copy in "$1/old" "$1/new"; do
		[ -e "$dsp_copy" ] && cmp -s "$dsp_copy" "$2" &&
			same_meta "$dsp_copy" "$2" && return 0
	done
	return 1
}

# The files that are neither what they were nor what we made of them.
changed_meanwhile() {
	entries | while IFS= read -r dsp_one; do
		[ "$(first_line "$dsp_one/kind")" = file ] || continue
		IFS= read -r dsp_path <"$dsp_one/path"
		dsp_known=
		for dsp_other in "$JOURNAL"/[0-9]*; do
			[ -e "$dsp_other/path" ] || continue
			IFS= read -r dsp_same <"$dsp_other/path"
			[ "$dsp_same" = "$dsp_path" ] &&
				is_as "$dsp_other" "$dsp_path" && dsp_known=yes
		done
		[ -n "$dsp_known" ] || say "$dsp_path"
	done | sort -u
}

first_line() {
	IFS= read -r dsp_first <"$1"
	printf '%s' "$dsp_first"
}

undo_file() {
	rm -f "$2$FRESH"
	if [ -e "$1/old" ]; then
		cp -a "$1/old" "$2$FRESH" && touch -r "$1/old" "$2$FRESH" &&
			mv -f "$2$FRESH" "$2"
	elif [ -e "$2" ]; then
		rm -f "$2"
	fi || return 1
	touch -r "$1/parent" "${2%/*}/"
}

undo_link() {
	if [ -L "$2" ] && [ "$(readlink "$2")" = "$(readlink "$1/new")" ]; then
		rm -f "$2" || return 1
	fi
	[ ! -d "${2%/*}/" ] || touch -r "$1/parent" "${2%/*}/"
}

undo_dir() {
	if [ -d "$2" ] && ! rmdir "$2" 2>/dev/null; then
		complain "$2 is left: it has files of others"
		return 0
	fi
	[ ! -d "${2%/*}/" ] || touch -r "$1/parent" "${2%/*}/"
}

# A socket that was made anew has what dockerd or systemd gave it.
undo_perm() {
	read -r dsp_inode dsp_mode dsp_uid dsp_gid <"$1/old"
	[ "$(stat -c %d:%i "$2" 2>/dev/null)" = "$dsp_inode" ] || return 0
	chmod 600 "$2" && chown "$dsp_uid:$dsp_gid" "$2" &&
		chmod "$dsp_mode" "$2"
}

undo_act() {
	# A word and an argument.
	# shellcheck disable=SC2086
	host $2
}

# undo [ENTRY]: the newest first; those after an entry, or all.
undo() {
	entries | sort -r >"$WORK/entries"
	while IFS= read -r dsp_each; do
		[ "$dsp_each" != "${1-}" ] || break
		IFS= read -r dsp_what <"$dsp_each/path"
		IFS= read -r dsp_kind <"$dsp_each/kind"
		"undo_$dsp_kind" "$dsp_each" "$dsp_what" </dev/null || {
			complain "cannot undo: $dsp_kind $dsp_what; the rest" \
			    "is kept in $JOURNAL"
			return 1
		}
		say "undone: $dsp_kind $(shown "$dsp_what")"
		entry_drop "$dsp_each"
	done <"$WORK/entries"
	[ -n "$(entries)" ] || journal_close
}

undo_all() {
	dsp_changed=$(changed_meanwhile)
	if [ -n "$dsp_changed" ] && [ -z "$IS_FORCED" ]; then
		say "$dsp_changed" | while IFS= read -r dsp_path; do
			complain "$dsp_path was changed meanwhile"
		done
		complain 'nothing is undone; --force does it all the same'
		return 1
	fi
	if [ ! -d "$JOURNAL" ] && ! journal_mark; then
		say 'nothing to undo'
		return 0
	fi
	undo
}
