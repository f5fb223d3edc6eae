//! The servers.

use alloc::vec::Vec;
use core::time::Duration;

use crate::time::{Instant, Micros};

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
        /// How long the client is to wait before the next dial, in whole milliseconds.
        hint: Option<Duration>,
    },
    /// It is never answered.
    Silence {
        /// Why.
        why: Lack,
    },
}

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

/// The servers of a scenario.
pub(super) struct Models<'a> {
    scenario: &'a Scenario,
    regions: Vec<Region>,
}

#[derive(Clone, Copy)]
struct Region {
    /// Tokens of a bucket, in [`DIAL`]s; below 0 where new sessions took more than there was.
    level: i64,
    /// Until when the bucket is filled, or how far the queue is served.
    until: Micros,
    /// The rate at that time.
    rate: u32,
}

impl<'a> Models<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let region = Region { level: 0, until: Micros::ZERO, rate: 0 };
        Self { scenario, regions: scenario.regions.iter().map(|_| region).collect() }
    }

    fn lacks(&self, why: Lack, hint: Option<Duration>) -> Reply {
        match self.scenario.failure {
            Failure::Refused => Reply::Refuse { why, hint },
            Failure::Silent => Reply::Silence { why },
        }
    }

    fn hint(&self) -> Option<Duration> {
        match self.scenario.hints {
            Hints::None => None,
            Hints::Constant(wait) => Some(wait),
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
            return self.lacks(Lack::Server, None);
        }
        let after = match self.scenario.model {
            _ if rate == u32::MAX => Some(Micros::ZERO),
            Model::Bucket { burst } => {
                region.begin(steps, now, rate, Micros::from_duration(burst));
                region.take().then_some(Micros::ZERO)
            }
            Model::Queue { backlog } => region.queue(now, rate, Micros::from_duration(backlog)),
        };
        let Some(after) = after else { return self.lacks(Lack::Capacity, self.hint()) };
        let drops = self.scenario.flaky.filter(|(until, _)| now < *until);
        Reply::Accept { after: after.to_duration(), drops: drops.map(|(_, held)| held.to_duration()) }
    }

    fn foresee(&self, at: Instant, region: u8) -> Option<Reply> {
        let steps = self.scenario.regions.get(usize::from(region))?;
        (rate(steps, Micros(at.as_micros())) == 0).then(|| self.lacks(Lack::Server, None))
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
