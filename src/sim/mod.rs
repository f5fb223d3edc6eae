//! A reconnect storm, simulated: what a config does when thousands of clients have it, before it ships.
//!
//! Thousands of clients that lose their connections together decide together when to dial again. Whether their server recovers from
//! that, how soon, and how many dials it takes, follows from their configs, and none of it shows with one client. [`run`] gives
//! every client a [`Policy`] with the config, takes their connections, and answers their dials as the servers of a
//! [`Scenario`] would:
//!
//! ```
//! use core::time::Duration;
//! use redial::presets;
//! use redial::sim::{Scenario, run};
//!
//! // The server is gone for a minute. Then it takes 20 of its 2,000 clients a second, which is 100 s of work.
//! let scenario = Scenario::new(2_000, 20).outage(Duration::from_secs(60));
//! let report = run(&scenario, &presets::RECOMMENDED, 1);
//! println!(
//!     "{:.1} dials a client, 99 % back after {:?}, {:.2} times the ideal",
//!     report.attempts_per_client(),
//!     report.back(990),
//!     report.ratio().unwrap_or(f64::INFINITY),
//! );
//! # assert_eq!(report.online(), 2_000);
//! ```
//!
//! The same scenario, config and seed give the same [`Report`], on every machine. The clock is the run's own, so a storm of an
//! hour takes as long as its decisions take, which is about 300 ns a dial.
//!
//! # What the model leaves out
//!
//! A refusal costs the server nothing. The clients' clocks neither drift nor stop. A dial is one round trip: what follows it
//! until a session is ready is answered at once, and counts as [capacity](Scenario::identify_cost) only.

mod calendar;
mod fleet;
mod report;
mod scenario;
mod server;

use crate::endpoints::{FixedEndpoints, SingleEndpoint};
use crate::policy::{Config, Policy};
use crate::rng::SplitMix64;
use crate::subscriptions::NoSubscriptions;

use fleet::Fleet;
pub use report::{Report, Second};
pub use scenario::{Failure, Hints, Loss, Model, Scenario};
pub use server::{Dial, Lack, Reply, Server};

/// The policy of a client of one server, as [`run_with`] hands it over.
pub type Client<'a> = Policy<SplitMix64, (), NoSubscriptions, &'a Config, SingleEndpoint>;

/// Runs a scenario in which every client has this config. Equal arguments give equal reports.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::sim::{Loss, Scenario, run};
///
/// // All connections are lost within a second; the server accepts 50 of its 1,000 clients a second.
/// let scenario = Scenario::new(1_000, 50).losses(vec![Loss::at(Duration::ZERO).over(Duration::from_secs(1))]);
/// let report = run(&scenario, &presets::FLEET, 1);
/// assert_eq!((report.lost(), report.online()), (1_000, 1_000));
/// assert_eq!(report, run(&scenario, &presets::FLEET, 1), "the same seed, the same storm");
/// ```
#[must_use]
pub fn run(scenario: &Scenario, config: &Config, seed: u64) -> Report {
    let mut servers = server::Models::new(scenario);
    let rng = SplitMix64::new(0);
    let regions = scenario.regions.len();
    match u8::try_from(regions)
        .ok()
        .filter(|regions| *regions > 1)
        .map(FixedEndpoints::<{ scenario::REGIONS }>::new)
    {
        Some(Ok(endpoints)) => {
            let first = Policy::new(config, rng).with_endpoints(endpoints);
            Fleet::new(scenario, &mut servers, seed, first, |_, policy| policy).run()
        }
        _ => Fleet::new(scenario, &mut servers, seed, Policy::new(config, rng), |_, policy| policy).run(),
    }
}

/// The same with servers of your own, and with policies of your own: `client` gets the number of each client and its policy,
/// which is connected and has a generator of its own, and returns the policy that the run drives.
///
/// What the scenario says about capacity, failures, hints and drops is the servers' to know; it still says what the
/// [ideal](Scenario::ideal) is. Every client has one endpoint, in region 0.
///
/// ```
/// use redial::backoff::WindowPhase;
/// use redial::presets;
/// use redial::sim::{Dial, Reply, Scenario, Server, run_with};
/// use redial::Instant;
///
/// /// Takes everybody.
/// struct Open;
///
/// impl Server for Open {
///     fn dial(&mut self, _: Instant, _: Dial) -> Reply {
///         Reply::ACCEPT
///     }
/// }
///
/// // Clients that have a number each take their places in the windows by it.
/// let (scenario, mut server) = (Scenario::new(100, 0), Open);
/// let report = run_with(&scenario, &presets::RECOMMENDED, 1, &mut server, |number, policy| {
///     policy.with_window_phase(WindowPhase::of_client(number.into()))
/// });
/// assert_eq!(report.attempts(), 100);
/// ```
#[must_use]
pub fn run_with<'a, V: Server>(
    scenario: &'a Scenario,
    config: &'a Config,
    seed: u64,
    server: &'a mut V,
    client: impl FnMut(u32, Client<'a>) -> Client<'a>,
) -> Report {
    Fleet::new(scenario, server, seed, Policy::new(config, SplitMix64::new(0)), client).run()
}
