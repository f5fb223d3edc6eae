//! Events as numbers: every kind reads the same fields, of which it takes what it has.

use core::time::Duration;

use redial::Event;
use redial::subscriptions::Subscriptions;
use redial::policy::{Epoch, HoldReason, RetryAfter};

use crate::cause::cause;
use crate::mail::{flag, long, optional_long, word};
use crate::mailbox::Set;

type Key = <Set as Subscriptions>::Key;

/// The event that the mail holds, or `None` where it holds the time alone.
///
/// | place | what |
/// | --- | --- |
/// | 0 | the kind, in the order of a log's words in the host |
/// | 1 | the transport's epoch |
/// | 2 | a flag, a cause, or the number of a hold, a token or a request (0: none) |
/// | 3 | what is meant by a wait: 1 at least, 2 an appointment, 3 a window; 0: there is none |
/// | 4 | whether there is a sequence number or a deadline, or whether a failure is fatal |
/// | 5, 6 | a wait, a gap or a time to live in microseconds |
/// | 7, 8 | a sequence number, or a deadline in microseconds |
pub(crate) fn event() -> Option<Event<u32, Key>> {
    let epoch = Epoch::from_raw(word(1)).or(Epoch::from_raw(u32::MAX))?;
    let (first, third) = (word(2), flag(4));
    let some = Some(first).filter(|first| *first != 0);
    let number = Some(long(7)).filter(|_| third);
    let span = optional_long(5).map(Duration::from_micros);
    let wait = span.unwrap_or_default();
    let retry_after = match word(3) {
        1 => Some(RetryAfter::AtLeast(wait)),
        2 => Some(RetryAfter::Appointment(wait)),
        3 => Some(RetryAfter::Window(wait)),
        _ => None,
    };
    Some(match word(0) {
        1 => Event::Start,
        2 => Event::Stop { keep: first != 0 },
        3 => Event::RetryNow,
        4 => Event::Hold(HoldReason::new(first as u8)?),
        5 => Event::Release(HoldReason::new(first as u8)?),
        6 => Event::NetworkDown,
        7 => Event::NetworkUp,
        8 => Event::Hidden,
        9 => Event::Visible,
        10 => Event::HostResumed { gap: wait, counted: first != 0 },
        11 => Event::NetworkChanged,
        12 => Event::Redial,
        13 => Event::Opened { epoch },
        14 => Event::OpenFailed { epoch, cause: cause(first), retry_after },
        15 => Event::Closed { epoch, cause: cause(first) },
        16 => Event::SendFailed { epoch },
        17 => Event::Ready { epoch, token: some, endpoint: None, sequence: number, ttl: span },
        18 => Event::Resumed { epoch },
        19 => Event::Sequence { epoch, sequence: number? },
        20 => Event::ReconnectRequested { epoch, retry_after, deadline: number.map(Duration::from_micros) },
        21 => Event::SessionInvalid { epoch, resumable: first != 0 },
        22 => Event::HeartbeatAcked { epoch },
        23 => Event::HeartbeatRequested { epoch },
        24 => Event::Received { epoch },
        25 => Event::CredentialOk { request: some.map(|request| request as u16), ttl: span },
        26 => Event::CredentialFailed { request: some.map(|request| request as u16), fatal: third },
        kind => return of_subscription(kind, epoch),
    })
}

#[cfg(not(feature = "subscriptions"))]
const fn of_subscription(_: u32, _: Epoch) -> Option<Event<u32, Key>> {
    None
}

/// The key is in place 2, the priority or the number of the send (0: not said) in place 3.
#[cfg(feature = "subscriptions")]
fn of_subscription(kind: u32, epoch: Epoch) -> Option<Event<u32, Key>> {
    let (key, second) = (word(2), word(3));
    let send = Some(second).filter(|send| *send != 0);
    Some(match kind {
        27 => Event::Subscribe { key, priority: second as i32 },
        28 => Event::Unsubscribe { key },
        29 => Event::SubscriptionConfirmed { epoch, key, send },
        30 => Event::SubscriptionFailed { epoch, key, send, retryable: flag(4) },
        31 => Event::SubscriptionLost { epoch, key },
        _ => return None,
    })
}
