/*
 * redial for C and C++. Generated from bindings/c/src by `cargo run -p redial-c-header`; don't edit it.
 *
 * A policy lives in your memory and has no heap. Fill a redial_event with what happened, call redial_handle, execute the actions in order,
 * and call it again with NULL at the deadline at the latest. Set structs to zero before you fill them. A number of an enum is checked.
 * A policy is used by one thread at a time; different policies share nothing but their config, which nothing writes.
 */

#ifndef REDIAL_H
#define REDIAL_H

#include <stddef.h>
#include <stdint.h>

// The most actions that one call returns.
#define REDIAL_MAX_ACTIONS 4

// The size of the memory for a config, in numbers of 64 bits.
#define REDIAL_CONFIG_WORDS 376

// The most endpoints of a policy.
#define REDIAL_MAX_ENDPOINTS 16

// The size of a policy, in numbers of 64 bits.
#define REDIAL_POLICY_WORDS 96

// No limit, for a number of attempts or of failures.
#define REDIAL_NO_LIMIT UINT32_MAX

// The most entries of a table of waits.
#define REDIAL_MAX_TABLE 32

// The most rules over a table.
#define REDIAL_MAX_RULES 16

// The most steps of a rule.
#define REDIAL_MAX_STEPS 8

// The most slots of a policy.
#define REDIAL_MAX_SLOTS 65535

// The size of a slot, in numbers of 64 bits.
#define REDIAL_SLOT_WORDS 12

// The length of a snapshot in bytes, without the texts of its token and its endpoint.
#define REDIAL_SNAPSHOT_BYTES 112

// The time that never comes: no deadline, no limit.
#define REDIAL_NEVER UINT64_MAX

// What became of a call. Where it is not `REDIAL_OK`, nothing changed.
enum redial_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The call did what it says.
    REDIAL_OK = 0,
    // A pointer is null that must not be.
    REDIAL_ERROR_NULL = 1,
    // A pointer is not aligned for its type.
    REDIAL_ERROR_ALIGNMENT = 2,
    // An array is longer than memory can be.
    REDIAL_ERROR_LENGTH = 3,
    // The policy was not initialized.
    REDIAL_ERROR_UNINITIALIZED = 4,
    // The policy was copied or moved since it was initialized.
    REDIAL_ERROR_MOVED = 5,
    // The seed is 0.
    REDIAL_ERROR_SEED = 6,
    // There are more than `REDIAL_MAX_ENDPOINTS` endpoints.
    REDIAL_ERROR_ENDPOINTS = 7,
    // There are more than `REDIAL_MAX_SLOTS` slots.
    REDIAL_ERROR_SLOTS = 8,
    // The kind of an event is not known.
    REDIAL_ERROR_EVENT = 9,
    // An event of a transport has the epoch 0.
    REDIAL_ERROR_EPOCH = 10,
    // A cause is none, or its detail is not of its kind.
    REDIAL_ERROR_CAUSE = 11,
    // The kind of a server's wait is not known.
    REDIAL_ERROR_RETRY_AFTER = 12,
    // A hold has a number above 31.
    REDIAL_ERROR_REASON = 13,
    // The key of a subscription is not below the number of slots.
    REDIAL_ERROR_KEY = 14,
    // An event that needs a token or an endpoint has none.
    REDIAL_ERROR_TOKEN = 15,
    // No preset has this name.
    REDIAL_ERROR_PRESET = 16,
    // The settings can't be a config; `redial_error` says which and why.
    REDIAL_ERROR_CONFIG = 17,
    // A buffer is too small.
    REDIAL_ERROR_FULL = 18,
    // The bytes are no snapshot, or an altered one.
    REDIAL_ERROR_SNAPSHOT = 19,
    // The snapshot is of another connection: it has another key.
    REDIAL_ERROR_SNAPSHOT_KEY = 20,
    // The policy has been started already.
    REDIAL_ERROR_STARTED = 21,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_status redial_status;
#else
typedef uint32_t redial_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What to do. Each says which fields of `redial_action` it has.
enum redial_action_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Open a transport now, and report `REDIAL_EVENT_OPENED`, `REDIAL_EVENT_OPEN_FAILED` or `REDIAL_EVENT_NOT_NOW` with its epoch.
    // Has `epoch`, `mode`, `endpoint` with `endpoint_index` or `endpoint_token`, `attempt` and `role`.
    REDIAL_ACTION_OPEN = 1,
    // The successor is the connection from now on. Has `epoch`. Only with a handover.
    REDIAL_ACTION_PROMOTE = 2,
    // Close the transport, or cancel the dial, without waiting for the peer. Has `epoch` and `code`.
    REDIAL_ACTION_CLOSE = 3,
    // Identify: ask the server for a new session. Has `epoch`.
    REDIAL_ACTION_IDENTIFY = 4,
    // Resume the session. Has `epoch`, `token`, `sequence` and `has_sequence`.
    REDIAL_ACTION_RESUME = 5,
    // Send a heartbeat. Has `epoch`, `sequence` and `has_sequence`.
    REDIAL_ACTION_HEARTBEAT = 6,
    // Refresh the credential, and report `REDIAL_EVENT_CREDENTIAL_OK` or `REDIAL_EVENT_CREDENTIAL_FAILED`. Has `request`.
    REDIAL_ACTION_REFRESH_CREDENTIAL = 7,
    // Authenticate on the transport, and report `REDIAL_EVENT_AUTH_OK` or `REDIAL_EVENT_AUTH_FAILED`. Has `epoch`.
    REDIAL_ACTION_AUTHENTICATE = 8,
    // Send the subscriptions of `redial_batch`, in its order. Has `epoch`, `send` and `count`.
    REDIAL_ACTION_RESTORE = 9,
    // The session is dropped: its token may be forgotten. Has `drop_reason`.
    REDIAL_ACTION_DROP_SESSION = 10,
    // The policy gives up and dials no more, until an event starts it again. Has `give_up` and `cause`.
    REDIAL_ACTION_GAVE_UP = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_action_kind redial_action_kind;
#else
typedef uint32_t redial_action_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What follows the last entry of a table of waits.
enum redial_after_table
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The last entry repeats.
    REDIAL_AFTER_TABLE_REPEAT_LAST = 1,
    // No further attempt.
    REDIAL_AFTER_TABLE_GIVE_UP = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_after_table redial_after_table;
#else
typedef uint32_t redial_after_table;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The state of a breaker.
enum redial_breaker_phase
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Dials pass.
    REDIAL_BREAKER_CLOSED = 1,
    // No dial passes until its time is over.
    REDIAL_BREAKER_OPEN = 2,
    // A few dials pass, as probes.
    REDIAL_BREAKER_HALF_OPEN = 3,
    // No dial passes.
    REDIAL_BREAKER_FORCED_OPEN = 4,
    // Every dial passes.
    REDIAL_BREAKER_DISABLED = 5,
    // Every dial passes, and results are counted.
    REDIAL_BREAKER_METRICS_ONLY = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_breaker_phase redial_breaker_phase;
#else
typedef uint32_t redial_breaker_phase;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The kind of a cause, some of which have a `detail`.
enum redial_cause_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The peer sent a close frame, or the protocol's own disconnect. `detail`: its code; 1005 where it has none.
    REDIAL_CAUSE_CLOSE_FRAME = 1,
    // The transport ended without a close frame.
    REDIAL_CAUSE_NO_CLOSE_FRAME = 2,
    // The server answered the upgrade with an HTTP status. `detail`: the status.
    REDIAL_CAUSE_HTTP = 3,
    // The socket or the name lookup failed. `detail`: a `redial_io_kind`; `redial_errno.h` has it for an `errno`.
    REDIAL_CAUSE_IO = 4,
    // TLS failed. `detail`: a `redial_tls_kind`.
    REDIAL_CAUSE_TLS = 5,
    // A timeout of the program passed.
    REDIAL_CAUSE_TIMEOUT = 6,
    // The program classifies the cause itself. `detail`: a `redial_class`.
    REDIAL_CAUSE_CLASS = 7,
    // The transport did not open in time.
    REDIAL_CAUSE_CONNECT_TIMEOUT = 8,
    // The greeting did not come in time.
    REDIAL_CAUSE_GREETING_TIMEOUT = 9,
    // The session was not established or resumed in time.
    REDIAL_CAUSE_READY_TIMEOUT = 10,
    // The authentication was not answered in time.
    REDIAL_CAUSE_AUTH_TIMEOUT = 11,
    // A heartbeat was not acknowledged in time.
    REDIAL_CAUSE_HEARTBEAT_MISSED = 12,
    // A message could not be sent.
    REDIAL_CAUSE_SEND_FAILED = 13,
    // The server asked for a reconnect.
    REDIAL_CAUSE_RECONNECT_REQUESTED = 14,
    // The server refused the session, which is dropped.
    REDIAL_CAUSE_SESSION_INVALID = 15,
    // The server refused to resume the session now; it may be resumed later.
    REDIAL_CAUSE_SESSION_INVALID_RESUMABLE = 16,
    // The greeting has no heartbeat interval, which the config requires.
    REDIAL_CAUSE_BAD_GREETING = 17,
    // The host reported that the network is down.
    REDIAL_CAUSE_NETWORK_DOWN = 18,
    // The host resumed from a sleep.
    REDIAL_CAUSE_HOST_SUSPENDED = 19,
    // The credential was rejected, on an open connection or by its source.
    REDIAL_CAUSE_AUTH_REJECTED = 20,
    // The credential was rejected, and so would be any other.
    REDIAL_CAUSE_AUTH_DENIED = 21,
    // The subscriptions could not be restored.
    REDIAL_CAUSE_RESTORE_FAILED = 22,
    // The cause is not known.
    REDIAL_CAUSE_UNKNOWN = 23,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_cause_kind redial_cause_kind;
#else
typedef uint32_t redial_cause_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What to do after the end of an attempt or a connection.
enum redial_class
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Retry, and resume the session.
    REDIAL_CLASS_TRANSIENT = 1,
    // Drop the session, then retry with a new one.
    REDIAL_CLASS_FRESH = 2,
    // Give up: a retry would fail in the same way.
    REDIAL_CLASS_FATAL = 3,
    // Refresh the credential, then retry. The session is kept.
    REDIAL_CLASS_AUTH = 4,
    // Retry after the wait that the server asked for, or else that of the verdict. The session is kept.
    REDIAL_CLASS_RATE_LIMITED = 5,
    // Another client took the session over: retry with a count of its own, so that two clients with one identity don't replace each other without end. The session is kept.
    REDIAL_CLASS_REPLACED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_class redial_class;
#else
typedef uint32_t redial_class;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How the nominal wait follows from the number of failures.
enum redial_curve
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Every nominal wait is `initial_ms`; with its jitter a wait is at most `max_ms`.
    REDIAL_CURVE_CONSTANT = 1,
    // `initial_ms * factor^(n - 1)`, at most `max_ms`.
    REDIAL_CURVE_EXPONENTIAL = 2,
    // `initial_ms * n`, at most `max_ms`.
    REDIAL_CURVE_LINEAR = 3,
    // 1, 1, 2, 3, 5, 8 ... times `initial_ms`, at most `max_ms`.
    REDIAL_CURVE_FIBONACCI = 4,
    // The entries of `table_ms`, then `after_table`.
    REDIAL_CURVE_TABLE = 5,
    // `initial_ms + step_ms * (n - 1)^2`, at most `max_ms`.
    REDIAL_CURVE_QUADRATIC = 6,
    // `factor` of the time that the outage has lasted, at least `initial_ms` and at most `max_ms`.
    REDIAL_CURVE_ELAPSED = 7,
    // Consecutive windows, the first of `initial_ms`, growing by `scale_ms`, in each of which a client dials once.
    REDIAL_CURVE_WINDOWS = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_curve redial_curve;
#else
typedef uint32_t redial_curve;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What became of an event.
enum redial_disposition
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It was applied.
    REDIAL_DISPOSITION_APPLIED = 1,
    // It is of a transport that is not the current one any more, or answers an older request. Nothing changed.
    REDIAL_DISPOSITION_STALE = 2,
    // It does not apply to the present state. Nothing changed.
    REDIAL_DISPOSITION_INAPPLICABLE = 3,
    // There is no slot for another subscription. Nothing changed.
    REDIAL_DISPOSITION_FULL = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_disposition redial_disposition;
#else
typedef uint32_t redial_disposition;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why a session is dropped.
enum redial_drop_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The connection was lost for a cause that ends the session.
    REDIAL_DROP_GONE = 1,
    // The server refused it.
    REDIAL_DROP_INVALID = 2,
    // As many resumes in a row failed as the config allows.
    REDIAL_DROP_RESUME_FAILED = 3,
    // The server never sent the token, or a sequence number where the protocol needs one.
    REDIAL_DROP_INCOMPLETE = 4,
    // Its time to live has passed.
    REDIAL_DROP_EXPIRED = 5,
    // The user stopped.
    REDIAL_DROP_STOP = 6,
    // The policy gave up for another reason than a limit.
    REDIAL_DROP_FATAL = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_drop_reason redial_drop_reason;
#else
typedef uint32_t redial_drop_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The endpoint of a dial.
enum redial_endpoint
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The configured endpoint; of several the one whose index the action has.
    REDIAL_ENDPOINT_BASE = 1,
    // The session's own endpoint, which the action names.
    REDIAL_ENDPOINT_SESSION = 2,
    // The endpoint that the server named, which the action names.
    REDIAL_ENDPOINT_REDIRECT = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_endpoint redial_endpoint;
#else
typedef uint32_t redial_endpoint;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The endpoint that a round begins with.
enum redial_endpoint_order
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Endpoint 0, whatever its failures; then the others, the least failed first.
    REDIAL_ENDPOINT_ORDER_PRIMARY_FIRST = 1,
    // The least failed one, drawn among equals.
    REDIAL_ENDPOINT_ORDER_LEAST_FAILED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_endpoint_order redial_endpoint_order;
#else
typedef uint32_t redial_endpoint_order;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// When a connection counts as established.
enum redial_establish
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // When the transport is open, for protocols that don't confirm a session.
    REDIAL_ESTABLISH_ON_OPEN = 1,
    // When the protocol confirms it.
    REDIAL_ESTABLISH_ON_READY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_establish redial_establish;
#else
typedef uint32_t redial_establish;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened. Each says which fields of `redial_event` it reads; "of a transport" means that `epoch` is one of them.
enum redial_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The user starts the connection.
    REDIAL_EVENT_START = 1,
    // The user stops the connection. Reads `keep`.
    REDIAL_EVENT_STOP = 2,
    // The user asks for a reconnect now.
    REDIAL_EVENT_RETRY_NOW = 3,
    // A precondition of the host is missing: no dial until it is released. Reads `reason`.
    REDIAL_EVENT_HOLD = 4,
    // A precondition of the host is met again. Reads `reason`.
    REDIAL_EVENT_RELEASE = 5,
    // The network is down.
    REDIAL_EVENT_NETWORK_DOWN = 6,
    // The network is up.
    REDIAL_EVENT_NETWORK_UP = 7,
    // The program is in the background.
    REDIAL_EVENT_HIDDEN = 8,
    // The program is in the foreground again.
    REDIAL_EVENT_VISIBLE = 9,
    // The host resumes from a sleep. Reads `gap_ms` and `counted`.
    REDIAL_EVENT_HOST_RESUMED = 10,
    // The default route changed.
    REDIAL_EVENT_NETWORK_CHANGED = 11,
    // The user asks for another connection in place of this one.
    REDIAL_EVENT_REDIAL = 12,
    // The server sets the first wait of the backoff. Reads `base_ms`.
    REDIAL_EVENT_BACKOFF_HINT = 13,
    // Of a transport: it is open.
    REDIAL_EVENT_OPENED = 14,
    // Of a transport: the dial failed. Reads `cause`, `retry_after` and `retry_after_ms`.
    REDIAL_EVENT_OPEN_FAILED = 15,
    // Of a transport: the host can't dial at the moment. Reads `retry_after_ms`.
    REDIAL_EVENT_NOT_NOW = 16,
    // Of a transport: it is closed, by the peer or by an error. Reads `cause`.
    REDIAL_EVENT_CLOSED = 17,
    // Of a transport: a send failed.
    REDIAL_EVENT_SEND_FAILED = 18,
    // Of a transport: the server's first message. Reads `interval_ms`, the heartbeat interval that it asks for.
    REDIAL_EVENT_GREETING = 19,
    // Of a transport: a new session is established. Reads `token`, `endpoint`, `sequence`, `has_sequence` and `ttl_ms`.
    REDIAL_EVENT_READY = 20,
    // Of a transport: the server resumed the session.
    REDIAL_EVENT_RESUMED = 21,
    // Of a transport: a message with a number was received. Reads `sequence`.
    REDIAL_EVENT_SEQUENCE = 22,
    // Of a transport: the server asks for a reconnect. Reads `retry_after`, `retry_after_ms` and `deadline_ms`.
    REDIAL_EVENT_RECONNECT_REQUESTED = 23,
    // Of a transport: the server names another endpoint. Reads `endpoint` and `permanent`.
    REDIAL_EVENT_REDIRECTED = 24,
    // Of a transport: the server sends a new position to resume from. Reads `token`.
    REDIAL_EVENT_CURSOR = 25,
    // Of a transport: the server sets the heartbeat interval. Reads `interval_ms`.
    REDIAL_EVENT_KEEP_ALIVE = 26,
    // Of a transport: the server refuses the session. Reads `resumable`.
    REDIAL_EVENT_SESSION_INVALID = 27,
    // Of a transport: the server acknowledged a heartbeat.
    REDIAL_EVENT_HEARTBEAT_ACKED = 28,
    // Of a transport: the server asks for a heartbeat now.
    REDIAL_EVENT_HEARTBEAT_REQUESTED = 29,
    // Of a transport: anything else was received.
    REDIAL_EVENT_RECEIVED = 30,
    // A fresh credential is available. Reads `request` and `ttl_ms`.
    REDIAL_EVENT_CREDENTIAL_OK = 31,
    // The credential could not be refreshed. Reads `request` and `fatal`.
    REDIAL_EVENT_CREDENTIAL_FAILED = 32,
    // The user supplied another credential.
    REDIAL_EVENT_CREDENTIAL_NEW = 33,
    // The credential is gone and there is no other.
    REDIAL_EVENT_CREDENTIAL_LOST = 34,
    // Of a transport: the server accepted the authentication.
    REDIAL_EVENT_AUTH_OK = 35,
    // Of a transport: the server refused the authentication. Reads `fatal`.
    REDIAL_EVENT_AUTH_FAILED = 36,
    // The user subscribes to a key. Reads `key` and `priority`.
    REDIAL_EVENT_SUBSCRIBE = 37,
    // The user unsubscribes from a key. Reads `key`.
    REDIAL_EVENT_UNSUBSCRIBE = 38,
    // Of a transport: the server confirmed a subscription. Reads `key` and `send`.
    REDIAL_EVENT_SUBSCRIPTION_CONFIRMED = 39,
    // Of a transport: the server refused a subscription, or ended it with an error. Reads `key`, `send` and `retryable`.
    REDIAL_EVENT_SUBSCRIPTION_FAILED = 40,
    // Of a transport: the server ended a confirmed subscription without refusing it. Reads `key`.
    REDIAL_EVENT_SUBSCRIPTION_LOST = 41,
    // Of a connection that a successor replaced: what was under way on it has ended. Only with a handover.
    REDIAL_EVENT_DRAINED = 42,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_event_kind redial_event_kind;
#else
typedef uint32_t redial_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why the policy gave up.
enum redial_give_up
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The cause is fatal: another dial would fail in the same way.
    REDIAL_GIVE_UP_FATAL = 1,
    // The same cause came more often in a row than its verdict allows.
    REDIAL_GIVE_UP_REPEATED = 2,
    // The credential is refused, or its source has none.
    REDIAL_GIVE_UP_AUTH = 3,
    // The attempts of this outage are used up.
    REDIAL_GIVE_UP_MAX_ATTEMPTS = 4,
    // The next dial would come after the time allowed for an outage.
    REDIAL_GIVE_UP_MAX_ELAPSED = 5,
    // The table of the backoff is used up.
    REDIAL_GIVE_UP_TABLE_SPENT = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_give_up redial_give_up;
#else
typedef uint32_t redial_give_up;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// An error of a socket or of the name lookup.
enum redial_io_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing listens at the address (`ECONNREFUSED`).
    REDIAL_IO_CONNECTION_REFUSED = 1,
    // The peer reset the connection (`ECONNRESET`).
    REDIAL_IO_CONNECTION_RESET = 2,
    // The connection was aborted (`ECONNABORTED`).
    REDIAL_IO_CONNECTION_ABORTED = 3,
    // The stream ended within a message.
    REDIAL_IO_UNEXPECTED_EOF = 4,
    // A write after the peer had closed the connection (`EPIPE`).
    REDIAL_IO_BROKEN_PIPE = 5,
    // The operating system's timeout passed (`ETIMEDOUT`).
    REDIAL_IO_TIMED_OUT = 6,
    // The name has no address, or the lookup failed for now (`EAI_NONAME`, `EAI_AGAIN`, …). Not a kind of `std`.
    REDIAL_IO_NAME_NOT_FOUND = 7,
    // No route to the host (`EHOSTUNREACH`).
    REDIAL_IO_HOST_UNREACHABLE = 8,
    // No route to the network (`ENETUNREACH`).
    REDIAL_IO_NETWORK_UNREACHABLE = 9,
    // The local interface is down (`ENETDOWN`).
    REDIAL_IO_NETWORK_DOWN = 10,
    // The host is known to be down (`EHOSTDOWN`). Not a kind of `std`.
    REDIAL_IO_HOST_DOWN = 11,
    // The network dropped the connection (`ENETRESET`). Not a kind of `std`.
    REDIAL_IO_NETWORK_RESET = 12,
    // The socket is not connected (`ENOTCONN`).
    REDIAL_IO_NOT_CONNECTED = 13,
    // A write accepted no bytes.
    REDIAL_IO_WRITE_ZERO = 14,
    // Interrupted by a signal. No loss in itself.
    REDIAL_IO_INTERRUPTED = 15,
    // The operation would block. No loss in itself.
    REDIAL_IO_WOULD_BLOCK = 16,
    // The resource is busy (`EBUSY`).
    REDIAL_IO_RESOURCE_BUSY = 17,
    // The path of a local socket does not exist, or not yet.
    REDIAL_IO_NOT_FOUND = 18,
    // The local address is in use (`EADDRINUSE`).
    REDIAL_IO_ADDR_IN_USE = 19,
    // No local address or port is available (`EADDRNOTAVAIL`).
    REDIAL_IO_ADDR_NOT_AVAILABLE = 20,
    // Too many open files (`EMFILE`, `ENFILE`). Not a kind of `std`.
    REDIAL_IO_TOO_MANY_OPEN_FILES = 21,
    // No buffer space (`ENOBUFS`). Not a kind of `std`.
    REDIAL_IO_NO_BUFFER_SPACE = 22,
    // Out of memory (`ENOMEM`).
    REDIAL_IO_OUT_OF_MEMORY = 23,
    // Not permitted, by a firewall for instance (`EACCES`, `EPERM`).
    REDIAL_IO_PERMISSION_DENIED = 24,
    // The operation is not supported, for instance an address family (`EAFNOSUPPORT`).
    REDIAL_IO_UNSUPPORTED = 25,
    // Invalid data: decompression, framing, a TLS error of unknown kind.
    REDIAL_IO_INVALID_DATA = 26,
    // A parameter of the client is wrong: URL, host, header.
    REDIAL_IO_INVALID_INPUT = 27,
    // Anything else.
    REDIAL_IO_OTHER = 28,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_io_kind redial_io_kind;
#else
typedef uint32_t redial_io_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a wait is randomized around its nominal value d.
enum redial_jitter
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Exactly d.
    REDIAL_JITTER_NONE = 1,
    // From 0 to d.
    REDIAL_JITTER_FULL = 2,
    // From d / 2 to d.
    REDIAL_JITTER_EQUAL = 3,
    // From `initial_ms` to three times the wait before.
    REDIAL_JITTER_DECORRELATED = 4,
    // From `d * (1 - jitter_share)` to `d * (1 + jitter_share)`.
    REDIAL_JITTER_PLUS_MINUS = 5,
    // From `d * jitter_low` to `d * jitter_share`.
    REDIAL_JITTER_WINDOW = 6,
    // From `d * (1 - jitter_share)` to d.
    REDIAL_JITTER_MINUS = 7,
    // From d to `d * (1 + jitter_share)`.
    REDIAL_JITTER_PLUS = 8,
    // From `d + jitter_low_ms` to `d + jitter_high_ms`.
    REDIAL_JITTER_PLUS_FIXED = 9,
    // From `initial_ms` to `initial_ms + d`.
    REDIAL_JITTER_ABOVE_INITIAL = 10,
    // The random steps of Polly along a curve that doubles.
    REDIAL_JITTER_DECORRELATED_V2 = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_jitter redial_jitter;
#else
typedef uint32_t redial_jitter;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What answers a heartbeat.
enum redial_liveness
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Its acknowledgement.
    REDIAL_LIVENESS_ACK = 1,
    // Anything that is received.
    REDIAL_LIVENESS_ANY_TRAFFIC = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_liveness redial_liveness;
#else
typedef uint32_t redial_liveness;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The causes that a rule matches.
enum redial_match
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Exactly `cause`.
    REDIAL_MATCH_IS = 1,
    // A close frame with a code from `first` to `last`.
    REDIAL_MATCH_CLOSE_RANGE = 2,
    // An HTTP status from `first` to `last`.
    REDIAL_MATCH_HTTP_RANGE = 3,
    // Any error of a socket or of the name lookup.
    REDIAL_MATCH_ANY_IO = 4,
    // Any failure of TLS.
    REDIAL_MATCH_ANY_TLS = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_match redial_match;
#else
typedef uint32_t redial_match;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a connection starts.
enum redial_mode
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // With a new session.
    REDIAL_MODE_FRESH = 1,
    // With the session that it had.
    REDIAL_MODE_RESUME = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_mode redial_mode;
#else
typedef uint32_t redial_mode;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens to an open connection when the default route changes.
enum redial_on_network_change
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is probed with a heartbeat. Without a running heartbeat it is dropped.
    REDIAL_ON_NETWORK_CHANGE_PROBE = 1,
    // It is closed and dialled again at once.
    REDIAL_ON_NETWORK_CHANGE_DROP = 2,
    // Nothing happens.
    REDIAL_ON_NETWORK_CHANGE_IGNORE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_on_network_change redial_on_network_change;
#else
typedef uint32_t redial_on_network_change;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens when the network goes down.
enum redial_on_network_down
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // No dials until it is back. An open connection stays.
    REDIAL_ON_NETWORK_DOWN_PARK = 1,
    // No dials until it is back, and an open connection is closed.
    REDIAL_ON_NETWORK_DOWN_DROP = 2,
    // No dials until it is back, and an open connection is probed with a heartbeat.
    REDIAL_ON_NETWORK_DOWN_PROBE = 3,
    // Nothing happens.
    REDIAL_ON_NETWORK_DOWN_IGNORE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_on_network_down redial_on_network_down;
#else
typedef uint32_t redial_on_network_down;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens to an open connection when the page becomes visible.
enum redial_on_visible
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing happens.
    REDIAL_ON_VISIBLE_NOTHING = 1,
    // It is probed with a heartbeat. Without a running heartbeat it is dialled again.
    REDIAL_ON_VISIBLE_PROBE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_on_visible redial_on_visible;
#else
typedef uint32_t redial_on_visible;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens to an open connection after a sleep of the host.
enum redial_on_wake
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is closed and dialled again. The session is kept.
    REDIAL_ON_WAKE_REDIAL = 1,
    // It is probed with a heartbeat. Without a running heartbeat it is dialled again.
    REDIAL_ON_WAKE_PROBE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_on_wake redial_on_wake;
#else
typedef uint32_t redial_on_wake;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The phase that a policy is in.
enum redial_phase
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Not started yet.
    REDIAL_PHASE_IDLE = 1,
    // A transport is being opened.
    REDIAL_PHASE_CONNECTING = 2,
    // The transport is open; the policy waits for the greeting, the session or the authentication.
    REDIAL_PHASE_ESTABLISHING = 3,
    // The session is established; subscriptions are being sent.
    REDIAL_PHASE_RESTORING = 4,
    // The session is established, and every subscription is sent.
    REDIAL_PHASE_ONLINE = 5,
    // The policy waits for a known time to dial.
    REDIAL_PHASE_WAITING = 6,
    // The policy waits for a condition to dial: a hold, the network, the page, a credential.
    REDIAL_PHASE_PARKED = 7,
    // The user stopped the connection.
    REDIAL_PHASE_STOPPED = 8,
    // The policy gave up.
    REDIAL_PHASE_FAILED = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_phase redial_phase;
#else
typedef uint32_t redial_phase;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// When a credential is refreshed.
enum redial_refresh_on
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // After the server rejected it.
    REDIAL_REFRESH_ON_AUTH = 1,
    // Before every dial.
    REDIAL_REFRESH_ON_DIAL = 2,
    // Never. A rejection is fatal.
    REDIAL_REFRESH_ON_NEVER = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_refresh_on redial_refresh_on;
#else
typedef uint32_t redial_refresh_on;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a server means by the wait that it asks for.
enum redial_retry_after_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Not before this time, the same for every client, like a `Retry-After`.
    REDIAL_RETRY_AFTER_AT_LEAST = 1,
    // At this time, which the server keeps for this client.
    REDIAL_RETRY_AFTER_APPOINTMENT = 2,
    // At a random time until then.
    REDIAL_RETRY_AFTER_WINDOW = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_retry_after_kind redial_retry_after_kind;
#else
typedef uint32_t redial_retry_after_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a dial is for.
enum redial_role
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // There is no connection, and the transport becomes it.
    REDIAL_ROLE_CONNECTION = 1,
    // The transport is to replace a connection that is still up: only with a handover.
    REDIAL_ROLE_SUCCESSOR = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_role redial_role;
#else
typedef uint32_t redial_role;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What has to change before a failed attempt could succeed.
enum redial_scope
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The client: its credential, its version, its request.
    REDIAL_SCOPE_CLIENT = 1,
    // The endpoint: another one may accept the same client.
    REDIAL_SCOPE_ENDPOINT = 2,
    // The service.
    REDIAL_SCOPE_SERVICE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_scope redial_scope;
#else
typedef uint32_t redial_scope;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The state of a subscription in the present session.
enum redial_subscription_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is to be sent.
    REDIAL_SUBSCRIPTION_PENDING = 1,
    // It is sent, and the server has not answered yet.
    REDIAL_SUBSCRIPTION_SENT = 2,
    // The server confirmed it.
    REDIAL_SUBSCRIPTION_CONFIRMED = 3,
    // The server refused it for a while, or did not answer. It is sent again at `until_ms`.
    REDIAL_SUBSCRIPTION_WAITING = 4,
    // The server refused it for this session.
    REDIAL_SUBSCRIPTION_REJECTED = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_subscription_state redial_subscription_state;
#else
typedef uint32_t redial_subscription_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The table of a protocol.
enum redial_table
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Sockets, TLS and HTTP, which every other table begins with.
    REDIAL_TABLE_TRANSPORT = 1,
    // The close codes of WebSockets.
    REDIAL_TABLE_WEBSOCKET = 2,
    // Those of Discord's gateway.
    REDIAL_TABLE_DISCORD_GATEWAY = 3,
    // Those of Centrifugo.
    REDIAL_TABLE_CENTRIFUGE = 4,
    // Those of graphql-ws.
    REDIAL_TABLE_GRAPHQL_WS = 5,
    // Those of Pusher.
    REDIAL_TABLE_PUSHER = 6,
    // The reason codes of MQTT 5.
    REDIAL_TABLE_MQTT5 = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_table redial_table;
#else
typedef uint32_t redial_table;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why TLS failed.
enum redial_tls_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The certificate has expired.
    REDIAL_TLS_CERTIFICATE_EXPIRED = 1,
    // The certificate is not valid yet. Often the local clock is wrong.
    REDIAL_TLS_CERTIFICATE_NOT_YET_VALID = 2,
    // The certificate is for another name.
    REDIAL_TLS_NAME_MISMATCH = 3,
    // The issuer is not trusted.
    REDIAL_TLS_UNKNOWN_ISSUER = 4,
    // The certificate was revoked.
    REDIAL_TLS_REVOKED = 5,
    // The certificate is refused for another reason: signature, purpose, unknown revocation status.
    REDIAL_TLS_BAD_CERTIFICATE = 6,
    // The client's certificate is missing, refused or can't sign.
    REDIAL_TLS_CLIENT_CERTIFICATE = 7,
    // The alerts `handshake_failure` and `protocol_version`, or no common cipher.
    REDIAL_TLS_HANDSHAKE_FAILURE = 8,
    // The alert `internal_error`.
    REDIAL_TLS_INTERNAL_ALERT = 9,
    // The stream ended during the handshake.
    REDIAL_TLS_EOF = 10,
    // Anything else.
    REDIAL_TLS_OTHER = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_tls_kind redial_tls_kind;
#else
typedef uint32_t redial_tls_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What brought a policy into its phase.
enum redial_trigger_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing has happened yet.
    REDIAL_TRIGGER_NEW = 1,
    // The user started the connection.
    REDIAL_TRIGGER_START = 2,
    // The user asked for a reconnect now.
    REDIAL_TRIGGER_RETRY_NOW = 3,
    // The user stopped the connection.
    REDIAL_TRIGGER_STOP = 4,
    // A wait ended, or a condition changed: `wait_reason`.
    REDIAL_TRIGGER_GATE = 5,
    // The attempt or connection was lost: `cause`.
    REDIAL_TRIGGER_LOST = 6,
    // The host could not dial.
    REDIAL_TRIGGER_NOT_NOW = 7,
    // The host resumed from a sleep.
    REDIAL_TRIGGER_HOST_RESUMED = 8,
    // The default route changed.
    REDIAL_TRIGGER_NETWORK_CHANGED = 9,
    // The program is in the foreground again.
    REDIAL_TRIGGER_VISIBLE = 10,
    // The user asked for another connection.
    REDIAL_TRIGGER_REDIAL = 11,
    // The connection reached its maximum age.
    REDIAL_TRIGGER_MAX_AGE = 12,
    // The server had asked for a reconnect before a deadline.
    REDIAL_TRIGGER_REQUESTED = 13,
    // The session's time to live passed.
    REDIAL_TRIGGER_SESSION_EXPIRED = 14,
    // The transport opened.
    REDIAL_TRIGGER_OPENED = 15,
    // A new session was established.
    REDIAL_TRIGGER_READY = 16,
    // The old session was resumed.
    REDIAL_TRIGGER_RESUMED = 17,
    // The authentication was accepted.
    REDIAL_TRIGGER_AUTHENTICATED = 18,
    // The last batch of subscriptions was sent.
    REDIAL_TRIGGER_RESTORED = 19,
    // The policy gave up: `give_up`.
    REDIAL_TRIGGER_GAVE_UP = 20,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_trigger_kind redial_trigger_kind;
#else
typedef uint32_t redial_trigger_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a deadline is for, or the condition that a policy is parked on.
enum redial_wait_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The wait of the backoff.
    REDIAL_WAIT_BACKOFF = 1,
    // The wait that the server asked for.
    REDIAL_WAIT_RETRY_AFTER = 2,
    // The minimum wait after the server refused the session.
    REDIAL_WAIT_INVALID_SESSION = 3,
    // The minimum wait of the cause's class.
    REDIAL_WAIT_CLASS = 4,
    // The minimum interval between two dials.
    REDIAL_WAIT_MIN_INTERVAL = 5,
    // The breaker is open.
    REDIAL_WAIT_BREAKER = 6,
    // The server asked for a reconnect: the wait of a stable session, or the time at which a live connection is replaced.
    REDIAL_WAIT_REQUESTED = 7,
    // The random wait after the network came back.
    REDIAL_WAIT_SPREAD = 8,
    // The limit of a dial.
    REDIAL_WAIT_CONNECT_TIMEOUT = 9,
    // The limit for the greeting.
    REDIAL_WAIT_GREETING_TIMEOUT = 10,
    // The limit for the session's establishment.
    REDIAL_WAIT_READY_TIMEOUT = 11,
    // The limit for the answer to an authentication.
    REDIAL_WAIT_AUTH_TIMEOUT = 12,
    // The next heartbeat.
    REDIAL_WAIT_HEARTBEAT = 13,
    // The time at which the connection counts as stable.
    REDIAL_WAIT_STABLE = 14,
    // The next batch of subscriptions.
    REDIAL_WAIT_RESTORE = 15,
    // The limit for the answer to the oldest unanswered subscription.
    REDIAL_WAIT_CONFIRM = 16,
    // The gap before the next endpoint of a round.
    REDIAL_WAIT_ENDPOINT = 17,
    // The time at which the host asked to be asked again.
    REDIAL_WAIT_NOT_NOW = 18,
    // The limit for the answer to a heartbeat, after which the connection is dead.
    REDIAL_WAIT_ANSWER = 19,
    // The age at which the connection is replaced.
    REDIAL_WAIT_MAX_AGE = 20,
    // The limit for a successor, from its dial until it is ready.
    REDIAL_WAIT_HANDOVER = 21,
    // The end of a connection that was replaced and still has requests to finish.
    REDIAL_WAIT_DRAIN = 22,
    // The end of the session's time to live.
    REDIAL_WAIT_SESSION_EXPIRY = 23,
    // The renewal of the credential, ahead of its end.
    REDIAL_WAIT_CREDENTIAL_LEAD = 24,
    // The limit for the answer to a request for a credential.
    REDIAL_WAIT_CREDENTIAL_TIMEOUT = 25,
    // Parked: a precondition of the host is missing.
    REDIAL_WAIT_HOLD = 26,
    // Parked: the network is down.
    REDIAL_WAIT_NETWORK = 27,
    // Parked: the page is hidden.
    REDIAL_WAIT_HIDDEN = 28,
    // Parked: a credential is being refreshed.
    REDIAL_WAIT_CREDENTIAL = 29,
    // The time that the server keeps for this client.
    REDIAL_WAIT_APPOINTMENT = 30,
    // The span over which the server wants its clients spread.
    REDIAL_WAIT_WINDOW = 31,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum redial_wait_reason redial_wait_reason;
#else
typedef uint32_t redial_wait_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A valid config, made by `redial_config_init` or taken from `redial_preset`. It is only ever used by its address.
typedef struct redial_config redial_config;

// Why an attempt or a connection ended. Zero is no cause.
typedef struct redial_cause {
    // The kind.
    redial_cause_kind kind;
    // A code, a status, or the number of another enum: see `redial_cause_kind`. Otherwise 0.
    uint32_t detail;
} redial_cause;

// A fraction.
typedef struct redial_ratio {
    // What is divided.
    uint32_t numerator;
    // By what: not 0.
    uint32_t denominator;
} redial_ratio;

// The waits between attempts. What the curve or the jitter does not use is not read.
typedef struct redial_backoff {
    // How the nominal wait grows.
    redial_curve curve;
    // How it is randomized.
    redial_jitter jitter;
    // The first nominal wait.
    uint64_t initial_ms;
    // The longest wait; of windows `REDIAL_NEVER` for none.
    uint64_t max_ms;
    // Another longest wait before a dial that starts a new session; `REDIAL_NEVER` for the same.
    uint64_t max_fresh_ms;
    // The shortest wait.
    uint64_t floor_ms;
    // Another first wait of an outage; `REDIAL_NEVER` for none.
    uint64_t first_ms;
    // The step of a quadratic curve.
    uint64_t step_ms;
    // The scale of windows.
    uint64_t scale_ms;
    // The ends of a fixed jitter.
    uint64_t jitter_low_ms;
    // Its upper end.
    uint64_t jitter_high_ms;
    // The growth factor of an exponential curve, or the share of an elapsed one.
    struct redial_ratio factor;
    // The share of a jitter, and the upper end of a window.
    struct redial_ratio jitter_share;
    // The lower end of a window.
    struct redial_ratio jitter_low;
    // The entries of a table.
    uint64_t table_ms[REDIAL_MAX_TABLE];
    // How many there are.
    uint32_t table_count;
    // What follows the last one.
    redial_after_table after_table;
    // How many bits of a drawn phase all windows of an outage share, 0 to 32.
    uint8_t phase_bits;
    // Whether the first wait of an outage has no jitter.
    uint8_t exact_first;
} redial_backoff;

// Whether and how sessions are resumed.
typedef struct redial_resume {
    // The minimum wait before the fresh start that follows a refused session: from here
    uint64_t invalid_wait_low_ms;
    // to here, drawn.
    uint64_t invalid_wait_high_ms;
    // The session's own endpoint is given up when its first failed dial in a row is so long ago
    uint64_t fallback_for_ms;
    // and so many have failed.
    uint8_t fallback_failures;
    // After how many failed resumes in a row the session is dropped.
    uint8_t max_failures;
    // Whether sessions are kept.
    uint8_t enabled;
    // Whether a resume needs a sequence number.
    uint8_t sequence_needed;
} redial_resume;

// How a connection is kept alive and how a dead one is found.
typedef struct redial_heartbeat {
    // The time between two heartbeats; `REDIAL_NEVER`: none, unless a greeting says so.
    uint64_t interval_ms;
    // How long an answer may take; `REDIAL_NEVER`: until the next heartbeat.
    uint64_t answer_within_ms;
    // What answers a heartbeat.
    redial_liveness liveness;
    // How many missed answers make a dead connection.
    uint8_t missed;
    // Whether the first heartbeat comes at a random time of its interval.
    uint8_t first_jitter;
    // Whether a greeting without an interval ends the connection.
    uint8_t required;
} redial_heartbeat;

// A breaker over the attempts of a policy.
typedef struct redial_breaker {
    // How long it is open at first.
    uint64_t open_ms;
    // How long at most.
    uint64_t open_max_ms;
    // How long a probe may take.
    uint64_t lease_ms;
    // The failures in a row that open it.
    uint32_t failures;
    // How much longer it is open after each failed probe.
    struct redial_ratio factor;
    // The share of the open time that is added at random.
    struct redial_ratio jitter;
    // How many probes a half-open breaker admits.
    uint8_t probes;
    // Whether there is a breaker. Otherwise nothing of this is read.
    uint8_t enabled;
} redial_breaker;

// How subscriptions are restored on a connection.
typedef struct redial_restore {
    // The pause between two batches.
    uint64_t interval_ms;
    // How long the server may take to answer a subscription; `REDIAL_NEVER`: it need not.
    uint64_t confirm_timeout_ms;
    // How many subscriptions are sent at a time.
    uint16_t batch;
    // Whether subscriptions are restored.
    uint8_t enabled;
    // Whether a new session is authenticated before.
    uint8_t authenticate;
} redial_restore;

// When credentials are requested and how they are renewed.
typedef struct redial_credential {
    // How long a request for a credential may take.
    uint64_t timeout_ms;
    // How long before its end a credential is renewed.
    uint64_t lead_ms;
    // How much earlier at random.
    uint64_t lead_spread_ms;
    // When a credential is requested.
    redial_refresh_on refresh_on;
    // After how many rejections in a row of renewed credentials the policy gives up, at most 255, or `REDIAL_NO_LIMIT`.
    uint32_t max_rejections;
    // Whether a renewed credential is sent on the live connection.
    uint8_t in_band;
} redial_credential;

// In which order several endpoints are dialled.
typedef struct redial_endpoints {
    // The wait between two endpoints of one round: from here
    uint64_t gap_low_ms;
    // to here, drawn.
    uint64_t gap_high_ms;
    // For how long rounds begin with an endpoint that succeeded.
    uint64_t sticky_ms;
    // After how long failures count half.
    uint64_t half_life_ms;
    // The endpoint that a round begins with.
    redial_endpoint_order order;
} redial_endpoints;

// A rule: these causes mean this. The last rule that matches applies.
typedef struct redial_rule {
    // Which causes.
    redial_match matches;
    // The one cause.
    struct redial_cause cause;
    // The first of a range,
    uint16_t first;
    // and the last.
    uint16_t last;
    // What to do.
    redial_class verdict;
    // What has to change before another attempt could succeed.
    redial_scope scope;
    // The least wait: from here
    uint32_t wait_low_ms;
    // to here, drawn.
    uint32_t wait_high_ms;
    // What the n-th in a row adds to the wait.
    uint32_t steps_ms[REDIAL_MAX_STEPS];
    // How many steps there are.
    uint8_t step_count;
    // So many in a row are retried, and the next is final; 0: no limit.
    uint8_t limit;
    // Whether the next wait is the cap of the backoff.
    uint8_t at_cap;
    // Whether the credential is renewed before the next dial.
    uint8_t renew;
    // Whether the client is to blame.
    uint8_t client_fault;
} redial_rule;

// What causes mean.
typedef struct redial_classify {
    // The table of the protocol.
    redial_table table;
    // The class of a cause that neither a rule nor the table has.
    redial_class default_class;
    // The rules over the table.
    struct redial_rule rules[REDIAL_MAX_RULES];
    // How many there are.
    uint32_t rule_count;
} redial_classify;

// Every setting of a config. Begin with those of a preset, `redial_settings_of`, and change what is to be different. Times are
// milliseconds; where one may be missing it is then `REDIAL_NEVER`. Flags are 0 or not.
typedef struct redial_settings {
    // The waits between two dials.
    struct redial_backoff backoff;
    // Another backoff for an outage that has lasted `long_outage_after_ms`.
    struct redial_backoff long_outage;
    // From when on the other backoff holds; `REDIAL_NEVER` for one backoff.
    uint64_t long_outage_after_ms;
    // How long a connection must hold to be stable, which resets the backoff; `REDIAL_NEVER`: the cap of the backoff, between 10 and
    // 60 s.
    uint64_t reset_after_stable_ms;
    // The minimum time between two dials.
    uint64_t min_interval_ms;
    // The longest time of an outage.
    uint64_t max_elapsed_ms;
    // The longest time until the first connection after a start.
    uint64_t initial_max_elapsed_ms;
    // How long a dial may take.
    uint64_t connect_timeout_ms;
    // How long the server may take for its greeting; `REDIAL_NEVER`: as long as a dial.
    uint64_t greeting_timeout_ms;
    // How long the server may take for the session; `REDIAL_NEVER`: see `Config::ready_timeout`.
    uint64_t ready_timeout_ms;
    // The longest wait that a server may ask for.
    uint64_t hint_max_ms;
    // The share of it over which it is lengthened at random.
    struct redial_ratio hint_spread;
    // The time within which a stable session that is asked to reconnect dials again; `REDIAL_NEVER`: after the wait of the backoff.
    uint64_t please_reconnect_spread_ms;
    // The random time after the network's return.
    uint64_t network_spread_up_ms;
    // The age at which a connection is replaced.
    uint64_t max_age_ms;
    // How much earlier at random.
    uint64_t max_age_spread_ms;
    // The largest number of dials in one outage, or `REDIAL_NO_LIMIT`.
    uint32_t max_attempts;
    // The same until the first connection after a start.
    uint32_t initial_max_attempts;
    // When a connection counts as established.
    redial_establish establish;
    // What happens when the network goes down.
    redial_on_network_down network_on_down;
    // What happens when the default route changes.
    redial_on_network_change network_on_change;
    // What happens when the program is in the foreground again.
    redial_on_visible on_visible;
    // What happens after a sleep of the host.
    redial_on_wake on_wake;
    // The close code of a connection whose session is kept.
    uint16_t close_code;
    // How many redirects are followed in one outage.
    uint8_t redirect_max_hops;
    // Whether a dial may take as long as the wait after it.
    uint8_t connect_timeout_grows;
    // Whether the server greets before anything is sent.
    uint8_t greeting;
    // Whether the wait after a failed attempt counts from its dial.
    uint8_t wait_from_dial;
    // Whether a dial in progress is restarted when the network returns.
    uint8_t network_restart_on_up;
    // Whether dials wait while the program is in the background.
    uint8_t defer_while_hidden;
    // How sessions are resumed.
    struct redial_resume resume;
    // How a connection is kept alive.
    struct redial_heartbeat heartbeat;
    // A breaker over the attempts.
    struct redial_breaker breaker;
    // How subscriptions are restored.
    struct redial_restore restore;
    // How credentials are renewed.
    struct redial_credential credential;
    // How several endpoints are dialled.
    struct redial_endpoints endpoints;
    // What a cause means.
    struct redial_classify classify;
} redial_settings;

// Memory for a config of a program's own.
typedef struct redial_config_storage {
    // Not to be read or written.
    uint64_t opaque[REDIAL_CONFIG_WORDS];
} redial_config_storage;

// Which setting is wrong, and why. Both are constants.
typedef struct redial_error {
    // The setting, as a path in `redial_settings`: `backoff.max_ms`.
    const char *setting;
    // What is wrong with it and what is allowed, in one line.
    const char *message;
} redial_error;

// Memory for a policy: a variable of this type, which stays where it is from `redial_policy_init` on.
typedef struct redial_policy {
    // Not to be read or written.
    uint64_t opaque[REDIAL_POLICY_WORDS];
} redial_policy;

// What a policy is doing, until when, and why. Times are milliseconds of the program's clock, rounded up; a number or an enum that is not
// there is 0.
typedef struct redial_explanation {
    // The phase.
    redial_phase phase;
    // What brought the policy into it,
    redial_trigger_kind trigger;
    // for `REDIAL_TRIGGER_GATE`,
    redial_wait_reason trigger_wait_reason;
    // for `REDIAL_TRIGGER_GAVE_UP`,
    redial_give_up trigger_give_up;
    // for `REDIAL_TRIGGER_LOST`.
    struct redial_cause trigger_cause;
    // When the phase began.
    uint64_t since_ms;
    // The next deadline, or `REDIAL_NEVER`.
    uint64_t until_ms;
    // While parked: there is no dial before this time, even if the condition ends earlier; otherwise `REDIAL_NEVER`.
    uint64_t not_before_ms;
    // What the deadline is for, or the condition that the policy is parked on.
    redial_wait_reason waiting_for;
    // The epoch of the transport that is open or being opened.
    uint32_t epoch;
    // The epoch of the successor that is being dialled, with a handover.
    uint32_t successor;
    // The number of dials in this outage.
    uint32_t attempt;
    // The failures in a row that the backoff counts.
    uint32_t failures;
    // What the dial in progress, or else the next one, sends.
    redial_mode mode;
    // Its endpoint.
    redial_endpoint endpoint;
    // The state of the breaker, where the config has one.
    redial_breaker_phase breaker;
    // The cause of the last failure or loss.
    struct redial_cause last_cause;
} redial_explanation;

// Space for one subscription. An array of them is given to `redial_policy_init`, which fills it.
typedef struct redial_slot {
    // Not to be read or written.
    uint64_t opaque[REDIAL_SLOT_WORDS];
} redial_slot;

// What a policy is made with beside its config. Set it to zero, then the seed and what else is to be there.
typedef struct redial_options {
    // The seed of the generator, the only source of randomness. Not 0, and another one for each client: from the operating system's
    // entropy, or of a device's number by `redial_seed`. Equal seeds wait in step.
    uint64_t seed;
    // An array of slots for subscriptions, whose keys are the indices below `slot_count`. Null with a count of 0 for none. It belongs to
    // the policy from here on.
    struct redial_slot *slots;
    // How many slots there are, at most `REDIAL_MAX_SLOTS`.
    uint32_t slot_count;
    // How many endpoints there are, at most `REDIAL_MAX_ENDPOINTS`; 0 means 1.
    uint32_t endpoints;
    // With a handover: how long a successor may take from its dial until it is ready. 0 for no handover.
    uint64_t handover_timeout_ms;
    // How long the replaced connection stays open for what is under way on it.
    uint64_t handover_drain_ms;
    // Where in the windows of each outage the client dials, of 2^32, where `has_phase` is set. Otherwise it is drawn.
    uint32_t phase;
    // Whether there is a phase.
    uint8_t has_phase;
} redial_options;

// An event: something that happened. Set it to zero, then the kind and the fields that this kind reads. What stays zero is not there:
// `redial_event event = {.kind = REDIAL_EVENT_OPENED, .epoch = epoch};`
typedef struct redial_event {
    // What happened.
    redial_event_kind kind;
    // The transport that it is about: the epoch of the `REDIAL_ACTION_OPEN` that asked for it. An event of a transport that is gone
    // is stale and changes nothing.
    uint32_t epoch;
    // Why the dial failed or the transport closed.
    struct redial_cause cause;
    // What the server means by `retry_after_ms`; 0 for nothing.
    redial_retry_after_kind retry_after;
    // The number of the send that this answers, from `REDIAL_ACTION_RESTORE`; 0 for the key's newest.
    uint32_t send;
    // The wait that the server asks for; of `REDIAL_EVENT_NOT_NOW` when to ask again, with 0 after the first wait of the backoff.
    uint64_t retry_after_ms;
    // How long the host slept.
    uint64_t gap_ms;
    // The first wait of the backoff.
    uint64_t base_ms;
    // A heartbeat interval; 0 for none.
    uint64_t interval_ms;
    // How long the server keeps the session after a loss, or how long the credential is valid; 0 for not known.
    uint64_t ttl_ms;
    // When the server will cut the connection; 0 for not known.
    uint64_t deadline_ms;
    // What a resume sends: a number by which the program knows the token, such as an index or an address; 0 for none. Equal numbers
    // mean equal tokens. The policy keeps the number until it returns another or drops the session.
    uint64_t token;
    // Where to resume or to dial: a number by which the program knows the endpoint, as for `token`; 0 for none.
    uint64_t endpoint;
    // The number of a message, or the newest one of a session.
    uint64_t sequence;
    // The index of a subscription, below the number of slots.
    uint32_t key;
    // Its priority. Higher ones are restored first.
    int32_t priority;
    // The number of the request that this answers; 0 for the newest.
    uint16_t request;
    // The number of a precondition, 0 to 31.
    uint8_t reason;
    // Whether `sequence` is there, for `REDIAL_EVENT_READY`.
    uint8_t has_sequence;
    // Whether the session is kept, so that the next start resumes it.
    uint8_t keep;
    // Whether the clock of `now_ms` ran during the sleep. `CLOCK_MONOTONIC` of Linux does not, `CLOCK_BOOTTIME` does.
    uint8_t counted;
    // Whether the session may still be resumed on another transport.
    uint8_t resumable;
    // Whether every other credential would fail as well.
    uint8_t fatal;
    // Whether the endpoint holds for every dial until a stop.
    uint8_t permanent;
    // Whether to send the subscription again in this session.
    uint8_t retryable;
} redial_event;

// One thing to do now. The fields that its kind does not have are 0.
typedef struct redial_action {
    // What to do.
    redial_action_kind kind;
    // The transport that it is about, from 1. Events of that transport have to name it.
    uint32_t epoch;
    // Whether a new session is started or the old one resumed.
    redial_mode mode;
    // The endpoint to dial.
    redial_endpoint endpoint;
    // The index of the configured endpoint, of `REDIAL_ENDPOINT_BASE`.
    uint32_t endpoint_index;
    // Whether the transport replaces a connection that is still up.
    redial_role role;
    // The number that the program gave to the endpoint, of the other ones.
    uint64_t endpoint_token;
    // The number that the program gave to the session's token.
    uint64_t token;
    // The newest sequence number of the session, where `has_sequence` is 1.
    uint64_t sequence;
    // The number of this dial in its outage, from 1.
    uint32_t attempt;
    // The number of this batch of subscriptions.
    uint32_t send;
    // How many subscriptions it has.
    uint32_t count;
    // The close code to send; 0: the transport is not open yet, and the dial is cancelled.
    uint16_t code;
    // The number of this request for a credential.
    uint16_t request;
    // Why the session is dropped.
    redial_drop_reason drop_reason;
    // Why the policy gives up.
    redial_give_up give_up;
    // The cause of the last failure or loss.
    struct redial_cause cause;
    // Whether there is a sequence number.
    uint8_t has_sequence;
} redial_action;

// What a call decided. Execute the actions in their order before the next call, and never sleep past the deadline.
typedef struct redial_decision {
    // What became of the event; `REDIAL_DISPOSITION_APPLIED` after the time alone.
    redial_disposition disposition;
    // The phase from here on.
    redial_phase phase;
    // When to call again at the latest, in whole milliseconds, rounded up; `REDIAL_NEVER` if only an event changes anything. It may
    // lie in the past: then call again at once.
    uint64_t deadline_ms;
    // What the deadline is for, or the condition that the policy is parked on; 0 for neither.
    redial_wait_reason waiting_for;
    // How many actions there are.
    uint32_t count;
    // The actions. Those behind `count` are 0.
    struct redial_action actions[REDIAL_MAX_ACTIONS];
} redial_decision;

// Bytes of the program's.
typedef struct redial_bytes {
    // The first; may be null where there are none.
    const uint8_t *bytes;
    // How many, at most 65535.
    size_t length;
} redial_bytes;

// Gives the text of a token or of an endpoint, which is copied.
typedef struct redial_bytes (*redial_text_of)(void *context, uint64_t number);

// Takes the text of a token or of an endpoint, and returns the number by which the program knows it from here on; 0: it can't keep it, and
// the snapshot is refused.
typedef uint64_t (*redial_keep_text)(void *context, const uint8_t *bytes, size_t length);

// The counters of a policy. They are never reset, and they saturate.
typedef struct redial_stats {
    // Dials.
    uint32_t opens;
    // Attempts that led to an established connection.
    uint32_t established;
    // Attempts that failed.
    uint32_t failed;
    // Attempts that the user or the host ended before their outcome was known.
    uint32_t abandoned;
    // Established connections that were lost.
    uint32_t losses;
    // Sessions resumed.
    uint32_t resumed;
    // New sessions.
    uint32_t fresh;
    // Connections that the heartbeat found dead.
    uint32_t zombies;
    // Heartbeats that were unanswered when the next one was due.
    uint32_t heartbeats_missed;
    // Losses whose verdict blames the client.
    uint32_t client_faults;
    // Waits that a server asked for and that were cut to the maximum.
    uint32_t retry_after_cut;
    // Stale events.
    uint32_t stale;
    // How often the clock ran backwards.
    uint32_t clock_rewinds;
    // How long the last established connection held, in milliseconds.
    uint32_t last_uptime_ms;
    // Connections that were replaced before they ended.
    uint32_t handovers;
    // Those that were not, though their end was announced.
    uint32_t handovers_failed;
    // The time without a connection at announced ends, in milliseconds.
    uint32_t gap_ms;
} redial_stats;

// The session that the policy keeps, which the next connection resumes.
typedef struct redial_session {
    // The number that the program gave to its token; 0: there is no session.
    uint64_t token;
    // The number that the program gave to its endpoint; 0: the base endpoint.
    uint64_t endpoint;
    // The newest sequence number, where `has_sequence` is 1.
    uint64_t sequence;
    // Whether there is one.
    uint8_t has_sequence;
} redial_session;

// One subscription.
typedef struct redial_subscription {
    // Its state; 0: nobody has subscribed to this key.
    redial_subscription_state state;
    // Its priority.
    int32_t priority;
    // How often in a row the server refused it, ended it, or did not answer in time.
    uint32_t failures;
    // The number of the newest batch that contained it; 0: none did.
    uint32_t send;
    // When it is sent again, at the earliest, of `REDIAL_SUBSCRIPTION_WAITING`; otherwise `REDIAL_NEVER`.
    uint64_t until_ms;
} redial_subscription;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The word of an action, as in a log of `replay`; "unknown" for another number.
const char *redial_action_kind_name(redial_action_kind number);

// The word of a class, as in a log of `replay`; "unknown" for another number.
const char *redial_class_name(redial_class number);

// The word of an io kind, as in a log of `replay`; "unknown" for another number.
const char *redial_io_kind_name(redial_io_kind number);

// The word of a tls kind, as in a log of `replay`; "unknown" for another number.
const char *redial_tls_kind_name(redial_tls_kind number);

// Writes a cause in one word, with the number of a code or a status: `connection_refused`, `close_4004`, `http_503`; "unknown" for
// one that is none. Returns the length of the whole, as `snprintf`.
//
// Pointers:
// `text` is null, or points to `capacity` bytes that nobody else uses during the call.
size_t redial_cause_text(struct redial_cause cause,
                         char *text,
                         size_t capacity);

// The word of an establish, as in a log of `replay`; "unknown" for another number.
const char *redial_establish_name(redial_establish number);

// The word of a refresh on, as in a log of `replay`; "unknown" for another number.
const char *redial_refresh_on_name(redial_refresh_on number);

// The word of an on network down, as in a log of `replay`; "unknown" for another number.
const char *redial_on_network_down_name(redial_on_network_down number);

// The word of an on network change, as in a log of `replay`; "unknown" for another number.
const char *redial_on_network_change_name(redial_on_network_change number);

// The word of an on wake, as in a log of `replay`; "unknown" for another number.
const char *redial_on_wake_name(redial_on_wake number);

// The word of an on visible, as in a log of `replay`; "unknown" for another number.
const char *redial_on_visible_name(redial_on_visible number);

// The word of a liveness, as in a log of `replay`; "unknown" for another number.
const char *redial_liveness_name(redial_liveness number);

// The word of an endpoint order, as in a log of `replay`; "unknown" for another number.
const char *redial_endpoint_order_name(redial_endpoint_order number);

// The word of an after table, as in a log of `replay`; "unknown" for another number.
const char *redial_after_table_name(redial_after_table number);

// The word of a scope, as in a log of `replay`; "unknown" for another number.
const char *redial_scope_name(redial_scope number);

// The preset of this name, such as "recommended" or "websocket"; null if there is none. It lives as long as the program.
//
// Pointers:
// `name` is null or a string.
const struct redial_config *redial_preset(const char *name);

// Writes the name of a preset by its number, from 0, as `snprintf` writes, and returns its length; 0 behind the last one.
//
// Pointers:
// `text` is null, or points to `capacity` bytes that nobody else uses during the call.
size_t redial_preset_name(size_t number,
                          char *text,
                          size_t capacity);

// Writes every setting of a config, to be changed.
//
// Pointers:
// `settings` points to a `redial_settings` that nobody else uses during the call, and `config` was given out by this library and still
// is what it was.
redial_status redial_settings_of(struct redial_settings *settings,
                                 const struct redial_config *config);

// Checks the settings and makes a config of them in the storage, whose address is then in `config`. The storage must not be moved or
// written while a policy has it. Where a setting is wrong, `error` says which and why; it may be null.
//
// Pointers:
// Each pointer is null or points to what its type says, which nobody else uses during the call. No policy has the storage.
redial_status redial_config_init(struct redial_config_storage *storage,
                                 const struct redial_settings *settings,
                                 const struct redial_config **config,
                                 struct redial_error *error);

// The word of an event, as in a log of `replay`; "unknown" for another number.
const char *redial_event_kind_name(redial_event_kind number);

// Writes what the policy is doing, until when, and why.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call, `explanation` to what its type says.
redial_status redial_explain(const struct redial_policy *policy, struct redial_explanation *explanation);

// Writes the same as one line for people, as `snprintf` writes, and returns its length; 0 for a policy that is none.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call; `text` is null, or points to `capacity` bytes.
size_t redial_explain_text(const struct redial_policy *policy,
                           char *text,
                           size_t capacity);

// Writes in one word what brought the policy into its phase, as `snprintf` writes: the reason, the cause or the end where it carries one.
//
// Pointers:
// As of [`redial_explain_text`].
size_t redial_trigger_text(const struct redial_policy *policy,
                           char *text,
                           size_t capacity);

// Makes a policy in the caller's memory, which does nothing until `REDIAL_EVENT_START`. The policy, the config and the slots stay where
// they are, and nobody else writes them, until the policy is not used any more. There is nothing to free.
//
// Pointers:
// Each pointer is null or points to what its type says, which nobody else uses during the call; the slots are as many as said.
redial_status redial_policy_init(struct redial_policy *policy,
                                 const struct redial_config *config,
                                 const struct redial_options *options);

// The one call: takes an event that happened at `now_ms`, or with null the time alone, and writes what to do. Execute every action in
// order before the next call, return the epoch of each transport with its events, and never sleep past the deadline. Give it the events
// that are ready before the time alone. The clock is any that counts milliseconds.
//
// An event that is stale or does not apply is no error: `disposition` says so. Where the status is an error, nothing was decided, and
// `decision` is not written.
//
// Pointers:
// Each pointer is null or points to what its type says, which nobody else uses during the call.
redial_status redial_handle(struct redial_policy *policy,
                            uint64_t now_ms,
                            const struct redial_event *event,
                            struct redial_decision *decision);

// The deadline of the last decision: when to call `redial_handle` again at the latest, or `REDIAL_NEVER`; 0 for a policy that is none.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call.
uint64_t redial_deadline(const struct redial_policy *policy);

// The keys of the newest batch, in the order in which to send them: writes at most `capacity` of them to `keys` and their number to
// `count`. `REDIAL_ERROR_FULL` where there are more.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call, `keys` to as many numbers, `count` to one.
redial_status redial_batch(const struct redial_policy *policy,
                           uint32_t *keys,
                           size_t capacity,
                           size_t *count);

// A seed of any bytes that no two devices share, such as a serial number or a MAC address. It is never 0. The same bytes give the same
// seed.
//
// Pointers:
// `id` is null with a length of 0, or points to as many bytes.
uint64_t redial_seed(const uint8_t *id,
                     size_t length);

// Writes what the next process needs to go on where this one is, the session and the outage, to `bytes`, and its length to `length`; 0:
// there is nothing to keep. `key` is the program's: a snapshot with another key is refused. Keep it as secret as the token.
//
// Pointers:
// Each pointer is null or points to what its type says, which nobody else uses during the call; `bytes` points to `capacity` bytes; what
// `text_of` returns lives until this returns.
redial_status redial_snapshot(struct redial_policy *policy,
                              uint64_t now_ms,
                              uint32_t key,
                              redial_text_of text_of,
                              void *context,
                              uint8_t *bytes,
                              size_t capacity,
                              size_t *length);

// Gives a new policy what an earlier process kept, before its first event. `age_ms` is how long ago that was, by a clock that both
// processes share.
//
// Pointers:
// Each pointer is null or points to what its type says, which nobody else uses during the call; `bytes` points to `length` bytes.
redial_status redial_restore_snapshot(struct redial_policy *policy,
                                      uint64_t now_ms,
                                      uint64_t age_ms,
                                      uint32_t key,
                                      redial_keep_text keep_text,
                                      void *context,
                                      const uint8_t *bytes,
                                      size_t length);

// Writes the counters.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call, `stats` to what its type says.
redial_status redial_stats_of(const struct redial_policy *policy, struct redial_stats *stats);

// Writes the session.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call, `session` to what its type says.
redial_status redial_session_of(const struct redial_policy *policy, struct redial_session *session);

// Writes the state of the subscription with this key.
//
// Pointers:
// `policy` is null or points to a policy that nobody else writes during the call, `subscription` to what its type says.
redial_status redial_subscription_of(const struct redial_policy *policy,
                                     uint32_t key,
                                     struct redial_subscription *subscription);

// What a status means and what to do about it, in one line.
const char *redial_status_message(redial_status status);

// The timeout of a call of `poll(2)` that is to end at this deadline: -1 for `REDIAL_NEVER`, and at most `INT_MAX`.
int redial_poll_timeout(uint64_t deadline_ms, uint64_t now_ms);

// The word of a disposition, as in a log of `replay`; "unknown" for another number.
const char *redial_disposition_name(redial_disposition number);

// The word of a phase, as in a log of `replay`; "unknown" for another number.
const char *redial_phase_name(redial_phase number);

// The word of a reason to wait, as in a log of `replay`; "unknown" for another number.
const char *redial_wait_reason_name(redial_wait_reason number);

// The word of a mode, as in a log of `replay`; "unknown" for another number.
const char *redial_mode_name(redial_mode number);

// The word of an endpoint, as in a log of `replay`; "unknown" for another number.
const char *redial_endpoint_name(redial_endpoint number);

// The word of a role, as in a log of `replay`; "unknown" for another number.
const char *redial_role_name(redial_role number);

// The word of a reason to drop a session, as in a log of `replay`; "unknown" for another number.
const char *redial_drop_reason_name(redial_drop_reason number);

// The word of a reason to give up, as in a log of `replay`; "unknown" for another number.
const char *redial_give_up_name(redial_give_up number);

// The word of a breaker's state, as in a log of `replay`; "unknown" for another number.
const char *redial_breaker_phase_name(redial_breaker_phase number);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* REDIAL_H */
