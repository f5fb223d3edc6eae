//! An event as bytes: a number for its kind, and its fields in the order of their declaration.

use core::time::Duration;

use crate::codec::{CheckpointError, FromName, Load, Named, Reader, Store, Writer, impossible};
use crate::policy::codes::{put_cause, take_cause};
use crate::policy::{Epoch, Event, HoldReason, RetryAfter};

/// What a recorded step was: a call of `handle_timeout`, or an event.
pub(super) const TIMEOUT: u8 = 0;

macro_rules! kinds {
    ($($name:ident = $kind:literal,)*) => {$(const $name: u8 = $kind;)*};
}

// A number is never used again for something else.
kinds! {
    START = 1, STOP = 2, RETRY_NOW = 3, HOLD = 4, RELEASE = 5, NETWORK_DOWN = 6, NETWORK_UP = 7, HIDDEN = 8, VISIBLE = 9,
    HOST_RESUMED = 10, NETWORK_CHANGED = 11, REDIAL = 12, BACKOFF_HINT = 13, OPENED = 14, OPEN_FAILED = 15, NOT_NOW = 16,
    CLOSED = 17, SEND_FAILED = 18, GREETING = 19, READY = 20, RESUMED = 21, SEQUENCE = 22, RECONNECT_REQUESTED = 23,
    REDIRECTED = 24, CURSOR = 25, KEEP_ALIVE = 26, SESSION_INVALID = 27, HEARTBEAT_ACKED = 28, HEARTBEAT_REQUESTED = 29,
    RECEIVED = 30, CREDENTIAL_OK = 31, CREDENTIAL_FAILED = 32, CREDENTIAL_NEW = 33, CREDENTIAL_LOST = 34, AUTH_OK = 35,
    AUTH_FAILED = 36, SUBSCRIBE = 37, UNSUBSCRIBE = 38, SUBSCRIPTION_CONFIRMED = 39, SUBSCRIPTION_FAILED = 40,
    SUBSCRIPTION_LOST = 41, DRAINED = 42,
}

impl<T, K> Event<T, K> {
    const fn kind(&self) -> u8 {
        match self {
            Self::Start => START,
            Self::Stop { .. } => STOP,
            Self::RetryNow => RETRY_NOW,
            Self::Hold(_) => HOLD,
            Self::Release(_) => RELEASE,
            Self::NetworkDown => NETWORK_DOWN,
            Self::NetworkUp => NETWORK_UP,
            Self::Hidden => HIDDEN,
            Self::Visible => VISIBLE,
            Self::HostResumed { .. } => HOST_RESUMED,
            Self::NetworkChanged => NETWORK_CHANGED,
            Self::Redial => REDIAL,
            Self::BackoffHint { .. } => BACKOFF_HINT,
            Self::Opened { .. } => OPENED,
            Self::OpenFailed { .. } => OPEN_FAILED,
            Self::NotNow { .. } => NOT_NOW,
            Self::Closed { .. } => CLOSED,
            Self::SendFailed { .. } => SEND_FAILED,
            Self::Greeting { .. } => GREETING,
            Self::Ready { .. } => READY,
            Self::Resumed { .. } => RESUMED,
            Self::Sequence { .. } => SEQUENCE,
            Self::ReconnectRequested { .. } => RECONNECT_REQUESTED,
            Self::Drained { .. } => DRAINED,
            Self::Redirected { .. } => REDIRECTED,
            Self::Cursor { .. } => CURSOR,
            Self::KeepAlive { .. } => KEEP_ALIVE,
            Self::SessionInvalid { .. } => SESSION_INVALID,
            Self::HeartbeatAcked { .. } => HEARTBEAT_ACKED,
            Self::HeartbeatRequested { .. } => HEARTBEAT_REQUESTED,
            Self::Received { .. } => RECEIVED,
            Self::CredentialOk { .. } => CREDENTIAL_OK,
            Self::CredentialFailed { .. } => CREDENTIAL_FAILED,
            Self::CredentialNew => CREDENTIAL_NEW,
            Self::CredentialLost => CREDENTIAL_LOST,
            Self::AuthOk { .. } => AUTH_OK,
            Self::AuthFailed { .. } => AUTH_FAILED,
            Self::Subscribe { .. } => SUBSCRIBE,
            Self::Unsubscribe { .. } => UNSUBSCRIBE,
            Self::SubscriptionConfirmed { .. } => SUBSCRIPTION_CONFIRMED,
            Self::SubscriptionFailed { .. } => SUBSCRIPTION_FAILED,
            Self::SubscriptionLost { .. } => SUBSCRIPTION_LOST,
        }
    }
}

impl<T: Named, K: Named> Store for Event<T, K> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[self.kind()])?;
        if let Some(epoch) = self.epoch() {
            to.number(epoch.get())?;
        }
        match self {
            Self::Start
            | Self::RetryNow
            | Self::NetworkDown
            | Self::NetworkUp
            | Self::Hidden
            | Self::Visible
            | Self::NetworkChanged
            | Self::Redial
            | Self::CredentialNew
            | Self::CredentialLost
            | Self::Opened { .. }
            | Self::SendFailed { .. }
            | Self::Resumed { .. }
            | Self::HeartbeatAcked { .. }
            | Self::HeartbeatRequested { .. }
            | Self::Received { .. }
            | Self::Drained { .. }
            | Self::AuthOk { .. } => Ok(()),
            Self::Stop { keep: flag }
            | Self::SessionInvalid { resumable: flag, .. }
            | Self::AuthFailed { fatal: flag, .. } => to.flag(*flag),
            Self::Hold(reason) | Self::Release(reason) => to.number(reason.get()),
            Self::HostResumed { gap, counted } => {
                put_span(to, *gap)?;
                to.flag(*counted)
            }
            Self::BackoffHint { base: span } | Self::KeepAlive { interval: span, .. } => put_span(to, *span),
            Self::OpenFailed { cause, retry_after, .. } => {
                put_cause(to, Some(*cause))?;
                put_retry_after(to, *retry_after)
            }
            Self::NotNow { retry_after: span, .. } | Self::Greeting { heartbeat: span, .. } => {
                put_optional_span(to, *span)
            }
            Self::Closed { cause, .. } => put_cause(to, Some(*cause)),
            Self::Ready { token, endpoint, sequence, ttl, .. } => {
                to.name(token.as_ref())?;
                to.name(endpoint.as_ref())?;
                to.flag(sequence.is_some())?;
                to.number(sequence.unwrap_or_default())?;
                put_optional_span(to, *ttl)
            }
            Self::Sequence { sequence, .. } => to.number(*sequence),
            Self::ReconnectRequested { retry_after, deadline, .. } => {
                put_retry_after(to, *retry_after)?;
                put_optional_span(to, *deadline)
            }
            Self::Redirected { endpoint, permanent, .. } => {
                to.name(Some(endpoint))?;
                to.flag(*permanent)
            }
            Self::Cursor { token, .. } => to.name(Some(token)),
            Self::CredentialOk { request, ttl } => {
                to.opt_number(request.map(u32::from))?;
                put_optional_span(to, *ttl)
            }
            Self::CredentialFailed { request, fatal } => {
                to.opt_number(request.map(u32::from))?;
                to.flag(*fatal)
            }
            Self::Subscribe { key, priority } => {
                to.name(Some(key))?;
                to.signed((*priority).into())
            }
            Self::Unsubscribe { key } | Self::SubscriptionLost { key, .. } => to.name(Some(key)),
            Self::SubscriptionConfirmed { key, send, .. } => {
                to.name(Some(key))?;
                to.opt_number(*send)
            }
            Self::SubscriptionFailed { key, send, retryable, .. } => {
                to.name(Some(key))?;
                to.opt_number(*send)?;
                to.flag(*retryable)
            }
        }
    }
}

impl<T: FromName, K: FromName> Load for Event<T, K> {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let kind = from.byte()?;
        load(kind, from)
    }
}

/// What follows the number of its kind.
pub(super) fn load<T: FromName, K: FromName>(
    kind: u8,
    from: &mut Reader<'_>,
) -> Result<Event<T, K>, CheckpointError> {
    Ok(match kind {
        START => Event::Start,
        STOP => Event::Stop { keep: from.flag()? },
        RETRY_NOW => Event::RetryNow,
        HOLD => Event::Hold(reason(from)?),
        RELEASE => Event::Release(reason(from)?),
        NETWORK_DOWN => Event::NetworkDown,
        NETWORK_UP => Event::NetworkUp,
        HIDDEN => Event::Hidden,
        VISIBLE => Event::Visible,
        HOST_RESUMED => Event::HostResumed { gap: span(from)?, counted: from.flag()? },
        NETWORK_CHANGED => Event::NetworkChanged,
        REDIAL => Event::Redial,
        BACKOFF_HINT => Event::BackoffHint { base: span(from)? },
        CREDENTIAL_OK => Event::CredentialOk { request: request(from)?, ttl: optional_span(from)? },
        CREDENTIAL_FAILED => Event::CredentialFailed { request: request(from)?, fatal: from.flag()? },
        CREDENTIAL_NEW => Event::CredentialNew,
        CREDENTIAL_LOST => Event::CredentialLost,
        SUBSCRIBE => {
            let key = from.some_name()?;
            let priority =
                i32::try_from(from.signed()?).map_err(|_| impossible("a priority that is too large"))?;
            Event::Subscribe { key, priority }
        }
        UNSUBSCRIBE => Event::Unsubscribe { key: from.some_name()? },
        OPENED..=SUBSCRIPTION_LOST | DRAINED => {
            let epoch = Epoch::from_raw(from.number()?).ok_or(impossible("a transport with the number 0"))?;
            of_transport(kind, epoch, from)?
        }
        _ => return Err(impossible("an event that is not known")),
    })
}

fn of_transport<T: FromName, K: FromName>(
    kind: u8,
    epoch: Epoch,
    from: &mut Reader<'_>,
) -> Result<Event<T, K>, CheckpointError> {
    let cause = |from: &mut Reader<'_>| take_cause(from)?.ok_or(impossible("a loss without a cause"));
    Ok(match kind {
        OPENED => Event::Opened { epoch },
        OPEN_FAILED => Event::OpenFailed { epoch, cause: cause(from)?, retry_after: retry_after(from)? },
        NOT_NOW => Event::NotNow { epoch, retry_after: optional_span(from)? },
        CLOSED => Event::Closed { epoch, cause: cause(from)? },
        SEND_FAILED => Event::SendFailed { epoch },
        GREETING => Event::Greeting { epoch, heartbeat: optional_span(from)? },
        READY => {
            let (token, endpoint) = (from.name()?, from.name()?);
            let (has_sequence, sequence): (bool, u64) = (from.flag()?, from.number()?);
            let sequence = Some(sequence).filter(|_| has_sequence);
            Event::Ready { epoch, token, endpoint, sequence, ttl: optional_span(from)? }
        }
        RESUMED => Event::Resumed { epoch },
        SEQUENCE => Event::Sequence { epoch, sequence: from.number()? },
        RECONNECT_REQUESTED => Event::ReconnectRequested {
            epoch,
            retry_after: retry_after(from)?,
            deadline: optional_span(from)?,
        },
        REDIRECTED => Event::Redirected { epoch, endpoint: from.some_name()?, permanent: from.flag()? },
        CURSOR => Event::Cursor { epoch, token: from.some_name()? },
        KEEP_ALIVE => Event::KeepAlive { epoch, interval: span(from)? },
        SESSION_INVALID => Event::SessionInvalid { epoch, resumable: from.flag()? },
        HEARTBEAT_ACKED => Event::HeartbeatAcked { epoch },
        DRAINED => Event::Drained { epoch },
        HEARTBEAT_REQUESTED => Event::HeartbeatRequested { epoch },
        RECEIVED => Event::Received { epoch },
        AUTH_OK => Event::AuthOk { epoch },
        AUTH_FAILED => Event::AuthFailed { epoch, fatal: from.flag()? },
        SUBSCRIPTION_CONFIRMED => {
            Event::SubscriptionConfirmed { epoch, key: from.some_name()?, send: from.opt_number()? }
        }
        SUBSCRIPTION_FAILED => Event::SubscriptionFailed {
            epoch,
            key: from.some_name()?,
            send: from.opt_number()?,
            retryable: from.flag()?,
        },
        SUBSCRIPTION_LOST => Event::SubscriptionLost { epoch, key: from.some_name()? },
        _ => return Err(impossible("an event that is not known")),
    })
}

fn reason(from: &mut Reader<'_>) -> Result<HoldReason, CheckpointError> {
    HoldReason::new(from.number()?).ok_or(impossible("a precondition with a number above 31"))
}

fn request(from: &mut Reader<'_>) -> Result<Option<u16>, CheckpointError> {
    let request = from.opt_number()?.map(u16::try_from).transpose();
    request.map_err(|_| impossible("a request with a number above 65535"))
}

fn put_span(to: &mut Writer<'_>, span: Duration) -> Result<(), CheckpointError> {
    to.number(span.as_secs())?;
    to.number(span.subsec_nanos())
}

fn span(from: &mut Reader<'_>) -> Result<Duration, CheckpointError> {
    let (secs, nanos) = (from.number()?, from.number()?);
    if nanos >= 1_000_000_000 {
        return Err(impossible("a second with more than a billion nanoseconds"));
    }
    Ok(Duration::new(secs, nanos))
}

fn put_optional_span(to: &mut Writer<'_>, span: Option<Duration>) -> Result<(), CheckpointError> {
    to.flag(span.is_some())?;
    span.map_or(Ok(()), |span| put_span(to, span))
}

/// As an optional span, but for what the server means by it: 1 is at least so long.
fn put_retry_after(to: &mut Writer<'_>, retry_after: Option<RetryAfter>) -> Result<(), CheckpointError> {
    let Some(retry_after) = retry_after else { return to.flag(false) };
    to.bytes(&[match retry_after {
        RetryAfter::AtLeast(_) => 1,
        RetryAfter::Appointment(_) => 2,
        RetryAfter::Window(_) => 3,
    }])?;
    put_span(to, retry_after.duration())
}

fn retry_after(from: &mut Reader<'_>) -> Result<Option<RetryAfter>, CheckpointError> {
    let kind = match from.byte()? {
        0 => return Ok(None),
        1 => RetryAfter::AtLeast,
        2 => RetryAfter::Appointment,
        3 => RetryAfter::Window,
        _ => return Err(impossible("a wait of the server that is not known")),
    };
    span(from).map(kind).map(Some)
}

fn optional_span(from: &mut Reader<'_>) -> Result<Option<Duration>, CheckpointError> {
    if from.flag()? { span(from).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Cause;
    use crate::codec::read_back;

    use alloc::vec::Vec;

    /// Every kind, and every form of its fields.
    fn every_event() -> Vec<Event<u8, u16>> {
        let epoch = Epoch::from_raw(300).unwrap();
        let spans = [Duration::ZERO, Duration::from_nanos(1_500_000_001), Duration::MAX];
        let optional = || spans.into_iter().map(Some).chain([None]);
        let waits = || {
            let kinds = [RetryAfter::AtLeast, RetryAfter::Appointment, RetryAfter::Window];
            kinds.into_iter().flat_map(move |kind| spans.map(|span| Some(kind(span)))).chain([None])
        };
        let hold = HoldReason::new(31).unwrap();
        let cause = Cause::CloseFrame(4_004);
        let mut events = Vec::from([
            Event::Start,
            Event::RetryNow,
            Event::Hold(hold),
            Event::Release(hold),
            Event::NetworkDown,
            Event::NetworkUp,
            Event::Hidden,
            Event::Visible,
            Event::NetworkChanged,
            Event::Redial,
            Event::Opened { epoch },
            Event::Closed { epoch, cause },
            Event::SendFailed { epoch },
            Event::Resumed { epoch },
            Event::Sequence { epoch, sequence: u64::MAX },
            Event::Drained { epoch },
            Event::Cursor { epoch, token: 4 },
            Event::HeartbeatAcked { epoch },
            Event::HeartbeatRequested { epoch },
            Event::Received { epoch },
            Event::CredentialNew,
            Event::CredentialLost,
            Event::AuthOk { epoch },
            Event::Subscribe { key: 900, priority: i32::MIN },
            Event::Unsubscribe { key: 900 },
            Event::SubscriptionLost { epoch, key: 900 },
        ]);
        for on in [false, true] {
            events.push(Event::Stop { keep: on });
            events.push(Event::SessionInvalid { epoch, resumable: on });
            events.push(Event::AuthFailed { epoch, fatal: on });
            events.push(Event::Redirected { epoch, endpoint: 5, permanent: on });
            events.extend(spans.map(|gap| Event::HostResumed { gap, counted: on }));
            for number in [None, Some(0), Some(1), Some(u16::MAX)] {
                events.push(Event::CredentialFailed { request: number, fatal: on });
                events.extend(optional().map(|ttl| Event::CredentialOk { request: number, ttl }));
                let send = number.map(u32::from);
                events.push(Event::SubscriptionConfirmed { epoch, key: 900, send });
                events.push(Event::SubscriptionFailed { epoch, key: 900, send, retryable: on });
            }
        }
        events.extend(spans.map(|base| Event::BackoffHint { base }));
        events.extend(spans.map(|interval| Event::KeepAlive { epoch, interval }));
        events.extend(waits().map(|retry_after| Event::OpenFailed { epoch, cause, retry_after }));
        for span in optional() {
            events.push(Event::NotNow { epoch, retry_after: span });
            events.push(Event::Greeting { epoch, heartbeat: span });
            events.extend([(Some(1), Some(0)), (None, None)].map(|(token, sequence)| Event::Ready {
                epoch,
                token,
                endpoint: token,
                sequence,
                ttl: span,
            }));
            events.extend(waits().map(|retry_after| Event::ReconnectRequested {
                epoch,
                retry_after,
                deadline: span,
            }));
        }
        events
    }

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let mut kinds = Vec::new();
        for event in every_event() {
            assert_eq!(read_back(&event).as_ref(), Ok(&event));
            kinds.push(event.kind());
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, (START..=DRAINED).collect::<Vec<_>>(), "an event is missing above");
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let refused = |bytes: &[u8], why: &'static str| {
            let read = Event::<u8, u16>::load(&mut Reader::new(bytes));
            assert_eq!(read, Err(impossible(why)), "{bytes:?}");
        };
        refused(&[DRAINED + 1, 1], "an event that is not known");
        refused(&[OPENED, 0], "a transport with the number 0");
        refused(&[HOLD, 32], "a precondition with a number above 31");
        // 65,536 and one, a second of a billion nanoseconds, and a fourth kind of wait.
        refused(&[CREDENTIAL_FAILED, 0x81, 0x80, 4, 0], "a request with a number above 65535");
        refused(
            &[BACKOFF_HINT, 0, 0x80, 0x94, 0xeb, 0xdc, 3],
            "a second with more than a billion nanoseconds",
        );
        refused(&[RECONNECT_REQUESTED, 1, 4], "a wait of the server that is not known");
    }
}
