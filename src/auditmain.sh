# Options, and what they ask for.

usage() {
	cat <<-END
	usage: $NAME [OPTION...]
	       $NAME --apply PART... [--yes] [OPTION...]
	       $NAME --undo [--force] [OPTION...]
	Say what protects the Docker socket of this host, and what does not.

	  --json                one JSON object
	  --strict              warnings make the exit status 1, too
	  --list                print the items and what they are about
	  --only ID,...         these items only
	  --skip ID,...         without these
	  --repair              give the socket its configured mode and owner
	  --apply PART...       remedies; what would be done, as a diff
	  --yes                 do it
	  --undo                all as it was before the first --apply
	  --force               also what was changed meanwhile
	  --root DIR            a tree of files instead of this host
	  --docker-socket PATH  default: $SOCKET
	  --daemon-json PATH    default: dockerd's, or /etc/docker/daemon.json
	  --group NAME          whom the socket is for; default: $GROUP
	  --plugin NAME         of --apply authz; default: $PLUGIN
	  --config FILE         of docker-socket-protector
	  --program PATH        docker-socket-protector itself
	  --version, --help

	Parts:
	END
	parts | sed 's/^\([^ ]*\) /  \1\t/' | expand -t 24
	say ''
	say 'Exit status: 0 good, 1 something bad or failed, 2 wrong usage,'
	say '3 could not be examined.'
}

# given LIST WHAT KNOWN: all words of a list must be known.
check_words() {
	for dsp_word in $(printf '%s' "$1" | tr ',' ' '); do
		"$3" | cut -d ' ' -f 1 | grep -qxF -- "$dsp_word" ||
			usage_error "no such $2: $dsp_word"
	done
}

# Words that are parts follow --apply.
take_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--*=*)
			dsp_word=$1
			shift
			set -- "${dsp_word%%=*}" "${dsp_word#*=}" "$@" ;;
		esac
		case $1 in
		--only | --skip | --root | --docker-socket | --daemon-json | \
		--group | --plugin | --config | --program)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			take_value "$1" "$2"
			shift ;;
		--json) IS_JSON=yes ;;
		--strict) IS_STRICT=yes ;;
		--yes) IS_YES=yes ;;
		--force) IS_FORCED=yes ;;
		--repair) WANTS_REPAIR=--repair ;;
		--list | --undo | --apply) take_mode "${1#--}" ;;
		--version)
			say "$NAME $VERSION"
			exit 0 ;;
		-h | --help)
			usage
			exit 0 ;;
		-*) usage_error "unknown option: $1" ;;
		*)
			[ "$MODE" = apply ] || usage_error "what is $1?"
			PARTS="$PARTS $1" ;;
		esac
		shift
	done
}

MODE=report
take_mode() {
	[ "$MODE" = report ] || usage_error "--$MODE and --$1"
	MODE=$1
}

take_value() {
	case $2 in
	'' | *"$NEWLINE"*) usage_error "wrong value of $1" ;;
	esac
	case $1 in
	--only) ONLY=$2 ;;
	--skip) SKIP=$2 ;;
	--root) ROOT=$2 ;;
	--docker-socket) SOCKET=$2 ;;
	--daemon-json) DAEMON_JSON=$2 ;;
	--group) GROUP=$2 ;;
	--plugin) PLUGIN=$2 ;;
	--config) CONFIG=$2 ;;
	--program) PROGRAM=$2 ;;
	esac
	case $1,$2 in
	--group,*[!A-Za-z0-9._-]* | --plugin,*[!A-Za-z0-9._-]*)
		usage_error "$1: letters, digits, dot, - and _ only" ;;
	--docker-socket,[!/]* | --daemon-json,[!/]*)
		usage_error "$1 must begin with a slash" ;;
	esac
}

# Paths as they are here.
look_around() {
	case $ROOT in
	'') ;;
	*) ROOT=$(cd "$ROOT" 2>/dev/null && pwd -P) ||
		die 3 'there is no such --root' ;;
	esac
	[ "$ROOT" != / ] || ROOT=
	[ -n "$ROOT" ] || [ "$(id -u)" = 0 ] || die 3 'only root sees all of it'
	SOCKET=${SOCKET#unix://}
	REAL=$SOCKET
	# A tree keeps its links, which lead out of it.
	if [ -n "$ROOT" ]; then
		case $SOCKET in
		/var/run/*) REAL=${SOCKET#/var} ;;
		esac
	else
		REAL=$(readlink -f "$SOCKET") || REAL=$SOCKET
	fi
	DOCKERD=
	[ -n "$ROOT" ] || DOCKERD=$(dockerd_pid) || DOCKERD=
	if [ -z "$DAEMON_JSON" ]; then
		DAEMON_JSON=$(flag -- config-file | tail -n 1)
	fi
	DAEMON_JSON=$ROOT${DAEMON_JSON:-/etc/docker/daemon.json}
	find_program
	journal_dir
}

# Beside us, or where it was installed to.
find_program() {
	[ -z "$PROGRAM" ] || return 0
	PROGRAM=${0%/*}/$SERVICE
	[ -x "$PROGRAM" ] || PROGRAM=$SBINDIR/$SERVICE
}

main() {
	take_options "$@"
	check_words "$ONLY" item items
	check_words "$SKIP" item items
	check_words "$PARTS" part parts
	case $MODE in
	list)
		items
		exit 0 ;;
	apply)
		[ -n "$PARTS" ] || usage_error '--apply needs a part' ;;
	esac
	make_work
	look_around
	case $MODE in
	apply)
		ask_dockerd
		apply ;;
	undo)
		undo_all ;;
	*)
		report ;;
	esac
}

main "$@"
