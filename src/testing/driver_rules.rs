//! What a driver owes a policy, as far as its calls show it.

use core::time::Duration;

use crate::policy::{Action, Epoch, Event};
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::call::Call;
use super::checked::Checkable;

/// What [`Checked::with_driver_rules`](super::Checked::with_driver_rules) holds against the driver, or the loop, that drives the
/// policy:
///
/// - No call comes later than [`poll_timeout()`](crate::Policy::poll_timeout) by more than a tolerance. A sleep of the host
///   that [`Event::HostResumed`](crate::Event::HostResumed) reports is excused.
/// - [`handle_timeout`](crate::Policy::handle_timeout) is not called early again and again: such a loop spins.
/// - Every event of a transport has the epoch of an [`Action::Open`](crate::Action::Open) that was returned.
/// - Every dial has one outcome, and is told to be open before anything else is told of it.
/// - A numbered answer answers a request for a credential, or a send of subscriptions, that was made.
///
/// What a driver does about an action can't be seen from its calls; `testing::conformance` tests that.
///
/// They judge who makes the calls. A [`Script`](super::Script) makes them itself and comes late on purpose, so that the rules say nothing of
/// your loop under it: let your loop make the calls, on a clock and a transport of the test's own, and take its faults from
/// [`Script::below`](super::Script::below).
///
/// ```should_panic
/// use core::time::Duration;
/// use redial::testing::{Checked, DriverRules};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let rules = DriverRules::new(Duration::from_millis(50));
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let mut policy = Checked::new(policy).with_driver_rules(rules);
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
///
/// let deadline = policy.poll_timeout().expect("the dial has an end");
/// let _late = policy.handle_timeout(deadline.saturating_add(Duration::from_secs(1))); // the driver overslept
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DriverRules {
    tolerance: Duration,
    early_calls: u32,
}

impl DriverRules {
    /// A call may come this much later than the deadline. Early calls in a row: at most 16.
    #[must_use]
    pub const fn new(tolerance: Duration) -> Self {
        Self { tolerance, early_calls: 16 }
    }

    /// How many calls of [`handle_timeout`](crate::Policy::handle_timeout) in a row may come before the deadline.
    #[must_use]
    pub const fn early_calls(mut self, most: u32) -> Self {
        self.early_calls = most;
        self
    }
}

/// How many of the newest dials are known.
const DIALS: usize = 4;

/// The outcome of a dial, as the driver told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    None,
    Opened,
    Ended,
}

/// What is known of the driver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Driver {
    rules: DriverRules,
    /// Calls of `handle_timeout` in a row that came early.
    early: u32,
    /// The host slept, and what was due meanwhile is not served yet.
    excused: bool,
    /// The newest dials, the newest first.
    dials: [Option<(Epoch, Outcome)>; DIALS],
    /// The number of the newest request for a credential; of all, once the numbers wrapped.
    requests: u16,
}

impl Driver {
    pub(super) const fn new(rules: DriverRules) -> Self {
        Self { rules, early: 0, excused: false, dials: [None; DIALS], requests: 0 }
    }

    /// Checks a call; `newest`: the number of the newest transport before it.
    #[track_caller]
    pub(super) fn check<D: Checkable>(&mut self, call: &Call<'_, D>, newest: u32) {
        self.check_time(call);
        self.check_epoch(call, newest);
        self.check_answers(call);
        for action in call.actions {
            match action {
                Action::Open { epoch, .. } => {
                    self.dials.rotate_right(1);
                    self.dials[0] = Some((epoch, Outcome::None));
                }
                Action::RefreshCredential { request } => self.requests = self.requests.max(request),
                _ => {}
            }
        }
    }

    #[track_caller]
    fn check_time<D: Checkable>(&mut self, call: &Call<'_, D>) {
        let due = call.before.poll_timeout().filter(|at| *at != Instant::MAX);
        let resumes = matches!(call.event, Some(Event::HostResumed { gap, .. }) if !gap.is_zero());
        self.excused |= resumes;
        if let (Some(due), false) = (due, self.excused) {
            // The call before may have made a deadline that had passed.
            let late = call.now.saturating_duration_since(due.max(call.was));
            if late > self.rules.tolerance {
                call.misused(
                    "never sleep past poll_timeout(), and serve what is due beside a flood of events",
                    format_args!("the call comes {late:?} after the deadline, at {} us", due.as_micros()),
                );
            }
        }
        let overdue = call.after.poll_timeout().is_some_and(|at| at <= call.now);
        self.excused &= resumes || overdue;
        let early = call.event.is_none() && due.is_none_or(|due| call.now < due);
        self.early = if early { self.early.saturating_add(1) } else { 0 };
        if self.early > self.rules.early_calls {
            call.misused(
                "sleep until poll_timeout()",
                format_args!("{} calls of handle_timeout in a row come before the deadline", self.early),
            );
        }
    }

    #[track_caller]
    fn check_epoch<D: Checkable>(&mut self, call: &Call<'_, D>, newest: u32) {
        let Some((event, epoch)) = call.event.and_then(|event| Some((event, event.epoch()?))) else { return };
        if epoch.get() > newest {
            call.misused(
                "return each epoch with the events of its transport",
                format_args!("transport {epoch} was never opened, and the newest is {newest}"),
            );
        }
        let dials = self.dials.iter_mut().flatten();
        let Some((_, outcome)) = dials.into_iter().find(|(dialled, _)| *dialled == epoch) else { return };
        let told = *outcome;
        let again = match event {
            Event::Opened { .. } => told != Outcome::None,
            Event::NotNow { .. } => told != Outcome::None,
            // After it has opened, this is the loss of an open transport.
            Event::OpenFailed { .. } => told == Outcome::Ended,
            _ => false,
        };
        if again {
            call.misused(
                "answer every Open with one outcome",
                format_args!("the outcome of dial {epoch} was told before: {told:?}"),
            );
        }
        let of_dial = matches!(
            event,
            Event::Opened { .. }
                | Event::OpenFailed { .. }
                | Event::NotNow { .. }
                | Event::Closed { .. }
                | Event::SendFailed { .. }
                // The answer to the handshake may name another endpoint.
                | Event::Redirected { .. }
        );
        if !of_dial && told == Outcome::None {
            call.misused(
                "tell that a transport is open before anything else of it",
                format_args!("dial {epoch} has no outcome yet"),
            );
        }
        *outcome = match event {
            Event::Opened { .. } => Outcome::Opened,
            Event::OpenFailed { .. } | Event::NotNow { .. } | Event::Closed { .. } => Outcome::Ended,
            _ => told,
        };
    }

    #[track_caller]
    fn check_answers<D: Checkable>(&self, call: &Call<'_, D>) {
        match call.event {
            Some(
                Event::CredentialOk { request: Some(request), .. }
                | Event::CredentialFailed { request: Some(request), .. },
            ) if *request > self.requests => call.misused(
                "answer the requests for a credential that were made",
                format_args!("request {request} was never made, and the newest is {}", self.requests),
            ),
            Some(
                Event::SubscriptionConfirmed { send: Some(send), .. }
                | Event::SubscriptionFailed { send: Some(send), .. },
            ) if *send > call.before.subscriptions().sends() => call.misused(
                "answer the subscriptions that were sent",
                format_args!(
                    "batch {send} was never sent, and the newest is {}",
                    call.before.subscriptions().sends()
                ),
            ),
            _ => {}
        }
    }
}
