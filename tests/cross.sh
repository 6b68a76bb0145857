#!/bin/sh
# The sandbox knows the machine it is built for: its files must compile for
# the others too, without a warning.  Needs cross compilers with their C
# libraries; what is missing is skipped.  TAP.
set -eu
LC_ALL=C
export LC_ALL

top=${srcdir:-$(dirname "$0")/..}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

machines='aarch64-linux-gnu arm-linux-gnueabihf riscv64-linux-gnu'
flags='-std=gnu11 -O2 -Wall -Wextra -Werror'

# Compile one file for one machine; prints complaints and nothing else.
compile() {
	# The flags are words.
	# shellcheck disable=SC2086
	"$1-gcc" $flags -I"$tmp/$1" -I"$top/src" -c -o "$tmp/$1/$2.o" \
		"$top/src/$2.c" 2>&1 || echo "$2.c does not compile"
}

# The names of the machine's system calls, as the Makefile makes them.
make_names() {
	echo '#include <sys/syscall.h>' | "$1-gcc" -E -dM -x c - | awk '
		$2 ~ /^SYS_[a-z0-9_]+$/ {
			print "{ " $2 ", \"" substr($2, 5) "\" },"
		}' >"$tmp/$1/callnames.h"
}

# All complaints about one machine.
check_machine() {
	mkdir "$tmp/$1"
	printf '#define _GNU_SOURCE 1\n#define WITH_SANDBOX 1\n' \
		>"$tmp/$1/config.h"
	make_names "$1"
	grep -q '"openat"' "$tmp/$1/callnames.h" || echo 'no names of calls'
	compile "$1" filter
	compile "$1" sandbox
	compile "$1" landlock
	compile "$1" process
	# The table of names must be in what was made.
	grep -aq landlock_create_ruleset "$tmp/$1/filter.o" ||
		echo 'no names in filter.o'
}

count=0
status=0
for machine in $machines; do
	count=$((count + 1))
	if ! command -v "$machine-gcc" >/dev/null; then
		echo "ok $count - $machine # SKIP no $machine-gcc"
		continue
	fi
	complaints=$(check_machine "$machine")
	if [ -z "$complaints" ]; then
		echo "ok $count - $machine"
	else
		echo "not ok $count - $machine"
		echo "$complaints" | sed 's/^/# /'
		status=1
	fi
done
echo "1..$count"
exit "$status"
