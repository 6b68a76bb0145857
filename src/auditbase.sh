#!/bin/sh
# docker-socket-protector-audit(8): what protects the Docker socket of this
# host, what does not, and the remedy; and the remedies themselves, which can
# be undone.  Made of src/audit*.sh, in the order of the Makefile.
#
# Here: words that all of it uses.  Text from outside is shown with every byte
# that is not printable ASCII as \xNN, on terminals and in JSON alike.

set -u
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
# What would make the docker command ask somebody else.
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY \
    DOCKER_CERT_PATH DOCKER_API_VERSION DOCKER_DEFAULT_PLATFORM

NAME=docker-socket-protector-audit
SERVICE=docker-socket-protector
VERSION='@VERSION@'
SBINDIR='@sbindir@'
SYSCONFDIR='@sysconfdir@'
LOCALSTATEDIR='@localstatedir@'
PKGDATADIR='@pkgdatadir@'

TAB=$(printf '\t')
NEWLINE='
'

ROOT=
SOCKET=/var/run/docker.sock
DAEMON_JSON=
CONFIG=
PROGRAM=
GROUP=$SERVICE
PLUGIN=$SERVICE
ONLY=
SKIP=
IS_JSON=
IS_STRICT=
IS_YES=
IS_FORCED=
WANTS_REPAIR=
PARTS=

WORK=

say() {
	printf '%s\n' "$*"
}

complain() {
	printf '%s: %s\n' "$NAME" "$(shown "$*")" >&2
}

# die CODE TEXT
die() {
	dsp_code=$1
	shift
	complain "$*"
	exit "$dsp_code"
}

usage_error() {
	complain "$1"
	complain "see: $NAME --help"
	exit 2
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# shown TEXT: printable, without a line end.
shown() {
	case $1 in
	*[!\ -~]*)
		printf '%s' "$1" | od -An -v -tx1 | awk '
		BEGIN {
			for (i = 32; i < 127; i++)
				plain[sprintf("%02x", i)] = sprintf("%c", i)
		}
		{
			for (i = 1; i <= NF; i++)
				printf "%s", ($i in plain) ? plain[$i] : \
				    "\\x" $i
		}' ;;
	*)
		printf '%s' "$1" ;;
	esac
}

# quoted TEXT: as a string of JSON.
quoted() {
	printf '"%s"' "$(shown "$1" | sed 's/[\\"]/\\&/g')"
}

# has_word LIST WORD: the list is separated by blanks or commas.
has_word() {
	case " $(printf '%s' "$1" | tr ',\n' '  ') " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# Lines as one line.
in_one_line() {
	awk '{ printf "%s%s", sep, $0; sep = ", " }'
}

make_work() {
	umask 077
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/$NAME.XXXXXX") ||
		die 3 'cannot make a temporary directory'
	mkdir "$WORK/docker"
	trap 'rm -rf "$WORK"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' HUP TERM
}

# -- dockerd ----------------------------------------------------------------

# docker CLI, on the socket that is looked at, without the user's settings.
# A daemon that hangs (as with a plugin that is not there) is given up.
dk() {
	if have timeout; then
		DOCKER_CONFIG=$WORK/docker timeout 30 \
		    docker -H "unix://$SOCKET" "$@"
	else
		DOCKER_CONFIG=$WORK/docker docker -H "unix://$SOCKET" "$@"
	fi
}

# The process that listens on the socket, which is named as dockerd or we wrote
# it; nothing when there is none.
dockerd_pid() {
	for dsp_comm in /proc/[0-9]*/comm; do
		dsp_of=
		{ read -r dsp_of <"$dsp_comm"; } 2>/dev/null
		[ "$dsp_of" = dockerd ] || continue
		dsp_of=${dsp_comm%/comm}
		dsp_inode=$(awk -v a="$SOCKET" -v b="$REAL" -v c="/var$REAL" '
		    $4 == "00010000" && ($8 == a || $8 == b || $8 == c) {
			printf "%s|", $7
		    }' "$dsp_of/net/unix" 2>/dev/null)
		[ -n "$dsp_inode" ] || continue
		# shellcheck disable=SC2010,SC2012 # of descriptors
		if ls -l "$dsp_of/fd" 2>/dev/null |
		    grep -Eq "socket:\[(${dsp_inode%|})\]"; then
			say "${dsp_of#/proc/}"
			return 0
		fi
	done
	return 1
}

# The arguments of dockerd, one a line: of the process, else of the unit and of
# what Debian's init script reads.
dockerd_args() {
	if [ -n "$DOCKERD" ]; then
		tr '\0' '\n' <"/proc/$DOCKERD/cmdline" 2>/dev/null
		return
	fi
	{
		unit_value docker.service ExecStart ''
		sed -n 's/^ *DOCKER_OPTS=//p' "$ROOT/etc/default/docker" \
		    2>/dev/null
	} | tr -s ' "\047\t' '\n'
}

# flag LETTER NAME: the values of a flag of dockerd, one a line.
flag() {
	dockerd_args | awk -v short="-$1" -v long="--$2" '
	is_next { print; is_next = 0; next }
	$0 == short || $0 == long { is_next = 1; next }
	index($0, long "=") == 1 { print substr($0, length(long) + 2); next }
	short != "--" && index($0, short) == 1 && !/^--/ {
		sub(/^=/, "", $0)
		print substr($0, 3)
	}'
}

# switch NAME: is a boolean of dockerd on, by flag or daemon.json?
switch() {
	dockerd_args | awk -v long="--$1" '
	$0 == long || $0 == long "=true" || $0 == long "=1" { found = 1 }
	END { exit !found }' && return 0
	[ "$(json_get "$DAEMON_JSON" "$1")" = true ]
}

# -- users and units ---------------------------------------------------------

# database passwd|group
database() {
	if [ -z "$ROOT" ] && have getent; then
		getent "$1"
	else
		cat "$ROOT/etc/$1" 2>/dev/null
	fi
}

# The number of a group, or nothing.
gid_of() {
	database group | awk -F: -v name="$1" '
	    $1 == name { print $3; exit }'
}

# gid -> name, or the number.
group_named() {
	database group | awk -F: -v gid="$1" '
	    $3 == gid { print $1; found = 1; exit }
	    END { if (!found) print gid }'
}

# members GID: users in the group, by its list (of all its names) and by their
# own primary group; one a line.  Root is root anyway.
members() {
	{
		database passwd | sed 's/^/p:/'
		database group | sed 's/^/g:/'
	} | awk -F: -v gid="$1" '
	$1 == "p" && $4 == 0 { root[$2] = 1 }
	$1 == "p" && $5 == gid { add($2) }
	$1 == "g" && $4 == gid {
		n = split($5, names, ",")
		for (i = 1; i <= n; i++)
			add(names[i])
	}
	function add(name) {
		if (name != "" && !(name in root) && !seen[name]++)
			print name
	}'
}

UNIT_DIRS='/etc/systemd/system /run/systemd/system
/usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system'

# The file of a unit that counts, or nothing.
unit_file() {
	for dsp_dir in $UNIT_DIRS; do
		[ -e "$ROOT$dsp_dir/$1" ] || continue
		[ -s "$ROOT$dsp_dir/$1" ] && say "$ROOT$dsp_dir/$1"
		return 0
	done
	return 1
}

# A unit and its drop-ins, in the order in which systemd reads them.
unit_text() {
	dsp_file=$(unit_file "$1") || return 1
	[ -n "$dsp_file" ] && cat "$dsp_file"
	for dsp_dir in $UNIT_DIRS; do
		for dsp_file in "$ROOT$dsp_dir/$1.d"/*.conf; do
			[ -e "$dsp_file" ] &&
				say "${dsp_file##*/}$TAB$dsp_file"
		done
	done | awk -F '\t' '!seen[$1]++' | sort | cut -f 2 |
	while IFS= read -r dsp_file; do
		say ''
		cat "$dsp_file"
	done
}

# unit_value UNIT KEY DEFAULT
unit_value() {
	unit_text "$1" | awk -v key="$2" -v value="$3" '
	index($0, key "=") == 1 { value = substr($0, length(key) + 2) }
	END { print value }'
}
