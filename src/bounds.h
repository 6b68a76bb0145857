#ifndef DSP_BOUNDS_H
#define DSP_BOUNDS_H

/*
 * Every compile-time limit of the program, with its unit and its reason.
 * Over a limit there is an answer and a log line, never a cut or a crash.
 */

/* -- what a client may send -- */

/* Bytes of a request line.  docker-py writes filters into the query; 16 KiB
 * is twice what the longest client seen here sends. */
#define BOUNDS_REQUEST_LINE_CAP		16384

/* Bytes of a whole head, request or answer.  buildx sends 24 KiB of
 * X-Docker-Expose-Session lines and X-Registry-Config can be larger. */
#define BOUNDS_HEAD_CAP			65536

/* Field lines of a head.  buildx sends some 30; dockerd 28 itself refuses
 * 2000. */
#define BOUNDS_FIELD_CAP		128

/* Digits of a Content-Length: 18 always fit an int64_t, so dockerd (Go) and
 * we cannot disagree. */
#define BOUNDS_LENGTH_DIGITS		18

/* Hex digits of a chunk size; the value must also be below 2^63. */
#define BOUNDS_CHUNK_DIGITS		16

/* Interim (1xx) answers before the real one; dockerd sends one at most. */
#define BOUNDS_INTERIM_CAP		16

/* Bytes of a body on "start": dockerd's own limit for an empty object. */
#define BOUNDS_START_BODY_CAP		7

/* Bytes of body that are read away after a denied request to keep the
 * connection; a larger one is closed, which is cheaper for both. */
#define BOUNDS_DENIED_BODY_CAP		65536

/* -- what dockerd tells its authorization plugins -- */

/* Objects and arrays within each other: what dockerd sends has two. */
#define BOUNDS_JSON_DEPTH		32

/* Bytes of a message: it has the body of a request, of an answer too, in
 * base64.  Of 4 MiB (dockerd 28) that is 11 MiB. */
#define BOUNDS_AUTHZ_CAP		(64 << 20)

/* Bytes of what is kept of one: a target and a few header fields.  And of a
 * TLS client's name, of which X.509 has 64 characters. */
#define BOUNDS_AUTHZ_KEPT_CAP		32768
#define BOUNDS_AUTHZ_USER_CAP		256

/* Bytes of a message that are read at once. */
#define BOUNDS_AUTHZ_PIECE		65536

/* -- profiles -- */

#define BOUNDS_RULE_LINE_CAP		4096	/* bytes of one rule line */
#define BOUNDS_RULE_CAP			4096	/* rules of one profile */
#define BOUNDS_FRAGMENTS_CAP		16	/* files that one includes */
#define BOUNDS_VARS_CAP			64	/* defined for one profile */
#define BOUNDS_VAR_NAME_CAP		32	/* bytes */
#define BOUNDS_PROFILE_CAP		(1 << 20) /* bytes of one file */
#define BOUNDS_PROFILE_NAME_CAP		256	/* bytes, with the NUL */

/* PCRE2 work for one match.  Shipped rules need some 50, and two for each
 * byte of a very long image name.  A rule with two ".*" on 8 KiB of slashes
 * is given up after a millisecond; 100000 would let it go on for 16. */
#define BOUNDS_MATCH_LIMIT		3000

/* Microseconds of processor time for all rules of one verdict: 4096 rules
 * that each scan a long target would take 30 ms and more.  Looked at after
 * so many bytes of target that rules were tried on, so that short targets
 * and short profiles never pay for looking. */
#define BOUNDS_VERDICT_US		4000
#define BOUNDS_VERDICT_LOOK		8192

/* KiB the interpreter may take for one match; JIT code takes none.  Room for
 * as many nested backtracking points as an 8 KiB target has bytes. */
#define BOUNDS_MATCH_HEAP_KIB		8192

/* -- buffers -- */

/* Bytes moved at once from the client.  With 64 KiB a chunked upload takes
 * half as much CPU time again, for dockerd is woken by each piece; pages that
 * other connections never touch cost nothing. */
#define BOUNDS_RELAY_CAP		262144

/* The same to the client: all that a Unix socket holds of what dockerd has
 * sent, 208 KiB as kernels come.  By 64 KiB bulk takes a sixth more CPU time,
 * for the client is woken by each piece. */
#define BOUNDS_ANSWER_CAP		262144

/* Bytes that come at once, from which on it is bulk: clients send files in
 * pieces of 16 or 32 KiB. */
#define BOUNDS_BULK			16384

/* Bytes of a pipe for bulk: 64 KiB take a third more CPU time; 1 MiB take a
 * third less, but then a user may only have 64 of them. */
#define BOUNDS_PIPE_CAP			262144

/* Bytes to come from which on the pipe pays for being opened. */
#define BOUNDS_PIPE_FROM		262144

/* Pieces of one gathered send: a head, and chunks of a body that are
 * written anew (three pieces each). */
#define BOUNDS_RELAY_PIECES		49

/* Bytes of an answer of our own, head and JSON body: a profile's name of
 * escaped bytes, and method and target cut to what a person reads. */
#define BOUNDS_REPLY_CAP		10240
#define BOUNDS_REPLY_METHOD_CAP		32
#define BOUNDS_REPLY_TARGET_CAP		1024

/* Bytes of a log line: POSIX pipes keep writes up to 4096 whole; 1024 is
 * what every syslog takes. */
#define BOUNDS_LOG_LINE_CAP		1024

/* Bytes of a peer's name in the log: "[IPv6%scope]:port" or "uid:N". */
#define BOUNDS_PEER_CAP			72

/* -- status and metrics -- */

/* Bytes of method and path that --status shows of a request, with the NUL:
 * a container's name and what is done to it. */
#define BOUNDS_DOING_CAP		128

/* Pairs of listener and profile that are counted apart, those of earlier
 * configurations too; and rules of all of them, a power of two. */
#define BOUNDS_TALLY_ROW_CAP		128
#define BOUNDS_TALLY_RULE_CAP		8192

/* Bytes of the name of a listener or profile in the metrics, with the
 * NUL. */
#define BOUNDS_TALLY_NAME_CAP		256

/* Bytes of an answer with all metrics: some 160 for each of the rules above,
 * and as much again for long names. */
#define BOUNDS_METRICS_CAP		(4 << 20)

/* -- time, in milliseconds -- */

/* One who asks for metrics gets so long, from the first byte to the last:
 * the next one waits for it. */
#define BOUNDS_SCRAPE_MS		1000

/* --healthcheck waits so long, and goes on asking so long an instance that is
 * just starting or loading its configuration. */
#define BOUNDS_HEALTH_MS		3000
#define BOUNDS_HEALTH_START_MS		1000

/* Questions of --healthcheck that are under way at once; older ones go without
 * an answer.  Each holds a descriptor of the gate and one of the master. */
#define BOUNDS_PINGS			4

/* How often the master looks whether the Docker socket is there. */
#define BOUNDS_DOCKERPATH_MS		1000

/* How long a client's bytes are read away before a close, so that a reset
 * does not eat our answer; and how long what a client sent before it went
 * may still take to reach dockerd. */
#define BOUNDS_LINGER_MS		1000

/* The same after a 503: the process that says so is needed for the next. */
#define BOUNDS_REFUSE_MS		100

/* The Docker socket is local: a connect that takes longer means a dead or
 * stuck daemon. */
#define BOUNDS_DIAL_MS			5000

/* From this request of a client on, the gate keeps the connection to dockerd:
 * most clients with fewer never come back, and it costs more than one for a
 * single request. */
#define BOUNDS_KEEP_FROM		3

/* Bytes moved at once from such a connection to its pipe: what a pipe holds
 * without being asked for more. */
#define BOUNDS_KEEP_PIECE		65536

/* dockerd gets so long to say what a container's name is, and who asked for
 * that a little longer: it waits with a client, who is refused then. */
#define BOUNDS_WHOIS_MS			2000
#define BOUNDS_INQUIRE_MS		2500

/* Between two tries while dockerd's backlog is full. */
#define BOUNDS_DIAL_RETRY_MS		10

/* A tunnel's client gets this long to go after dockerd has ended it. */
#define BOUNDS_TUNNEL_GRACE_MS		500

/* A client with open keep-alive is asked to give way only after this long
 * without a request, so that one about to send is not cut off. */
#define BOUNDS_GIVE_WAY_MS		100

/* TCP keep-alive: a client whose machine vanished is found after two
 * minutes.  In seconds, and probes without an answer. */
#define BOUNDS_KEEPALIVE_IDLE_S		60
#define BOUNDS_KEEPALIVE_PROBE_S	15
#define BOUNDS_KEEPALIVE_PROBES		4

/* A connection that has only just come may take this long to send its
 * request although its worker has been asked to end. */
#define BOUNDS_FRESH_MS			1000

/* A client that has nothing to say for so long is parked, and its connection
 * to dockerd is not kept any longer: an idle client costs no worker and
 * nothing of dockerd.  Most clients send their requests in one go. */
#define BOUNDS_IDLE_MS			1000

/* Parked connections of one listener, of which a stream has two; the next
 * clients are closed, as idle ones may be, and streams stay with their
 * workers.  The longest time that a client may be parked: a day is more than
 * what --idle-timeout takes.  And how often it is looked whose time is up. */
#define BOUNDS_PARKED_CAP		16384
#define BOUNDS_PARKED_MS		86400000
#define BOUNDS_PARK_LOOK_MS		1000

/* Until it is tried again to pass one on, when the system has too many
 * descriptors on their way. */
#define BOUNDS_PARK_PAUSE_MS		10

/* Bytes of the path of a stream that is parked, with the NUL: what is asked of
 * a container by its full number takes some 90.  A worker keeps those with
 * longer ones. */
#define BOUNDS_PARK_PATH_CAP		256

/* Bytes of socket memory for clients that were passed on and that no worker
 * has taken yet: two dozen.  Until the next try of a worker that cannot park a
 * client. */
#define BOUNDS_PARK_AHEAD		8192
#define BOUNDS_PARK_RETRY_MS		100

/* The same for those who are on their way to be parked, some 50 streams; and
 * more descriptors than are so at once: a stream that finds no room would be
 * lost. */
#define BOUNDS_PARK_BEHIND		32768
#define BOUNDS_PARK_ROOM		256

/* -- processes -- */

/* Descriptors of a worker: it holds a dozen.  But no process of a user can
 * pass one on while more than this are on their way between all processes of
 * that user: workers and parking processes. */
#define BOUNDS_WORKER_FILES		1024

#define BOUNDS_LISTEN_CAP		32	/* listeners */

/* allow= of one listener.  All are looked at for each connection, and more
 * than a few dozen are the business of a packet filter. */
#define BOUNDS_ALLOW_CAP		64

/* --client.  All are looked at for each connection, too, and each profile of
 * theirs has processes of its own for each listener. */
#define BOUNDS_CLIENT_CAP		64

/* Listeners, and what is behind those whose clients are told apart: a profile
 * each, with a parking process and a worker at least. */
#define BOUNDS_POOL_CAP			128

/* Bytes of the name of a host.  Source: RFC 1035 section 3.1. */
#define BOUNDS_HOST_NAME_CAP		253

/* Bytes of the name of a container: Docker knows no limit, but the name is one
 * of a host on networks. */
#define BOUNDS_CONTAINER_NAME_CAP	253

/* Bytes of /proc/PID/cgroup: a dozen lines, each with a path that may be as
 * long as a file's. */
#define BOUNDS_GROUPS_TEXT_CAP		65536

/* Questions of doors and workers about containers that are under way at once,
 * each with two descriptors; others wait. */
#define BOUNDS_QUESTIONS		128

/* Addresses that are taken of one name: what hosts of containers have, many
 * times over. */
#define BOUNDS_HOST_ADDRESSES		64

/* Groups of a user: NGROUPS_MAX of Linux. */
#define BOUNDS_GROUPS_CAP		65536

#define BOUNDS_WORKERS_CAP		16384	/* upper end of --max-workers */
#define BOUNDS_SPAWN_CAP		64	/* forks, or events, per round */

/* Bytes that a control group is charged for a worker with a busy client, half
 * of them by the kernel for any process; and for all other processes, one that
 * Docker starts for a health check too.  The number of these, those of a dozen
 * listeners. */
#define BOUNDS_WORKER_MEMORY		524288
#define BOUNDS_OTHERS_MEMORY		8388608
#define BOUNDS_OTHERS_PIDS		32

/* Slots beyond max-workers: a process per listener that says 503, and old
 * generations' workers that end slowly after a reload. */
#define BOUNDS_SLOTS_EXTRA		1024
#define BOUNDS_BACKLOG			4096	/* listen(2); kernels cap it */

/* A worker that dies sooner than this after its start makes the master wait
 * before the next fork: first BACKOFF_MIN, doubling to BACKOFF_MAX. */
#define BOUNDS_EARLY_DEATH_MS		1000
#define BOUNDS_BACKOFF_MIN_MS		100
#define BOUNDS_BACKOFF_MAX_MS		10000

/* How often the master looks after workers that should have ended, and how
 * long a spare worker idles before it is let go. */
#define BOUNDS_NUDGE_MS			100
#define BOUNDS_SPARE_MS			5000

#endif /* DSP_BOUNDS_H */
