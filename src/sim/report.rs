//! What a run came to.
#![expect(clippy::float_arithmetic, reason = "the measures of a run are ratios of what it counted")]

use alloc::vec::Vec;
use core::time::Duration;

/// What a run came to. Equal scenarios, configs and seeds give equal reports.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Scenario, run};
///
/// let report = run(&Scenario::new(500, 50).outage(Duration::from_secs(30)), &presets::RECOMMENDED, 1);
/// let (half, most) = (report.back(500).expect("they are back"), report.back(990).expect("they are back"));
/// assert!(half < most);
/// println!("{:.1} dials a client, at most {} in a second", report.attempts_per_client(), report.peak(Duration::ZERO));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub(super) clients: u32,
    pub(super) lost: u32,
    pub(super) online: u32,
    pub(super) gave_up: u32,
    pub(super) attempts: u64,
    pub(super) failed_down: u64,
    pub(super) failed_full: u64,
    pub(super) abandoned: u64,
    pub(super) measured_from: Duration,
    pub(super) ideal: Option<Duration>,
    /// Of each client that was lost, when it was back for good, in milliseconds of the run; sorted.
    pub(super) back: Vec<u32>,
    /// Of each of those, how long it was away in all, in milliseconds; sorted.
    pub(super) away: Vec<u32>,
    pub(super) seconds: Vec<Second>,
    /// Where nothing is counted.
    pub(super) before: Second,
}

/// What happened in one second of a run.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Scenario, run};
///
/// let report = run(&Scenario::new(500, 50).outage(Duration::from_secs(10)), &presets::RECOMMENDED, 1);
/// for (number, second) in report.seconds().iter().enumerate().take(20) {
///     println!("{number:>3} s: {:>4} dials, {:>4} online", second.dials, second.online);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Second {
    /// Dials that began.
    pub dials: u32,
    /// Clients that were connected at its end.
    pub online: u32,
}

impl Report {
    /// The clients.
    #[must_use]
    pub const fn clients(&self) -> u32 {
        self.clients
    }

    /// The clients that lost their connection, or were asked to give it up.
    #[must_use]
    pub const fn lost(&self) -> u32 {
        self.lost
    }

    /// The clients that are connected at the end.
    #[must_use]
    pub const fn online(&self) -> u32 {
        self.online
    }

    /// The clients whose policy gave up.
    #[must_use]
    pub const fn gave_up(&self) -> u32 {
        self.gave_up
    }

    /// Dials that began.
    #[must_use]
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Dials for each client that was lost; 1 is the ideal. 0 if none was.
    #[must_use]
    pub fn attempts_per_client(&self) -> f64 {
        self.per_client(self.attempts)
    }

    /// Dials for each client that was lost that failed because the server was down.
    #[must_use]
    pub fn failed_down_per_client(&self) -> f64 {
        self.per_client(self.failed_down)
    }

    /// Dials for each client that was lost that failed for want of capacity.
    #[must_use]
    pub fn failed_full_per_client(&self) -> f64 {
        self.per_client(self.failed_full)
    }

    /// Dials that a server took after the client had given up, for each client that was lost: work for nobody.
    #[must_use]
    pub fn abandoned_per_client(&self) -> f64 {
        self.per_client(self.abandoned)
    }

    fn per_client(&self, count: u64) -> f64 {
        if self.lost == 0 { 0.0 } else { count as f64 / f64::from(self.lost) }
    }

    /// The time from which [`ratio`](Self::ratio) counts.
    #[must_use]
    pub const fn measured_from(&self) -> Duration {
        self.measured_from
    }

    /// When this share of the lost clients, in thousandths, was back for good, counted from the beginning of the run. `None`:
    /// so many never were.
    #[must_use]
    pub fn back(&self, permille: u16) -> Option<Duration> {
        self.rank(&self.back, permille)
    }

    /// How long a lost client was away in all: the time that this share of them, in thousandths, did not exceed. `None`:
    /// more than the rest is not back.
    #[must_use]
    pub fn away(&self, permille: u16) -> Option<Duration> {
        self.rank(&self.away, permille)
    }

    fn rank(&self, sorted: &[u32], permille: u16) -> Option<Duration> {
        let rank = u64::from(self.lost).saturating_mul(permille.into()).div_ceil(1_000).max(1);
        let millis = sorted.get(usize::try_from(rank.saturating_sub(1)).ok()?)?;
        Some(Duration::from_millis((*millis).into()))
    }

    /// The time until 99 % of the lost clients were back, counted from the end of the outage, as a multiple of the time that
    /// the servers need for them; 1 is the ideal. `None`: they never were.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.ratio_of(990)
    }

    /// The same for another share, in thousandths.
    #[must_use]
    pub fn ratio_of(&self, permille: u16) -> Option<f64> {
        let took = self.back(permille)?.saturating_sub(self.measured_from);
        let ideal = self.ideal?.as_secs_f64() * f64::from(permille) / 1_000.0;
        (ideal > 0.0).then(|| took.as_secs_f64() / ideal)
    }

    /// What happened in each second, until the run ended.
    #[must_use]
    pub fn seconds(&self) -> &[Second] {
        &self.seconds
    }

    /// Most dials that began in one second from `from` on.
    #[must_use]
    pub fn peak(&self, from: Duration) -> u32 {
        let skip = usize::try_from(from.as_secs()).unwrap_or(usize::MAX);
        self.seconds.iter().skip(skip).map(|second| second.dials).max().unwrap_or(0)
    }
}
