#!/bin/sh
# Laws of the shipped profiles that no single file shows: each has a table and a
# whole head, a profile that lets one of the worst requests through says HOST
# ROOT in its first line, names kept for compatibility hold the same
# rules, and the examples of manuals and README are the ones that are tested.
set -eu

top=${srcdir:-$(dirname "$0")/..}
rules=$top/tests/corpus/rules
manual=$top/man/docker-socket-protector-profile.5
migration=$top/man/docker-socket-protector-migration.7
points=0
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# Note a violation of the point that is being checked.
fail() {
	echo "# $*" >>"$found"
}

# End a test point: good when nothing was noted since the last.  TAP.
point() {
	points=$((points + 1))
	if [ -s "$found" ]; then
		echo "not ok $points - $*"
		cat "$found"
		failed=1
	else
		echo "ok $points - $*"
	fi
	: >"$found"
}
failed=0

# The rules of profile $1, without comments.
rules_of() {
	grep -v -e '^#' -e '^$' "$1"
}

# The words that profile $1 admits, one a line.
admitted() {
	sed -n '/^# Admits:/,/^# [A-Z]/{
		s/^# Admits:/# /
		/^#  /s/[^a-z-]\{1,\}/\n/gp
	}' "$1"
}

# What makes its client root on the host.
roots='create|exec|build|session|volume-create|service-create|service-update'
roots="$roots|plugin-change"

check_head() {
	if admitted "$1" | grep -qxE "$roots"; then
		head -n 1 "$1" | grep -q '^# HOST ROOT: ' ||
			fail "$2: does not say HOST ROOT in its first line"
	else
		head -n 1 "$1" | grep -q '^# [A-Za-z]' ||
			fail "$2: does not say in its first line what it is"
		! head -n 1 "$1" | grep -q 'HOST ROOT' ||
			fail "$2: says HOST ROOT without reason"
	fi
	for field in Application 'Point it here' Read-only Admits \
	    'A malicious client'; do
		[ "$2" = unprotected ] || grep -q "^# $field:" "$1" ||
			fail "$2: its head does not say \"$field:\""
	done
}

count=0
for profile in "$top"/profiles/*; do
	name=${profile##*/}
	count=$((count + 1))
	! head -n 1 "$profile" | grep -q '^# Fragment: ' || continue
	if [ -h "$profile" ] || ! [ -s "$rules/$name.tab" ]; then
		fail "$name: a link, or without a table $name.tab"
		point "profile $name"
		continue
	fi
	check_head "$profile" "$name"
	grep -qE "^    (.* )?$name( |\$)" "$top/README" ||
		fail "$name: not in the list of README"
	point "profile $name"
done
[ "$count" -ge 80 ] || fail "only $count profiles in $top/profiles"
point "all profiles are there"

for name in portainer-ro portainer-rw; do
	[ "$(rules_of "$top/profiles/$name-whitelist")" = "include $name" ] ||
		fail "$name and $name-whitelist differ"
	point "$name-whitelist has the rules of $name"
done

# The manual writes a backslash as \e.
shown=$(sed -n -e 's/\\e/\\/g' -e '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$manual" |
	grep '^[A-Z(].*  */')
[ "${shown:-none}" = "$(rules_of "$rules/manual.profile")" ] ||
	fail "the examples of the manual and manual.profile differ"
point "the examples of the manual are tested"

# Four programs are compared there, so most rules stand there several times.
shown=$(sed 's/\\e/\\/g; s/\\(ha/^/g' "$migration" |
	grep -e '^[A-Z(][A-Z(|)]*  */' -e '^include ' | LC_ALL=C sort -u)
[ "${shown:-none}" = "$(rules_of "$rules/migration.profile" |
	LC_ALL=C sort)" ] ||
	fail "the rules of the migration manual and migration.profile differ"
point "the rules in the migration manual are tested"

grep '^ *[A-Z(][A-Z(|)]*  */' "$top/README" | sed 's/^ *//' | {
	count=0
	while IFS= read -r line; do
		count=$((count + 1))
		grep -qxF -- "$line" "$rules/manual.profile" ||
			fail "README shows a rule that is not tested: $line"
	done
	[ "$count" -gt 0 ] || fail "README shows no rule"
}
point "the rules in README are tested"

echo "1..$points"
exit "$failed"
