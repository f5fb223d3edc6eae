//! The tables of this crate. Every rule is a default that an override replaces.
//!
//! Where existing clients disagree, a rule resumes, because a needless resume costs one round trip and a needless new session
//! costs the missed events. Causes that may be permanent or not are retried [`TRIES`] times.

use core::time::Duration;

use super::cause::{Cause, Class, IoKind, TlsKind};
use super::table::{Match, Rule, Scope, Table, Verdict};

/// The retries of a failure that may be permanent: enough for a restart or a cold proxy, and over within minutes. The number is
/// this crate's own choice.
pub const TRIES: u8 = 5;

/// Every table in this module.
pub static ALL: [&Table; 7] =
    [&TRANSPORT, &WEBSOCKET, &DISCORD_GATEWAY, &CENTRIFUGE, &GRAPHQL_WS, &PUSHER, &MQTT5];

/// The table with this [name](Table::name): `transport`, `websocket`, `discord-gateway`, `centrifuge`, `graphql-ws`,
/// `pusher` or `mqtt5`.
///
/// ```
/// use redial::classify::tables;
///
/// assert_eq!(tables::by_name("mqtt5").map(|table| table.name()), Some("mqtt5"));
/// assert!(tables::by_name("mqtt3").is_none());
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Table> {
    ALL.into_iter().find(|table| table.name() == name)
}

const RESUME: Verdict = Verdict::new(Class::Transient);
const FRESH: Verdict = Verdict::new(Class::Fresh);
const FATAL: Verdict = Verdict::new(Class::Fatal);
/// The endpoint refuses. Another one may accept the same client.
const ENDPOINT: Verdict = FATAL.with_scope(Scope::Endpoint);
/// The service refuses, which may pass with a deploy or a renewed certificate.
const SERVICE: Verdict = FATAL.with_scope(Scope::Service);
/// A certificate that is not valid yet. Most often the local clock is not set, as after the boot of a device without a battery
/// (espressif/esp-at #432), so that it is retried slowly until a time service has set the clock.
const CLOCK: Verdict = LIMITED.with_at_cap().with_scope(Scope::Service);
/// Refreshed once; a second rejection in the same outage is fatal.
const AUTH: Verdict = Verdict::new(Class::Auth).with_limit(1);
/// The class's 30 to 120 s.
const LATER: Verdict = Verdict::new(Class::RateLimited);
/// 5 to 15 s, because the server restarts and all clients come back.
const RESTART: Verdict = at_least(Verdict::new(Class::RateLimited), 5, 15);
/// A protocol error. It is not fatal, because tungstenite 0.30 reports every code that it does not know as 1002, even 1014.
const BROKEN: Verdict = FRESH.with_client_fault().with_limit(TRIES);
/// Possibly permanent.
const LIMITED: Verdict = RESUME.with_limit(TRIES);
/// Local resources are exhausted, often by a storm of reconnects.
const EXHAUSTED: Verdict = RESUME.with_at_cap();
/// 15, 30, 60, 120, 300 s and up to 1 s on top; the tenth in a row is fatal (omi #7632 and #7675).
const POLICY_VIOLATION: Verdict = at_least(Verdict::new(Class::RateLimited), 0, 1)
    .with_steps_ms(&[15_000, 30_000, 60_000, 120_000, 300_000])
    .with_limit(9);

const fn at_least(verdict: Verdict, min_secs: u64, max_secs: u64) -> Verdict {
    verdict.with_wait_const(Duration::from_secs(min_secs), Duration::from_secs(max_secs))
}

const fn close(code: u16, verdict: Verdict) -> Rule {
    Rule::new(Match::Is(Cause::CloseFrame(code)), verdict)
}

const fn closes(first: u16, last: u16, verdict: Verdict) -> Rule {
    Rule::new(Match::CloseRange(first, last), verdict)
}

const fn http(status: u16, verdict: Verdict) -> Rule {
    Rule::new(Match::Is(Cause::Http(status)), verdict)
}

const fn statuses(first: u16, last: u16, verdict: Verdict) -> Rule {
    Rule::new(Match::HttpRange(first, last), verdict)
}

const fn io(kind: IoKind, verdict: Verdict) -> Rule {
    Rule::new(Match::Is(Cause::Io(kind)), verdict)
}

const fn tls(kind: TlsKind, verdict: Verdict) -> Rule {
    Rule::new(Match::Is(Cause::Tls(kind)), verdict)
}

/// Sockets, names, TLS and the answers to an HTTP upgrade; no close code. The base of the others.
///
/// Sources: python `websockets` (retries any socket error and 500, 502, 503, 504), firezone (429 and 503 with
/// Retry-After, certificates are final), cloudflare sandbox-sdk #748 (400, 401, 403, 404 are final), RFC 9110.
/// [`IoKind::Other`], [`TlsKind::Other`] and a status outside 100-599 are left to the default class.
///
/// | cause | what follows |
/// | --- | --- |
/// | any other error of a socket or of the name lookup | retried, with the session |
/// | `AddrInUse`, `AddrNotAvailable`, `TooManyOpenFiles`, `NoBufferSpace`, `OutOfMemory` | retried after a wait as long as at the cap of the backoff |
/// | `PermissionDenied`, `Unsupported`, `InvalidData` | retried 5 times; the sixth is final |
/// | `InvalidInput` | final, unless another endpoint is left |
/// | HTTP 408, 425, and 500 to 599 without 501 and 505 | retried, with the session |
/// | HTTP 429 | waits 30 to 120 s, or as long as `Retry-After` says |
/// | HTTP 401 | asks for a credential and dials again; a second one in the same outage is final, and so is the first where there is no credential to refresh |
/// | HTTP 403 | final, unless another endpoint is left |
/// | HTTP 404, 405, 410, 426, and 200 to 399 | final, unless another endpoint is left. If a connection was established before, four in a row are retried and the fifth is final |
/// | the other HTTP 400 to 499, 501, 505, and 100 to 199 | final |
/// | TLS: `CertificateExpired`, `NameMismatch`, `UnknownIssuer`, `Revoked`, `BadCertificate` | like HTTP 404 |
/// | TLS: `ClientCertificate` | final |
/// | TLS: `CertificateNotYetValid` | retried 5 times after a wait as long as at the cap of the backoff; the sixth is final |
/// | TLS: `HandshakeFailure` | retried 5 times; the sixth is final |
/// | TLS: `InternalAlert`, `Eof` | retried, with the session |
///
/// A final HTTP status that comes with `Retry-After` is retried too, three times in a row. At an endpoint that the server
/// named, what is final unless another endpoint is left is retried instead. With several endpoints it is final only after a
/// round in which every one refused, and such a round counts as one refusal.
pub static TRANSPORT: Table = Table::new(
    "transport",
    &[
        // The frequent errors come first, because a table is read from the top.
        io(IoKind::ConnectionRefused, RESUME),
        io(IoKind::ConnectionReset, RESUME),
        io(IoKind::UnexpectedEof, RESUME),
        io(IoKind::TimedOut, RESUME),
        io(IoKind::NameNotFound, RESUME),
        io(IoKind::NetworkUnreachable, RESUME),
        io(IoKind::HostUnreachable, RESUME),
        io(IoKind::ConnectionAborted, RESUME),
        io(IoKind::BrokenPipe, RESUME),
        io(IoKind::NetworkDown, RESUME),
        io(IoKind::HostDown, RESUME),
        io(IoKind::NetworkReset, RESUME),
        io(IoKind::NotConnected, RESUME),
        io(IoKind::WriteZero, RESUME),
        io(IoKind::Interrupted, RESUME),
        io(IoKind::WouldBlock, RESUME),
        io(IoKind::ResourceBusy, RESUME),
        // A local socket whose server has not started yet.
        io(IoKind::NotFound, RESUME),
        io(IoKind::AddrInUse, EXHAUSTED),
        io(IoKind::AddrNotAvailable, EXHAUSTED),
        io(IoKind::TooManyOpenFiles, EXHAUSTED),
        io(IoKind::NoBufferSpace, EXHAUSTED),
        io(IoKind::OutOfMemory, EXHAUSTED),
        // A firewall's rule or a missing address family may be temporary.
        io(IoKind::PermissionDenied, LIMITED),
        io(IoKind::Unsupported, LIMITED),
        // A broken stream, which is temporary, or a TLS error that the driver did not unwrap, which is not.
        io(IoKind::InvalidData, LIMITED),
        // A wrong URL.
        io(IoKind::InvalidInput, ENDPOINT),
        // A 503 without Retry-After waits for the backoff; with it the server's wait is the floor.
        statuses(502, 504, RESUME),
        http(429, LATER),
        http(401, AUTH),
        http(408, RESUME),
        http(425, RESUME),
        http(501, FATAL),
        http(505, FATAL),
        statuses(500, 599, RESUME),
        // An invalid 101. Other 1xx are not final responses.
        statuses(100, 199, FATAL.with_client_fault()),
        // Where a cold proxy answers 403 for a while, override it with `Verdict::new(Class::Transient).with_limit(3)`.
        http(403, ENDPOINT),
        // No such route, wrong method, gone, upgrade required: not the service, or not at the moment.
        http(404, SERVICE),
        http(405, SERVICE),
        http(410, SERVICE),
        http(426, SERVICE),
        // 2xx: not a WebSocket server, or a captive portal. 3xx: too many redirects. Other 4xx: the request is wrong.
        statuses(200, 399, SERVICE),
        statuses(400, 499, FATAL),
        // Certificates: a retry gives the same result. For a server that is about to renew its own, override with
        // `Verdict::new(Class::Transient).with_at_cap()`.
        tls(TlsKind::CertificateNotYetValid, CLOCK),
        tls(TlsKind::CertificateExpired, SERVICE),
        tls(TlsKind::NameMismatch, SERVICE),
        tls(TlsKind::UnknownIssuer, SERVICE),
        tls(TlsKind::Revoked, SERVICE),
        tls(TlsKind::BadCertificate, SERVICE),
        tls(TlsKind::ClientCertificate, FATAL),
        tls(TlsKind::HandshakeFailure, LIMITED),
        tls(TlsKind::InternalAlert, RESUME),
        tls(TlsKind::Eof, RESUME),
    ],
);

/// Close codes of RFC 6455 section 7.4 and the IANA registry, over [`TRANSPORT`].
///
/// A received 1000 or 1001 keeps the session, because servers and proxies close with them while they restart. For a server whose
/// 1000 means "done", override it with [`Class::Fatal`]. 1016-2999, the other 3xxx of libraries and the private 4xxx have the
/// default class, which is to retry with the session.
///
/// | close code | what follows |
/// | --- | --- |
/// | 1000, 1001, 1005, 1006, 1011, 1014, 1015, 3008 | retried, with the session |
/// | 1002, 1003, 1004, 1007, and below 1000 or above 4999 | retried with a new session, 5 times; the sixth is final |
/// | 1008 | waits 15, 30, 60, 120, then 300 s, and up to 1 s more; the tenth is final |
/// | 1012 | waits 5 to 15 s |
/// | 1013 | waits 30 to 120 s |
/// | 3000 | like HTTP 401: asks for a credential and dials again; a second one in the same outage is final, and so is the first where there is no credential to refresh |
/// | 1009, 1010, 3003 | final |
///
/// These waits are the least: where the backoff or the server asks for a longer one, that applies. Everything that is no close
/// code, such as an HTTP status, is as in [`TRANSPORT`]. A [`rule`](crate::builder::Builder::rule) of a
/// [`Classifier`](super::Classifier) changes one of these.
pub static WEBSOCKET: Table = Table::new(
    "websocket",
    &[
        // Going away says nothing about the session. 1005 and 1006 are what local stacks report for "no code".
        closes(1005, 1006, RESUME),
        closes(1000, 1001, RESUME),
        // The IANA notes on 1012 and 1013; the times are omi #5528's.
        close(1012, RESTART),
        close(1013, LATER),
        close(1011, RESUME),
        // 1014 bad gateway. 1015 stands for a TLS failure without detail.
        closes(1014, 1015, RESUME),
        closes(1002, 1004, BROKEN),
        close(1007, BROKEN),
        close(1008, POLICY_VIOLATION),
        // The same message would be too big again.
        close(1009, FATAL.with_client_fault()),
        // The server lacks an extension that the client requires.
        close(1010, FATAL),
        // IANA: Unauthorized, Forbidden, Timeout; like HTTP 401, 403, 408.
        close(3000, AUTH),
        close(3003, FATAL),
        close(3008, RESUME),
        // Not allowed on the wire.
        closes(0, 999, BROKEN),
        closes(5000, u16::MAX, BROKEN),
    ],
)
.with_base(&TRANSPORT);

/// Discord's gateway codes, over [`WEBSOCKET`].
///
/// Sources: discord-api-docs c98d64b, its pull request #7172 (which codes can be resumed), and the clients carbon,
/// discord.js, twilight, serenity, discordeno and vellum. Other 4xxx have the default class.
pub static DISCORD_GATEWAY: Table = Table::new(
    "discord-gateway",
    &[
        // Unknown error.
        close(4000, RESUME),
        // Unknown opcode; #7172 shows that a resume never works after it.
        close(4001, FRESH.with_client_fault()),
        // Decode error, or a payload above 4096 bytes.
        close(4002, RESUME.with_client_fault()),
        // Not authenticated: the session was invalidated while active.
        close(4003, FRESH),
        // Authentication failed: the token stays wrong.
        close(4004, FATAL),
        // Already authenticated.
        close(4005, FRESH.with_client_fault()),
        // Session no longer valid (undocumented), invalid sequence.
        closes(4006, 4007, FRESH),
        // Rate limited: never retried at once; 1 s is the usual first wait of a backoff.
        close(4008, at_least(RESUME, 1, 1).with_client_fault()),
        // Session timed out.
        close(4009, FRESH),
        // Invalid shard, sharding required, invalid API version, invalid intents, disallowed intents.
        closes(4010, 4014, FATAL),
    ],
)
.with_base(&WEBSOCKET);

/// Centrifugo's code ranges, over [`WEBSOCKET`].
///
/// Source: centrifuge-js c9e8678. 3000-3499 and 4000-4499 reconnect, 3500-3999 and 4500-4999 do not, 3014 invalidates
/// the state with its token, and below 3000 all but 1009 reconnects.
pub static CENTRIFUGE: Table = Table::new(
    "centrifuge",
    &[
        close(3014, FRESH.with_renewal()),
        closes(3000, 3499, RESUME),
        closes(3500, 3999, FATAL),
        closes(4000, 4499, RESUME),
        closes(4500, 4999, FATAL),
        close(1009, FATAL.with_client_fault()),
        close(1012, RESTART),
        close(1013, LATER),
        closes(1000, 2999, RESUME),
    ],
)
.with_base(&WEBSOCKET);

/// The codes of the `graphql-transport-ws` protocol, over [`WEBSOCKET`].
///
/// Source: graphql-ws af4f5c9, where an unlisted 1xxx is fatal too. 1002 stays retried, for the reason that
/// [`WEBSOCKET`] retries it. To refresh a token on 4401 (graphql-ws #558), override it with [`Class::Auth`].
pub static GRAPHQL_WS: Table = Table::new(
    "graphql-ws",
    &[
        closes(1000, 1001, RESUME),
        close(1002, BROKEN),
        closes(1005, 1006, RESUME),
        close(1012, RESTART),
        close(1013, LATER),
        close(1014, RESUME),
        closes(1000, 1999, FATAL),
        // Internal client error, bad response: both sides no longer understand each other.
        closes(4004, 4005, FATAL),
        // Bad request, unauthorized.
        closes(4400, 4401, FATAL),
        // Forbidden, initialisation timeout, terminated by the client, acknowledgement timeout.
        close(4403, RESUME),
        close(4408, RESUME),
        close(4499, RESUME),
        close(4504, RESUME),
        // Subprotocol not acceptable, subscriber exists already, too many initialisation requests.
        close(4406, FATAL),
        close(4409, FATAL),
        close(4429, FATAL),
        // Internal server error.
        close(4500, FATAL),
    ],
)
.with_base(&WEBSOCKET);

/// Pusher Channels' code ranges, over [`WEBSOCKET`].
///
/// Source: pusher-js f53faf9. 4000-4099 refuse the connection as it is, 4100-4199 ask for 1 s or more, 4200-4299 may
/// come back at once, anything above refuses.
pub static PUSHER: Table = Table::new(
    "pusher",
    &[
        closes(4000, 4099, FATAL),
        closes(4100, 4199, at_least(RESUME, 1, 1)),
        closes(4200, 4299, RESUME),
        closes(4300, 4999, FATAL),
        closes(1002, 1004, RESUME),
    ],
)
.with_base(&WEBSOCKET);

/// Reason codes of MQTT 5 in CONNACK and DISCONNECT, given as [`Cause::CloseFrame`], over [`TRANSPORT`].
///
/// Source: MQTT 5.0 tables 3-1 and 3-10 for the names; the classes are redial's choice. Unlisted codes have the
/// default class.
pub static MQTT5: Table = Table::new(
    "mqtt5",
    &[
        // Normal disconnection.
        close(0x00, RESUME),
        // Malformed packet, protocol error.
        closes(0x81, 0x82, BROKEN),
        // Unsupported protocol version, client identifier not valid.
        closes(0x84, 0x85, FATAL),
        // Bad user name or password, not authorized.
        closes(0x86, 0x87, AUTH),
        // Server unavailable.
        close(0x88, RESUME),
        // Server busy.
        close(0x89, LATER),
        // Banned.
        close(0x8A, FATAL),
        // Server shutting down.
        close(0x8B, RESTART),
        // Bad authentication method.
        close(0x8C, AUTH),
        // Keep alive timeout.
        close(0x8D, RESUME),
        // Session taken over by a client with the same identifier.
        close(0x8E, Verdict::new(Class::Replaced)),
        // Topic filter invalid, topic name invalid, receive maximum exceeded, topic alias invalid.
        closes(0x8F, 0x90, BROKEN),
        closes(0x93, 0x94, BROKEN),
        // Packet too large: it would be too large again.
        close(0x95, FATAL.with_client_fault()),
        // Message rate too high, quota exceeded.
        closes(0x96, 0x97, LATER),
        // Payload format invalid, retain not supported, QoS not supported.
        closes(0x99, 0x9B, BROKEN),
        // Use another server, for now or (server moved) for good: the next endpoint may be it.
        close(0x9C, RESUME),
        close(0x9D, LIMITED),
        // Shared subscriptions not supported.
        close(0x9E, BROKEN),
        // Connection rate exceeded.
        close(0x9F, LATER),
        // Maximum connect time.
        close(0xA0, RESUME),
        // Subscription identifiers, wildcard subscriptions not supported.
        closes(0xA1, 0xA2, BROKEN),
    ],
)
.with_base(&TRANSPORT);
