#!/bin/sh
# Laws of the shipped profiles that no single file shows: each has a table that
# tries the dangerous requests, a profile that lets one of the worst through
# says HOST ROOT in its first line, names kept for compatibility hold the same
# rules, and the examples of manual and README are the ones that are tested.
set -eu

top=${srcdir:-$(dirname "$0")/..}
rules=$top/tests/corpus/rules
manual=$top/man/docker-socket-protector-profile.5
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

check_head() {
	if grep -q '^ALLOW.*# HOST ROOT' "$rules/$2.tab"; then
		head -n 1 "$1" | grep -q '^# HOST ROOT: ' ||
			fail "$2: does not say HOST ROOT in its first line"
	else
		head -n 1 "$1" | grep -q '^# [A-Z]' ||
			fail "$2: does not say in its first line what it is"
		! grep -q 'HOST ROOT' "$1" ||
			fail "$2: says HOST ROOT without reason"
	fi
}

check_table() {
	for danger in containers/create containers/web/exec attach/ws \
	    /archive /export images/get volumes/create /session /grpc \
	    /swarm /secrets /configs plugins/pull debug/pprof; do
		grep -q "$danger" "$rules/$1.tab" ||
			fail "$1.tab does not try $danger"
	done
}

count=0
for profile in "$top"/profiles/*; do
	name=${profile##*/}
	count=$((count + 1))
	if [ -h "$profile" ] || ! [ -s "$rules/$name.tab" ]; then
		fail "$name: a link, or without a table $name.tab"
		point "profile $name"
		continue
	fi
	check_head "$profile" "$name"
	check_table "$name"
	grep -q "^    ${name%-whitelist}  " "$top/README" ||
		fail "$name: not in the list of README"
	point "profile $name"
done
[ "$count" -ge 13 ] || fail "only $count profiles in $top/profiles"
point "all profiles are there"

for name in portainer-ro portainer-rw; do
	[ "$(rules_of "$top/profiles/$name")" = \
	    "$(rules_of "$top/profiles/$name-whitelist")" ] ||
		fail "$name and $name-whitelist differ"
	point "$name-whitelist has the rules of $name"
done

# The manual writes a backslash as \e.
shown=$(sed -n -e 's/\\e/\\/g' -e '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$manual" |
	grep '^[A-Z(].*  */')
[ "${shown:-none}" = "$(rules_of "$rules/manual.profile")" ] ||
	fail "the examples of the manual and manual.profile differ"
point "the examples of the manual are tested"

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
