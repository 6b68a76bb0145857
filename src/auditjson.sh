# daemon.json, read and changed as text: what is not changed stays as it is, to
# the byte.  What is not understood is left to the admin.

# json_awk NAME=VALUE... FILE: scan the file, then what "want" says:
#   get    print the value of the top-level member "key": strings and lists of
#          strings without quotes, one a line
#   string set the member to the string "value", and print the whole
#   list   add the string "value" to the list "key", and print the whole
# Exit status 0 done, 1 no such member (get), 2 not understood.
json_awk() {
	awk '
	{ text = text newline $0; newline = "\n" }

	END {
		wanted = tolower(key)
		size = length(text)
		at = 1
		blanks()
		if (at > size)
			is_empty = 1
		else if (char() != "{")
			bad = 1
		else {
			open = at
			object(1)
			blanks()
			if (at <= size)
				bad = 1
		}
		if (bad || twice)
			exit 2
		if (want == "get")
			exit give()
		if (want == "string")
			exit set_string()
		exit add_to_list()
	}

	function char() {
		return substr(text, at, 1)
	}

	function blanks() {
		while (at <= size && char() ~ /[ \t\r\n]/)
			at++
	}

	function any(depth, key) {
		if (depth > 100)
			bad = 1
		else if (char() == "{")
			object(depth)
		else if (char() == "[")
			list(depth, key)
		else if (char() == "\"")
			string()
		else if (match(substr(text, at, 40), scalar))
			at += RLENGTH
		else
			bad = 1
	}

	BEGIN {
		scalar = "^(true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?" \
		    "([eE][-+]?[0-9]+)?)"
	}

	function string() {
		for (at++; at <= size; at++) {
			if (char() == "\"") {
				at++
				return
			}
			if (char() ~ /[\001-\037]/)
				break
			if (char() == "\\" && !escape())
				break
		}
		bad = 1
	}

	function escape() {
		at++
		if (char() != "u")
			return char() ~ /["\\\/bfnrt]/
		if (substr(text, at + 1, 4) !~ hex4)
			return 0
		at += 4
		return 1
	}

	BEGIN {
		hex4 = "^[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]$"
	}

	# Names of members are compared as dockerd does, in any case.
	function object(depth,    key, from) {
		at++
		blanks()
		if (char() == "}") {
			at++
			return
		}
		while (!bad) {
			blanks()
			from = at
			if (char() != "\"")
				bad = 1
			else
				string()
			key_text = substr(text, from + 1, at - from - 2)
			if (depth == 1 && key_text ~ /\\/)
				bad = 1
			blanks()
			if (bad || char() != ":") {
				bad = 1
				return
			}
			at++
			blanks()
			key = tolower(key_text)
			if (depth == 1)
				member(key, key_text)
			any(depth + 1, depth == 1 ? key : "")
			if (depth == 1)
				end_of[key] = at
			blanks()
			at++
			if (substr(text, at - 1, 1) == "}")
				return
			if (substr(text, at - 1, 1) != ",")
				bad = 1
		}
	}

	function member(key, spelt) {
		if (key in start_of || spelt != key && key == wanted)
			twice = 1
		start_of[key] = at
		kind_of[key] = char()
		members++
	}

	function list(depth, key,    n, from) {
		at++
		blanks()
		if (char() == "]") {
			at++
			count[key] = 0
			return
		}
		while (!bad) {
			blanks()
			from = at
			if (char() != "\"")
				mixed[key] = 1
			any(depth + 1, "")
			if (depth == 2) {
				element[key, ++n] = substr(text, from + 1, \
				    at - from - 2)
				last_of[key] = at
				count[key] = n
			}
			blanks()
			at++
			if (substr(text, at - 1, 1) == "]")
				return
			if (substr(text, at - 1, 1) != ",")
				bad = 1
		}
	}

	function give(    i) {
		if (!(wanted in start_of))
			return 1
		if (kind_of[wanted] == "[") {
			if (mixed[wanted])
				return 2
			for (i = 1; i <= count[wanted]; i++)
				print element[wanted, i]
		} else if (kind_of[wanted] == "\"") {
			print substr(text, start_of[wanted] + 1, \
			    end_of[wanted] - start_of[wanted] - 2)
		} else {
			print substr(text, start_of[wanted], \
			    end_of[wanted] - start_of[wanted])
		}
		return 0
	}

	# All of it, with words in the place of what was between two bytes.
	function put(from, to, words) {
		printf "%s%s%s%s", substr(text, 1, from - 1), words, \
		    substr(text, to), ending
		return 0
	}

	# In front of all others, with what is between brace and first one.
	function put_member(value,    words, blank) {
		words = "\"" key "\": " value
		if (is_empty)
			return put(size + 1, size + 1, "{" words "}")
		if (!members)
			return put(open + 1, open + 1, words)
		match(substr(text, open + 1), /^[ \t\r\n]*/)
		blank = substr(text, open + 1, RLENGTH)
		return put(open + 1, open + 1, blank words ",")
	}

	function set_string() {
		if (!(wanted in start_of))
			return put_member("\"" value "\"")
		if (kind_of[wanted] != "\"")
			return 2
		return put(start_of[wanted], end_of[wanted], "\"" value "\"")
	}

	function add_to_list(    i, blank) {
		if (!(wanted in start_of))
			return put_member("[\"" value "\"]")
		if (kind_of[wanted] != "[" || mixed[wanted])
			return 2
		for (i = 1; i <= count[wanted]; i++)
			if (element[wanted, i] == value)
				return put(1, 1, "")
		if (!count[wanted])
			return put(start_of[wanted] + 1, \
			    start_of[wanted] + 1, "\"" value "\"")
		match(substr(text, start_of[wanted] + 1), /^[ \t\r\n]*/)
		blank = RLENGTH ? substr(text, start_of[wanted] + 1, RLENGTH) \
		    : " "
		return put(last_of[wanted], last_of[wanted], \
		    "," blank "\"" value "\"")
	}' "$@"
}

# Without what awk would change: a file with NUL is not understood.
is_text() {
	# shellcheck disable=SC2094 # both only read
	tr -d '\0' <"$1" | cmp -s - "$1"
}

# json_get FILE KEY: the value, or nothing when there is none.
json_get() {
	[ -s "$1" ] && is_text "$1" || return 1
	json_awk want=get key="$2" "$1"
}

# json_edit FILE string|list KEY VALUE: print the new text; 2 when it cannot be
# done.  The file may be missing.
json_edit() {
	if [ ! -s "$1" ]; then
		json_awk want="$2" key="$3" value="$4" \
		    ending='\n' /dev/null
		return
	fi
	is_text "$1" || return 2
	# A line end at the end is not part of what awk reads.
	dsp_ending='\n'
	[ -z "$(tail -c 1 "$1")" ] || dsp_ending=
	json_awk want="$2" key="$3" value="$4" \
	    ending="$dsp_ending" "$1"
}
