//! The budget of fresh starts: this connection asks it for every fresh dial, as a caller with many would.

use std::time::Duration;

use redial::{Grant, Instant, StartBudget, StartBudgetConfig};

use super::number;

/// How many starts a window can have here.
const STARTS: usize = 64;

/// The number of this connection; there is one.
const TICKET: u32 = 0;

pub(super) struct Starts(StartBudget<STARTS, 1>);

impl Starts {
    pub(super) fn new(config: StartBudgetConfig) -> Result<Self, String> {
        let budget = StartBudget::new(config);
        budget.map(Self).map_err(|_| format!("\"start_budget.per_window\" must be at most {STARTS}"))
    }

    /// Asks for a fresh start: what it says, and if that is no, how long to wait.
    pub(super) fn ask(&mut self, now: Instant) -> (String, Option<Duration>) {
        let grant = match self.0.next_grant(now) {
            Some(_) => Grant::Now,
            None => self.0.request(now, TICKET),
        };
        let (answer, until) = match grant {
            Grant::Now => ("now", None),
            Grant::Later(until) => ("later", Some(until)),
            Grant::Exhausted { until } => ("exhausted", Some(until)),
            Grant::Full { until } => ("full", Some(until)),
        };
        let shown = number(until.map(|until| until.as_micros().div_ceil(1_000)));
        let wait = until.map(|until| until.saturating_duration_since(now));
        (format!("\"start_budget\": \"{answer}\", \"until\": {shown}"), wait)
    }

    /// The connection does not want to start any more.
    pub(super) fn withdraw(&mut self) {
        self.0.withdraw(TICKET);
    }

    /// What the server says.
    pub(super) fn limit(&mut self, now: Instant, remaining: u32, reset_after: Duration) {
        self.0.set_remaining(now, remaining, reset_after);
    }
}
