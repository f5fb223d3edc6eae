//! An error with its sources.

use core::error::Error;
use std::io;
use std::sync::Arc;
#[cfg(feature = "tungstenite")]
use std::time::SystemTime;

use crate::classify::{Cause, IoKind};
#[cfg(any(feature = "tungstenite", feature = "driver"))]
use crate::policy::RetryAfter;

/// So many errors of a chain are read, for a source may be anything, itself included.
const MAX_CHAIN: usize = 32;

/// What an error says, by itself or by one of its sources.
///
/// The error is read first, then its [source](Error::source), and so on through 32 of them; the first that says why the connection
/// ended is the cause. Without one it is [`Cause::Unknown`]. These say something:
///
/// | error | cause | feature |
/// | --- | --- | --- |
/// | [`std::io::Error`] | [`Cause::Io`] by its kind, or by the number of the operating system | `std` |
/// | one that wraps another error | what that says, if it says something, otherwise [`Cause::Io`] by its kind | `std` |
/// | one of a name lookup | [`IoKind::NameNotFound`], where it can be told: see [`lookup`](fn@super::lookup) | `std` |
/// | `rustls::Error` | [`Cause::Tls`] | `rustls` |
/// | `tungstenite::Error` | as in its `Cause::from` | `tungstenite` |
/// | `redis::RedisError` | as in its `Cause::from` | `redis` |
/// | `tokio::time::error::Elapsed`, `async_std::future::TimeoutError` | [`Cause::Timeout`] | `tokio`, `async-std` |
///
/// Many crates keep the system's error among their sources (hyper, reqwest, tungstenite and redis do, h2 does not), so that a refused
/// port or an unknown name is found without a feature.
///
/// ```
/// use redial::{Cause, IoKind, causes};
/// use std::io::{Error, ErrorKind};
///
/// let inner = Error::from(ErrorKind::ConnectionRefused);
/// assert_eq!(causes::of(&Error::other(inner)), Cause::Io(IoKind::ConnectionRefused));
/// assert_eq!(causes::of(&std::fmt::Error), Cause::Unknown);
/// ```
#[must_use]
pub fn of(error: &(dyn Error + 'static)) -> Cause {
    let mut best = Cause::Unknown;
    for error in chain(error) {
        let cause = said(error);
        // What is wrapped says more than the kind of the error around it, if it says something.
        if certainty(cause) >= certainty(best) {
            best = cause;
        }
        if certainty(cause) == CERTAIN && wrapped(error).is_none() {
            break;
        }
    }
    best
}

/// What the server asked to wait for, by an error or one of its sources that carries the headers of its answer: of
/// `tungstenite::Error::Http`. They are read as by [`retry_after`](fn@super::retry_after). `None`: no
/// error carries an answer, or the answer asks for nothing.
///
/// `now` is what a date in a header is compared with: `SystemTime::now()`.
#[cfg(feature = "tungstenite")]
#[must_use]
pub fn retry_after_of(error: &(dyn Error + 'static), now: SystemTime) -> Option<RetryAfter> {
    chain(error).find_map(|error| super::tungstenite::asked(error.downcast_ref()?, now))
}

/// The same at this moment. Without the feature no error carries an answer.
#[cfg(feature = "driver")]
pub(crate) fn asked_now(error: &(dyn Error + 'static)) -> Option<RetryAfter> {
    #[cfg(feature = "tungstenite")]
    {
        #[expect(clippy::disallowed_methods, reason = "a date has to be compared with the calendar")]
        let now = SystemTime::now();
        retry_after_of(error, now)
    }
    #[cfg(not(feature = "tungstenite"))]
    {
        let _ = error;
        None
    }
}

/// What this error says, without its sources.
fn said(error: &(dyn Error + 'static)) -> Cause {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Cause::Io(IoKind::from(error));
    }
    #[cfg(feature = "rustls")]
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Cause::from(error);
    }
    #[cfg(feature = "tungstenite")]
    if let Some(error) = error.downcast_ref() {
        return super::tungstenite::said(error);
    }
    #[cfg(feature = "redis")]
    if let Some(error) = error.downcast_ref() {
        return super::redis::said(error);
    }
    #[cfg(feature = "tokio")]
    if error.is::<tokio::time::error::Elapsed>() {
        return Cause::Timeout;
    }
    #[cfg(feature = "async-std")]
    if error.is::<async_std::future::TimeoutError>() {
        return Cause::Timeout;
    }
    Cause::Unknown
}

/// How much a cause says: nothing, what kind of error it is, or which.
const fn certainty(cause: Cause) -> u8 {
    match cause {
        Cause::Unknown => 0,
        Cause::Io(IoKind::Other) => 1,
        _ => CERTAIN,
    }
}

const CERTAIN: u8 = 2;

/// The error that this one is around and that is not its source: an `io::Error` and an `Arc` give the source of what they hold as
/// their own. The crate `redis` has its errors of sockets in such an `Arc`.
fn wrapped<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let inner: &(dyn Error + 'static) = error.get_ref()?;
        return Some(inner);
    }
    if let Some(shared) = error.downcast_ref::<Arc<io::Error>>() {
        return Some(&**shared);
    }
    let shared: &(dyn Error + 'static) = &**error.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    Some(shared)
}

/// An error and its sources.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    core::iter::successors(Some(error), |&error| wrapped(error).or_else(|| error.source())).take(MAX_CHAIN)
}
