//! What a Redis server answers instead of doing what it was asked, and the errors of the crate `redis`.

use crate::classify::{Cause, Class};

/// An error as a Redis server writes it, `"LOADING Redis is loading the dataset in memory"`: of any client, and of Valkey.
///
/// | the error begins with | cause |
/// | --- | --- |
/// | `LOADING` (reads its data after a start), `MASTERDOWN`, `CLUSTERDOWN`, `TRYAGAIN`, `BUSY` (a script runs), `NOREPLICAS`, `MISCONF` (can't save) | [`Class::Transient`]: the server can't serve now |
/// | `READONLY` | [`Class::Transient`]: this server is a replica by now, and a new dial finds its primary, by name or as the next endpoint |
/// | `MOVED`, `ASK` | [`Class::Transient`]: another node of the cluster has the key |
/// | `ERR max number of clients reached`, `OOM` | [`Class::RateLimited`]: full, and each client that comes back at once makes it worse |
/// | `NOAUTH`, `WRONGPASS`, and before Redis 6 `ERR invalid password` | [`Cause::AuthRejected`] |
/// | `NOPERM` | [`Cause::AuthDenied`]: the user may not do this, however often it logs in |
/// | `DENIED` (protected mode), `NOPROTO` (no such version of the protocol) | [`Class::Fatal`]: only another configuration helps |
/// | anything else: `WRONGTYPE`, `NOSCRIPT`, `EXECABORT`, other `ERR` | [`Cause::Unknown`]: an answer to one command, which says nothing about the connection |
///
/// A leading `-`, as in the protocol, is left out. Sources: [RESP on errors](https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors),
/// and what a Redis 7.0 answers in the tests of this crate. What is retried is what redis-rs waits for and retries
/// (`RetryMethod::WaitAndRetry`, `RefreshSlotsAndRetry`).
///
/// ```
/// use redial::{Cause, causes};
///
/// assert_eq!(causes::redis_error("NOAUTH Authentication required."), Cause::AuthRejected);
/// ```
#[doc(alias = "valkey")]
#[must_use]
pub fn redis_error(text: &str) -> Cause {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    by_word(word, rest)
}

fn by_word(word: &str, rest: &str) -> Cause {
    Cause::Class(match word {
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" | "NOREPLICAS" | "MISCONF"
        | "READONLY" | "MOVED" | "ASK" => Class::Transient,
        "OOM" => Class::RateLimited,
        "ERR" if rest.starts_with("max number of clients") => Class::RateLimited,
        "ERR" if rest.starts_with("invalid password") => return Cause::AuthRejected,
        "NOAUTH" | "WRONGPASS" => return Cause::AuthRejected,
        "NOPERM" => return Cause::AuthDenied,
        "DENIED" | "NOPROTO" => Class::Fatal,
        _ => return Cause::Unknown,
    })
}

#[cfg(feature = "redis")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "redis")))]
impl From<&redis::RedisError> for Cause {
    /// | the crate says | cause |
    /// | --- | --- |
    /// | an error with a source that says something: of the socket, of TLS | what that says, as by [`causes::of`](fn@super::of) |
    /// | an error that the server wrote | as in [`redis_error`](super::redis_error) |
    /// | `AuthenticationFailed` | [`Cause::AuthRejected`]. Whatever the server answers to a login becomes this, without its text; so a server with too many clients can look like one that refuses a password |
    /// | `InvalidClientConfig`, `EmptySentinelList` | [`IoKind::InvalidInput`](crate::IoKind::InvalidInput) |
    /// | `RESP3NotSupported` | [`Class::Fatal`] |
    /// | `MasterNameNotFoundBySentinel`, `NoValidReplicasFoundBySentinel`, `ClusterConnectionNotFound` | [`Class::Transient`]: a failover is under way |
    /// | `Parse`: bytes that are not Redis' protocol, or an answer that can't be read as what it is asked for | [`IoKind::InvalidData`](crate::IoKind::InvalidData) |
    /// | any other, such as a command that the crate does not send | [`Cause::Unknown`] |
    ///
    /// Of a pipeline's errors the first one counts.
    fn from(error: &redis::RedisError) -> Self {
        super::of(error)
    }
}

/// What the error says by itself.
#[cfg(feature = "redis")]
pub(super) fn said(error: &redis::RedisError) -> Cause {
    use crate::classify::IoKind;
    use redis::ErrorKind as Kind;
    if let Some(word) = error.code() {
        return by_word(word, error.detail().unwrap_or_default());
    }
    match error.kind() {
        Kind::AuthenticationFailed => Cause::AuthRejected,
        Kind::InvalidClientConfig | Kind::EmptySentinelList => Cause::Io(IoKind::InvalidInput),
        Kind::RESP3NotSupported => Cause::Class(Class::Fatal),
        Kind::MasterNameNotFoundBySentinel
        | Kind::NoValidReplicasFoundBySentinel
        | Kind::ClusterConnectionNotFound => Cause::Class(Class::Transient),
        Kind::Parse => Cause::Io(IoKind::InvalidData),
        // Which one is said by its source.
        Kind::Io => Cause::Io(IoKind::Other),
        _ => Cause::Unknown,
    }
}
