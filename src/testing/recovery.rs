//! Once the faults stop: a server that does what it is asked, and a host without conditions.

use core::fmt;
use core::time::Duration;

use crate::classify::Cause;
use crate::handover::EventOf;
use crate::mode::Mode;
use crate::policy::{Event, HoldReason, Phase};
use crate::time::Instant;

use super::call::{Promise, Recording};
use super::checked::{Checkable, Checked};
use super::checks::is_live;
use super::handover::is_under_way;

/// The most steps until the next dial.
const DIAL: usize = 8;

/// The most steps until it is online and nothing is under way.
const STEPS: usize = 120;

/// The most steps of a connection whose successor waits: heartbeats, batches. What takes longer is not waited for.
const SERVED: usize = 4_000;

impl<D: Checkable> Checked<D> {
    /// Checks that the policy gets online when the faults stop, from wherever it is: every hold is released, the network is up
    /// and the page is visible, the server does what it is asked, and time passes from deadline to deadline. A policy that was
    /// stopped or gave up is started.
    ///
    /// First the transport of this moment is lost, and the next dial must come within 8 steps, if it is to come at all. Then the
    /// policy must be online within 120 steps, and a handover that was begun must have ended. The driver rules are not applied.
    ///
    /// # Panics
    /// If it does not get there, or where a promise does not hold on the way.
    #[track_caller]
    pub fn assert_recovers(&self) {
        let mut policy = self.clone().without_driver_rules();
        policy.meet_conditions();
        policy.clone().dial_next();
        policy.get_online();
    }

    #[track_caller]
    fn meet_conditions(&mut self) {
        if self.now() > Instant::END {
            self.tell(Instant::from_millis(1_000), Some(Event::Visible));
        }
        for number in 0..HoldReason::COUNT {
            match HoldReason::new(number) {
                Some(reason) if self.model().holds & reason.bit() != 0 => {
                    self.tell(self.now(), Some(Event::Release(reason)));
                }
                _ => {}
            }
        }
        self.tell(self.now(), Some(Event::NetworkUp));
        self.tell(self.now(), Some(Event::Visible));
    }

    /// Whatever happened before, the next dial comes, and in bounded time.
    #[track_caller]
    fn dial_next(mut self) {
        if let Some(epoch) = self.epoch() {
            self.tell(self.now(), Some(Event::Closed { epoch, cause: Cause::NoCloseFrame }));
        }
        for _ in 0..DIAL {
            match (self.phase(), self.poll_timeout()) {
                (Phase::Waiting, Some(Instant::MAX)) => return,
                (Phase::Waiting, Some(until)) => self.tell(until.max(self.now()), None),
                (Phase::Parked, _) => {
                    self.tell(self.now(), Some(Event::CredentialOk { request: None, ttl: None }));
                }
                _ => return,
            }
        }
        self.stuck(format_args!("no dial in {DIAL} steps, and nothing forbids it"));
    }

    #[track_caller]
    fn get_online(mut self) {
        if matches!(self.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) {
            self.tell(self.now(), Some(Event::Start));
        }
        let begun = self.ended_handovers();
        let (mut steps, mut served) = (0, 0);
        while steps < STEPS && served < SERVED {
            let moving = || is_under_way(&*self, self.now());
            if is_live(&*self) && (self.ended_handovers() > begun || !moving()) {
                return;
            }
            let step = self.helpful();
            let now = match (&step, self.poll_timeout()) {
                (None, None) => self.stuck(format_args!("nothing is due, and nothing will ever happen")),
                (None, Some(Instant::MAX)) => return,
                (None, Some(at)) => at.max(self.now()),
                (Some(_), _) => self.now(),
            };
            if now > Instant::END {
                return;
            }
            // A connection that serves has its own to do while its successor waits.
            if is_live(&*self) && self.successor().is_none() {
                served += 1;
            } else {
                steps += 1;
            }
            // There may be many, so that only the actions are checked.
            let _actions = self.take(now, step, false);
        }
        // A heartbeat each 10 ms fills a day.
        if served < SERVED {
            self.stuck(format_args!("not online after {steps} steps, and nothing is wrong"));
        }
    }

    #[track_caller]
    fn tell(&mut self, now: Instant, event: Option<EventOf<D>>) {
        let _actions = self.call(now, event);
    }

    #[cold]
    #[track_caller]
    fn stuck(&self, found: fmt::Arguments<'_>) -> ! {
        let promise = Promise::Recovery.sentence();
        panic!(
            "a promise of redial is broken: {promise}\n  found:   {found}\n  at:      {} us, {}\n{}",
            self.now().as_micros(),
            self.explain(),
            Recording(self.tape().lines())
        )
    }

    fn ended_handovers(&self) -> u32 {
        self.handover_stats().map_or(0, |stats| stats.handovers.saturating_add(stats.handovers_failed))
    }

    /// What a server that does as asked says next.
    fn helpful(&self) -> Option<EventOf<D>> {
        let model = self.model();
        if model.credential_asked {
            return Some(Event::CredentialOk { request: None, ttl: None });
        }
        let greets = self.config().greeting();
        for transport in model.living() {
            let epoch = transport.epoch;
            if transport.unanswered {
                return Some(Event::HeartbeatAcked { epoch });
            }
            if !transport.open {
                return Some(Event::Opened { epoch });
            }
            if !transport.identified && greets {
                return Some(Event::Greeting { epoch, heartbeat: Some(Duration::from_secs(45)) });
            }
            if transport.authenticating {
                return Some(Event::AuthOk { epoch });
            }
            if transport.identified && !transport.established {
                return Some(match transport.mode {
                    Mode::Resume => Event::Resumed { epoch },
                    Mode::Fresh => {
                        let token = self.session().and_then(|session| session.token().cloned());
                        Event::Ready { epoch, token, endpoint: None, sequence: Some(1), ttl: None }
                    }
                });
            }
        }
        None
    }
}
