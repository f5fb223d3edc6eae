//! Every state that a policy can get into: S92 to S98 after each step, and from each state a connection within a bound once
//! the faults stop.
//!
//! `cargo test` goes a few steps far, and closes the smallest case: no step leads out of what was found. `ci/states.sh` goes as
//! far as ten million states need.

#![allow(unreachable_pub, reason = "the modules are those of one program")]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

mod configs;
mod events;
#[path = "../harness/mod.rs"]
mod harness;
mod search;
mod space;

use redial::endpoints::{FixedEndpoints, SingleEndpoint};
use redial::subscriptions::FixedSubscriptions;
use redial::{Config, Policy, SplitMix64};
use std::collections::BTreeMap;

use configs::{CASES, CLOSED, Case};
use harness::{Bases, KEYS, Lent, Subject};
use search::{Found, search};
use space::{Explored, Policies};

/// How many states of a case, if it has so many: `REDIAL_STATES` in the environment, as `ci/states.sh` sets it.
fn states() -> usize {
    std::env::var("REDIAL_STATES").ok().and_then(|states| states.parse().ok()).unwrap_or(300)
}

fn explore(case: &Case, states_at_least: usize) -> Found {
    match (case.endpoints, case.handover) {
        (1, None) => explore_from(case, policy(case, SingleEndpoint), states_at_least),
        (1, handover) => {
            explore_from(case, policy(case, SingleEndpoint).with_handover(handover), states_at_least)
        }
        (count, _) => {
            let endpoints = FixedEndpoints::<3>::new(count).expect("at most 3");
            explore_from(case, policy(case, endpoints), states_at_least)
        }
    }
}

fn policy<E: Bases>(case: &Case, endpoints: E) -> Subject<E, u8, Lent<'_>, KEYS> {
    Policy::from_parts(Lent(&case.config), SplitMix64::new(0), FixedSubscriptions::new(), endpoints)
}

fn explore_from(case: &Case, policy: impl Explored, states_at_least: usize) -> Found {
    let space = Policies::new(case, policy);
    let found = search(&space, states_at_least).unwrap_or_else(|failure| panic!("{}", space.story(&failure)));
    let Found { states, steps, depth, closed, compared } = found;
    println!(
        "{:12} {states:>9} states, {steps:>10} steps, {} {depth:>2}, {compared:>4} compared, online within {:?}",
        case.name,
        if closed { "closed at depth" } else { "up to depth" },
        space.slowest(),
    );
    found
}

/// S92 to S98, with every knob.
#[test]
fn every_state_keeps_the_invariants_and_gets_online_again() {
    let only = std::env::var("REDIAL_CASE").ok();
    let chosen = |case: &&Case| only.as_deref().is_none_or(|name| name == case.name);
    let total: usize = CASES.iter().filter(chosen).map(|case| explore(case, states()).states).sum();
    println!("{total} states");
}

/// S92 to S98 in all states that there are: no step leads out of them.
#[test]
fn the_smallest_case_has_no_more_states() {
    let found = explore(&CLOSED, usize::MAX);
    assert!(found.closed, "{found:?}");
}

/// Each setting differs from its default in one case at least, so that none of them is unexplored.
#[test]
fn the_cases_use_every_knob() {
    let default = flat(&Config::new(CASES[0].config.backoff()).build_const());
    let cases: Vec<_> = CASES.iter().map(|case| flat(&case.config)).collect();
    let mut unused: Vec<&String> = Vec::new();
    for (path, value) in &default {
        // It follows from the others.
        if path == "backoff.plain" || path == "backoff.rare" || path.starts_with("classifier.") {
            continue;
        }
        if !cases.iter().any(|case| case.get(path) != Some(value)) {
            unused.push(path);
        }
    }
    assert!(unused.is_empty(), "no case has another {unused:?}");
}

/// The settings of a config, and of what it is made of, as they are printed.
fn flat(config: &Config) -> BTreeMap<String, String> {
    let (mut settings, mut path) = (BTreeMap::<String, String>::new(), Vec::new());
    for line in format!("{config:#?}").lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let (name, value) = line.trim().split_once(": ").unwrap_or(("", line.trim()));
        if depth <= 2 && !name.is_empty() {
            path.truncate(depth - 1);
            path.push(name);
        }
        // What is deeper is a part of the value.
        *settings.entry(path.join(".")).or_default() += value;
    }
    settings.retain(|_, value| !value.ends_with('{'));
    settings
}
