//! All that can happen to a policy of a [`Case`] as steps of a search.
//!
//! Time stops just before each deadline, at it and just after it, or passes for long; every draw is the lowest or the highest.
//! So every order of events and deadlines comes about, and every side of each comparison of times.

use core::cell::Cell;
use core::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use core::time::Duration;
use std::hash::DefaultHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use redial::handover::{Decider, Handover};
use redial::record::{Recorder, Store};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::testing::{Checkable, Checked, Normal, normal_form};
use redial::{Action, Actions, Epoch, Event, Instant, Mode, Phase, Policy, SplitMix64};

use crate::configs::{Case, HOLD};
use crate::harness::{Bases, KEYS, Lent, TestEvent, secs};
use crate::search::{Failure, Space};

const LONG: Duration = secs(30);
/// What a clock runs back by.
const BACK: u64 = 1_500_000;
/// The longest time from any state to a connection, once the faults have stopped: the longest wait that a class of causes
/// asks for, and the timeouts on the way.
pub const RECOVERY: Duration = secs(330);

/// A transport that will not be dialled.
const NEVER: Epoch = Epoch::from_raw(u32::MAX).expect("not 0");

/// How a step comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The event of this number, now.
    Event(u8),
    Before,
    Due,
    After,
    Late,
    Back,
}

/// A move, and whether what it draws is as high as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub by: Move,
    pub high: bool,
}

/// The policy of a case, with what is needed to search through its states.
pub trait Explored:
    Checkable + Decider<Token = u8, Subscriptions: Subscriptions<Key = u8>> + Hash + Normal + Store + Send + Sync
{
    /// With this generator.
    fn drawing(self, rng: SplitMix64) -> Self;
}

impl<E> Explored for Policy<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'_>, E>
where
    E: Bases + Store + Send + Sync,
{
    fn drawing(self, rng: SplitMix64) -> Self {
        self.with_rng(rng)
    }
}

impl<E> Explored for Handover<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'_>, E>
where
    E: Bases + Store + Send + Sync,
{
    fn drawing(self, rng: SplitMix64) -> Self {
        self.with_rng(rng)
    }
}

pub struct Policies<'c, D> {
    case: &'c Case,
    policy: D,
    slowest: AtomicU64,
}

/// A generator whose next draw is this.
fn drawing(high: bool) -> SplitMix64 {
    SplitMix64::new(if high { BEFORE_HIGHEST } else { BEFORE_LOWEST })
}

/// SplitMix64 adds this and mixes; 0 stays 0 when it is mixed.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const BEFORE_LOWEST: u64 = STEP.wrapping_neg();
/// The number that is mixed to 2⁶⁴ - 1, less the step.
const BEFORE_HIGHEST: u64 = unmixed(u64::MAX).wrapping_sub(STEP);

/// Undoes what SplitMix64 does with its counter. The multipliers are the inverses of its own modulo 2⁶⁴.
const fn unmixed(mut z: u64) -> u64 {
    z = unshifted(z, 31).wrapping_mul(0x3196_42b2_d24d_8ec3);
    z = unshifted(z, 27).wrapping_mul(0x96de_1b17_3f11_9089);
    unshifted(z, 30)
}

/// Undoes `z ^ (z >> by)`.
const fn unshifted(z: u64, by: u32) -> u64 {
    z ^ (z >> by) ^ (z >> (2 * by))
}

impl<'c, D: Explored> Policies<'c, D> {
    /// Of this policy, which was not started.
    pub fn new(case: &'c Case, policy: D) -> Self {
        Self { case, policy, slowest: AtomicU64::new(0) }
    }

    /// The longest time to a connection.
    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest.load(Ordering::Relaxed))
    }

    fn events(&self, policy: &D) -> Vec<TestEvent<u8>> {
        let opens = policy.stats().opens;
        let newest = policy.successor().or(policy.epoch()).or(Epoch::from_raw(opens)).unwrap_or(NEVER);
        // The other one that is alive, or one that is dead or will never be.
        let connection = policy.successor().and(policy.epoch()).or(policy.draining());
        let dead = Epoch::from_raw(opens.saturating_sub(1)).filter(|dead| *dead != newest);
        (self.case.events)(newest, connection.or(dead).unwrap_or(NEVER))
    }

    fn moves(&self, policy: &D) -> impl Iterator<Item = (Move, Option<TestEvent<u8>>)> {
        let edges = self.case.edges.then_some([Move::Before, Move::After]).into_iter().flatten();
        let time = edges.chain([Move::Due, Move::Late]).map(|by| (by, None));
        let back = self.case.rewinds.then_some((Move::Back, None));
        let events = self.events(policy).into_iter().zip(0..).map(|(event, n)| (Move::Event(n), Some(event)));
        events.chain(time).chain(back)
    }

    /// When it happens; `None` where there is no such time.
    fn at(by: Move, state: &Checked<D>) -> Option<Instant> {
        let now = state.now();
        let due = || state.poll_timeout().filter(|at| *at != Instant::MAX);
        let micros = Instant::as_micros;
        match by {
            Move::Event(_) => Some(now),
            Move::Before => due().map(|at| Instant::from_micros(micros(at) - 1)).filter(|at| *at > now),
            Move::Due => due().map(|at| at.max(now)),
            Move::After => due().map(|at| Instant::from_micros(micros(at) + 1)).filter(|at| *at > now),
            Move::Late => Some(due().unwrap_or(now).max(now).saturating_add(LONG)),
            Move::Back => Some(Instant::from_micros(micros(now).checked_sub(BACK)?)),
        }
    }

    /// Takes one step; whether it drew.
    fn take(
        state: &Checked<D>,
        (by, event): (Move, Option<&TestEvent<u8>>),
        high: bool,
    ) -> Option<(Checked<D>, Actions, bool)> {
        let now = Self::at(by, state)?;
        let mut next = state.clone().map(|policy| policy.drawing(drawing(high)));
        let actions = match event {
            Some(event) => next.handle_event(now, event.clone()),
            None => next.handle_timeout(now),
        };
        let drew = *next != D::clone(&next).drawing(drawing(high));
        Some((next, actions, drew))
    }

    /// Lets everything go well from here on, with the lowest draws (`high`: with the highest).
    fn recover(&self, state: &Checked<D>, high: bool) {
        let (mut policy, mut now) = (D::clone(state), state.now());
        let begun = now;
        let mut told = Vec::new();
        for round in 0..64 {
            policy = policy.drawing(drawing(high));
            let mut good = Vec::new();
            if round == 0 {
                good.extend([Event::Release(HOLD), Event::NetworkUp, Event::Visible]);
            }
            match policy.phase() {
                Phase::Online => {
                    let took = now.saturating_duration_since(begun);
                    assert!(took <= RECOVERY, "it takes {took:?} until it is online: {told:?}");
                    self.slowest.fetch_max(took.as_micros() as u64, Ordering::Relaxed);
                    return;
                }
                Phase::Idle | Phase::Stopped | Phase::Failed => good.push(Event::Start),
                Phase::Parked => good.push(Event::CredentialOk { request: None, ttl: None }),
                _ => {}
            }
            if let Some(epoch) = policy.epoch() {
                let restored: Vec<u8> = policy.subscriptions().batch().copied().chain([1, 2]).collect();
                good.extend([Event::Opened { epoch }, Event::Greeting { epoch, heartbeat: Some(secs(3)) }]);
                good.push(match policy.explain().mode {
                    Mode::Resume => Event::Resumed { epoch },
                    Mode::Fresh => {
                        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None }
                    }
                });
                good.extend([Event::AuthOk { epoch }, Event::HeartbeatAcked { epoch }]);
                let confirmed = |key| Event::SubscriptionConfirmed { epoch, key, send: None };
                good.extend(restored.into_iter().map(confirmed));
            }
            for event in good {
                told.push((now, policy.phase()));
                let actions = policy.handle_event(now, event);
                self.refreshed(&mut policy, now, &actions);
            }
            let waits = matches!(
                policy.phase(),
                Phase::Waiting | Phase::Restoring | Phase::Parked | Phase::Connecting
            );
            if let (true, Some(at)) = (waits, policy.poll_timeout()) {
                now = now.max(at);
                let actions = policy.handle_timeout(now);
                self.refreshed(&mut policy, now, &actions);
            }
        }
        panic!("the faults have stopped, and it never gets online: {}; {told:?}", policy.explain());
    }

    /// Answers a request for a credential.
    fn refreshed(&self, policy: &mut D, now: Instant, actions: &Actions) {
        for action in actions {
            if let Action::RefreshCredential { .. } = action {
                let _next = policy.handle_event(now, Event::CredentialOk { request: None, ttl: None });
            }
        }
    }

    /// The steps of a failure as text, and what `replay` plays: the state before the last step, and that step.
    pub fn story(&self, failure: &Failure<Step>) -> String {
        let mut state = self.first();
        let mut story = format!("{}: {}\n", self.case.name, failure.message);
        let mut log = String::new();
        for (number, step) in failure.path.iter().enumerate() {
            let Some((_, event)) = self.moves(&state).find(|(by, _)| *by == step.by) else { break };
            let now = Self::at(step.by, &state).expect("it was taken");
            let draw = if step.high { "highest" } else { "lowest" };
            story += &format!("{number}: at {} us, draw {draw}: {event:?}\n", now.as_micros());
            let mut recorder = Recorder::showing_names();
            let policy = D::clone(&state).drawing(drawing(step.high));
            log = recorder.set_up(&policy).expect("small").to_owned();
            log += match &event {
                Some(event) => recorder.event(now, event).expect("small"),
                None => recorder.timeout(now),
            };
            let taken = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
                Self::take(&state, (step.by, event.as_ref()), step.high)
            }));
            match taken {
                Ok(Some((next, ..))) => state = next,
                _ => break,
            }
        }
        story + "the last step, for `cargo run --example replay`:\n" + &log
    }
}

impl<D: Explored> Space for Policies<'_, D> {
    type State = Checked<D>;
    type Step = Step;

    fn first(&self) -> Checked<D> {
        // The first step is then at 1000 s, so that there is a time before it.
        let begin = Instant::from_millis(1_000_000);
        let mut first = Checked::new(self.policy.clone()).with_hashes();
        let _nothing = first.handle_timeout(begin);
        first
    }

    fn each(&self, state: &Checked<D>, tried: &Cell<Option<Step>>, mut visit: impl FnMut(Step, Checked<D>)) {
        for (by, event) in self.moves(state) {
            for high in [false, true] {
                let step = Step { by, high };
                tried.set(Some(step));
                let Some((next, _, drew)) = Self::take(state, (by, event.as_ref()), high) else { break };
                visit(step, next);
                if !drew {
                    break;
                }
            }
        }
        tried.set(None);
    }

    fn key(&self, state: &Checked<D>) -> u128 {
        let mut form = [0; 512];
        let length =
            normal_form(state, state.now(), self.case.horizon, &mut form).expect("it is large enough");
        let hash = |salt: u8| {
            let mut hasher = BuildHasherDefault::<DefaultHasher>::default().build_hasher();
            hasher.write_u8(salt);
            hasher.write(&form[..length]);
            hasher.finish()
        };
        u128::from(hash(0)) << 64 | u128::from(hash(1))
    }

    fn check(&self, state: &Checked<D>) {
        self.recover(state, false);
        self.recover(state, true);
    }

    fn outcomes(&self, state: &Checked<D>) -> Vec<(String, u128)> {
        let mut outcomes = Vec::new();
        for (by, event) in self.moves(state) {
            for high in [false, true] {
                let Some((next, actions, drew)) = Self::take(state, (by, event.as_ref()), high) else {
                    break;
                };
                let decided = format!("{by:?} {high} {}", without_numbers(&actions));
                outcomes.push((decided, self.key(&next)));
                if !drew {
                    break;
                }
            }
        }
        outcomes
    }
}

/// What was decided, without the numbers of transports, requests and sends.
fn without_numbers(actions: &Actions) -> String {
    let words = actions.iter().map(|action| match action {
        Action::Open { mode, endpoint, attempt, .. } => format!("open {mode:?} {endpoint:?} {attempt}"),
        Action::RefreshCredential { .. } => "refresh".to_owned(),
        Action::Restore { .. } => "restore".to_owned(),
        action => format!("{action:?}").replace(|c: char| c.is_ascii_digit(), ""),
    });
    format!("{:?} {:?}", actions.disposition(), words.collect::<Vec<_>>())
}

#[test]
fn the_draws_are_the_extremes() {
    use redial::rand_core::Rng;
    assert_eq!(drawing(false).next_u64(), 0);
    assert_eq!(drawing(true).next_u64(), u64::MAX);
}
