# The records of the audit system to lines for people: for docker-socket-report,
# which sets since (seconds since 1970), others, offline (0 or 1), ticks (of the
# clock in a second) and, in the environment, ours (programs, one a line).

BEGIN {
	for (i = 0; i < 256; i++) {
		byte = sprintf("%02X", i)
		shown[byte] = "\\x" tolower(byte)
		if (i < 32 || i >= 127)
			continue
		hex_of[sprintf("%c", i)] = byte
		# Visible, and not " or \ itself.
		if (i != 34 && i != 92)
			shown[byte] = sprintf("%c", i)
	}
	for (i = 0; i < 64; i++)
		container_id = container_id "[0-9a-f]"
	n = split(ENVIRON["ours"], list, "\n")
	for (i = 1; i <= n; i++)
		is_ours[list[i]] = list[i] != ""
	name_types()
	name_calls()
	name_errors()
	if (!offline) {
		while (("getent passwd" | getline line) > 0) {
			split(line, part, ":")
			if (!(part[3] in user))
				user[part[3]] = part[1]
		}
		while ((getline line <"/proc/stat") > 0)
			if (split(line, part, " ") == 2 && part[1] == "btime")
				boot = part[2]
	}
}

function name_types()
{
	type_name[1300] = "SYSCALL"
	type_name[1302] = "PATH"
	type_name[1305] = "CONFIG_CHANGE"
	type_name[1306] = "SOCKADDR"
	type_name[1307] = "CWD"
	type_name[1320] = "EOE"
	type_name[1327] = "PROCTITLE"
}

# Numbers of calls are those of the machine: x86_64, i386, and what aarch64 and
# riscv64 share.
function name_calls()
{
	add_calls("c000003e", "2 open 42 connect 49 bind 76 truncate 82 " \
	    "rename 84 rmdir 86 link 87 unlink 88 symlink 90 chmod 91 " \
	    "fchmod 92 chown 93 fchown 94 lchown 188 setxattr " \
	    "189 lsetxattr 197 removexattr 257 openat 260 fchownat " \
	    "263 unlinkat 264 renameat 265 linkat 268 fchmodat " \
	    "316 renameat2 437 openat2 452 fchmodat2")
	add_calls("40000003", "5 open 9 link 10 unlink 15 chmod 38 rename " \
	    "94 fchmod 95 fchown 102 connect 182 chown 198 lchown 207 " \
	    "fchown 212 chown 295 openat 298 fchownat 301 unlinkat 302 " \
	    "renameat 303 linkat 306 fchmodat 353 renameat2 361 bind 362 " \
	    "connect 452 fchmodat2")
	generic = "5 setxattr 6 lsetxattr 14 removexattr 35 unlinkat " \
	    "37 linkat 38 renameat 45 truncate 52 fchmod 53 fchmodat " \
	    "54 fchownat 55 fchown 56 openat 200 bind 203 connect " \
	    "276 renameat2 437 openat2 452 fchmodat2"
	add_calls("c00000b7", generic)
	add_calls("c00000f3", generic)
}

function add_calls(arch, text,    n, i, word)
{
	n = split(text, word, " ")
	for (i = 1; i < n; i += 2)
		call_name[arch, word[i]] = word[i + 1]
}

function name_errors(    n, i, word)
{
	n = split("1 EPERM 2 ENOENT 6 ENXIO 11 EAGAIN 13 EACCES 17 EEXIST " \
	    "20 ENOTDIR 21 EISDIR 22 EINVAL 30 EROFS 39 ENOTEMPTY " \
	    "91 EPROTOTYPE 106 EISCONN 111 ECONNREFUSED", word, " ")
	for (i = 1; i < n; i += 2)
		error_name[word[i]] = word[i + 1]
}

# -- values -------------------------------------------------------------

# The value of a field, as it is written.
function field(text, name,    at, rest)
{
	at = index(" " text, " " name "=")
	if (!at)
		return ""
	rest = substr(text, at + length(name) + 1)
	if (substr(rest, 1, 1) == "\"") {
		rest = substr(rest, 2)
		return "\"" substr(rest, 1, index(rest, "\"") - 1)
	}
	sub(/ .*/, "", rest)
	return rest
}

# The digits of a text that is quoted, or written as such digits already.
function digits(text,    i, found, c)
{
	if (text !~ /^"/)
		return text ~ /^([0-9A-F][0-9A-F])+$/ ? text : ""
	for (i = 2; i <= length(text); i++) {
		c = substr(text, i, 1)
		found = found (c in hex_of ? hex_of[c] : "3F")
	}
	return found
}

# Digits made readable, up to an end (0: a byte of zero ends nothing).
function readable(hex, has_end,    i, byte, found)
{
	for (i = 1; i < length(hex); i += 2) {
		byte = substr(hex, i, 2)
		if (byte == "00" && has_end)
			break
		found = found (byte == "00" ? " " : shown[byte])
	}
	sub(/ +$/, "", found)
	return found
}

function string(text, name)
{
	return readable(digits(field(text, name)), 1)
}

# The path in the address of a unix socket; nothing for others.
function socket_path(saddr)
{
	if (saddr !~ /^(0100|0001)/)
		return ""
	saddr = substr(saddr, 5)
	if (saddr ~ /^00/)
		return "@" readable(substr(saddr, 3), 0)
	return readable(saddr, 1)
}

# Seconds since 1970 as a date: the years begin with March here, so that the
# day that comes and goes is the last.
function date_of(seconds,    days, rest, era, year, month, day)
{
	rest = seconds % 86400
	days = (seconds - rest) / 86400 + 719468
	era = int(days / 146097)
	days -= era * 146097
	year = days - int(days / 1460) + int(days / 36524)
	year = int((year - int(days / 146096)) / 365)
	days -= 365 * year + int(year / 4) - int(year / 100)
	month = int((5 * days + 2) / 153)
	day = days - int((153 * month + 2) / 5) + 1
	month = month < 10 ? month + 3 : month - 9
	return sprintf("%04d-%02d-%02dT%02d:%02d:%02dZ",
	    year + era * 400 + (month <= 2), month, day,
	    int(rest / 3600), int(rest / 60) % 60, rest % 60)
}

function user_of(number)
{
	if (number == "4294967295" || number == "-1")
		return "unset"
	return number in user ? number "(" user[number] ")" : number
}

# -- processes ------------------------------------------------------------

# Whether the process with this number is still the one of the event, and not
# a later one.
function is_alive(pid, seconds,    line, path, part)
{
	if (offline || pid !~ /^[0-9]+$/)
		return 0
	path = "/proc/" pid "/stat"
	if ((getline line <path) <= 0)
		return 0
	close(path)
	# Its name may have blanks and brackets.
	sub(/^.*\) /, "", line)
	split(line, part, " ")
	return boot + part[20] / ticks <= seconds + 1
}

function container_of(pid, is_there,    line, path, found)
{
	if (!is_there)
		return "unknown"
	path = "/proc/" pid "/cgroup"
	found = "host"
	while ((getline line <path) > 0)
		if (match(line, container_id))
			found = substr(line, RSTART, 12)
	close(path)
	return found
}

# -- events ---------------------------------------------------------------

function show(id,    text, what, exe, pid, there, room, who, result, seconds)
{
	text = syscall[id]
	what = key[id]
	seconds = substr(id, 1, index(id, ".") - 1)
	if (what == "" || seconds < since)
		return
	if (text == "") {
		if (rules[id] != "")
			print date_of(seconds) " " rules[id]
		return
	}
	exe = string(text, "exe")
	pid = field(text, "pid")
	there = is_alive(pid, seconds)
	room = container_of(pid, there)
	who = "other"
	if (is_ours[exe] && (room == "host" || room == "unknown"))
		who = there ? "gate" : "gate?"
	if (others && who != "other")
		return
	result = "ok"
	if (field(text, "success") != "yes") {
		result = substr(field(text, "exit"), 2)
		if (result in error_name)
			result = error_name[result]
		else
			result = "errno-" result
	}
	print date_of(seconds) " " call_of(text, what) " " result " " who \
	    " pid=" pid " uid=" user_of(field(text, "uid")) \
	    " auid=" user_of(field(text, "auid")) " container=" room \
	    " comm=\"" string(text, "comm") "\" exe=\"" exe "\"" \
	    " path=\"" path_of(id) "\" cmd=\"" title[id] "\""
	fflush()
}

function call_of(text, what,    call)
{
	call = field(text, "arch") SUBSEP field(text, "syscall")
	if (call in call_name)
		call = call_name[call]
	else
		call = "call-" field(text, "syscall")
	if (what == "docker-socket-client")
		return "client-" call
	return what == "docker-socket-config" ? "config-" call : call
}

# What was connected to, or changed, from the folder of the process on.
function path_of(id,    found)
{
	found = address[id] != "" ? address[id] : names[id]
	if (found != "" && found !~ /^[\/@]/ && cwd[id] != "")
		found = cwd[id] "/" found
	return found
}

function forget(id)
{
	delete syscall[id]
	delete key[id]
	delete rules[id]
	delete title[id]
	delete address[id]
	delete names[id]
	delete cwd[id]
	delete order[seen[id]]
	delete seen[id]
}

function take(id, type, text,    found)
{
	if (!(id in seen)) {
		seen[id] = ++last
		order[last] = id
	}
	if (type == "SYSCALL" || type == "CONFIG_CHANGE") {
		found = readable(digits(field(text, "key")), 0)
		if (match(found, /docker-socket-[a-z]+/))
			key[id] = substr(found, RSTART, RLENGTH)
	}
	if (type == "SYSCALL" && key[id] != "" && rules[id] == "")
		syscall[id] = text
	else if (type == "CONFIG_CHANGE" && key[id] != "")
		rules[id] = field(text, "op") " auid=" \
		    user_of(field(text, "auid")) " rule=\"" key[id] "\""
	else if (type == "SOCKADDR")
		address[id] = socket_path(field(text, "saddr"))
	else if (type == "CWD")
		cwd[id] = string(text, "cwd")
	else if (type == "PROCTITLE")
		title[id] = readable(digits(field(text, "proctitle")), 0)
	else if (type == "PATH" && field(text, "nametype") != "PARENT") {
		found = string(text, "name")
		names[id] = names[id] == "" ? found : names[id] " -> " found
	}
}

# Records of programs can have any text in them: only what stands where a
# record begins is one.
{
	sub(/^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]+ [^ ]+ kernel: /, "")
	sub(/^\[ *[0-9]+\.[0-9]+\] /, "")
	sub(/^audit: /, "")
	sub(/^node=[^ ]+ /, "")
	if (!match($0, /^type=[A-Z0-9_]+ (msg=)?audit\([0-9]+\.[0-9]+:[0-9]+\):/))
		next
	head = substr($0, 1, RLENGTH)
	text = substr($0, RLENGTH + 1)
	sub(/^ /, "", text)
	# What auditd adds to a record for readers.
	sub(/\035.*/, "", text)
	type = substr(head, 6, index(head, " ") - 6)
	type = type in type_name ? type_name[type] : type
	id = substr(head, index(head, "(") + 1)
	sub(/\):$/, "", id)
	if (type == "EOE" && !(id in seen))
		next
	take(id, type, text)
	# The last record of an event.
	if (type == "PROCTITLE" || type == "EOE") {
		show(id)
		forget(id)
	}
}

END {
	for (i = 1; i <= last; i++)
		if (i in order)
			show(order[i])
}
