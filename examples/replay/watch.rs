//! What stands beside a policy and looks on: health, and the lines for people.

use std::time::Duration;

use redial::handover::HandoverStats;
use redial::health::{Alerts, Health, HealthConfig, HealthReport, HealthStatus};
use redial::{Explanation, Instant, Phase, Stats};

use super::decisions::{number, quoted};
use super::fact::Epochs;
use super::parts::Process;

/// The health of the connection, fed from the policy's counters.
#[derive(Clone)]
pub(super) struct Watch {
    config: HealthConfig,
    health: Health,
    // What it was fed last.
    seen: Stats,
    stopped: bool,
    // What it said last.
    said: (HealthStatus, Alerts),
}

impl Watch {
    pub(super) fn new(config: HealthConfig) -> Self {
        let said = (HealthStatus::Ok, Alerts::default());
        Self { config, health: Health::new(), seen: Stats::default(), stopped: false, said }
    }

    /// A new process begins, with counters of its own.
    pub(super) fn begin(&mut self) {
        (self.health, self.seen, self.stopped) = (Health::new(), Stats::default(), false);
    }

    /// The host slept until now, and the log's clock went on.
    pub(super) fn slept(&mut self, now: Instant, gap: Duration) {
        self.health.slept(now, gap);
    }

    /// Takes in what a call changed, and returns the verdict where that is another one now.
    pub(super) fn look(&mut self, now: Instant, stats: Stats, phase: Phase) -> Option<String> {
        if stats.losses != self.seen.losses {
            self.health.lost(now);
        }
        if phase == Phase::Parked {
            self.health.paused(now);
        } else {
            self.health.unpaused(now);
        }
        if stats.failed != self.seen.failed {
            self.health.attempt_failed(&self.config, now);
        }
        if stats.established != self.seen.established {
            self.health.attempt_succeeded(&self.config, now);
        }
        self.seen = stats;
        let stopped = phase == Phase::Stopped;
        if stopped && !self.stopped {
            self.health.stopped(now);
        }
        self.stopped = stopped;
        let HealthReport { status, alerts, failed, attempts, .. } = self.health.report(&self.config, now);
        if self.said == (status, alerts) {
            return None;
        }
        self.said = (status, alerts);
        let Alerts { failure_rate, slow_recovery, .. } = alerts;
        Some(format!(
            "\"health\": \"{}\", \"failure_rate\": {failure_rate}, \"slow_recovery\": {slow_recovery}, \
             \"failed\": {failed}, \"attempts\": {attempts}",
            status.as_str()
        ))
    }

    /// The times to recover and to hold.
    pub(super) fn recoveries(&self, now: Instant) -> String {
        let report = self.health.report(&self.config, now);
        let recoveries = report.recoveries;
        let histogram = recoveries.histogram.map(|count| count.to_string()).join(", ");
        format!(
            "\"recoveries\": {{\"count\": {}, \"sum_ms\": {}, \"max_ms\": {}, \"histogram\": [{histogram}]}}, \
             \"uptime_ms\": {}, \"last_uptime_ms\": {}",
            recoveries.count,
            recoveries.sum.as_millis(),
            recoveries.max.as_millis(),
            number(report.uptime.map(|held| held.as_millis())),
            number(report.last_uptime.map(|held| held.as_millis())),
        )
    }
}

/// The explanation as a sentence and as fields, with the epochs by their numbers in the log. `id` is the session's newest.
pub(super) fn explained(policy: &Process, epochs: Epochs) -> String {
    let explanation = policy.explain();
    let Explanation {
        phase,
        trigger: why,
        since,
        until,
        waiting_for,
        not_before,
        attempt,
        failures,
        mode,
        last_cause,
        ..
    } = explanation;
    let shown = |epoch: Option<redial::Epoch>| number(epoch.map(|epoch| epochs.shown(epoch)));
    let successor = policy
        .handover_config()
        .map(|_| format!("\"successor\": {}, ", shown(policy.successor())))
        .unwrap_or_default();
    let text =
        |text: Option<String>| text.map_or_else(|| "null".to_owned(), |text| quoted(&text).to_string());
    format!(
        "\"explain\": {}, \"state\": \"{phase}\", \"why\": \"{why}\", \"since\": {}, \"until\": {}, \
         \"waiting_for\": {}, \"not_before\": {}, \"epoch\": {}, \"attempt\": {attempt}, \"failures\": {failures}, \"mode\": \"{}\", \
         \"last_cause\": {}, {successor}\"id\": {}",
        quoted(&explanation.to_string()),
        since.as_millis(),
        number(until.map(|until| until.as_micros().div_ceil(1_000))),
        text(waiting_for.map(|reason| reason.to_string())),
        number(not_before.map(|at| at.as_micros().div_ceil(1_000))),
        shown(policy.epoch()),
        mode.as_str(),
        text(last_cause.map(|cause| cause.to_string())),
        text(policy.session().token().cloned()),
    )
}

/// The counters in the order of their declaration, those of the handovers last where there can be any.
pub(super) fn counted(policy: &Process) -> String {
    let (stats, handovers) = (policy.stats(), policy.handover_stats());
    let counters = [
        ("opens", stats.opens),
        ("established", stats.established),
        ("failed", stats.failed),
        ("abandoned", stats.abandoned),
        ("losses", stats.losses),
        ("resumed", stats.resumed),
        ("fresh", stats.fresh),
        ("zombies", stats.zombies),
        ("beats_missed", stats.heartbeats_missed),
        ("client_faults", stats.client_faults),
        ("hints_cut", stats.retry_after_cut),
        ("stale", stats.stale),
        ("clock_rewinds", stats.clock_rewinds),
        ("last_uptime_ms", stats.last_uptime_ms),
    ];
    let HandoverStats { handovers, handovers_failed, gap_ms, .. } = handovers;
    let of_handovers = [("handovers", handovers), ("handovers_failed", handovers_failed), ("gap_ms", gap_ms)];
    let counters = counters.iter().chain(of_handovers.iter().filter(|_| policy.handover_config().is_some()));
    let counters: Vec<_> = counters.map(|(name, count)| format!("\"{name}\": {count}")).collect();
    format!("\"stats\": {{{}}}", counters.join(", "))
}
