//! Every byte string is what happens to a connection, in any order and on any clock. What its health says agrees with itself and
//! with a plain list of what happened.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;

use redial::health::{Health, HealthConfig, HealthStatus, RECOVERY_BOUNDS, Recoveries};
use redial::testing::Script;
use redial::{Instant, Ratio};

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let mut builder = HealthConfig::new();
    if script.flag() {
        let share = Ratio::new_const(script.below(5), 1 + script.below(4));
        builder = builder.window(script.duration()).average_recovery(script.duration());
        builder = builder.failure_rate(share, script.below(4));
    }
    let Ok(config) = builder.build() else { return };
    assert!(!config.failure_rate().0.is_above_one() && config.average_recovery() <= Duration::MAX);
    let (mut health, mut now) = (Health::default(), Instant::ZERO);
    let (mut recoveries, mut succeeded) = (0, false);
    for _ in 0..400 {
        if script.is_done() {
            break;
        }
        now = match script.below(4) {
            0 => script.instant(),
            1 => now,
            _ => now.saturating_add(script.duration()),
        };
        match script.below(10) {
            0..=2 => {
                health.attempt_succeeded(&config, now);
                succeeded = true;
            }
            3 | 4 => {
                health.attempt_failed(&config, now);
                succeeded = false;
            }
            5 | 6 => health.lost(now),
            7 => health.paused(now),
            8 => health.unpaused(now),
            _ if script.flag() => health.slept(now, script.duration()),
            _ => {
                health.stopped(now);
                succeeded = false;
            }
        }
        let report = health.report(&config, now);
        let Recoveries { count, sum, max, histogram, .. } = report.recoveries;
        assert_eq!(histogram.iter().sum::<u32>(), count, "each is in one class");
        assert!(count >= recoveries && max <= sum, "{report:?}");
        assert!(count == 0 || sum <= max.saturating_mul(count), "{report:?}");
        recoveries = count;
        let last = RECOVERY_BOUNDS.last().copied().unwrap_or_default();
        assert_eq!(histogram.last().is_some_and(|longer| *longer > 0), max > last, "{report:?}");
        assert!(report.failed <= report.attempts);
        assert_eq!(report.alerts.any(), report.alerts.failure_rate || report.alerts.slow_recovery);
        assert!(report.uptime.is_none() || report.status != HealthStatus::Failing || !succeeded);
        assert!(!report.alerts.any() || report.status != HealthStatus::Ok, "{report:?}");
    }
}
