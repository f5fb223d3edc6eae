//! Causes as numbers: the kind in the lowest byte, above it the code, status or kind of error.

use redial::classify::{Class, TlsKind};
use redial::{Cause, IoKind};

/// The causes that carry nothing, from the number of the first of them on.
const PLAIN: [Cause; 18] = [
    Cause::Unknown,
    Cause::NoCloseFrame,
    Cause::Timeout,
    Cause::ConnectTimeout,
    Cause::GreetingTimeout,
    Cause::ReadyTimeout,
    Cause::AuthTimeout,
    Cause::HeartbeatMissed,
    Cause::SendFailed,
    Cause::ReconnectRequested,
    Cause::SessionInvalid,
    Cause::SessionInvalidResumable,
    Cause::BadGreeting,
    Cause::NetworkDown,
    Cause::HostSuspended,
    Cause::AuthRejected,
    Cause::AuthDenied,
    Cause::RestoreFailed,
];

/// The kinds that carry something, in the order of their numbers.
const CLOSE: u32 = 0;
const HTTP: u32 = 1;
const IO: u32 = 2;
const TLS: u32 = 3;
const CLASS: u32 = 4;
const FIRST_PLAIN: u32 = 5;

/// The cause with this number; [`Cause::Unknown`] for a number that stands for none.
pub(crate) fn cause(number: u32) -> Cause {
    let (kind, value) = (number & 0xff, number >> 8);
    let found = match kind {
        CLOSE => return Cause::CloseFrame(value as u16),
        HTTP => return Cause::Http(value as u16),
        IO => IoKind::ALL.get(value as usize).copied().map(Cause::Io),
        TLS => TlsKind::ALL.get(value as usize).copied().map(Cause::Tls),
        CLASS => Class::ALL.get(value as usize).copied().map(Cause::Class),
        plain => PLAIN.get(plain.wrapping_sub(FIRST_PLAIN) as usize).copied(),
    };
    found.unwrap_or(Cause::Unknown)
}

/// The number of a cause.
pub(crate) fn number(cause: Cause) -> u32 {
    let (kind, value) = match cause {
        Cause::CloseFrame(code) => (CLOSE, code.into()),
        Cause::Http(status) => (HTTP, status.into()),
        Cause::Io(kind) => (IO, kind as u32),
        Cause::Tls(kind) => (TLS, kind as u32),
        Cause::Class(class) => (CLASS, class as u32),
        plain => {
            let at = PLAIN.iter().position(|known| *known == plain).unwrap_or(0);
            (FIRST_PLAIN.wrapping_add(at as u32), 0)
        }
    };
    kind | value << 8
}
