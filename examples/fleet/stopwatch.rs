//! The time that this thread had a core to itself, where the system tells (Linux); elsewhere the time that went by.

use std::time::{Duration, Instant};

pub(crate) struct Stopwatch {
    cpu: Option<Duration>,
    clock: Instant,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "it measures, and decides nothing")]
    pub(crate) fn start() -> Self {
        Self { cpu: on_cpu(), clock: Instant::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match (self.cpu, on_cpu()) {
            (Some(from), Some(to)) => to.saturating_sub(from),
            _ => self.clock.elapsed(),
        }
    }
}

/// What the scheduler gave this thread so far.
fn on_cpu() -> Option<Duration> {
    let stats = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stats.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
