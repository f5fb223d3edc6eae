//! The events that are tried in every state of a case, for the newest transport and for another one.

use core::time::Duration;

use redial::classify::Class;
use redial::policy::RetryAfter;
use redial::{Cause, Epoch, Event};

use crate::configs::{HOLD, REFUSED};
use crate::harness::{TestEvent, secs};

/// What every protocol has.
pub fn plain(epoch: Epoch, old: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Stop { keep: false },
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch: old, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::SendFailed { epoch },
        Event::Received { epoch },
    ]
}

fn ready(epoch: Epoch, sequence: Option<u64>, ttl: Option<u64>) -> TestEvent<u8> {
    Event::Ready { epoch, token: Some(1), endpoint: None, sequence, ttl: ttl.map(secs) }
}

pub fn sessions(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Greeting { epoch, heartbeat: Some(secs(3)) },
        Event::Greeting { epoch, heartbeat: None },
        ready(epoch, Some(1), Some(9)),
        Event::Ready { epoch, token: Some(1), endpoint: Some(2), sequence: None, ttl: None },
        Event::Resumed { epoch },
        Event::Sequence { epoch, sequence: 2 },
        Event::SessionInvalid { epoch, resumable: true },
        Event::SessionInvalid { epoch, resumable: false },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
        Event::HeartbeatAcked { epoch },
        Event::HeartbeatRequested { epoch },
    ]
}

pub fn credentials(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch, cause: Cause::AuthRejected },
        Event::OpenFailed { epoch, cause: Cause::Http(401), retry_after: None },
        ready(epoch, None, None),
        Event::CredentialOk { request: None, ttl: None },
        Event::CredentialOk { request: None, ttl: Some(secs(6)) },
        Event::CredentialFailed { request: None, fatal: false },
        Event::CredentialFailed { request: None, fatal: true },
        Event::CredentialNew,
        Event::CredentialLost,
        Event::AuthOk { epoch },
        Event::AuthFailed { epoch, fatal: false },
        Event::AuthFailed { epoch, fatal: true },
    ]
}

pub fn restoring(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Opened { epoch },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        ready(epoch, Some(0), None),
        Event::Resumed { epoch },
        Event::Subscribe { key: 1, priority: 0 },
        Event::Subscribe { key: 2, priority: 1 },
        Event::Unsubscribe { key: 1 },
        Event::SubscriptionConfirmed { epoch, key: 1, send: None },
        Event::SubscriptionConfirmed { epoch, key: 2, send: None },
        Event::SubscriptionFailed { epoch, key: 1, send: None, retryable: true },
        Event::SubscriptionFailed { epoch, key: 2, send: None, retryable: false },
        Event::SubscriptionLost { epoch, key: 1 },
        Event::Cursor { epoch, token: 3 },
    ]
}

pub fn host(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::RetryNow,
        Event::Redial,
        Event::Hold(HOLD),
        Event::Release(HOLD),
        Event::NetworkDown,
        Event::NetworkUp,
        Event::NetworkChanged,
        Event::Hidden,
        Event::Visible,
        Event::HostResumed { gap: secs(9), counted: true },
        Event::HostResumed { gap: secs(9), counted: false },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::HeartbeatAcked { epoch },
        Event::Received { epoch },
    ]
}

pub fn limited(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: Some(secs(3).into()) },
        Event::OpenFailed { epoch, cause: Cause::Http(429), retry_after: Some(secs(60).into()) },
        Event::NotNow { epoch, retry_after: None },
        Event::NotNow { epoch, retry_after: Some(secs(2)) },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::BackoffHint { base: secs(2) },
        Event::BackoffHint { base: Duration::ZERO },
    ]
}

pub fn windowed(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    let refused = |retry_after| Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after };
    vec![
        Event::Start,
        Event::RetryNow,
        Event::Opened { epoch },
        refused(None),
        refused(Some(RetryAfter::AtLeast(secs(3)))),
        refused(Some(RetryAfter::Appointment(secs(2)))),
        refused(Some(RetryAfter::Window(secs(60)))),
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::BackoffHint { base: secs(2) },
    ]
}

pub fn broken(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::OpenFailed { epoch, cause: Cause::Http(404), retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::NotNow { epoch, retry_after: None },
        Event::Redirected { epoch, endpoint: 3, permanent: false },
    ]
}

pub fn planned(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Redial,
        Event::NetworkChanged,
        Event::NetworkDown,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: None, ttl: Some(secs(5)) },
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(3)) },
        Event::ReconnectRequested { epoch, retry_after: Some(secs(2).into()), deadline: None },
        Event::Redirected { epoch, endpoint: 3, permanent: false },
        Event::Redirected { epoch, endpoint: 4, permanent: true },
        Event::Cursor { epoch, token: 2 },
        Event::KeepAlive { epoch, interval: secs(2) },
        Event::Received { epoch },
    ]
}

/// For the newest transport and the one before it: a successor and its connection, where there are two.
pub fn handing_over(epoch: Epoch, old: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Redial,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch: old, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch: old, retry_after: None, deadline: Some(secs(3)) },
        Event::Redirected { epoch: old, endpoint: 3, permanent: false },
        Event::HeartbeatAcked { epoch: old },
        Event::SessionInvalid { epoch, resumable: false },
        Event::Drained { epoch: old },
        Event::Subscribe { key: 1, priority: 0 },
    ]
}

/// When a loss to another client is forgotten is kept in whole seconds of the clock.
pub fn replaced(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        ready(epoch, None, None),
        Event::Closed { epoch, cause: Cause::Class(Class::Replaced) },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
    ]
}

pub fn verdicts(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    let closed = |cause| Event::Closed { epoch, cause };
    let classes = Class::ALL.iter().filter(|class| **class != Class::Replaced);
    let classes = classes.map(|class| closed(Cause::Class(*class)));
    let others = [
        Event::Start,
        Event::Opened { epoch },
        ready(epoch, None, None),
        closed(Cause::CloseFrame(4_999)),
        closed(Cause::CloseFrame(4_004)),
        closed(Cause::SessionInvalid),
        Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: None },
        Event::NetworkDown,
        Event::NetworkUp,
        Event::Drained { epoch },
    ];
    classes.chain(others).collect()
}
