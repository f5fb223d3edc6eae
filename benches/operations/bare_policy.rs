//! The least that takes a connection through an outage: the events, deadlines and counters of a policy in a struct, and no more.
//!
//! It has one curve with full jitter, one limit for every step, a heartbeat with a jittered start, a session number to resume
//! with, and a count of losses, dials and resumes. It classifies no cause, has no breaker, budget or gate beside the wait, and
//! keeps nothing for an explanation but the last cause and when the phase started.

use std::hint::black_box;
use std::time::Duration;

use redial::rand_core::Rng as _;
use redial::{Cause, SplitMix64};

use super::{Steps, repeat};

const NEVER: u64 = u64::MAX;
const LIMIT: u64 = 10_000_000;
const STABLE: u64 = 120_000_000;
const ROUND_TRIP: u64 = 30_000;
const HEARTBEAT: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Dialling,
    Greeting,
    Resuming,
    Online,
}

enum Fact {
    Closed { epoch: u32, cause: Cause },
    Opened { epoch: u32 },
    Greeting { epoch: u32, heartbeat: Option<Duration> },
    Resumed { epoch: u32 },
}

#[expect(dead_code, reason = "what is measured is that they are written")]
enum Step {
    Dial { epoch: u32 },
    Resume { epoch: u32, session: u32, sequence: u64 },
    Beat { epoch: u32, sequence: u64 },
}

type Todo = [Option<Step>; 4];
const NOTHING: Todo = [None, None, None, None];

/// Times in microseconds; a deadline that is not set is [`NEVER`].
struct Bare {
    phase: Phase,
    epoch: u32,
    failures: u32,
    session: u32,
    sequence: u64,
    rng: SplitMix64,
    wait: u64,
    limit: u64,
    beat: u64,
    interval: u64,
    stable: u64,
    since: u64,
    cause: Option<Cause>,
    losses: u64,
    dials: u64,
    resumed: u64,
}

impl Bare {
    fn online() -> Self {
        Self {
            phase: Phase::Online,
            epoch: 1,
            failures: 0,
            session: 1,
            sequence: 1,
            rng: SplitMix64::new(1),
            wait: NEVER,
            limit: NEVER,
            beat: NEVER,
            interval: 0,
            stable: NEVER,
            since: 0,
            cause: None,
            losses: 0,
            dials: 0,
            resumed: 0,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.rng.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    fn enter(&mut self, phase: Phase, now: u64, limit: u64) {
        (self.phase, self.since, self.limit) = (phase, now, limit);
    }

    fn lose(&mut self, now: u64, cause: Cause) {
        (self.cause, self.beat, self.stable) = (Some(cause), NEVER, NEVER);
        self.losses += 1;
        let nominal = (1_000_000_u64 << self.failures.min(6)).min(60_000_000);
        self.failures = self.failures.saturating_add(1);
        self.wait = now.saturating_add(self.below(nominal));
        self.enter(Phase::Waiting, now, NEVER);
    }

    #[inline(never)]
    fn fact(&mut self, now: u64, fact: Fact) -> Todo {
        let live = self.epoch;
        match fact {
            Fact::Closed { epoch, cause } if epoch == live && self.phase != Phase::Waiting => {
                self.lose(now, cause);
            }
            Fact::Opened { epoch } if epoch == live && self.phase == Phase::Dialling => {
                self.enter(Phase::Greeting, now, now.saturating_add(LIMIT));
            }
            Fact::Greeting { epoch, heartbeat } if epoch == live && self.phase == Phase::Greeting => {
                if let Some(interval) = heartbeat {
                    self.interval = u64::try_from(interval.as_micros()).unwrap_or(NEVER);
                    self.beat = now.saturating_add(self.below(self.interval));
                }
                self.enter(Phase::Resuming, now, now.saturating_add(LIMIT));
                let (session, sequence) = (self.session, self.sequence);
                return [Some(Step::Resume { epoch, session, sequence }), None, None, None];
            }
            Fact::Resumed { epoch } if epoch == live && self.phase == Phase::Resuming => {
                self.resumed += 1;
                self.stable = now.saturating_add(STABLE);
                self.enter(Phase::Online, now, NEVER);
            }
            Fact::Closed { .. } | Fact::Opened { .. } | Fact::Greeting { .. } | Fact::Resumed { .. } => {}
        }
        NOTHING
    }

    #[inline(never)]
    fn due(&mut self, now: u64) -> Todo {
        let mut todo = NOTHING;
        if self.wait <= now {
            (self.wait, self.epoch) = (NEVER, self.epoch.wrapping_add(1));
            self.dials += 1;
            self.enter(Phase::Dialling, now, now.saturating_add(LIMIT));
            todo[0] = Some(Step::Dial { epoch: self.epoch });
        }
        if self.limit <= now {
            self.lose(now, Cause::NoCloseFrame);
        }
        if self.beat <= now {
            self.beat = now.saturating_add(self.interval);
            todo[1] = Some(Step::Beat { epoch: self.epoch, sequence: self.sequence });
        }
        if self.stable <= now {
            (self.stable, self.failures) = (NEVER, 0);
        }
        todo
    }

    #[inline(never)]
    fn deadline(&self) -> u64 {
        self.wait.min(self.limit).min(self.beat).min(self.stable)
    }

    /// With the calls of [`one_outage`](super::policy::one_outage).
    fn one_outage(&mut self, now: &mut u64) {
        let take = |todo: Todo| {
            black_box(&todo);
        };
        let epoch = self.epoch;
        take(self.fact(*now, Fact::Closed { epoch, cause: Cause::NoCloseFrame }));
        *now = self.deadline();
        take(self.due(*now));
        let epoch = self.epoch;
        *now = now.saturating_add(ROUND_TRIP);
        take(self.fact(*now, Fact::Opened { epoch }));
        take(self.fact(*now, Fact::Greeting { epoch, heartbeat: Some(HEARTBEAT) }));
        take(self.fact(*now, Fact::Resumed { epoch }));
        *now = now.saturating_add(STABLE);
        take(self.due(*now));
    }
}

pub(super) fn outage() -> Steps {
    let (mut bare, mut now) = (Bare::online(), 1_000_000);
    for outages in 1..=2 {
        bare.one_outage(&mut now);
        assert_eq!((bare.losses, bare.dials, bare.resumed), (outages, outages, outages));
        assert!(bare.phase == Phase::Online && bare.failures == 0, "stable again");
    }
    repeat(move |_| black_box(&mut bare).one_outage(&mut now))
}
