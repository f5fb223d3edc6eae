//! Events: every kind reads its fields, and what is wrong with one is said.

use core::ffi::CStr;
use core::time::Duration;
use std::collections::BTreeSet;

use core_policy::policy::RetryAfter;
use core_policy::subscriptions::FixedSubscriptions;
use core_policy::testing::Script;
use core_policy::{Event, Instant, Policy, SplitMix64, presets};

use crate::cause::redial_cause;
use crate::event::{redial_event, redial_event_kind, redial_event_kind_name};
use crate::status::redial_status;
use crate::time::millis;

type Fact = Event<u64, u32>;

/// The number of the kind with this word.
fn kind(word: &str) -> u32 {
    // SAFETY: a string.
    let word_of = |number| unsafe { CStr::from_ptr(redial_event_kind_name(number)) }.to_str().unwrap();
    (1..100).find(|number| word_of(*number) == word).unwrap_or_else(|| panic!("{word}"))
}

/// An event as a program of C fills it in, field by field.
pub(super) fn filled(event: &Fact) -> redial_event {
    let mut it = redial_event { kind: kind(event.as_str()), ..redial_event::default() };
    it.epoch = event.epoch().map_or(0, |epoch| epoch.get());
    let span = |span: Option<Duration>| span.map_or(0, millis);
    match event {
        Event::Stop { keep } => it.keep = (*keep).into(),
        Event::Hold(reason) | Event::Release(reason) => it.reason = reason.get(),
        Event::HostResumed { gap, counted } => (it.gap_ms, it.counted) = (millis(*gap), (*counted).into()),
        Event::BackoffHint { base } => it.base_ms = millis(*base),
        Event::OpenFailed { cause, retry_after, .. } => {
            it.cause = redial_cause::of(*cause);
            (it.retry_after, it.retry_after_ms) = wait(*retry_after);
        }
        Event::NotNow { retry_after, .. } => it.retry_after_ms = span(*retry_after),
        Event::Closed { cause, .. } => it.cause = redial_cause::of(*cause),
        Event::Greeting { heartbeat, .. } => it.interval_ms = span(*heartbeat),
        Event::Ready { token, endpoint, sequence, ttl, .. } => {
            (it.token, it.endpoint) = (token.unwrap_or_default(), endpoint.unwrap_or_default());
            (it.sequence, it.has_sequence) = (sequence.unwrap_or_default(), sequence.is_some().into());
            it.ttl_ms = span(*ttl);
        }
        Event::Sequence { sequence, .. } => it.sequence = *sequence,
        Event::ReconnectRequested { retry_after, deadline, .. } => {
            (it.retry_after, it.retry_after_ms) = wait(*retry_after);
            it.deadline_ms = span(*deadline);
        }
        Event::Redirected { endpoint, permanent, .. } => {
            (it.endpoint, it.permanent) = (*endpoint, (*permanent).into());
        }
        Event::Cursor { token, .. } => it.token = *token,
        Event::KeepAlive { interval, .. } => it.interval_ms = millis(*interval),
        Event::SessionInvalid { resumable, .. } => it.resumable = (*resumable).into(),
        Event::CredentialOk { request, ttl } => {
            (it.request, it.ttl_ms) = (request.unwrap_or_default(), span(*ttl));
        }
        Event::CredentialFailed { request, fatal } => {
            (it.request, it.fatal) = (request.unwrap_or_default(), (*fatal).into());
        }
        Event::AuthFailed { fatal, .. } => it.fatal = (*fatal).into(),
        Event::Subscribe { key, priority } => (it.key, it.priority) = (*key, *priority),
        Event::Unsubscribe { key } | Event::SubscriptionLost { key, .. } => it.key = *key,
        Event::SubscriptionConfirmed { key, send, .. } => {
            (it.key, it.send) = (*key, send.unwrap_or_default())
        }
        Event::SubscriptionFailed { key, send, retryable, .. } => {
            (it.key, it.send, it.retryable) = (*key, send.unwrap_or_default(), (*retryable).into());
        }
        _ => {}
    }
    it
}

fn wait(wait: Option<RetryAfter>) -> (u32, u64) {
    let kind = match wait {
        None => 0,
        Some(RetryAfter::AtLeast(_)) => 1,
        Some(RetryAfter::Appointment(_)) => 2,
        Some(RetryAfter::Window(_)) => 3,
    };
    (kind, wait.map_or(0, |wait| millis(wait.duration())))
}

/// The event with whole milliseconds, and without what C says by zero.
pub(super) fn rounded(event: Fact) -> Fact {
    let whole = |span: Duration| Duration::from_millis(millis(span));
    let some = |span: Option<Duration>| span.map(whole).filter(|span| !span.is_zero());
    let wait = |wait: Option<RetryAfter>| {
        wait.map(|wait| match wait {
            RetryAfter::AtLeast(span) => RetryAfter::AtLeast(whole(span)),
            RetryAfter::Appointment(span) => RetryAfter::Appointment(whole(span)),
            RetryAfter::Window(span) => RetryAfter::Window(whole(span)),
        })
    };
    match event {
        Event::HostResumed { gap, counted } => Event::HostResumed { gap: whole(gap), counted },
        Event::BackoffHint { base } => Event::BackoffHint { base: whole(base) },
        Event::OpenFailed { epoch, cause, retry_after } => {
            Event::OpenFailed { epoch, cause, retry_after: wait(retry_after) }
        }
        Event::NotNow { epoch, retry_after } => Event::NotNow { epoch, retry_after: some(retry_after) },
        Event::Greeting { epoch, heartbeat } => Event::Greeting { epoch, heartbeat: some(heartbeat) },
        Event::Ready { epoch, token, endpoint, sequence, ttl } => {
            // The scripts name from 0, and C from 1.
            let named = |name: Option<u64>| name.map(|name| name + 1);
            Event::Ready { epoch, token: named(token), endpoint: named(endpoint), sequence, ttl: some(ttl) }
        }
        Event::Redirected { epoch, endpoint, permanent } => {
            Event::Redirected { epoch, endpoint: endpoint + 1, permanent }
        }
        Event::Cursor { epoch, token } => Event::Cursor { epoch, token: token + 1 },
        Event::ReconnectRequested { epoch, retry_after, deadline } => {
            Event::ReconnectRequested { epoch, retry_after: wait(retry_after), deadline: some(deadline) }
        }
        Event::KeepAlive { epoch, interval } => Event::KeepAlive { epoch, interval: whole(interval) },
        Event::CredentialOk { request, ttl } => {
            Event::CredentialOk { request: request.filter(|it| *it > 0), ttl: some(ttl) }
        }
        Event::CredentialFailed { request, fatal } => {
            Event::CredentialFailed { request: request.filter(|it| *it > 0), fatal }
        }
        Event::SubscriptionConfirmed { epoch, key, send } => {
            Event::SubscriptionConfirmed { epoch, key, send: send.filter(|it| *it > 0) }
        }
        Event::SubscriptionFailed { epoch, key, send, retryable } => {
            Event::SubscriptionFailed { epoch, key, send: send.filter(|it| *it > 0), retryable }
        }
        other => other,
    }
}

#[test]
fn every_event_is_read_as_it_was_filled_in() {
    let mut kinds = BTreeSet::new();
    for seed in 0..20 {
        let mut policy = Policy::new(&presets::DISCORD_GATEWAY, SplitMix64::new(seed))
            .with_session_type::<u64>()
            .with_subscriptions(FixedSubscriptions::<u32, 8>::new())
            .with_handover(core_policy::handover::Config::DEFAULT);
        let mut script = Script::seeded(seed);
        let mut now = Instant::ZERO;
        for _ in 0..500 {
            let step = script.next_step(&policy, now).unwrap();
            now = step.at;
            if let Some(event) = step.event.clone() {
                kinds.insert(event.as_str());
                let event = rounded(event);
                assert_eq!(filled(&event).read(8), Ok(event));
            }
            let _actions = step.apply(&mut policy);
        }
    }
    assert_eq!(kinds.len(), 42, "{kinds:?}");
}

#[test]
fn what_is_wrong_with_an_event_is_said() {
    use redial_event_kind::*;
    let of =
        |kind: redial_event_kind| redial_event { kind: kind as u32, epoch: 1, ..redial_event::default() };
    let cases = [
        (redial_event::default(), redial_status::REDIAL_ERROR_EVENT),
        (redial_event { kind: 43, epoch: 1, ..redial_event::default() }, redial_status::REDIAL_ERROR_EVENT),
        (redial_event { kind: u32::MAX, ..redial_event::default() }, redial_status::REDIAL_ERROR_EVENT),
        (redial_event { epoch: 0, ..of(REDIAL_EVENT_OPENED) }, redial_status::REDIAL_ERROR_EPOCH),
        (of(REDIAL_EVENT_CLOSED), redial_status::REDIAL_ERROR_CAUSE),
        (
            redial_event { cause: redial_cause { kind: 4, detail: 0 }, ..of(REDIAL_EVENT_OPEN_FAILED) },
            redial_status::REDIAL_ERROR_CAUSE,
        ),
        (
            redial_event { cause: redial_cause { kind: 1, detail: 65_536 }, ..of(REDIAL_EVENT_CLOSED) },
            redial_status::REDIAL_ERROR_CAUSE,
        ),
        (
            redial_event {
                cause: redial_cause { kind: 6, detail: 0 },
                retry_after: 4,
                ..of(REDIAL_EVENT_OPEN_FAILED)
            },
            redial_status::REDIAL_ERROR_RETRY_AFTER,
        ),
        (redial_event { reason: 32, ..of(REDIAL_EVENT_HOLD) }, redial_status::REDIAL_ERROR_REASON),
        (redial_event { key: 8, ..of(REDIAL_EVENT_SUBSCRIBE) }, redial_status::REDIAL_ERROR_KEY),
        (redial_event { key: 8, ..of(REDIAL_EVENT_SUBSCRIPTION_LOST) }, redial_status::REDIAL_ERROR_KEY),
        (of(REDIAL_EVENT_CURSOR), redial_status::REDIAL_ERROR_TOKEN),
        (of(REDIAL_EVENT_REDIRECTED), redial_status::REDIAL_ERROR_TOKEN),
    ];
    for (event, status) in cases {
        assert_eq!(event.read(8), Err(status), "kind {}", event.kind);
    }
}
