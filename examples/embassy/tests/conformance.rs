//! The clock of embassy-time under the conformance suite: with the driver of handles, and with the one without a heap.

mod common;
#[path = "../../../tests/common/heapless.rs"]
#[allow(dead_code, reason = "another test needs more of it")]
mod heapless;

use std::time::Duration;

use embassy_time::Duration as Ticks;
use redial::driver::Embassy;
use redial::testing::conformance;

/// How late a sleep on this clock may end, which moves in steps.
const LATE: Duration = Duration::from_millis(2);

#[test]
fn the_driver_with_handles_conforms() {
    let clock = common::clock();
    conformance::run_all(|| Embassy, |case| clock.run(case, Ticks::from_secs(7_200)), LATE).assert_passed();
}

#[test]
fn the_driver_without_a_heap_conforms() {
    let clock = common::clock();
    let report = conformance::run_driver(
        |policy, server, host| Box::new(heapless::Tested::new(policy, server, host)),
        || Embassy,
        |case| clock.run(case, Ticks::from_secs(7_200)),
        LATE,
    );
    assert!(report.cases > 25);
    report.assert_passed();
}
