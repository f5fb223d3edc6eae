//! One call of a policy: what was told, what was decided, and the message when a promise does not hold.

use core::fmt;

use crate::handover::EventOf;
use crate::policy::Actions;
use crate::time::Instant;

use super::checked::Checkable;

/// What redial promises. The sentences are those of a message.
#[derive(Clone, Copy)]
pub(super) enum Promise {
    OneTransport,
    WayOn,
    OneEnd,
    Ignored,
    Deterministic,
    Counters,
    Clock,
    Timers,
    Dials,
    Order,
    Session,
    Handover,
    Recovery,
}

impl Promise {
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::OneTransport => {
                "at most one transport is alive, and with a handover a connection, its successor and one that drains"
            }
            Self::WayOn => {
                "after every call a policy is connected, dials or waits with a deadline, is parked on a named condition, \
                 stopped, or failed"
            }
            Self::OneEnd => {
                "the end is told once, and nothing is dialled after it until the policy is started again"
            }
            Self::Ignored => {
                "an event that is stale or does not apply, and a timeout before its time, changes nothing"
            }
            Self::Deterministic => "equal policies that are told the same decide the same and stay equal",
            Self::Counters => "the counters add up",
            Self::Clock => {
                "a clock that runs back neither shortens a wait nor makes it longer than it ever was"
            }
            Self::Timers => "no timer is served early, and none without end",
            Self::Dials => {
                "a dial comes when every condition is met, in no call that ends a transport, and min_interval after the last"
            }
            Self::Order => "an action is about a transport that is in the state for it",
            Self::Session => "a session is resumed only if it can be, and no close ends one that is kept",
            Self::Handover => "a connection serves until its successor is promoted, and loses nothing to it",
            Self::Recovery => "when the faults stop, the next dial comes and the policy gets online",
        }
    }
}

/// One call, after it.
pub(super) struct Call<'a, D: Checkable> {
    pub(super) before: &'a D,
    pub(super) after: &'a D,
    /// `None`: a call of `handle_timeout`.
    pub(super) event: Option<&'a EventOf<D>>,
    pub(super) now: Instant,
    /// The time of the call before.
    pub(super) was: Instant,
    pub(super) actions: &'a Actions,
    /// The recording of the run, if there is one.
    pub(super) log: Option<&'a str>,
}

impl<D: Checkable> Call<'_, D> {
    /// Whether the clock did not run back for this call.
    pub(super) fn is_forward(&self) -> bool {
        self.now >= self.was
    }

    /// The promise does not hold, because of what is `found`.
    #[cold]
    #[track_caller]
    pub(super) fn broken(&self, promise: Promise, found: fmt::Arguments<'_>) -> ! {
        self.report("a promise of redial is broken", promise.sentence(), found)
    }

    /// The driver does not keep the contract, because of what is `found`.
    #[cold]
    #[track_caller]
    pub(super) fn misused(&self, rule: &str, found: fmt::Arguments<'_>) -> ! {
        self.report("the driver breaks its contract with redial", rule, found)
    }

    #[track_caller]
    fn report(&self, headline: &str, rule: &str, found: fmt::Arguments<'_>) -> ! {
        panic!("{}", Report { call: self, headline, rule, found })
    }
}

struct Report<'a, D: Checkable> {
    call: &'a Call<'a, D>,
    headline: &'a str,
    rule: &'a str,
    found: fmt::Arguments<'a>,
}

impl<D: Checkable> fmt::Display for Report<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, headline, rule, found } = self;
        writeln!(f, "{headline}: {rule}")?;
        writeln!(f, "  found:   {found}")?;
        let micros = call.now.as_micros();
        match call.event {
            Some(event) => writeln!(f, "  call:    handle_event at {micros} us, {event:?}")?,
            None => writeln!(f, "  call:    handle_timeout at {micros} us")?,
        }
        if !call.is_forward() {
            writeln!(f, "  clock:   it ran back from {} us", call.was.as_micros())?;
        }
        writeln!(f, "  before:  {}", call.before.explain())?;
        writeln!(f, "  after:   {}", call.after.explain())?;
        write!(f, "  answer:  {}", Answer(call.actions))?;
        write!(f, "\n{}", Recording(call.log))
    }
}

/// What a call returned, for a message.
pub(super) struct Answer<'a>(pub(super) &'a Actions);

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.disposition())?;
        self.0.iter().try_for_each(|action| write!(f, ", {action:?}"))
    }
}

/// The recording of a run, or how to get one.
pub(super) struct Recording<'a>(pub(super) Option<&'a str>);

impl fmt::Display for Recording<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(lines) => write!(f, "The run, as the `replay` program plays it:\n{lines}"),
            None => f.write_str(
                "For a log of the run that the `replay` program plays, switch on the feature `record` and call \
                 `Checked::recording` before the run.",
            ),
        }
    }
}

/// Panics with the promise and with what was found instead, unless the condition holds.
macro_rules! promise {
    ($call:expr, $promise:ident, $holds:expr, $($found:tt)+) => {
        if !$holds {
            $call.broken($crate::testing::call::Promise::$promise, format_args!($($found)+))
        }
    };
}

pub(super) use promise;
