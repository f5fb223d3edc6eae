//! Once the faults stop: a server that does what it is asked, and a host without conditions.

use core::time::Duration;

use redial::policy::HoldReason;
use redial::{Event, Instant, Mode, Phase};

use super::checks::LATE;
use super::{Pair, PairEvent, is_live, is_under_way, step};

/// The most steps until it is online and nothing is under way.
const STEPS: usize = 120;

/// The most steps of a connection whose successor waits: heartbeats, batches. What takes longer is not waited for.
const SERVED: usize = 4_000;

impl Pair<'_> {
    /// It gets online within a bounded number of steps, and a handover that was begun ends.
    pub fn finish(mut self) {
        if self.now > LATE {
            let _ = self.handle_event(Instant::from_millis(1_000), Event::Visible);
        }
        for number in 0..HoldReason::COUNT {
            let reason = HoldReason::new(number).expect("a valid number");
            self.live_on(self.now, Some(Event::Release(reason)));
        }
        let _ = self.handle_event(self.now, Event::NetworkUp);
        let _ = self.handle_event(self.now, Event::Visible);
        if matches!(self.policy.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) {
            let _ = self.handle_event(self.now, Event::Start);
        }
        let ended = |pair: &Self| {
            let stats = pair.policy.handover_stats();
            stats.handovers + stats.handovers_failed
        };
        let begun = ended(&self);
        let (mut steps, mut served) = (0, 0);
        while steps < STEPS && served < SERVED {
            if is_live(&self.policy) && (ended(&self) > begun || !is_under_way(&self.policy, self.now)) {
                return;
            }
            let step = self.helpful();
            let now = match (&step, self.policy.poll_timeout()) {
                (None, None) => panic!("S93: nothing will ever happen: {}", self.policy.explain()),
                (None, Some(Instant::MAX)) => return,
                (None, Some(at)) => at.max(self.now),
                (Some(_), _) => self.now,
            };
            if now > LATE {
                return;
            }
            // A connection that serves has its own to do while its successor waits.
            if is_live(&self.policy) && self.policy.successor().is_none() {
                served += 1;
            } else {
                steps += 1;
            }
            self.live_on(now, step);
        }
        // A heartbeat each 10 ms fills a day.
        assert_eq!(served, SERVED, "it gets nowhere though nothing is wrong: {}", self.policy.explain());
    }

    /// A call of which only the actions are checked; there are many.
    fn live_on(&mut self, now: Instant, event: Option<PairEvent>) {
        let before = self.policy.clone();
        self.now = now;
        let actions = step(&mut self.policy, now, event.clone());
        if std::env::var_os("REDIAL_STORY").is_some() {
            eprintln!("{} {event:?}", now.as_micros());
            eprintln!("    {:?} {}", actions.iter().collect::<Vec<_>>(), self.policy.explain());
        }
        self.execute(&before, event.as_ref(), &actions);
    }

    /// What a server that does as asked says next.
    fn helpful(&self) -> Option<PairEvent> {
        let model = &self.model;
        if model.credential_asked {
            return Some(Event::CredentialOk { request: None, ttl: None });
        }
        let greets = self.policy.config().greeting();
        for transport in [model.connection, model.successor].into_iter().flatten() {
            let epoch = transport.epoch;
            if transport.beaten {
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
                        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None }
                    }
                });
            }
        }
        None
    }
}
