//! A million policies through one full outage of their service, on one core.
//!
//! ```text
//! cargo run --release --example fleet
//! ```
//!
//! The policies lie in one `Vec` and share one config; each has a generator of 8 bytes. A timer wheel holds their
//! deadlines. The time is the fleet's own, so an outage of a minute takes as long as its decisions take.

mod fleet;
mod stopwatch;
mod wheel;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use redial::rand_core::Rng;
use redial::{Config, Policy, SplitMix64};

use fleet::Fleet;
use stopwatch::Stopwatch;

/// A million policies through one full outage of their service, on one core.
///
/// All are online. The server drops them at once, refuses every dial during the outage, and then accepts no more in a
/// second than it can take. Exit status 0 if every policy is online and stable at the end, otherwise 1. Equal seeds
/// give equal decisions, and so equal checksums.
#[derive(Parser)]
#[command(name = "fleet")]
struct Arguments {
    /// How many policies.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    policies: u32,
    /// The seed of the policies' seeds.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long every dial is refused, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    outage: u64,
    /// How many connections the server accepts in a second afterwards; by default a fortieth of them.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    accepts: Option<u32>,
    /// Shows how the cost of an event grows instead: 1, 1,000, 1,000,000 and 10,000,000 policies, as far as --policies
    /// goes.
    #[arg(long)]
    growth: bool,
    /// Hands every policy so many quiet facts in random order instead.
    #[arg(long)]
    quiet: Option<u64>,
    /// Prints lines of group, name, value and unit, separated by tabs.
    #[arg(long)]
    tsv: bool,
}

impl Arguments {
    fn fleet(&self, policies: u32) -> Fleet {
        Fleet::new(policies, self.seed, self.accepts.unwrap_or(policies / 40).max(1))
    }

    fn outage(&self) -> Duration {
        Duration::from_secs(self.outage)
    }

    /// One line for eyes or for a program.
    fn line(&self, name: &str, value: &str, unit: &str) {
        if self.tsv {
            println!("fleet\t{name}\t{value}\t{unit}");
        } else {
            println!("{:<28}{value:>22} {unit}", name.replace('-', " "));
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.quiet {
        Some(passes) => quiet(&arguments, passes),
        None if arguments.growth => growth(&arguments),
        None => outage(&arguments),
    }
}

fn outage(arguments: &Arguments) -> ExitCode {
    let mut fleet = arguments.fleet(arguments.policies);
    let watch = Stopwatch::start();
    let report = fleet.outage(arguments.outage());
    let took = watch.elapsed();
    let [policy, timer, answer] = fleet.bytes();
    let online = fleet.online();
    let print = |name, value: u64, unit| arguments.line(name, &value.to_string(), unit);
    print("policies", arguments.policies.into(), "policies");
    print("config-shared-by-all", size_of::<Config>() as u64, "bytes");
    print("policy", policy as u64, "bytes");
    print("timer", timer as u64, "bytes");
    print("answers-under-way", answer as u64, "bytes");
    if let Some(peak) = resident() {
        print("resident-at-most", peak, "bytes");
        print("resident-per-policy", peak / u64::from(arguments.policies), "bytes");
    }
    print("outage", arguments.outage, "s");
    arguments.line("online-after", &format!("{:.3}", report.online_after.as_secs_f64()), "s");
    arguments.line("stable-after", &format!("{:.3}", report.lasted.as_secs_f64()), "s");
    print("dials", report.dials, "dials");
    print("dials-at-peak", report.peak.into(), "dials/s");
    print("events", report.events, "events");
    arguments.line("took", &format!("{:.3}", took.as_secs_f64()), "s");
    // The scheduler's account may be too coarse for a small fleet.
    if took > Duration::from_millis(10) {
        print("events-per-second", (report.events as f64 / took.as_secs_f64()) as u64, "events/s");
    }
    arguments.line("checksum", &format!("{:016x}", report.checksum), "of every decision");
    print("online-at-the-end", online as u64, "policies");
    if online == arguments.policies as usize { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Outages of fleets of every size, one after the other until ten million events or more were handled.
fn growth(arguments: &Arguments) -> ExitCode {
    let mut all_online = true;
    for policies in [1, 1_000, 1_000_000, 10_000_000].into_iter().filter(|size| *size <= arguments.policies) {
        let mut fleet = arguments.fleet(policies);
        let (mut events, watch) = (0, Stopwatch::start());
        while events < 10_000_000 {
            events += fleet.outage(arguments.outage()).events;
        }
        let took = watch.elapsed();
        all_online &= fleet.online() == policies as usize;
        let nanos = took.as_nanos() as f64 / events as f64;
        arguments.line(&format!("event-with-{policies}-policies"), &format!("{nanos:.1}"), "ns");
    }
    if all_online { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Numbers of the session, one for each policy in each pass.
fn quiet(arguments: &Arguments, passes: u64) -> ExitCode {
    let mut fleet = arguments.fleet(arguments.policies);
    let mut rng = SplitMix64::new(arguments.seed);
    let mut order: Vec<u32> = (0..arguments.policies).collect();
    for place in (1..order.len()).rev() {
        order.swap(place, (rng.next_u64() % (place as u64 + 1)) as usize);
    }
    let watch = Stopwatch::start();
    for pass in 1..=passes {
        fleet.quiet(&order, 1 + pass);
    }
    let facts = passes * u64::from(arguments.policies);
    let nanos = watch.elapsed().as_nanos() as f64 / facts as f64;
    arguments.line("quiet-facts", &facts.to_string(), "events");
    arguments.line("quiet-fact", &format!("{nanos:.1}"), "ns");
    ExitCode::SUCCESS
}

/// The most memory that this process had, in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

const _: () = assert!(size_of::<Policy<SplitMix64>>() <= 512, "a million of them are to fit in memory");
