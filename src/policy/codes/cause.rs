//! A cause as three bytes.

use crate::classify::{Cause, Class, IoKind, TlsKind};

const NONE: u8 = 0;
const CLOSE_FRAME: u8 = 1;
const HTTP: u8 = 2;
const IO: u8 = 3;
const TLS: u8 = 4;
const CLASS: u8 = 5;
const PLAIN: u8 = 6;

/// The causes without a number of their own. Their places are part of the byte form.
const PLAINS: [Cause; 17] = [
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
    Cause::AuthRejected,
    Cause::AuthDenied,
    Cause::NetworkDown,
    Cause::HostSuspended,
    Cause::RestoreFailed,
];

/// Its kind and its number.
pub(crate) fn to_code(cause: Option<Cause>) -> (u8, u16) {
    let place = |at: Option<usize>| at.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX);
    match cause {
        None => (NONE, 0),
        Some(Cause::CloseFrame(code)) => (CLOSE_FRAME, code),
        Some(Cause::Http(status)) => (HTTP, status),
        Some(Cause::Io(kind)) => (IO, place(IoKind::ALL.iter().position(|known| *known == kind))),
        Some(Cause::Tls(kind)) => (TLS, place(TlsKind::ALL.iter().position(|known| *known == kind))),
        Some(Cause::Class(class)) => (CLASS, place(Class::ALL.iter().position(|known| *known == class))),
        // The rest share the last number: `Unknown`.
        Some(cause) => (PLAIN, place(PLAINS.iter().position(|known| *known == cause))),
    }
}

/// The cause with this code, which may be none; `None` where there is no such code.
pub(crate) fn from_code(kind: u8, number: u16) -> Option<Option<Cause>> {
    let at = usize::from(number);
    Some(Some(match kind {
        NONE if number == 0 => return Some(None),
        CLOSE_FRAME => Cause::CloseFrame(number),
        HTTP => Cause::Http(number),
        IO => Cause::Io(*IoKind::ALL.get(at)?),
        TLS => Cause::Tls(*TlsKind::ALL.get(at)?),
        CLASS => Cause::Class(*Class::ALL.get(at)?),
        PLAIN if number == u16::MAX => Cause::Unknown,
        PLAIN => *PLAINS.get(at)?,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_what_was_written() {
        let named = IoKind::ALL.iter().map(|kind| Cause::Io(*kind));
        let named = named.chain(TlsKind::ALL.iter().map(|kind| Cause::Tls(*kind)));
        let named = named.chain(Class::ALL.iter().map(|class| Cause::Class(*class)));
        let plain = PLAINS.into_iter().chain([Cause::Unknown]);
        let numbered = [0, 4_014, u16::MAX].into_iter().flat_map(|n| [Cause::CloseFrame(n), Cause::Http(n)]);
        for cause in named.chain(plain).chain(numbered).map(Some).chain([None]) {
            let (kind, number) = to_code(cause);
            assert_eq!(from_code(kind, number), Some(cause), "{cause:?}");
        }
        assert_eq!(from_code(NONE, 1), None);
        assert_eq!(from_code(PLAIN, 900), None);
        assert_eq!(from_code(200, 0), None);
    }
}
