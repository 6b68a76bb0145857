#!/bin/sh
# The architecture, as a test: which file may include which, what the pure
# files may call, how names begin, and how long files and functions are.
# Each check is a function that prints violations and nothing else; each is
# also run on a sample with a planted violation, which it must find.  TAP.
set -eu
LC_ALL=C
export LC_ALL

top=${srcdir:-$(dirname "$0")/..}
build=${builddir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

FILE_LINES=500
FUNCTION_LINES=60

# A file may include headers of its own floor or of a lower one.
floors='
0 bounds span text reason
1 http body target rule profile policy order forward reply expr trial advice
1 vars route survey near json authzmsg authzhead
1 allow container
2 log memory io pipe doing board tally yard
3 conf confargs confclient conffile conflisten confopt confprint reqlog confprofile
3 confpool confswitch confwork detach dial learn learnquery learnrule learnset learnvalue
3 abstract cgroup dockerpath ping
3 ask keep listen privs sandbox filter filtercode callnames metricstext
3 host peer ticket conffd inherit userns inquire landlock process
4 relay exchange park upstream session record rest hijack authz duty
5 worker door gate metrics whois
6 announce pool parks spawn monitor protection lesson statustext status health
6 notify master
7 main
'

# What pure code may call: no system call, no allocation, no clock.
# Compilers turn memcmp into bcmp, and add what guards and sanitizers need.
pure_calls='^(mem[a-z]+|str[a-z]+|bcmp|pcre2_[a-z0-9_]+)$'
pure_calls="$pure_calls|^__(mem|str)[a-z]+_chk\$|^__stack_chk_fail"
pure_calls="$pure_calls|^__(asan|ubsan|sanitizer)_|^_GLOBAL_OFFSET_TABLE_\$"
allocators='^(strdup|strndup|memalign)$'

# Undefined symbols of library $1 that pure code must not have.
check_calls() {
	nm "$1" 2>/dev/null | awk -v good="$pure_calls" -v bad="$allocators" '
		NF == 2 && $1 == "U" { wanted[$2] = 1 }
		NF == 3 { have[$3] = 1 }
		END {
			for (s in wanted)
				if (!(s in have) && (s !~ good || s ~ bad))
					print "calls " s
		}'
}

# Exported symbols of library $1 that do not begin with the file's name.  The
# family of fatal() in log.c is used like words of the language.
check_names() {
	nm -g "$1" 2>/dev/null | awk '
		/\.o:$/ {
			file = $1
			sub(/\.o:$/, "", file)
			sub(/.*-/, "", file)
		}
		NF != 3 || $3 ~ /^__/ { next }
		file == "log" && $3 ~ /^(fatal|fatalx|bug)$/ { next }
		index($3, file "_") != 1 {
			print file ".c exports " $3
		}'
}

# Variables of library $1 that can be written to.  Constant tables of
# pointers lie in .data.rel.ro, which is read-only once the program runs.
check_writable() {
	nm -f sysv "$1" 2>/dev/null | awk -F '|' '
		NF >= 7 {
			gsub(/[ \t]/, "", $1)
			gsub(/[ \t]/, "", $3)
			gsub(/[ \t]/, "", $7)
			if ($1 ~ /^(__|\.L)/ || $1 ~ /ubsan_data/)
				next
			if ($3 == "C" || ($3 ~ /^[bBdDgGsS]$/ &&
			    $7 !~ /^\.data\.rel\.ro/))
				print "variable " $1 " in " $7
		}'
}

# Includes among the files of folder $1 that go up.
check_includes() {
	for file in "$1"/*.[ch]; do
		name=${file##*/}
		sed -n 's/^#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$file" |
			sed "s/^/${name%.*} $name /"
	done | awk -v table="$floors" '
		BEGIN {
			n = split(table, rows, "\n")
			for (i = 1; i <= n; i++) {
				m = split(rows[i], words, " ")
				for (k = 2; k <= m; k++)
					floor[words[k]] = words[1]
			}
		}
		$3 == "config.h" { next }
		{
			header = $3
			sub(/\.h$/, "", header)
			if (!($1 in floor))
				print $2 " is on no floor"
			else if (!(header in floor))
				print $2 " includes " $3 \
				    ", which is on no floor"
			else if (floor[header] > floor[$1])
				print $2 " (floor " floor[$1] ") includes " $3 \
				    " (floor " floor[header] ")"
		}' | sort -u
}

# Files of folder $1 that are too long.
check_file_lines() {
	for file in "$1"/*.[ch]; do
		lines=$(wc -l <"$file")
		[ "$lines" -le "$FILE_LINES" ] ||
			echo "${file##*/} has $lines lines"
	done
}

# Functions in folder $1 that are too long.
check_function_lines() {
	ctags -x --languages=C --c-kinds=f --_xformat='%F %N %n %{end}' \
		"$1"/*.c | awk -v max="$FUNCTION_LINES" '
		$4 - $3 + 1 > max {
			print $1 ": " $2 " has " $4 - $3 + 1 " lines"
		}'
}

has_ctags() {
	ctags --version 2>/dev/null | grep -q 'Universal Ctags'
}

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

# planted NAME VIOLATIONS PATTERN: one test that passes when the sample's
# violation was found, and no other.
planted() {
	rest=$(echo "$2" | grep -Ev "$3" || :)
	if ! echo "$2" | grep -Eq "$3"; then
		point "finds $1" "not found: $3"
	else
		point "finds $1" "$rest"
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# Folder and library with one violation of each kind.
make_sample() {
	mkdir "$tmp/src"
	cat >"$tmp/src/span.h" <<-'END'
		#include "http.h"
	END
	cat >"$tmp/src/http.h" <<-'END'
		#include "config.h"
		#include "span.h"
		#include "http.h"
	END
	cat >"$tmp/src/nobody.h" <<-'END'
		#include "span.h"
	END
	cat >"$tmp/src/body.c" <<-'END'
		#include <string.h>
		#include <unistd.h>
		static int counter;
		static const char *const table[] = { "a", "b" };
		int body_walk(int);
		int rogue(const char *);
		int body_walk(int i) { counter += i; return table[i & 1][0]; }
		int rogue(const char *s)
		{
			return body_walk((int)write(counter, s, strlen(s)));
		}
	END
	{
		echo 'int http_long(void)'
		echo '{'
		yes '' | head -n "$FUNCTION_LINES"
		echo 'return 0; }'
		yes '' | head -n "$FILE_LINES"
	} >"$tmp/src/http.c"
	"${CC:-cc}" -c -o "$tmp/body.o" "$tmp/src/body.c"
	ar rc "$tmp/libsample.a" "$tmp/body.o"
}

# A library or folder that is not there must not pass as clean.
for file in "$build/libpure.a" "$build/libdaemon.a" "$top/src/main.c"; do
	[ -s "$file" ] || {
		echo "Bail out! no $file"
		exit 1
	}
done
nm "$build/libpure.a" 2>/dev/null | grep -q ' T policy_decide$' || {
	echo "Bail out! nm does not read $build/libpure.a"
	exit 1
}

make_sample
lib=$tmp/libsample.a
planted 'a system call' "$(check_calls "$lib")" '^calls write$'
planted 'a foreign name' "$(check_names "$lib")" '^body.c exports rogue$'
planted 'a variable' "$(check_writable "$lib")" '^variable counter in '
planted 'an include that goes up' "$(check_includes "$tmp/src")" \
	'^(span.h .floor 0. includes http.h|nobody.h is on no floor)'
planted 'a long file' "$(check_file_lines "$tmp/src")" '^http.c has '

point 'pure files call nothing but mem*, str* and pcre2_*' \
	"$(check_calls "$build/libpure.a")"
point 'pure files have no variables' "$(check_writable "$build/libpure.a")"
point 'names of pure files begin with the file' \
	"$(check_names "$build/libpure.a")"
point 'names of the other files begin with the file' \
	"$(check_names "$build/libdaemon.a")"
point 'no include goes up' "$(check_includes "$top/src")"
point "files have at most $FILE_LINES lines" "$(check_file_lines "$top/src")"
if has_ctags; then
	planted 'a long function' "$(check_function_lines "$tmp/src")" \
		': http_long has '
	point "functions have at most $FUNCTION_LINES lines" \
		"$(check_function_lines "$top/src")"
else
	skip 'finds a long function' 'no Universal Ctags'
	skip "functions have at most $FUNCTION_LINES lines" 'no Universal Ctags'
fi
echo "1..$count"
exit "$status"
