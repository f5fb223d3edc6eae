//! The servers.

use alloc::vec::Vec;
use core::time::Duration;

use crate::advise::{self, Book};
use crate::policy::RetryAfter;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros};
use crate::words::words;

use super::scenario::{Failure, Hints, Model, Scenario, Step, rate};

/// What a million dials are, in the units of a bucket: one token a microsecond is one dial a second.
const DIAL: u64 = 1_000_000;

/// A model of the servers: for each dial that arrives, what becomes of it. A [`Scenario`] has models of its own; implement this
/// for another, and run it with [`run_with`](super::run_with).
///
/// Times are those of the run, which begins at [`Instant::ZERO`]. The calls come in the order of time.
///
/// ```
/// use core::time::Duration;
/// use redial::sim::{Dial, Reply, Scenario, Server, run_with};
/// use redial::{Instant, presets};
///
/// /// Takes every third dial.
/// struct Third(u32);
///
/// impl Server for Third {
///     fn dial(&mut self, _: Instant, _: Dial) -> Reply {
///         self.0 += 1;
///         if self.0 % 3 == 0 { Reply::ACCEPT } else { Reply::FULL }
///     }
/// }
///
/// let report = run_with(&Scenario::new(100, 0), &presets::RECOMMENDED, 1, &mut Third(0), |_, policy| policy);
/// assert_eq!((report.online(), report.attempts()), (100, 300));
/// ```
pub trait Server {
    /// A dial arrives.
    fn dial(&mut self, now: Instant, dial: Dial) -> Reply;

    /// What a dial that arrives at this time at this region will get, where that is certain by now: because the server is
    /// down, for instance. [`dial`](Self::dial) is not called for it then. Default: nothing is certain.
    fn foresee(&self, at: Instant, region: u8) -> Option<Reply> {
        let _ = (at, region);
        None
    }

    /// A client that is connected begins a new session. Default: that takes nothing.
    fn identify(&mut self, now: Instant, dial: Dial) {
        let _ = (now, dial);
    }
}

/// A dial that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dial {
    /// The number of the client, from 0.
    pub client: u32,
    /// The region whose server it reached.
    pub region: u8,
    /// Whether it is going to resume a session.
    pub resume: bool,
    /// The clients that are not connected at this time, this one among them.
    pub away: u32,
}

/// What becomes of a dial.
///
/// ```
/// use core::time::Duration;
/// use redial::sim::{Lack, Reply};
///
/// // Accepts after 50 ms, and drops the connection after a second.
/// let flapping = Reply::Accept { after: Duration::from_millis(50), drops: Some(Duration::from_secs(1)) };
/// // Refuses, and says when to come again.
/// let busy = Reply::Refuse { why: Lack::Capacity, hint: Some(Duration::from_secs(30).into()) };
/// assert_ne!(flapping, busy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server of the user's makes them")]
pub enum Reply {
    /// It is connected.
    Accept {
        /// How long the server takes before it answers.
        after: Duration,
        /// When it drops the connection again, counted from its answer. `None`: it keeps it.
        drops: Option<Duration>,
    },
    /// It is refused.
    Refuse {
        /// Why.
        why: Lack,
        /// What the server says about when to come again, rounded up to whole milliseconds.
        hint: Option<RetryAfter>,
    },
    /// It is never answered.
    Silence {
        /// Why.
        why: Lack,
    },
}

words!(Reply {
    Accept => "accept",
    Refuse => "refuse",
    Silence => "silence",
});

impl Reply {
    /// Accepted at once, and kept.
    pub const ACCEPT: Self = Self::Accept { after: Duration::ZERO, drops: None };
    /// Refused for want of capacity, without a word about when to come again.
    pub const FULL: Self = Self::Refuse { why: Lack::Capacity, hint: None };
    /// Refused because the server is down.
    pub const DOWN: Self = Self::Refuse { why: Lack::Server, hint: None };
}

/// Why a dial is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server of the user's makes them")]
pub enum Lack {
    /// The server is down.
    Server,
    /// It has more dials than it can take.
    Capacity,
}

words!(Lack {
    Server => "server",
    Capacity => "capacity",
});

/// The servers of a scenario.
pub(super) struct Models<'a> {
    scenario: &'a Scenario,
    regions: Vec<Region>,
}

struct Region {
    /// Tokens of a bucket, in [`DIAL`]s; below 0 where new sessions took more than there was.
    level: i64,
    /// Until when the bucket is filled, or how far the queue is served.
    until: Micros,
    /// The rate at that time.
    rate: u32,
    /// Its appointments, and the rate that it made them for.
    book: Option<(Book, u32)>,
}

impl<'a> Models<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let region = || Region { level: 0, until: Micros::ZERO, rate: 0, book: None };
        Self { scenario, regions: scenario.regions.iter().map(|_| region()).collect() }
    }

    const fn lacks(scenario: &Scenario, why: Lack, hint: Option<RetryAfter>) -> Reply {
        match scenario.failure {
            Failure::Refused => Reply::Refuse { why, hint },
            Failure::Silent => Reply::Silence { why },
        }
    }
}

impl Server for Models<'_> {
    fn dial(&mut self, now: Instant, dial: Dial) -> Reply {
        let now = Micros(now.as_micros());
        let number = usize::from(dial.region);
        let (Some(steps), Some(region)) = (self.scenario.regions.get(number), self.regions.get_mut(number))
        else {
            return Reply::DOWN;
        };
        let rate = rate(steps, now);
        if rate == 0 {
            return Self::lacks(self.scenario, Lack::Server, None);
        }
        let after = match self.scenario.model {
            _ if rate == u32::MAX => Some(Micros::ZERO),
            Model::Bucket { burst } => {
                region.begin(steps, now, rate, Micros::from_duration(burst));
                region.take().then_some(Micros::ZERO)
            }
            Model::Queue { backlog } => region.queue(now, rate, Micros::from_duration(backlog)),
        };
        let Some(after) = after else {
            // Each region has its share of the clients.
            let regions = u32::try_from(self.scenario.regions.len()).unwrap_or(u32::MAX).max(1);
            let hint = region.hint(self.scenario.hints, now, rate, dial.away.div_ceil(regions));
            return Self::lacks(self.scenario, Lack::Capacity, hint);
        };
        let drops = self.scenario.flaky.filter(|(until, _)| now < *until);
        Reply::Accept { after: after.to_duration(), drops: drops.map(|(_, held)| held.to_duration()) }
    }

    fn foresee(&self, at: Instant, region: u8) -> Option<Reply> {
        let steps = self.scenario.regions.get(usize::from(region))?;
        (rate(steps, Micros(at.as_micros())) == 0).then(|| Self::lacks(self.scenario, Lack::Server, None))
    }

    fn identify(&mut self, _: Instant, dial: Dial) {
        let Some(region) = self.regions.get_mut(usize::from(dial.region)) else { return };
        let units = self.scenario.identify.of(Micros(DIAL)).0;
        match self.scenario.model {
            Model::Bucket { .. } => region.level = region.level.saturating_sub_unsigned(units),
            Model::Queue { .. } => {
                let takes = Micros(units.checked_div(u64::from(region.rate)).unwrap_or(0));
                region.until = region.until.saturating_add(takes);
            }
        }
    }
}

impl Region {
    /// What the server says to a client that it can't take.
    fn hint(&mut self, hints: Hints, now: Micros, rate: u32, away: u32) -> Option<RetryAfter> {
        let overbooking = match hints {
            Hints::None => return None,
            Hints::Constant(wait) => return Some(RetryAfter::AtLeast(wait)),
            Hints::Appointments(overbooking) => overbooking,
            Hints::Window => Ratio::ONE,
        };
        if self.book.as_ref().is_none_or(|(_, made_for)| *made_for != rate) {
            const LEAST: Ratio = Ratio::new_const(1, 1_000);
            const MOST: Ratio = Ratio::new_const(advise::Config::MAX_OVERBOOKING, 1);
            let overbooking = if overbooking.is_below(LEAST) { LEAST } else { overbooking };
            let overbooking = if MOST.is_below(overbooking) { MOST } else { overbooking };
            let config = advise::Config::new(rate, Duration::from_secs(1)).overbooking(overbooking);
            self.book = config.build().ok().map(|config| (Book::new(config), rate));
        }
        let (book, _) = self.book.as_mut()?;
        Some(match hints {
            Hints::Window => RetryAfter::Window(book.window(away)),
            _ => RetryAfter::Appointment(book.appointment(Instant::from_micros(now.0), away)),
        })
    }

    /// Fills the bucket up to now. A server that came up since has a full one.
    fn begin(&mut self, steps: &[Step], now: Micros, rate: u32, burst: Micros) {
        let most = i64::try_from(burst.saturating_mul(rate.into()).0).unwrap_or(i64::MAX);
        let since = steps.iter().filter(|step| step.from > self.until && step.from <= now);
        let was_down = self.rate == 0 || since.into_iter().any(|step| step.per_second == 0);
        if was_down {
            self.level = most;
        } else {
            let came = now.saturating_sub(self.until).saturating_mul(rate.into()).0;
            self.level = self.level.saturating_add_unsigned(came).min(most);
        }
        (self.until, self.rate) = (now, rate);
    }

    /// Takes a token, if there is one.
    const fn take(&mut self) -> bool {
        let taken = self.level >= DIAL as i64;
        if taken {
            self.level = self.level.saturating_sub(DIAL as i64);
        }
        taken
    }

    /// Joins the queue, unless it is too long, and says when its turn is over.
    fn queue(&mut self, now: Micros, rate: u32, backlog: Micros) -> Option<Micros> {
        self.rate = rate;
        let begins = self.until.max(now);
        let ends = begins.saturating_add(Micros(DIAL.checked_div(rate.into()).unwrap_or(DIAL).max(1)));
        let waits = ends.saturating_sub(now);
        if waits > backlog {
            return None;
        }
        self.until = ends;
        Some(waits)
    }
}
