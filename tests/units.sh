#!/bin/sh
# The systemd units: systemd finds nothing wrong with them, what they leave a
# process is little, and lines that a check cannot see are there.  Each check is
# also run on a unit with a planted fault.  TAP.
set -eu
LC_ALL=C
export LC_ALL

top=${srcdir:-$(dirname "$0")/..}
build=${builddir:-.}
program=${DSP_PROGRAM:-$(cd "$build" && pwd)/docker-socket-protector}
name=docker-socket-protector

# Exposure that "systemd-analyze security" may find, in tenths.
MOST_TCP=13
MOST_UNIX=5
MOST_ALONE=4	# with users of its own, too
MOST_ROOT=18

command -v systemd-analyze >/dev/null || {
	echo '1..0 # SKIP no systemd-analyze (package systemd)'
	exit 0
}

units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
trap 'exit 1' HUP INT TERM
SYSTEMD_UNIT_PATH=$units:
export SYSTEMD_UNIT_PATH
count=0
status=0

# point NAME VIOLATIONS: one test that passes when there are none.
point() {
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		echo "$2" | sed 's/^/# /'
		status=1
	fi
}

# planted NAME VIOLATIONS PATTERN: one test that passes when it was found.
planted() {
	if echo "$2" | grep -Eq "$3"; then
		point "finds $1" ''
	else
		point "finds $1" "not found: $3"
	fi
}

# What is wrong with units, as systemd reads them.
verify() {
	for unit; do
		systemd-analyze verify --man=no "$unit" 2>&1 ||
			echo "$unit: verify failed"
	done
}

# secure UNIT MOST: nothing, or what is exposed.
secure() {
	systemd-analyze security --offline=true --no-pager --threshold="$2" \
	    "$units/$1" >"$units/exposed" 2>&1 || {
		echo "$1 is above $2 tenths"
		cat "$units/exposed"
	}
}

# lines UNIT LINE...: those that it does not have.
lines() {
	unit=$1
	shift
	for line; do
		grep -qxF "$line" "$units/$unit" || echo "$unit lacks $line"
	done
}

for unit in "$name.service" "$name@.service" "$name-authz.service" \
    "$name-drift.service"; do
	[ -s "$build/contrib/systemd/$unit" ] || {
		echo "Bail out! no $build/contrib/systemd/$unit"
		exit 1
	}
	# The program need not be installed.
	sed "s,=.*/sbin/$name\(-audit\)\{0\,1\},=$program," "$build/contrib/systemd/$unit" \
	    >"$units/$unit"
	point "$unit has no path left open" \
	    "$(grep -n '@[a-z]*dir@' "$build/contrib/systemd/$unit" || :)"
done
cp "$top/contrib/systemd/$name.socket" "$top/contrib/systemd/$name@.socket" \
    "$top/contrib/systemd/$name-drift.path" "$units"
mkdir "$units/docker.socket.d"
cp "$top/contrib/systemd/docker.socket.conf" "$units/docker.socket.d/x.conf"
printf '[Socket]\nListenStream=/run/docker.sock\nService=%s.service\n' "$name" \
    >"$units/docker.socket"

sed 's/^KillMode=/KilMode=/' "$units/$name.service" >"$units/planted.service"
planted 'a misspelt line' "$(verify planted.service)" 'Unknown key.*KilMode'
sed 's,^ExecStart=.*,ExecStart=/nonexistent,' "$units/$name.service" \
    >"$units/planted.service"
planted 'a program that is not there' "$(verify planted.service)" \
    '/nonexistent is not executable'
sed '/^CapabilityBoundingSet=/d' "$units/$name@.service" \
    >"$units/planted.service"
planted 'what is left open' "$(secure planted.service $MOST_UNIX)" \
    "is above $MOST_UNIX tenths"

for unit in "$name.service" "$name.socket" "$name@traefik.service" \
    "$name@traefik.socket" "$name-authz.service" docker.socket \
    "$name-drift.path" "$name-drift.service"; do
	point "$unit is understood" "$(verify "$unit")"
done
point "$name.service leaves little open" \
    "$(secure "$name.service" $MOST_TCP)"
point "$name@.service leaves less open" \
    "$(secure "$name@.service" $MOST_UNIX)"
mkdir "$units/$name@.service.d"
cp "$top/contrib/systemd/private-users.conf" "$units/$name@.service.d"
point 'private-users.conf is understood' "$(verify "$name@traefik.service")"
point 'and closes something' "$(secure "$name@.service" $MOST_ALONE)"
rm -r "$units/$name@.service.d"
planted 'that it is not there' "$(secure "$name@.service" $MOST_ALONE)" \
    "is above $MOST_ALONE tenths"
point "$name-authz.service leaves little open" \
    "$(secure "$name-authz.service" $MOST_ROOT)"
point "$name-authz.service is there before dockerd" \
    "$(lines "$name-authz.service" Before=docker.service \
    WantedBy=multi-user.target Environment=DSP_AUTHZ=yes \
    RuntimeDirectoryMode=0700 RuntimeDirectoryPreserve=yes)"
point "$name-drift.service leaves little open" \
    "$(secure "$name-drift.service" $MOST_ROOT)"
point 'the drift of the Docker socket is looked at, and reported' \
    "$(lines "$name-drift.path" PathChanged=/run/docker.sock
    grep -q '^ExecStart=.* --only socket-drift ' \
    "$units/$name-drift.service" || echo 'no look at socket-drift')"
for unit in "$name.service" "$name@.service" "$name-authz.service"; do
	point "$unit: no other start after exit code 2, and other lines" \
	    "$(lines "$unit" RestartPreventExitStatus=2 Type=notify \
	    KillMode=mixed NoNewPrivileges=yes MemoryDenyWriteExecute=yes)"
done
point 'the Docker socket goes to our group alone' \
    "$(lines docker.socket.d/x.conf SocketMode=0660 SocketUser=root \
    "SocketGroup=$name")"

mkdir -p "$units/root/etc" "$units/root/run"
cp "$top/contrib/systemd/$name.sysusers" "$units/users.conf"
cp "$top/contrib/systemd/$name.tmpfiles" "$units/files.conf"
point 'there is a user without a shell' "$(
	systemd-sysusers --root="$units/root" "$units/users.conf" 2>&1 |
	    grep -v '^Creating' || :
	grep -q "^$name:.*:/usr/sbin/nologin\$" "$units/root/etc/passwd" ||
	    cat "$units/root/etc/passwd"
)"
point 'and a folder for sockets' "$(
	systemd-tmpfiles --root="$units/root" --create "$units/files.conf" 2>&1
	[ "$(stat -c %a "$units/root/run/$name")" = 1775 ] ||
	    ls -ld "$units/root/run/$name"
)"
echo "1..$count"
exit "$status"
