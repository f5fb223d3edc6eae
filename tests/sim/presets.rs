//! The presets of this project against each other and against its peers, in a few storms that are quick to run. `STORMS.md` has the
//! large sets.

use std::fmt::Write as _;
use std::time::Duration;

use redial::sim::{Failure, Scenario, run};
use redial::{Config, Jitter, presets};

const OURS: [&str; 5] = ["recommended", "fleet", "eager", "few", "battery"];

/// What the presets came to in these storms when they were chosen.
const SNAPSHOT: &str = include_str!("presets.tsv");

fn preset(name: &str) -> &'static Config {
    presets::by_name(name).unwrap_or_else(|| panic!("no preset {name}"))
}

/// Outages of 0 to 600 s of servers that need 12 to 700 s, refused at once or known after 5 s.
fn storms() -> Vec<Scenario> {
    let storm = |(outage, per_second, silent): (u64, u32, bool)| {
        let storm = Scenario::new(1_400, per_second).outage(Duration::from_secs(outage));
        if silent { storm.failure(Failure::Silent).patience(Some(Duration::from_secs(5))) } else { storm }
    };
    let storms = [
        (0, 2, false),
        (0, 14, false),
        (0, 100, false),
        (7, 5, true),
        (20, 40, false),
        (45, 9, true),
        (90, 3, false),
        (150, 20, true),
        (300, 60, false),
        (600, 7, true),
    ];
    storms.map(storm).to_vec()
}

/// Dials a client, and the geometric mean of the times as multiples of the ideal.
fn measure(config: &Config) -> (f64, f64) {
    let storms = storms();
    let (mut dials, mut logarithms) = (0.0, 0.0);
    for (seed, storm) in (1..).zip(&storms) {
        let report = run(storm, config, seed);
        dials += report.attempts_per_client();
        logarithms += report.ratio().expect("all are back").ln();
    }
    let count = storms.len() as f64;
    (dials / count, (logarithms / count).exp())
}

/// W31. What the presets come to is what it was; to change it on purpose, run this with `BLESS=1` in the environment.
#[test]
fn the_presets_are_what_they_were_chosen_for() {
    let mut table = String::new();
    for name in OURS {
        let (dials, time) = measure(preset(name));
        writeln!(table, "{name}\t{dials:.4}\t{time:.4}").expect("text");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/presets.tsv"), &table)
            .expect("the file");
    } else {
        assert_eq!(table, SNAPSHOT);
    }
}

/// W32. They are in this order, from the one that spares the server to the one that is back soonest; a jitter over a quarter to all of
/// the wait takes fewer dials than full jitter, and is as soon.
#[test]
fn each_preset_buys_time_with_dials() {
    let measured = ["battery", "recommended", "fleet", "eager"].map(|name| measure(preset(name)));
    for pair in measured.windows(2) {
        assert!(pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1, "{measured:?}");
    }
    let few = preset("few");
    let full = few.backoff().to_builder().jitter(Jitter::Full).build().expect("valid");
    let full = few.to_builder().backoff(full).build().expect("valid");
    let (few, full) = (measure(few), measure(&full));
    assert!(few.0 < full.0 * 0.95 && few.1 < full.1 * 1.02, "{few:?} {full:?}");
}
