//! `redial::sim`: the storms that it gives are those that were measured, and one seed gives one storm.

mod models;
mod peers;
mod presets;

use std::time::Duration;

use redial::sim::{Failure, Model, Report, Scenario, run};

use peers::{Peer, peers};

/// A cell of the table of peers: the time after which a failure is known, and the length of the outage.
fn cell(clients: u32, number: usize) -> Scenario {
    let outage = [0, 30, 300][number % 3];
    let scenario = Scenario::new(clients, clients / 100).outage(Duration::from_secs(outage));
    match number / 3 {
        0 => scenario,
        1 => scenario.failure(Failure::Silent).patience(Some(Duration::from_secs(1))),
        _ => scenario.failure(Failure::Silent).patience(Some(Duration::from_secs(10))),
    }
}

/// How far a figure is from the one that was measured, as a share of it.
fn off(found: Option<f64>, measured: f64) -> f64 {
    match found {
        None if measured == f64::INFINITY => 0.0,
        None => f64::INFINITY,
        Some(found) => (found / measured - 1.0).abs(),
    }
}

/// How much of a table is recomputed: all of it in `ci/proofs.sh`, a part that moves through it otherwise.
fn part() -> usize {
    if std::env::var_os("REDIAL_DEEPER").is_some() { 1 } else { 37 }
}

/// W07. The defaults of 17 peers, in nine storms each, within 5 % of what another simulator measured. With 10,000 clients, to
/// which its 100,000 are in proportion; where 99 % of them lie in the gap between two generations of dials, with as many.
#[test]
fn the_storms_of_peers_are_those_that_were_measured() {
    const IN_A_GAP: [(&str, usize); 3] =
        [("AWS equal jitter 60", 1), ("AWS equal jitter 120", 5), ("backon with jitter", 5)];
    let mut wrong = Vec::new();
    let cells = peers().into_iter().flat_map(|Peer { name, config, measured }| {
        measured.into_iter().enumerate().map(move |(number, measured)| (name, config, number, measured))
    });
    for (name, config, number, (ratio, dials)) in cells.step_by(part()) {
        let clients = if IN_A_GAP.contains(&(name, number)) { 100_000 } else { 10_000 };
        let report = run(&cell(clients, number), &config, 1);
        let found = (report.ratio(), report.attempts_per_client());
        if off(found.0, ratio).max(off(Some(found.1), dials)) > 0.05 {
            wrong.push(format!("{name}, cell {number}: {found:.2?} and not {ratio:.2}, {dials:.2}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// W08. A server whose queue is longer than its clients' patience serves the dead. Which peers' clients then never come back,
/// and how soon the others do, is what was measured, within 5 %.
#[test]
fn a_queue_of_abandoned_dials_drains_for_those_for_whom_it_drained() {
    let server = Scenario::new(10_000, 100)
        .outage(Duration::from_secs(30))
        .model(Model::Queue { backlog: Duration::from_secs(10) })
        .patience(Some(Duration::from_secs(5)))
        .horizon(Duration::from_secs(3_000));
    let measured = [
        ("15 s", f64::INFINITY),
        ("carbon before 2026-03", f64::INFINITY),
        ("zen_websocket", f64::INFINITY),
        ("AWS full jitter 30", f64::INFINITY),
        ("AWS full jitter 120", f64::INFINITY),
        ("AWS equal jitter 60", f64::INFINITY),
        ("AWS equal jitter 120", 3.12),
        ("phoenix.js", f64::INFINITY),
        ("SignalR", f64::INFINITY),
        ("centrifuge-js", f64::INFINITY),
        ("twilight", 23.19),
        ("backon with jitter", 3.11),
        ("backon", 6.71),
        ("retry-policies", 6.35),
        ("failsafe", 2.67),
    ];
    let peers = peers();
    let mut wrong = Vec::new();
    for (name, ratio) in measured.into_iter().step_by(part().div_ceil(4)) {
        let peer = peers.iter().find(|peer| peer.name == name).expect("a peer of the table");
        let report = run(&server, &peer.config, 1);
        if off(report.ratio(), ratio) > 0.05 {
            wrong.push(format!("{name}: {:.2?} and not {ratio:.2}", report.ratio()));
        }
        let (dead, drains) = (report.abandoned_per_client(), report.ratio().is_some());
        assert!(if drains { dead < 3.0 } else { dead > 10.0 }, "{name}: {dead}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn same(one: &Report, other: &Report) -> bool {
    (one.attempts(), one.online(), one.seconds()) == (other.attempts(), other.online(), other.seconds())
        && (0..=1_000)
            .all(|share| (one.back(share), one.away(share)) == (other.back(share), other.away(share)))
}

/// W09. A run is a function of the scenario, the config and the seed.
#[test]
fn one_seed_gives_one_storm() {
    for Peer { config, .. } in peers().into_iter().step_by(3) {
        let scenario = cell(300, 1);
        let storms = [1, 1, 2].map(|seed| run(&scenario, &config, seed));
        assert_eq!(storms[0], storms[1]);
        assert!(!same(&storms[0], &storms[2]));
    }
}
