//! The health of a connection through its public API: one test for each rule, and random calls against a naive model.

use core::time::Duration;

use proptest::prelude::*;
use redial::health::{Health, HealthConfig, HealthReport, HealthStatus, RECOVERY_BOUNDS};
use redial::{ConfigError, Instant, Ratio};

const CONFIG: HealthConfig = HealthConfig::DEFAULT;
const MINUTE: u64 = 60;

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn attempt(health: &mut Health, config: &HealthConfig, now: Instant, ok: bool) {
    if ok { health.attempt_succeeded(config, now) } else { health.attempt_failed(config, now) }
}

fn report(health: &Health, seconds: u64) -> HealthReport {
    health.report(&CONFIG, at(seconds))
}

fn status(health: &Health, seconds: u64) -> HealthStatus {
    report(health, seconds).status
}

fn attempts(health: &mut Health, seconds: u64, failed: u32, established: u32) {
    for ok in [false, true] {
        for _ in 0..if ok { established } else { failed } {
            attempt(health, &CONFIG, at(seconds), ok);
        }
    }
}

/// Established at 0, lost at 10 s, established again after `took`.
fn recovered(health: &mut Health, took: Duration) {
    health.attempt_succeeded(&CONFIG, at(0));
    health.lost(at(10));
    health.attempt_succeeded(&CONFIG, at(10).saturating_add(took));
}

/// Guide: more than 10 % failed attempts. Exactly 10 % is not more.
#[test]
fn guide_alert_failure_rate_over_a_tenth() {
    let mut health = Health::new();
    attempts(&mut health, 0, 1, 9);
    assert!(!report(&health, 0).alerts.any());
    assert_eq!(status(&health, 0), HealthStatus::Ok);
    attempts(&mut health, 0, 1, 9);
    attempts(&mut health, 0, 1, 8);
    let seen = report(&health, 0);
    assert_eq!((seen.failed, seen.attempts), (3, 29));
    assert!(seen.alerts.failure_rate && !seen.alerts.slow_recovery);
    assert_eq!(seen.status, HealthStatus::Degraded, "established, but not well");
}

/// Guide: in 5 minutes. What is older is not counted; the window is exact to a tenth.
#[test]
fn guide_alert_failure_rate_looks_back_five_minutes() {
    let mut health = Health::new();
    attempts(&mut health, 7 * MINUTE, 1, 1);
    assert!(report(&health, 12 * MINUTE).alerts.failure_rate);
    assert!(!report(&health, 12 * MINUTE + 30).alerts.failure_rate);
    assert_eq!(report(&health, 12 * MINUTE + 30).attempts, 0);
}

/// The threshold can be asked to wait for a number of attempts, and to be another one.
#[test]
fn failure_rate_is_configurable() {
    let half_of_four = CONFIG.to_builder().failure_rate(Ratio::new_const(1, 2), 4).build_const();
    let mut health = Health::new();
    attempts(&mut health, 0, 3, 0);
    assert!(!health.report(&half_of_four, at(0)).alerts.failure_rate, "too few");
    attempts(&mut health, 0, 0, 1);
    assert!(health.report(&half_of_four, at(0)).alerts.failure_rate);
    attempts(&mut health, 0, 0, 2);
    assert!(!health.report(&half_of_four, at(0)).alerts.failure_rate, "exactly a half");

    let short = CONFIG.to_builder().window(secs(10)).build_const();
    let mut health = Health::new();
    health.attempt_failed(&short, at(0));
    assert_eq!(health.report(&short, at(10)).failed, 1);
    assert_eq!(health.report(&short, at(11)).failed, 0);
}

/// Guide: an average time to recover of more than 30 s, over the recoveries of the window; exactly 30 s is not more.
#[test]
fn guide_alert_average_recovery_over_thirty_seconds() {
    let mut health = Health::new();
    recovered(&mut health, secs(30));
    assert!(!report(&health, 40).alerts.any());
    recovered(&mut health, secs(30) + Duration::from_micros(2));
    let seen = report(&health, 40);
    assert!(seen.alerts.slow_recovery && !seen.alerts.failure_rate);
    assert_eq!(seen.status, HealthStatus::Degraded);
    recovered(&mut health, secs(29));
    assert!(!report(&health, 40).alerts.any(), "the average counts, not the worst");
    assert!(
        health
            .report(&CONFIG.to_builder().average_recovery(secs(29)).build_const(), at(40))
            .alerts
            .slow_recovery
    );

    let mut health = Health::new();
    recovered(&mut health, secs(120));
    assert!(report(&health, 130 + 5 * MINUTE).alerts.slow_recovery);
    assert!(!report(&health, 130 + 6 * MINUTE).alerts.any(), "an old recovery is no alert");
    assert_eq!(report(&health, 130 + 6 * MINUTE).recoveries.count, 1, "but still counted");
}

/// Lifecycle 95, gRPC A62: failing is sticky. Waiting, dialling and failing again don't change it; only a connection that
/// is established does.
#[test]
fn lifecycle_95_failing_is_sticky_until_established() {
    let mut health = Health::new();
    assert_eq!(status(&health, 0), HealthStatus::Ok);
    attempts(&mut health, 0, 0, 20);
    health.lost(at(1));
    assert_eq!(status(&health, 1), HealthStatus::Degraded, "lost, and nothing has failed yet");
    health.attempt_failed(&CONFIG, at(2));
    for later in [2, 100, 10 * MINUTE, 10_000 * MINUTE] {
        assert_eq!(status(&health, later), HealthStatus::Failing);
    }
    health.attempt_failed(&CONFIG, at(10_000 * MINUTE));
    assert_eq!(status(&health, 10_000 * MINUTE), HealthStatus::Failing);
    health.lost(at(10_001 * MINUTE));
    assert_eq!(status(&health, 10_001 * MINUTE), HealthStatus::Failing);
    health.attempt_succeeded(&CONFIG, at(10_010 * MINUTE));
    assert_ne!(status(&health, 10_010 * MINUTE), HealthStatus::Failing);
}

/// Lifecycle 95: the very first connection can fail, too.
#[test]
fn lifecycle_95_failing_before_the_first_connection() {
    let mut health = Health::new();
    health.attempt_failed(&CONFIG, at(0));
    assert_eq!(status(&health, MINUTE), HealthStatus::Failing);
    health.attempt_succeeded(&CONFIG, at(MINUTE));
    assert_eq!(report(&health, MINUTE).recoveries.count, 0, "nothing was lost");
}

/// F106: a stop is no loss. It ends the uptime and whatever was failing, and the next connection is no recovery.
#[test]
fn f106_a_stop_is_neither_a_loss_nor_a_failure() {
    let mut health = Health::new();
    attempts(&mut health, 0, 0, 1);
    health.lost(at(10));
    health.attempt_failed(&CONFIG, at(20));
    health.stopped(at(30));
    assert_eq!(status(&health, 30 + 6 * MINUTE), HealthStatus::Ok);
    health.attempt_succeeded(&CONFIG, at(40));
    assert_eq!(report(&health, 40).recoveries.count, 0);
    health.stopped(at(45));
    assert_eq!(report(&health, 50).uptime, None);
    assert_eq!(report(&health, 50).last_uptime, Some(secs(5)));
}

/// F104, F107: count, sum, longest and classes of the times to recover survive every reconnect and every window.
#[test]
fn f104_f107_recoveries_are_counted_for_good() {
    let mut health = Health::new();
    for seconds in [1, 301, 4, 30, 31] {
        recovered(&mut health, secs(seconds));
    }
    let recoveries = report(&health, 1_000_000).recoveries;
    assert_eq!((recoveries.count, recoveries.sum, recoveries.max), (5, secs(367), secs(301)));
    assert_eq!(recoveries.histogram, [1, 0, 1, 0, 1, 1, 0, 0, 1]);
}

/// Each class ends with its bound, inclusive, and the next one begins 1 µs later.
#[test]
fn the_classes_of_the_histogram_have_no_gap() {
    assert!(RECOVERY_BOUNDS.is_sorted());
    assert!(RECOVERY_BOUNDS.contains(&secs(30)), "the alert's threshold can be read off");
    for (class, bound) in RECOVERY_BOUNDS.into_iter().enumerate() {
        for (more, offset) in [(0, Duration::ZERO), (1, Duration::from_micros(1))] {
            let mut health = Health::new();
            recovered(&mut health, bound + offset);
            assert_eq!(report(&health, 0).recoveries.histogram[class + more], 1, "{bound:?} + {offset:?}");
        }
    }
}

/// A recovery takes from the loss to the next established connection, whatever failed in between; a second loss before
/// that is not another one.
#[test]
fn a_recovery_takes_from_the_loss_to_the_next_connection() {
    let mut health = Health::new();
    attempts(&mut health, 0, 0, 1);
    health.lost(at(10));
    attempts(&mut health, 12, 1, 0);
    health.lost(at(14));
    attempts(&mut health, 15, 1, 0);
    attempts(&mut health, 17, 0, 1);
    let recoveries = report(&health, 17).recoveries;
    assert_eq!((recoveries.count, recoveries.sum), (1, secs(7)));
}

/// Report 73: time in which nothing could be tried is no time of a recovery. A night in a hidden tab leaves what the dial
/// took.
#[test]
fn report_73_a_night_in_a_hidden_tab_is_no_slow_recovery() {
    let mut health = Health::new();
    attempts(&mut health, 0, 0, 1);
    health.paused(at(60));
    health.lost(at(61));
    health.unpaused(at(8 * 60 * MINUTE));
    health.attempt_succeeded(&CONFIG, at(8 * 60 * MINUTE).saturating_add(Duration::from_millis(110)));
    let seen = report(&health, 8 * 60 * MINUTE + 1);
    assert_eq!((seen.recoveries.count, seen.recoveries.max), (1, Duration::from_millis(110)));
    assert_eq!((seen.alerts.slow_recovery, seen.status), (false, HealthStatus::Ok));
    assert_eq!(seen.last_uptime, Some(secs(61)), "a pause is no end of a connection");
}

/// Report 73: several pauses and sleeps within one recovery, before the loss and across it, said twice, and ended without
/// a beginning: each second in which something could be tried counts once.
#[test]
fn report_73_pauses_and_sleep_are_left_out_once() {
    let recovery = |tell: &dyn Fn(&mut Health)| {
        let mut health = Health::new();
        attempts(&mut health, 0, 0, 1);
        health.lost(at(100));
        tell(&mut health);
        attempts(&mut health, 200, 0, 1);
        let recoveries = report(&health, 200).recoveries;
        assert_eq!(recoveries.count, 1);
        recoveries.sum
    };
    assert_eq!(recovery(&|_| {}), secs(100));
    assert_eq!(recovery(&|health| health.unpaused(at(150))), secs(100), "nothing was paused");
    assert_eq!(
        recovery(&|health| {
            for (from, to) in [(110, 120), (120, 125), (190, 195)] {
                health.paused(at(from));
                health.paused(at(from + 2));
                health.unpaused(at(to));
                health.unpaused(at(to + 1));
            }
        }),
        secs(80)
    );
    assert_eq!(recovery(&|health| health.paused(at(140))), secs(40), "the connection came back in a pause");
    assert_eq!(recovery(&|health| health.slept(at(180), secs(70))), secs(30));
    assert_eq!(recovery(&|health| health.slept(at(180), secs(7_000))), secs(20), "asleep before the loss");
    assert_eq!(
        recovery(&|health| {
            health.paused(at(130));
            health.slept(at(180), secs(60));
            health.unpaused(at(190));
        }),
        secs(30),
        "asleep from 120 on, and parked from 130 to 190"
    );
    let mut health = Health::new();
    attempts(&mut health, 0, 0, 1);
    health.paused(at(10));
    health.stopped(at(20));
    attempts(&mut health, 30, 0, 1);
    health.lost(at(40));
    health.unpaused(at(50));
    attempts(&mut health, 51, 0, 1);
    assert_eq!(report(&health, 51).recoveries.sum, secs(1), "a stop does not end a pause");
}

/// F105: the uptime is that of the connection at hand; that of the one before is kept.
#[test]
fn f105_uptime_restarts_with_every_connection() {
    let mut health = Health::new();
    assert_eq!(report(&health, 0).uptime, None);
    attempts(&mut health, 10, 0, 1);
    assert_eq!((report(&health, 70).uptime, report(&health, 70).last_uptime), (Some(secs(60)), None));
    health.lost(at(70));
    assert_eq!((report(&health, 80).uptime, report(&health, 80).last_uptime), (None, Some(secs(60))));
    attempts(&mut health, 90, 0, 1);
    assert_eq!(
        (report(&health, 95).uptime, report(&health, 95).last_uptime),
        (Some(secs(5)), Some(secs(60)))
    );
    attempts(&mut health, 100, 0, 1);
    assert_eq!(
        (report(&health, 101).uptime, report(&health, 101).last_uptime),
        (Some(secs(1)), Some(secs(10)))
    );
}

/// S98: a clock that runs backwards makes a time zero, not huge, and loses no count.
#[test]
fn s98_a_rewound_clock_is_harmless() {
    let mut health = Health::new();
    attempts(&mut health, 10_000, 1, 1);
    assert_eq!(report(&health, 0).uptime, Some(Duration::ZERO));
    health.lost(at(20_000));
    attempts(&mut health, 0, 0, 1);
    let seen = report(&health, 0);
    assert_eq!((seen.recoveries.max, seen.failed, seen.attempts), (Duration::ZERO, 1, 3));
    assert_eq!(report(&health, 6 * MINUTE).attempts, 0, "and keeps none until the clock has caught up");
}

#[test]
fn a_config_that_could_misbehave_cannot_be_built() {
    assert_eq!(CONFIG.to_builder().window(Duration::ZERO).build(), Err(ConfigError::WindowZero));
    assert_eq!(CONFIG.to_builder().failure_rate(Ratio::TWO, 1).build(), Err(ConfigError::ShareRange));
    assert_eq!(HealthStatus::Failing.as_str(), "failing");
}

proptest! {
    /// Any calls with a clock that moves on: what is counted is what a list of all events says.
    #[test]
    fn counts_agree_with_a_list(
        calls in prop::collection::vec((0_u8..7, 0_u64..40_000_000), 0..150),
        quiet in 0_u64..400_000_000,
    ) {
        let mut health = Health::new();
        let (mut now, mut attempts, mut took) = (0, Vec::new(), Vec::new());
        let (mut up, mut lost, mut failing) = (None, None, false);
        // How much time could be used since the loss, added up from call to call.
        let (mut paused, mut usable) = (false, 0);
        for (call, step) in calls {
            now += step;
            // Asleep for the second half of the step: nobody calls anything then.
            let slept = if call == 6 { step / 2 } else { 0 };
            usable += if paused { 0 } else { step - slept };
            let instant = Instant::from_micros(now);
            match call {
                0 | 1 => {
                    let ok = call == 1;
                    attempt(&mut health, &CONFIG, instant, ok);
                    attempts.push((now, ok));
                    failing = !ok;
                    if ok {
                        up = Some(now);
                        took.extend(lost.take().map(|()| usable));
                    }
                }
                2 => {
                    health.lost(instant);
                    if up.take().is_some() {
                        (lost, usable) = (Some(()), 0);
                    }
                }
                3 => {
                    health.stopped(instant);
                    (up, lost, failing) = (None, None, false);
                }
                4 => {
                    health.paused(instant);
                    paused = true;
                }
                5 => {
                    health.unpaused(instant);
                    paused = false;
                }
                _ => health.slept(instant, Duration::from_micros(slept)),
            }
        }
        now += quiet;
        let seen = health.report(&CONFIG, Instant::from_micros(now));
        // A slot is 30 s: the newest one and ten full ones.
        let since = (now / 30_000_000).saturating_sub(10) * 30_000_000;
        let window: Vec<_> = attempts.iter().filter(|(at, _)| *at >= since).collect();
        prop_assert_eq!(seen.attempts as usize, window.len());
        prop_assert_eq!(seen.failed as usize, window.iter().filter(|(_, ok)| !ok).count());
        prop_assert_eq!(seen.alerts.failure_rate, seen.failed * 10 > seen.attempts);
        prop_assert_eq!(seen.recoveries.count as usize, took.len());
        prop_assert_eq!(seen.recoveries.sum, Duration::from_micros(took.iter().sum()));
        prop_assert_eq!(seen.recoveries.histogram.iter().sum::<u32>(), seen.recoveries.count);
        prop_assert_eq!(seen.uptime, up.map(|up| Duration::from_micros(now - up)));
        prop_assert_eq!(seen.status == HealthStatus::Failing, failing);
    }

    /// Any instants and any configuration: nothing panics or overflows.
    #[test]
    fn any_instants(
        calls in prop::collection::vec((0_u8..7, any::<u64>(), any::<u64>()), 0..100),
        window in 1_u64..,
        average in any::<u64>(),
    ) {
        let config = CONFIG.to_builder()
            .window(Duration::from_micros(window))
            .average_recovery(Duration::from_micros(average)).build().expect("valid");
        let mut health = Health::new();
        for (call, micros, gap) in calls {
            let now = Instant::from_micros(micros);
            match call {
                0 | 1 => attempt(&mut health, &config, now, call == 1),
                2 => health.lost(now),
                3 => health.stopped(now),
                4 => health.paused(now),
                5 => health.unpaused(now),
                _ => health.slept(now, Duration::from_micros(gap)),
            }
            let seen = health.report(&config, now);
            prop_assert!(seen.failed <= seen.attempts && seen.recoveries.max <= seen.recoveries.sum);
        }
    }
}
