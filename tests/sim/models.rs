//! The servers, the losses, and what is measured of them.

use std::time::Duration;

use proptest::prelude::*;
use redial::sim::{Dial, Failure, Hints, Loss, Model, Reply, Scenario, Server, run, run_with};
use redial::{Config, Instant, Ratio, presets};

use super::same;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// W10. A client whose next answers are certain runs ahead of the others; the storm is the one in which nobody does.
#[test]
fn nobody_notices_that_a_client_runs_ahead() {
    /// Down for 40 s and in every third second after that, and otherwise for one of three; tells its outage in advance or not.
    struct Blinking {
        tells: bool,
        dials: u32,
    }

    impl Blinking {
        fn is_down(at: Instant) -> bool {
            let second = at.as_micros() / 1_000_000;
            second < 40 || second % 3 == 0
        }
    }

    impl Server for Blinking {
        fn dial(&mut self, now: Instant, _: Dial) -> Reply {
            if Self::is_down(now) {
                return Reply::DOWN;
            }
            self.dials += 1;
            if self.dials % 3 == 0 { Reply::ACCEPT } else { Reply::FULL }
        }

        fn foresee(&self, at: Instant, _: u8) -> Option<Reply> {
            (self.tells && Self::is_down(at)).then_some(Reply::DOWN)
        }
    }

    for (name, config) in presets::ALL {
        let losses = vec![Loss::at(secs(0)).over(secs(5)), Loss::at(secs(50)).zone(1, 3), Loss::at(secs(55))];
        let scenario = Scenario::new(200, 0).losses(losses).horizon(secs(600));
        let storm = |tells| {
            let mut server = Blinking { tells, dials: 0 };
            run_with(&scenario, config, 7, &mut server, |_, policy| policy)
        };
        assert!(same(&storm(true), &storm(false)), "{name}");
    }
}

/// A lone client of a server that takes everybody.
fn lone(blip: u64) -> Scenario {
    Scenario::new(1_000, u32::MAX).outage(secs(blip))
}

/// W11. A client without a storm: back within its first wait, and one dial for each that a short outage takes.
#[test]
fn a_lone_client_is_back_after_its_first_wait() {
    let report = run(&lone(0), &presets::AWS_FULL, 3);
    assert_eq!(
        (report.attempts(), report.peak(secs(0)), report.lost()),
        (1_000, report.peak(secs(0)), 1_000)
    );
    let longest = report.away(1_000).expect("all are back");
    let first = presets::AWS_FULL.backoff().initial_delay();
    assert!(longest <= first + Duration::from_millis(120), "{longest:?}");
    assert!(report.away(500) < report.away(900));
    assert_eq!(report.ratio(), None, "a server that takes everybody needs no time");
}

/// W12. A loss takes its zone and no other, each client once within its span.
#[test]
fn a_loss_takes_its_zone() {
    let scenario = Scenario::new(1_000, u32::MAX)
        .losses(vec![Loss::at(secs(100)).zone(1, 4), Loss::at(secs(200)).zone(3, 4).over(secs(50))]);
    let report = run(&scenario, &presets::RECOMMENDED, 3);
    assert_eq!((report.lost(), report.online(), report.attempts()), (500, 1_000, 500));
    let online = |second: usize| report.seconds()[second].online;
    assert_eq!((online(99), online(100) < 1_000, online(150)), (1_000, true, 1_000));
    assert!(report.back(1_000).is_some_and(|back| back > secs(240) && back < secs(252)));
    assert!(report.away(1_000).is_some_and(|away| away < secs(2)));
}

/// W13. Clients that are asked to go before they are cut, with a window, are back with one dial each and without a storm;
/// those that are only cut make one.
#[test]
fn a_restart_that_is_announced_makes_no_storm() {
    let storm = |loss: Loss| run(&Scenario::new(5_000, 50).losses(vec![loss]), &presets::RECOMMENDED, 3);
    let cut = storm(Loss::at(secs(0)));
    let told = storm(Loss::at(secs(300)).warned(secs(300), None));
    assert_eq!(told.lost(), 5_000);
    assert!(told.attempts_per_client() < cut.attempts_per_client() / 3.0, "{told:?}");
    assert!(told.peak(secs(0)) < cut.peak(secs(0)) / 20);
}

/// W14. A server that takes connections and drops them is dialled on the backoff; everybody is back once it keeps them.
#[test]
fn a_server_that_accepts_and_drops_is_dialled_on_the_backoff() {
    let scenario = Scenario::new(200, u32::MAX).accepts_then_drops(secs(120), secs(1));
    let report = run(&scenario, &presets::RECOMMENDED, 3);
    assert_eq!(report.online(), 200);
    let dials = report.attempts_per_client();
    assert!((4.0..12.0).contains(&dials), "{dials}");
    assert!(report.back(500).is_some_and(|back| back > secs(120)));
    assert!(report.away(500) < report.back(500), "it was connected in between");
}

/// W15. Of two regions, the clients of the one that is down go to the other.
#[test]
fn clients_of_a_region_that_is_down_go_to_the_next() {
    let one = Scenario::new(1_000, 100).capacity(0, secs(0), 0);
    let report = run(&one.clone().horizon(secs(60)), &presets::RECOMMENDED, 3);
    assert_eq!(report.online(), 0);
    let two = one.capacity(1, secs(0), 100);
    let report = run(&two, &presets::RECOMMENDED, 3);
    assert_eq!(report.online(), 1_000);
    assert!(report.failed_down_per_client() > 0.4, "half of them dial the wrong one first");
    assert!(report.back(1_000).is_some_and(|back| back >= secs(8)));
}

/// W16. New sessions take more of the server than resumed ones.
#[test]
fn a_fresh_start_is_dearer_than_a_resume() {
    let scenario = Scenario::new(2_000, 100).identify_cost(Ratio::new_const(3, 1));
    let resumed = run(&scenario, &presets::RECOMMENDED, 3);
    let fresh = run(&scenario.clone().sessions(false), &presets::RECOMMENDED, 3);
    let (resumed, fresh) = (resumed.ratio().expect("back"), fresh.ratio().expect("back"));
    assert!(fresh > 3.0 * resumed, "{fresh} {resumed}");
}

/// A storm in which an overloaded server says this; dials a client, and the time as a multiple of the ideal.
fn hinted(hints: Hints, heeded: Ratio, config: &Config) -> (f64, f64) {
    let scenario = Scenario::new(5_000, 50).outage(secs(20)).hints(hints).heeded(heeded);
    let report = run(&scenario, config, 3);
    (report.attempts_per_client(), report.ratio().expect("all are back"))
}

/// W17. A constant hint that everybody obeys keeps the herd together; one that is spread does not; who does not heed it is
/// not hurt.
#[test]
fn a_constant_hint_keeps_the_herd_together() {
    let constant = Hints::Constant(secs(30));
    let spread = presets::AWS_FULL.to_builder().retry_after_spread(Ratio::ONE).build().expect("valid");
    let obeyed = hinted(constant, Ratio::ONE, &presets::AWS_FULL);
    let spread = hinted(constant, Ratio::ONE, &spread);
    let nobody = hinted(constant, Ratio::ZERO, &presets::AWS_FULL);
    let without = hinted(Hints::None, Ratio::ONE, &presets::AWS_FULL);
    assert!(obeyed.0 > 1.1 * spread.0 && obeyed.1 > 1.5 * spread.1, "{obeyed:?} {spread:?}");
    assert!((nobody.0 / without.0 - 1.0).abs() < 0.02, "{nobody:?} {without:?}");
}

/// W29. Appointments and windows save time for few dials more; where only some clients heed them nobody pays much.
#[test]
fn appointments_save_time() {
    let appointments = Hints::Appointments(Ratio::new_const(3, 2));
    let storm = |hints, heeded| hinted(hints, heeded, &presets::RECOMMENDED);
    let nothing = storm(Hints::None, Ratio::ONE);
    let (told, window) = (storm(appointments, Ratio::ONE), storm(Hints::Window, Ratio::ONE));
    let partly = storm(appointments, Ratio::new_const(3, 10));
    let at_most = |found: (f64, f64), (dials, time): (f64, f64)| {
        assert!(found.0 < dials * nothing.0 && found.1 < time * nothing.1, "{found:?} {nothing:?}");
    };
    at_most(told, (1.12, 0.87));
    at_most(window, (1.0, 0.87));
    at_most(partly, (1.05, 1.08));
}

/// W30. A planned restart with a window: one dial a client, in the time that the server needs.
#[test]
fn a_window_before_a_restart_costs_one_dial() {
    let ideal = Scenario::new(5_000, 50).ideal(5_000);
    let loss = Loss::at(secs(300)).warned(secs(300), ideal);
    let report = run(&Scenario::new(5_000, 50).losses(vec![loss]), &presets::RECOMMENDED, 3);
    let (dials, ratio) = (report.attempts_per_client(), report.ratio().expect("all are back"));
    assert!(dials <= 1.05 && ratio <= 1.05, "{dials} {ratio}");
    assert_eq!((report.lost(), report.online()), (5_000, 5_000));
}

/// W18. The ideal is what the servers take in the time that they are up.
#[test]
fn the_ideal_follows_from_the_capacity() {
    let scenario = Scenario::new(1_000, 100);
    assert_eq!(scenario.ideal(1_000), Some(secs(10)));
    assert_eq!(scenario.clone().outage(secs(30)).ideal(1_000), Some(secs(10)));
    let brown = scenario.clone().outage(secs(30)).capacity(0, secs(35), 10).capacity(0, secs(45), 100);
    assert_eq!(brown.ideal(1_000), Some(secs(5 + 10 + 4)));
    assert_eq!(scenario.clone().capacity(1, secs(0), 100).ideal(1_000), Some(secs(5)));
    assert_eq!(scenario.capacity(0, secs(1), 0).ideal(1_000), None);
    assert_eq!(Scenario::new(7, u32::MAX).ideal(0), Some(Duration::ZERO));
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let span =
        || prop_oneof![Just(0_u64), 1..2_000_u64, Just(u64::MAX / 1_000)].prop_map(Duration::from_millis);
    let loss = (span(), span(), 0..4_u32, 0..4_u32, prop::option::of((span(), prop::option::of(span()))));
    let loss = loss.prop_map(|(at, over, zone, of, warning)| {
        let loss = Loss::at(at).over(over).zone(zone, of);
        warning.map_or(loss, |(before, window)| loss.warned(before, window))
    });
    let capacity = (any::<u8>(), span(), prop_oneof![Just(0), 1..50_u32, Just(u32::MAX)]);
    let knobs = (
        prop::collection::vec(loss, 0..4),
        prop::collection::vec(capacity, 0..5),
        prop::option::of(span()),
        prop::option::of(span()),
        (span(), span()),
        any::<[bool; 4]>(),
        (span(), span()),
    );
    (0..40_u32, prop_oneof![Just(0), 1..50_u32, Just(u32::MAX)], knobs).prop_map(|(clients, rate, knobs)| {
        let (losses, steps, outage, patience, (low, high), [queue, silent, kept, flaky], (burst, wait)) =
            knobs;
        let mut scenario = Scenario::new(clients, rate).losses(losses).patience(patience).network(low, high);
        for (region, from, rate) in steps {
            scenario = scenario.capacity(region, from, rate);
        }
        if let Some(outage) = outage {
            scenario = scenario.outage(outage);
        }
        if flaky {
            scenario = scenario.accepts_then_drops(burst, wait);
        }
        scenario
            .model(if queue { Model::Queue { backlog: burst } } else { Model::Bucket { burst } })
            .failure(if silent { Failure::Silent } else { Failure::Refused })
            .hints(if kept { Hints::Constant(wait) } else { Hints::None })
            .identify_cost(Ratio::TWO)
            .sessions(kept)
            .horizon(secs(120))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// W19. Every scenario is valid, and what its report counts adds up.
    #[test]
    fn every_scenario_runs_and_its_counts_add_up(scenario in any_scenario(), preset in 0..presets::ALL.len(), seed: u64) {
        let report = run(&scenario, presets::ALL[preset].1, seed);
        let dials: u64 = report.seconds().iter().map(|second| u64::from(second.dials)).sum();
        prop_assert_eq!(dials, report.attempts());
        prop_assert!(report.lost() <= report.clients());
        prop_assert!(report.online() + report.gave_up() <= report.clients());
        let last = report.seconds().last().map_or(report.clients(), |second| second.online);
        prop_assert_eq!(last, report.online());
        let away = report.clients() - report.online();
        prop_assert_eq!(report.back(1_000).is_some(), report.lost() > 0 && away == 0);
    }
}
