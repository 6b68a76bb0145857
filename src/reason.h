#ifndef DSP_REASON_H
#define DSP_REASON_H

/*
 * Every way a request can end other than by dockerd's answer, in one table:
 * the name in the code, the status of our answer (RFC 9110 section 15), the
 * word in the log, and what the client is told.
 */
#define REASON_TABLE(X) \
	X(REASON_NONE, 200, "none", "") \
	/* RFC 9112: the head cannot be read in one way only */ \
	X(REASON_LINE_END, 400, "line-end", \
	    "lines must end in CR LF") \
	X(REASON_REQUEST_LINE, 400, "request-line", \
	    "malformed request line") \
	X(REASON_METHOD, 400, "method", "malformed method") \
	X(REASON_VERSION, 505, "http-version", \
	    "only HTTP/1.1 and HTTP/1.0 are spoken here") \
	X(REASON_STATUS_LINE, 502, "status-line", "malformed status line") \
	X(REASON_LINE_LONG, 414, "request-line-too-long", \
	    "request line too long") \
	X(REASON_HEAD_LONG, 431, "head-too-large", "request head too large") \
	X(REASON_FIELD_COUNT, 431, "too-many-fields", \
	    "too many header fields") \
	X(REASON_FIELD_NAME, 400, "field-name", \
	    "malformed header field name") \
	X(REASON_FIELD_VALUE, 400, "field-value", \
	    "forbidden byte in a header field value") \
	X(REASON_FOLD, 400, "folded-line", "folded header line") \
	X(REASON_HOST, 400, "host", \
	    "Host must be given once, with a host name or empty") \
	X(REASON_FIELD_TWICE, 400, "field-twice", \
	    "a header field that must be single is given twice") \
	X(REASON_CONTENT_TYPE, 400, "content-type", \
	    "forbidden byte in Content-Type") \
	X(REASON_UPGRADE, 400, "upgrade", "malformed Upgrade") \
	X(REASON_EXPECT, 417, "expect", \
	    "the only expectation known is 100-continue") \
	/* RFC 9112 section 6: where a message ends */ \
	X(REASON_LENGTH, 400, "content-length", "malformed Content-Length") \
	X(REASON_LENGTH_AND_CODING, 400, "length-and-coding", \
	    "Content-Length and Transfer-Encoding together") \
	X(REASON_CODING_OLD, 400, "coding-in-1.0", \
	    "Transfer-Encoding in HTTP/1.0") \
	X(REASON_CODING, 501, "transfer-coding", \
	    "the only transfer coding known is chunked") \
	X(REASON_BODY_METHOD, 400, "body-on-method", \
	    "this method takes no body") \
	X(REASON_CHUNK, 400, "chunk", "malformed chunk") \
	X(REASON_BODY_SHORT, 400, "body-cut-short", \
	    "the body ended too early") \
	/* the canonical target */ \
	X(REASON_TARGET_FORM, 400, "target-form", \
	    "the target must be a path that starts with /") \
	X(REASON_TARGET_BYTE, 400, "target-byte", \
	    "forbidden byte in the target") \
	X(REASON_TARGET_ESCAPE, 400, "target-escape", \
	    "bad or needless percent escape in the target") \
	X(REASON_TARGET_SEGMENT, 400, "target-segment", \
	    "empty or dot segment in the path") \
	X(REASON_TARGET_VERSION, 400, "target-version", \
	    "malformed API version in the path") \
	/* policy */ \
	X(REASON_NO_RULE, 403, "no-rule", "denied by profile") \
	X(REASON_MATCH_ERROR, 403, "match-error", \
	    "denied: a rule could not be evaluated, profile") \
	X(REASON_FORM_BODY, 403, "form-body", \
	    "form bodies are refused: dockerd lets them override the query") \
	X(REASON_START_BODY, 403, "start-body", \
	    "start with a body is refused: it could carry a host " \
	    "configuration") \
	X(REASON_MIN_API, 403, "min-api", \
	    "this API version is refused: too old") \
	X(REASON_BROWSER, 403, "browser", \
	    "requests of web browsers are refused") \
	/* as an authorization plugin */ \
	X(REASON_AUTHZ_CALL, 404, "authz-call", \
	    "no such call of an authorization plugin") \
	X(REASON_AUTHZ_MESSAGE, 400, "authz-message", \
	    "malformed message to an authorization plugin") \
	X(REASON_AUTHZ_LONG, 413, "authz-too-long", \
	    "the message to the authorization plugin is too long") \
	X(REASON_AUTHZ_BODY, 403, "body-not-told", \
	    "refused: dockerd does not tell its plugins this body") \
	X(REASON_MEDIA_TYPE, 403, "media-type", \
	    "refused: malformed media type") \
	/* serving */ \
	X(REASON_NOT_ALLOWED, 403, "not-allowed", \
	    "not allowed from here: no allow= of this listener names this " \
	    "client") \
	X(REASON_CONTAINER, 403, "unknown-container", \
	    "it cannot be found out which container this client is in") \
	X(REASON_HEAD_TIMEOUT, 408, "head-timeout", \
	    "request head not complete in time") \
	X(REASON_NO_DOCKER, 502, "no-docker", \
	    "cannot connect to the Docker socket") \
	X(REASON_BAD_ANSWER, 502, "bad-answer", \
	    "no valid answer from the Docker socket") \
	X(REASON_PER_CLIENT, 429, "max-per-client", \
	    "too many connections from this client") \
	X(REASON_BUSY, 503, "busy", \
	    "all workers are busy (max-workers)")

enum reason {
#define REASON_ENUM(name, status, word, text) name,
	REASON_TABLE(REASON_ENUM)
#undef REASON_ENUM
	REASON_COUNT
};

struct reason_info {
	int		 status;	/* of our answer */
	const char	*word;		/* reason= in the log */
	const char	*text;		/* for the client, no full stop */
};

/* reason_info(r): the row of r; an impossible value gives that of
 * REASON_NO_RULE.  Static storage. */
const struct reason_info *reason_info(enum reason r);

#endif /* DSP_REASON_H */
