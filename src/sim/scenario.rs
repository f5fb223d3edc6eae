//! What happens to a fleet: who loses the connection when, and what the servers take.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

#[cfg(doc)]
use crate::policy::RetryAfter;
use crate::ratio::Ratio;
use crate::time::Micros;
use crate::words::words;

/// Most regions of a scenario.
pub(super) const REGIONS: usize = 4;

/// A scenario: a number of clients that are connected, how they lose their connections, and what their servers take over time.
///
/// Every scenario is valid. Times count from the beginning, and are rounded up to whole microseconds; what lies after the
/// [horizon](Self::horizon) does not happen. By default all connections are lost at once at time 0, the server is up, and a
/// refusal is known after one round trip.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Scenario, run};
///
/// // 1,000 clients lose their server for 30 s. After that it takes 100 of them a second.
/// let scenario = Scenario::new(1_000, 100).outage(Duration::from_secs(30));
/// let report = run(&scenario, &presets::RECOMMENDED, 1);
/// assert_eq!(report.online(), 1_000);
/// assert!(report.ratio().is_some_and(|ratio| ratio > 1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub(super) clients: u32,
    pub(super) losses: Vec<Loss>,
    pub(super) regions: Vec<Vec<Step>>,
    pub(super) model: Model,
    pub(super) failure: Failure,
    pub(super) patience: Option<Micros>,
    pub(super) network: (Micros, Micros),
    pub(super) hints: Hints,
    pub(super) heeded: Ratio,
    pub(super) sessions: bool,
    pub(super) identify: Ratio,
    pub(super) flaky: Option<(Micros, Micros)>,
    pub(super) measured_from: Micros,
    pub(super) horizon: Micros,
}

impl Scenario {
    /// So many clients, of which the server takes so many a second ([`u32::MAX`]: as many as come).
    #[must_use]
    pub fn new(clients: u32, per_second: u32) -> Self {
        Self {
            clients,
            losses: vec![Loss::at(Duration::ZERO)],
            regions: vec![vec![Step { from: Micros::ZERO, per_second }]],
            model: Model::Bucket { burst: Duration::from_secs(1) },
            failure: Failure::Refused,
            patience: None,
            network: (Micros::from_millis(5), Micros::from_millis(60)),
            hints: Hints::None,
            heeded: Ratio::ONE,
            sessions: true,
            identify: Ratio::ZERO,
            flaky: None,
            measured_from: Micros::ZERO,
            horizon: Micros::from_millis(20_000_000),
        }
    }

    /// Every server is down from the beginning for so long. Recovery is [measured](Self::measured_from) from its end.
    #[must_use]
    pub fn outage(mut self, lasts: Duration) -> Self {
        let lasts = Micros::from_duration(lasts);
        for steps in &mut self.regions {
            let after = rate(steps, lasts);
            steps.retain(|step| step.from > lasts);
            steps.insert(0, Step { from: lasts, per_second: after });
            if !lasts.is_zero() {
                steps.insert(0, Step { from: Micros::ZERO, per_second: 0 });
            }
        }
        self.measured_from = lasts;
        self
    }

    /// From this time on, what the server of this region takes a second; 0: it is down. A region that is named for the first
    /// time is added, with every number up to it; of more than 4 the last counts.
    ///
    /// Clients are spread evenly over the regions and dial the next one after theirs when it fails, as the
    /// [endpoints](crate::endpoints::FixedEndpoints) of a policy do.
    #[must_use]
    pub fn capacity(mut self, region: u8, from: Duration, per_second: u32) -> Self {
        let region = usize::from(region).min(REGIONS.saturating_sub(1));
        while self.regions.len() <= region {
            self.regions.push(vec![Step { from: Micros::ZERO, per_second }]);
        }
        let from = Micros::from_duration(from);
        if let Some(steps) = self.regions.get_mut(region) {
            steps.retain(|step| step.from != from);
            let place = steps.iter().take_while(|step| step.from < from).count();
            steps.insert(place, Step { from, per_second });
        }
        self
    }

    /// How connections are lost. Default: all at time 0.
    #[must_use]
    pub fn losses(mut self, losses: Vec<Loss>) -> Self {
        self.losses = losses;
        self
    }

    /// How the servers take dials. Default: [`Model::Bucket`] with a burst of 1 s.
    #[must_use]
    pub const fn model(mut self, model: Model) -> Self {
        self.model = model;
        self
    }

    /// What a dial meets that no server takes. Default [`Failure::Refused`].
    #[must_use]
    pub const fn failure(mut self, failure: Failure) -> Self {
        self.failure = failure;
        self
    }

    /// How long a client's own stack waits for an answer before the dial has failed. Default `None`: as long as the policy's
    /// [connect timeout](crate::Config::connect_timeout), which holds in any case.
    #[must_use]
    pub fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience.map(Micros::from_duration);
        self
    }

    /// How long a message takes, one way: drawn from this range for every dial, and the same for its answer. Default 5 to 60 ms.
    #[must_use]
    pub const fn network(mut self, shortest: Duration, longest: Duration) -> Self {
        self.network = (Micros::from_duration(shortest), Micros::from_duration(longest));
        self
    }

    /// What an overloaded server says beside its refusal. Default [`Hints::None`]. A server that is down says nothing.
    #[must_use]
    pub const fn hints(mut self, hints: Hints) -> Self {
        self.hints = hints;
        self
    }

    /// The share of the clients that heed hints; the others never see them. Default 1.
    #[must_use]
    pub const fn heeded(mut self, share: Ratio) -> Self {
        self.heeded = share;
        self
    }

    /// Whether the servers still know the sessions that the clients resume. Default true.
    #[must_use]
    pub const fn sessions(mut self, kept: bool) -> Self {
        self.sessions = kept;
        self
    }

    /// How much of a server's capacity a new session takes beside the dial, as a number of dials: its state, and the
    /// subscriptions that are restored in it. Default 0. A resumed session takes nothing more.
    #[must_use]
    pub const fn identify_cost(mut self, dials: Ratio) -> Self {
        self.identify = dials;
        self
    }

    /// Until this time the servers accept connections and drop each of them after `held`. Default: none is dropped.
    #[must_use]
    pub const fn accepts_then_drops(mut self, until: Duration, held: Duration) -> Self {
        self.flaky = Some((Micros::from_duration(until), Micros::from_duration(held)));
        self
    }

    /// The time from which [`Report::ratio`](super::Report::ratio) counts. Default: the end of the [outage](Self::outage), or 0.
    #[must_use]
    pub const fn measured_from(mut self, from: Duration) -> Self {
        self.measured_from = Micros::from_duration(from);
        self
    }

    /// When the run ends at the latest. Default 20,000 s; at most 49 days.
    #[must_use]
    pub const fn horizon(mut self, horizon: Duration) -> Self {
        self.horizon = Micros::from_duration(horizon).min(Micros::from_millis(u32::MAX as u64));
        self
    }

    /// The number of clients.
    #[must_use]
    pub const fn clients(&self) -> u32 {
        self.clients
    }

    /// What all servers together take a second at this time; [`u32::MAX`]: as many as come.
    #[must_use]
    pub fn per_second(&self, at: Duration) -> u32 {
        let rates = self.regions.iter().map(|steps| rate(steps, Micros::from_duration(at)));
        rates.fold(0, u32::saturating_add)
    }

    /// The time that the servers need to take this many clients, at full capacity and without a dial too many, from
    /// the [time that is measured from](Self::measured_from) on. `None`: they never do.
    #[must_use]
    pub fn ideal(&self, clients: u32) -> Option<Duration> {
        let mut left = u64::from(clients).saturating_mul(1_000_000);
        let mut now = self.measured_from;
        loop {
            let rates = self.regions.iter().map(|steps| u64::from(rate(steps, now)));
            let rate: u64 = rates.fold(0, u64::saturating_add);
            let starts = self.regions.iter().flatten().map(|step| step.from).filter(|from| *from > now);
            let next = starts.fold(Micros::MAX, Micros::min);
            let taken = rate.saturating_mul(next.saturating_sub(now).0);
            if taken >= left {
                let last = Micros(left.checked_div(rate).unwrap_or(0));
                return Some(now.saturating_add(last).saturating_sub(self.measured_from).to_duration());
            }
            if next == Micros::MAX {
                return None;
            }
            (left, now) = (left.saturating_sub(taken), next);
        }
    }
}

/// What a server takes a second at this time.
pub(super) fn rate(steps: &[Step], now: Micros) -> u32 {
    steps.iter().take_while(|step| step.from <= now).last().map_or(u32::MAX, |step| step.per_second)
}

/// From a time on, a server takes so many dials a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: Micros,
    pub(super) per_second: u32,
}

/// Connections that are lost, for one reason.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Loss, Scenario, run};
///
/// // A third of the clients is told ten minutes before, with two minutes to go in; a restart zone by zone.
/// let loss = Loss::at(Duration::from_secs(600)).zone(0, 3).warned(Duration::from_secs(600), Some(Duration::from_secs(120)));
/// let report = run(&Scenario::new(300, 10).losses(vec![loss]), &presets::RECOMMENDED, 1);
/// assert_eq!(report.lost(), 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub(super) at: Micros,
    pub(super) over: Micros,
    pub(super) zone: (u32, u32),
    pub(super) warning: Option<(Micros, Option<Micros>)>,
}

impl Loss {
    /// All connections are lost at this time.
    #[must_use]
    pub const fn at(at: Duration) -> Self {
        Self { at: Micros::from_duration(at), over: Micros::ZERO, zone: (0, 1), warning: None }
    }

    /// Each at a random time within so long. Default 0.
    #[must_use]
    pub const fn over(mut self, span: Duration) -> Self {
        self.over = Micros::from_duration(span);
        self
    }

    /// Only those of zone number `zone` of so many, into which the clients are divided evenly. Default: zone 0 of 1.
    #[must_use]
    pub const fn zone(mut self, zone: u32, of: u32) -> Self {
        self.zone = (zone, of);
        self
    }

    /// Each client is asked to reconnect so long before ([`Event::ReconnectRequested`](crate::Event::ReconnectRequested)), and
    /// only connections that were up at that time are cut. With a `window` it is asked to dial at a random time within it,
    /// without one it is told when it will be cut. Default: nobody is asked.
    #[must_use]
    pub const fn warned(mut self, before: Duration, window: Option<Duration>) -> Self {
        self.warning = Some((Micros::from_duration(before), Micros::from_duration_option(window)));
        self
    }
}

/// How a server takes dials, at the rate that the scenario gives it.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Model, Scenario, run};
///
/// // A server with a queue of 10 s, whose clients lose patience after 5: it serves those who have given up.
/// let scenario = Scenario::new(1_000, 20)
///     .outage(Duration::from_secs(10))
///     .model(Model::Queue { backlog: Duration::from_secs(10) })
///     .patience(Some(Duration::from_secs(5)));
/// assert_eq!(run(&scenario, &presets::RECOMMENDED, 1).online(), 1_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Model {
    /// At once, as long as tokens are there: they come at the rate, and what comes within `burst` is kept. A server that comes
    /// up has a burst.
    Bucket {
        /// The time within which unused tokens are kept.
        burst: Duration,
    },
    /// One after the other, at the rate. A dial that would wait longer than `backlog` fails; one whose client has given up in
    /// the meantime is served all the same.
    Queue {
        /// The longest wait.
        backlog: Duration,
    },
}

words!(Model {
    Bucket => "bucket",
    Queue => "queue",
});

/// What a dial meets that no server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A refusal, after one round trip.
    Refused,
    /// Nothing: the dial fails when somebody loses [patience](Scenario::patience).
    Silent,
}

words!(Failure {
    Refused => "refused",
    Silent => "silent",
});

/// What an overloaded server says about when to dial again.
///
/// ```
/// use core::time::Duration;
/// use redial::Ratio;
/// use redial::presets;
/// use redial::sim::{Hints, Scenario, run};
///
/// for hints in [Hints::None, Hints::Appointments(Ratio::new_const(3, 2)), Hints::Window] {
///     let scenario = Scenario::new(1_000, 10).outage(Duration::from_secs(30)).hints(hints);
///     let report = run(&scenario, &presets::RECOMMENDED, 1);
///     println!("{hints:?}: {:.1} dials a client", report.attempts_per_client());
///     assert_eq!(report.online(), 1_000);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hints {
    /// Nothing.
    None,
    /// The same to everybody: at least so long ([`RetryAfter::AtLeast`]).
    Constant(Duration),
    /// To each client a time of its own ([`RetryAfter::Appointment`]), from a [`Book`](crate::advise::Book) of the server with
    /// this [overbooking](crate::advise::Config::overbooking), of 1/1,000 at least and 4 at most.
    Appointments(Ratio),
    /// To everybody the time that it takes to accept all clients that are not connected ([`RetryAfter::Window`]), in whole
    /// seconds.
    Window,
}

words!(Hints {
    None => "none",
    Constant => "constant",
    Appointments => "appointments",
    Window => "window",
});
