//! Scripts: configs, events, causes and times, made of bytes or of a seed.

mod backoffs;
mod classifiers;
mod configs;
mod events;
mod kinds;
mod memory;
#[cfg(test)]
mod reach;
mod sensible;
mod times;

use core::fmt;
use core::time::Duration;

use crate::classify::{Cause, Class, IoKind, TlsKind};
use crate::handover::{self, Decider, EventOf};
use crate::policy::{Actions, Event};
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::choices::{Bytes, Choices, Origin};
use super::sample::Sample;
use memory::Memory;

/// A config, and then events at times: whatever can happen to a policy, made of bytes or of a seed.
///
/// Every byte string is a script, so that a fuzzer wastes none, and a run of zeros is the simplest one: the policy is started and
/// everything goes well. A property test that shrinks the bytes therefore ends at a simpler script that still fails. The same
/// bytes and the same seed give the same script on every machine; a new version of this crate may read them differently.
///
/// By default anything may happen: events of transports that are gone or never were, answers that nobody asked for, a clock that
/// stands still, jumps by years or runs backwards. [`with_sensible_events`](Self::with_sensible_events) and
/// [`with_steady_clock`](Self::with_steady_clock) leave that out.
///
/// ```
/// use redial::testing::Script;
/// use redial::{Instant, Policy, SplitMix64};
///
/// // In a fuzz target the bytes are the fuzzer's.
/// let mut script = Script::seeded(7);
/// let config = script.config();
/// let mut policy = Policy::new(config, SplitMix64::new(7));
/// let mut now = Instant::ZERO;
/// for _ in 0..1_000 {
///     let Some(step) = script.next_step(&policy, now) else { break };
///     now = step.at;
///     let actions = step.apply(&mut policy);
///     assert!(actions.len() <= redial::policy::MAX_ACTIONS);
/// }
/// ```
#[derive(Clone)]
pub struct Script<'b> {
    choices: Choices<'b>,
    sensible: bool,
    steady: bool,
    memory: Memory,
}

/// What happens next: an event, or nothing but time.
///
/// ```
/// use redial::testing::{Script, Step};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy: Policy<SplitMix64, u8> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_session_type();
/// let start: Step<u8, core::convert::Infallible> = Step { at: Instant::ZERO, event: Some(Event::Start) };
/// assert_eq!(start.apply(&mut policy).len(), 1);
/// # let _ = Script::seeded(7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a time and an event, which a test takes apart")]
pub struct Step<T = u8, K = u8> {
    /// When.
    pub at: Instant,
    /// The event; `None`: the policy's timers are served.
    pub event: Option<Event<T, K>>,
}

impl<T, K> Step<T, K> {
    /// Calls `handle_event` or `handle_timeout` of the policy, and returns what it wants done.
    pub fn apply<D>(self, policy: &mut D) -> Actions
    where
        D: Decider<Token = T>,
        D::Subscriptions: Subscriptions<Key = K>,
    {
        match self.event {
            Some(event) => policy.handle_event(self.at, event),
            None => policy.handle_timeout(self.at),
        }
    }
}

impl<'b> Script<'b> {
    const fn new(choices: Choices<'b>) -> Self {
        Self { choices, sensible: false, steady: false, memory: Memory::NEW }
    }

    /// The script that these bytes mean. It ends with them.
    #[must_use]
    pub const fn from_bytes(bytes: &'b [u8]) -> Self {
        #[cfg(feature = "alloc")]
        let bytes = alloc::borrow::Cow::Borrowed(bytes);
        Self::new(Choices::of(bytes))
    }

    /// A script without an end. It takes no bytes and allocates nothing.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self::new(Choices::seeded(seed))
    }

    /// Only what a driver, a server, a user and a host would report: events of transports that are alive, in an order that a
    /// connection has, answers to what was asked, and codes and statuses that exist. No event of such a script is
    /// [stale](crate::Disposition::Stale), as long as the policy takes each of them and the actions are executed.
    #[must_use]
    pub const fn with_sensible_events(mut self) -> Self {
        self.sensible = true;
        self
    }

    /// A clock that never runs backwards and never jumps: the time of a step is at most a second after the policy's deadline,
    /// or after the last step where the deadline had passed then; where there is none, at most a day after the last step.
    #[must_use]
    pub const fn with_steady_clock(mut self) -> Self {
        self.steady = true;
        self
    }

    /// Whether the bytes are used up. Every further choice is then the first one, and [`next_step`](Self::next_step) is `None`.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.choices.is_done()
    }

    /// The next step; `None` at the end of the bytes. `now` is the time of the last one.
    ///
    /// The script looks at the policy for its phase, its deadline, its epochs and its subscriptions, so that it has something to
    /// tell it. For a [`Handover`](crate::handover::Handover) it tells of the successor and of the connection that drains, too.
    pub fn next_step<D>(&mut self, policy: &D, now: Instant) -> Option<Step<D::Token, KeyOf<D>>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        if self.is_done() {
            return None;
        }
        let at = self.time(policy, now);
        let event = self.event(policy);
        Some(Step { at, event })
    }

    /// An event for the policy as it is; `None`: nothing but time passes.
    pub fn event<D>(&mut self, policy: &D) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        self.memory.meet(policy);
        let event = if self.sensible { self.sensible_event(policy) } else { self.hostile_event(policy) };
        if let Some(event) = &event {
            self.memory.note(event, policy);
        }
        event
    }

    /// The next step once the faults have stopped: every condition that the script left unmet is met, the server does what it is asked,
    /// and time passes from deadline to deadline until the client is online. From there on a message comes at each step, and no time
    /// passes. A policy that was stopped or gave up is started.
    ///
    /// A client gets online within some dozens of these, unless its config waits without end. It reads nothing of the script, which
    /// may be at its end. A clock that a hostile script brought to the end of time is set back to its beginning.
    pub fn calm_step<D>(&mut self, policy: &D, now: Instant) -> Step<D::Token, KeyOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        self.memory.meet(policy);
        self.memory.doubt(policy);
        let choices = core::mem::replace(&mut self.choices, Choices::of(Bytes::default()));
        let event = self.progress(policy, policy.successor().or(policy.epoch()));
        self.choices = choices;
        if let Some(event) = &event {
            self.memory.note(event, policy);
        }
        let due = policy.poll_timeout().filter(|_| event.is_none());
        let at = due.unwrap_or(now).max(now);
        Step { at: if at > Instant::END { Instant::from_millis(1_000) } else { at }, event }
    }

    /// A span: 1 s first, then 0, 1 ns, 1 µs, 1, 250 and 999 ms, 10 and 45 s, 10 min, a day, [`Duration::MAX`], and any number of
    /// milliseconds or microseconds.
    pub fn duration(&mut self) -> Duration {
        const USUAL: [Duration; 12] = [
            Duration::from_secs(1),
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_micros(1),
            Duration::from_millis(1),
            Duration::from_millis(250),
            Duration::from_millis(999),
            Duration::from_secs(10),
            Duration::from_secs(45),
            Duration::from_secs(600),
            Duration::from_secs(86_400),
            Duration::MAX,
        ];
        let kind = self.choices.below(28) as u8;
        match kind {
            24 | 25 => Duration::from_millis(self.choices.u16().into()),
            26 => Duration::from_micros(self.choices.u32().into()),
            27 => Duration::from_micros(self.choices.u64()),
            usual => USUAL.get(usize::from(usual % 12)).copied().unwrap_or(Duration::ZERO),
        }
    }

    /// [`None`] first.
    pub(super) fn maybe_duration(&mut self) -> Option<Duration> {
        if self.choices.flag() { Some(self.duration()) } else { None }
    }

    /// Every kind of cause, with codes and statuses around the boundaries of their ranges; among hostile events, any number.
    pub fn cause(&mut self) -> Cause {
        match self.choices.below(30) {
            0..=4 => Cause::NoCloseFrame,
            5..=8 => Cause::CloseFrame(self.between(if self.sensible { 1000 } else { 999 }, 1016)),
            9 => Cause::CloseFrame(self.between(if self.sensible { 3000 } else { 2999 }, 4500)),
            10 if !self.sensible => Cause::CloseFrame(self.choices.u16()),
            11 if !self.sensible => Cause::Http(self.choices.u16()),
            10..=12 => Cause::Http(self.choices.pick(&[503, 101, 200, 301, 401, 403, 429, 500, 599], 503)),
            13 | 14 => Cause::Io(self.io_kind()),
            15 => Cause::Tls(self.tls_kind()),
            16 => Cause::Class(self.class()),
            17 => Cause::AuthRejected,
            18 => Cause::SessionInvalid,
            19 => Cause::Timeout,
            20 => Cause::ReconnectRequested,
            21 => Cause::AuthDenied,
            22 => Cause::Unknown,
            // What a policy finds itself. A driver may say so, too.
            _ => self.choices.pick(
                &[
                    Cause::ConnectTimeout,
                    Cause::GreetingTimeout,
                    Cause::ReadyTimeout,
                    Cause::AuthTimeout,
                    Cause::HeartbeatMissed,
                    Cause::SendFailed,
                    Cause::SessionInvalidResumable,
                    Cause::BadGreeting,
                    Cause::NetworkDown,
                    Cause::HostSuspended,
                    Cause::RestoreFailed,
                ],
                Cause::Unknown,
            ),
        }
    }

    pub(super) fn io_kind(&mut self) -> IoKind {
        self.choices.pick(IoKind::ALL, IoKind::Other)
    }

    pub(super) fn tls_kind(&mut self) -> TlsKind {
        self.choices.pick(TlsKind::ALL, TlsKind::Other)
    }

    pub(super) fn class(&mut self) -> Class {
        self.choices.pick(Class::ALL, Class::Transient)
    }

    /// From the first number to the last; the first at the end.
    pub(super) fn between(&mut self, first: u16, last: u16) -> u16 {
        let span = u32::from(last.saturating_sub(first)).saturating_add(1);
        first.saturating_add(self.choices.below(span) as u16)
    }

    /// A number below `bound`, for choices of the test's own; 0 where the bound is 0, and after the end of the bytes.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.choices.below(bound)
    }

    /// Yes or no, for choices of the test's own; no after the end of the bytes.
    pub fn flag(&mut self) -> bool {
        self.choices.flag()
    }

    /// A seed for the policy's generator: 0 to 255, which is enough to tell draws apart.
    pub fn seed(&mut self) -> u64 {
        self.choices.byte().into()
    }

    /// A point in time: the beginning first, then mostly within a day of it; any, up to the end of time.
    pub fn instant(&mut self) -> Instant {
        match self.choices.below(4) {
            0 => Instant::ZERO,
            1 | 2 => Instant::ZERO.saturating_add(self.duration()),
            _ => Instant::from_micros(self.choices.u64()),
        }
    }

    /// The config of a handover.
    pub fn handover(&mut self) -> handover::Config {
        let mut config = handover::Config::DEFAULT;
        if self.choices.flag() {
            let (timeout, drain) = (self.duration(), self.duration());
            config = config.to_builder().drain(drain).build().unwrap_or(config);
            config = config.to_builder().timeout(timeout).build().unwrap_or(config);
        }
        config
    }

    /// A session that an earlier process kept, with a token and perhaps an endpoint and a sequence number; empty in seven of
    /// eight cases.
    pub fn session<T: Sample>(&mut self) -> SessionState<T> {
        match (self.choices.one_in(8), T::sample(1)) {
            (true, Some(token)) => {
                let endpoint = if self.choices.flag() { T::sample(2) } else { None };
                let sequence = if self.choices.flag() { Some(self.choices.u64()) } else { None };
                SessionState::resumable(token, endpoint, sequence)
            }
            _ => SessionState::new(),
        }
    }
}

#[cfg(feature = "arbitrary")]
impl Script<'_> {
    /// How many bytes were read.
    pub(super) const fn read(&self) -> usize {
        self.choices.read()
    }
}

#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
impl Script<'static> {
    /// The script that these bytes mean, with the bytes in it.
    #[must_use]
    pub const fn from_vec(bytes: alloc::vec::Vec<u8>) -> Self {
        Self::new(Choices::of(alloc::borrow::Cow::Owned(bytes)))
    }

    /// The script of these hexadecimal digits, as `{:?}` prints them when a property test fails. White space is skipped;
    /// `None` for anything else, and for half a byte.
    ///
    /// ```
    /// use redial::testing::Script;
    ///
    /// let script = Script::from_hex("00ff07").expect("three bytes");
    /// assert_eq!(format!("{script:?}"), "Script(\"00ff07\")");
    /// ```
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut bytes = alloc::vec::Vec::new();
        let mut high = None;
        for digit in digits.chars().filter(|digit| !digit.is_whitespace()) {
            let digit = u8::try_from(digit.to_digit(16)?).ok()?;
            match high.take() {
                None => high = Some(digit << 4),
                Some(high) => bytes.push(high | digit),
            }
        }
        if high.is_some() { None } else { Some(Self::from_vec(bytes)) }
    }
}

impl fmt::Debug for Script<'_> {
    /// The bytes in hexadecimal, read or not, or the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.choices.origin() {
            Origin::Bytes(bytes) => {
                f.write_str("Script(\"")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("\")")?;
            }
            Origin::Seed { seed, .. } => write!(f, "Script(seed {seed})")?,
        }
        let knobs = [(self.sensible, ".with_sensible_events()"), (self.steady, ".with_steady_clock()")];
        knobs.iter().filter(|(set, _)| *set).try_for_each(|(_, knob)| f.write_str(knob))
    }
}

/// What a policy's subscriptions are named by.
type KeyOf<D> = <<D as Decider>::Subscriptions as Subscriptions>::Key;
