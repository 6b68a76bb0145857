#!/bin/sh
# Line coverage of the pure files by the unit tests: builds with gcc, gcov's
# counters on and optimisers off, runs the unit tests, prints a table, and
# fails below MINIMUM percent for any file.
#
# usage: tests/coverage.sh [FOLDER]    builds there; default: a temporary one
#        VERBOSE=1 prints the lines that no test reaches
set -eu
LC_ALL=C
export LC_ALL

MINIMUM=95

top=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -gt 0 ]; then
	build=$1
	mkdir -p "$build"
else
	build=$(mktemp -d /tmp/dsp-coverage.XXXXXX)
	trap 'rm -rf "$build"' EXIT
	trap 'exit 1' HUP INT TERM
fi
cd "$build"

# Flags of the linker carry --coverage too, so that no object lacks it.
"$top/configure" -q CC="${CC-gcc}" CFLAGS='-O0 -g --coverage' >configure.log
[ -s "$top/tests/unit/check_rule.c" ] || exit 1
tests=$(make -s print-unit)
[ -n "$tests" ] || { echo 'coverage: no unit tests' >&2; exit 1; }
# shellcheck disable=SC2086
make -s -j2 $tests >make.log 2>&1 || { tail -n 40 make.log; exit 1; }
find . -name '*.gcda' -exec rm -f {} +
make -s check TESTS="$tests" >check.log 2>&1 ||
	{ tail -n 40 check.log; exit 1; }

# The text form has a line for each of the source: count:number:text, with
# "-" for what is no code, and "#####" or "=====" for what never ran.
count=0
for counts in src/*.gcno; do
	name=$(basename "$counts" .gcno)
	ar t libpure.a | grep -qx "$name.o" || continue
	count=$((count + 1))
	gcov -o src "$counts" >/dev/null 2>&1
	[ -s "$name.c.gcov" ] || : >"$name.c.gcov"
done
[ "$count" -ge 10 ] || { echo "coverage: only $count files" >&2; exit 1; }

awk -F : -v minimum=$MINIMUM -v verbose="${VERBOSE-}" '
	FNR == 1 { order[++n] = FILENAME }
	{ gsub(/ /, "", $1) }
	$2 + 0 == 0 || $1 == "-" { next }
	{ lines[FILENAME]++ }
	$1 ~ /^[#=]/ {
		missed[FILENAME]++
		if (verbose != "")
			print FILENAME ": " substr($0, index($0, ":") + 1)
	}
	END {
		for (i = 1; i <= n; i++) {
			file = order[i]
			name = file
			sub(/\.gcov$/, "", name)
			sub(/^\.\//, "", name)
			if (lines[file] == 0)
				continue
			ran = lines[file] - missed[file]
			percent = 100 * ran / lines[file]
			printf "%-12s %4d of %4d lines %5.1f %%\n", name,
			    ran, lines[file], percent
			seen[name] = 1
			if (percent < minimum) {
				print "coverage: " name " is below " \
				    minimum " %"
				bad = 1
			}
		}
		m = split("http body target rule profile policy", must, " ")
		for (i = 1; i <= m; i++)
			if (!((must[i] ".c") in seen)) {
				print "coverage: nothing about " must[i]
				bad = 1
			}
		exit bad
	}' ./*.c.gcov
