//! What happens in a run: events that make sense in the state of the model, others, and time.

use std::time::Duration;

use redial::classify::{Class, TlsKind};
use redial::policy::{HoldReason, RetryAfter};
use redial::{Cause, Epoch, Event, IoKind, Phase};

use crate::configs::{LIMIT, STOP};
use crate::dice::Dice;
use crate::model::Model;

/// An event of the runs: tokens, endpoints and keys are numbers.
pub type Fact = Event<u8, u8>;

/// When a step happens. Every deadline before it fires at its own time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// At the time of the step before.
    Now,
    /// At the next deadline, before it fires.
    Due,
    /// A microsecond before that.
    Early,
    /// So many milliseconds after the step before.
    After(u32),
}

/// One step of a run. Nothing in it is absolute, so that it keeps its meaning where steps before it are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub when: When,
    /// `None`: only time passes. The epoch of an event is replaced when the step is made.
    pub event: Option<Fact>,
    /// How many transports ago the event's transport was dialled; -1: it is not dialled yet.
    pub ago: i64,
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const CAUSES: [Cause; 24] = [
    Cause::NoCloseFrame,
    Cause::Io(IoKind::ConnectionRefused),
    Cause::CloseFrame(1000),
    Cause::CloseFrame(1002),
    Cause::CloseFrame(1008),
    Cause::CloseFrame(1010),
    Cause::CloseFrame(1012),
    Cause::CloseFrame(3000),
    Cause::CloseFrame(4242),
    LIMIT,
    STOP,
    Cause::Http(401),
    Cause::Http(429),
    Cause::Http(503),
    Cause::Io(IoKind::PermissionDenied),
    Cause::Io(IoKind::BrokenPipe),
    Cause::Io(IoKind::NameNotFound),
    Cause::Tls(TlsKind::HandshakeFailure),
    Cause::Class(Class::Fresh),
    Cause::Class(Class::Auth),
    Cause::AuthRejected,
    Cause::AuthDenied,
    Cause::SessionInvalid,
    Cause::Unknown,
];

fn cause(dice: &mut Dice<'_>) -> Cause {
    if dice.one_in(2) { dice.pick(&CAUSES) } else { dice.pick(&CAUSES[..2]) }
}

/// A wait that a server asks for.
fn asked(dice: &mut Dice<'_>) -> Option<RetryAfter> {
    let waits = [secs(7), secs(0), secs(45), secs(10_000)];
    let kinds: [fn(Duration) -> RetryAfter; 4] =
        [RetryAfter::AtLeast, RetryAfter::AtLeast, RetryAfter::Appointment, RetryAfter::Window];
    if dice.one_in(3) { Some(dice.pick(&kinds)(dice.pick(&waits))) } else { None }
}

impl Step {
    /// A step for the state of this model.
    pub fn read(model: &Model, dice: &mut Dice<'_>) -> Self {
        let when = match dice.below(16) {
            0..=4 => When::Now,
            5..=9 => When::Due,
            10 => When::Early,
            11 => When::After(u32::from(dice.byte())),
            12 | 13 => When::After(1_000),
            14 => When::After(dice.pick(&[21_000, 500, 30_000])),
            _ => When::After(dice.pick(&[70_000, 3_600_000])),
        };
        let ago = match dice.below(16) {
            14 => 1,
            15 => -1,
            _ => 0,
        };
        Self { when, event: event(model, dice), ago }
    }

    /// Makes the step with the model alone, as `Pair` makes it with both. Returns the time at which it was made.
    pub fn make(&self, model: &mut Model, now: f64) -> f64 {
        let at = self.at(now, model.next_deadline()).max(now);
        for _ in 0..100_000 {
            let Some(due) = model.next_deadline().filter(|due| *due < at) else { break };
            model.timeout(due.max(model.now));
        }
        match self.event_for(model) {
            Some(event) => _ = model.event(at, &event),
            None => model.timeout(at),
        }
        at
    }

    /// When the step is made, in microseconds.
    pub fn at(&self, now: f64, due: Option<f64>) -> f64 {
        match self.when {
            When::Now => now,
            When::Due => due.unwrap_or(now),
            When::Early => due.map_or(now, |due| due - 1.),
            When::After(ms) => now + f64::from(ms) * 1e3,
        }
    }

    /// The event, of the transport that it is meant for. A greeting is left out where the config, which shrinks too, expects
    /// none: it would set another interval, which is not among what the naive policy knows.
    pub fn event_for(&self, model: &Model) -> Option<Fact> {
        let number = (i64::from(model.epoch) - self.ago).max(1) as u32;
        let number = Epoch::from_raw(number).expect("from 1");
        let greets = model.config.greeting();
        let mut event =
            self.event.clone().filter(|event| greets || !matches!(event, Event::Greeting { .. }))?;
        match &mut event {
            Event::Opened { epoch }
            | Event::OpenFailed { epoch, .. }
            | Event::NotNow { epoch, .. }
            | Event::Closed { epoch, .. }
            | Event::SendFailed { epoch }
            | Event::Greeting { epoch, .. }
            | Event::Ready { epoch, .. }
            | Event::Resumed { epoch }
            | Event::Sequence { epoch, .. }
            | Event::ReconnectRequested { epoch, .. }
            | Event::SessionInvalid { epoch, .. }
            | Event::HeartbeatAcked { epoch }
            | Event::HeartbeatRequested { epoch }
            | Event::Received { epoch }
            | Event::AuthOk { epoch }
            | Event::AuthFailed { epoch, .. }
            | Event::SubscriptionConfirmed { epoch, .. }
            | Event::SubscriptionFailed { epoch, .. } => *epoch = number,
            _ => {}
        }
        Some(event)
    }
}

/// Mostly what goes well or ill in this phase; sometimes whatever there is.
fn event(model: &Model, dice: &mut Dice<'_>) -> Option<Fact> {
    let epoch = Epoch::from_raw(1).expect("1 is a number");
    let lost = |dice: &mut Dice<'_>| Event::Closed { epoch, cause: cause(dice) };
    let (phase, greets) = (model.phase(), model.config.greeting());
    let likely = match (phase, dice.below(12)) {
        (_, 9) => return None,
        (_, 10 | 11) => None,
        (Phase::Idle | Phase::Stopped | Phase::Failed, _) => Some(Event::Start),
        (Phase::Connecting, 0..=5) => Some(Event::Opened { epoch }),
        (Phase::Connecting, 6 | 7) => {
            Some(Event::OpenFailed { epoch, cause: cause(dice), retry_after: asked(dice) })
        }
        (Phase::Establishing, 0 | 1) if greets => Some(Event::Greeting { epoch, heartbeat: Some(secs(45)) }),
        (Phase::Establishing, 2 | 3) => Some(ready(epoch, dice)),
        (Phase::Establishing, 4 | 5) => Some(Event::Resumed { epoch }),
        (Phase::Establishing, 6) => Some(Event::AuthOk { epoch }),
        (Phase::Establishing, 7) => Some(lost(dice)),
        (Phase::Online | Phase::Restoring, 0 | 1) => Some(Event::HeartbeatAcked { epoch }),
        (Phase::Online | Phase::Restoring, 2..=4) => Some(lost(dice)),
        (Phase::Parked, 0..=3) => Some(Event::CredentialOk { request: None, ttl: None }),
        (Phase::Waiting, 0..=5) => return None,
        _ => None,
    };
    Some(likely.unwrap_or_else(|| any(epoch, greets, dice)))
}

fn ready(epoch: Epoch, dice: &mut Dice<'_>) -> Fact {
    let token = if dice.one_in(6) { None } else { Some(dice.pick(&[1, 1, 2])) };
    Event::Ready { epoch, token, endpoint: dice.perhaps(&[7]), sequence: dice.perhaps(&[0, 5, 9]), ttl: None }
}

fn any(epoch: Epoch, greets: bool, dice: &mut Dice<'_>) -> Fact {
    let key = dice.byte() % 6;
    let reason = HoldReason::new(dice.byte() % 2).expect("below 32");
    let request = if dice.one_in(4) { Some(dice.pick(&[1, 2])) } else { None };
    let send = None;
    match dice.below(32) {
        0..=3 => Event::Subscribe { key, priority: i32::from(key % 3) },
        4 => Event::Unsubscribe { key },
        5 | 6 => Event::SubscriptionConfirmed { epoch, key, send },
        7 => Event::SubscriptionFailed { epoch, key, send, retryable: dice.one_in(2) },
        8 => Event::Hold(reason),
        9 => Event::Release(reason),
        10 => Event::NetworkDown,
        11 => Event::NetworkUp,
        12 => Event::Hidden,
        13 => Event::Visible,
        14 => Event::RetryNow,
        15 => Event::Stop { keep: dice.one_in(2) },
        16 => Event::SendFailed { epoch },
        17 => Event::NotNow { epoch, retry_after: asked(dice).map(RetryAfter::duration) },
        18 => Event::ReconnectRequested { epoch, retry_after: asked(dice), deadline: None },
        19 => Event::SessionInvalid { epoch, resumable: dice.one_in(2) },
        20 => Event::HeartbeatAcked { epoch },
        21 => Event::HeartbeatRequested { epoch },
        22 => Event::Received { epoch },
        23 => Event::Sequence { epoch, sequence: u64::from(dice.byte() % 16) },
        24 => Event::CredentialOk { request, ttl: None },
        25 => Event::CredentialFailed { request, fatal: dice.one_in(4) },
        26 => Event::AuthOk { epoch },
        27 => Event::AuthFailed { epoch, fatal: dice.one_in(3) },
        28 => Event::Start,
        29 => Event::OpenFailed { epoch, cause: cause(dice), retry_after: asked(dice) },
        30 if greets => {
            Event::Greeting { epoch, heartbeat: dice.perhaps(&[secs(45), secs(0), secs(86_401)]) }
        }
        _ => Event::Closed { epoch, cause: cause(dice) },
    }
}
