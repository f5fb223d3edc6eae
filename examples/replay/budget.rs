//! The budgets before a dial: this connection asks them as a caller with many connections would.

use std::time::Duration;

use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Grant, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig, Throttle, ThrottleConfig,
};
use redial::rand_core::SeedableRng;
use redial::{ChaCha8Rng, Instant, Mode, Stats};

use super::decisions::number;
use super::set_up::SetUp;

/// How many starts a window can have here.
const STARTS: usize = 64;

/// The number of this connection; there is one.
const TICKET: u32 = 0;

#[derive(Clone)]
pub(super) struct Budgets {
    starts: Option<StartBudget<STARTS, 1>>,
    /// Whether resumes take a start too.
    resumes: bool,
    retries: Option<(RetryBudgetConfig, RetryBudget)>,
    throttle: Option<(ThrottleConfig, Throttle)>,
    adaptive: Option<(AdaptiveThrottleConfig, AdaptiveThrottle)>,
    /// For the adaptive throttle alone, so that no other wait depends on it.
    rng: ChaCha8Rng,
    /// When a dial was let through last; before that, when the first was asked for.
    dialled_at: Option<Instant>,
    /// So long after it the throttle lets the next one through, and a retry budget that only a deposit would help: the
    /// cap of the backoff.
    longest: Duration,
    /// The attempt that is paid for: a round of endpoints, or a dial that had to wait for another budget, pays once.
    paid: u32,
    // What the outcomes were counted up to.
    failed: u32,
    established: u32,
}

/// A dial to ask for.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) fresh: bool,
    /// Of its outage, from 1.
    pub(super) attempt: u32,
}

impl Budgets {
    pub(super) fn new(set_up: &SetUp) -> Result<Self, String> {
        let (config, backoff) = (&set_up.budgets, set_up.config.backoff());
        let starts = |config: StartBudgetConfig| {
            StartBudget::new(config)
                .map_err(|_| format!("\"start_budget.per_window\" must be at most {STARTS}"))
        };
        let mut rng = ChaCha8Rng::seed_from_u64(set_up.seed.unwrap_or(0));
        rng.set_stream(1);
        Ok(Self {
            starts: config.starts.map(starts).transpose()?,
            resumes: config.resumes,
            retries: config.retries.map(|config| (config, RetryBudget::new())),
            throttle: config.throttle.map(|config| (config, Throttle::new(&config))),
            adaptive: config.adaptive.map(|config| (config, AdaptiveThrottle::new())),
            rng,
            dialled_at: None,
            longest: backoff.max_delay(Mode::Fresh).max(backoff.max_delay(Mode::Resume)),
            paid: 0,
            failed: 0,
            established: 0,
        })
    }

    /// Asks one after the other until one says no; each answer is a line in `said`. The error is how long to wait, where
    /// the one that said no knows.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        wish: Wish,
        said: &mut Vec<String>,
    ) -> Result<(), Option<Duration>> {
        let (retry, due) = (wish.attempt > 1, wish.attempt != self.paid);
        // A clock that ran backwards begins the wait again.
        let since = self.dialled_at.map_or(now, |at| at.min(now));
        self.dialled_at = Some(since);
        let (waited, longest) = (now.saturating_duration_since(since), self.longest);
        if let (true, Some((config, throttle))) = (retry, &self.throttle) {
            let permitted = throttle.permits_after(config, waited, longest);
            let word = if permitted { "permitted" } else { "refused" };
            said.push(format!("\"throttle\": \"{word}\", \"millitokens\": {}", throttle.millitokens()));
            if !permitted {
                return Err(Some(longest.saturating_sub(waited)));
            }
        }
        if let (true, true, Some((config, budget))) = (retry, due, &mut self.retries) {
            let answer = budget.withdraw_after(config, now, waited, longest);
            let until = answer.err().and_then(|refused| refused.until);
            let word = if answer.is_ok() { "granted" } else { "spent" };
            said.push(format!("\"retry_budget\": \"{word}\", \"until\": {}", shown(until)));
            answer.map_err(|_| until.map(|until| until.saturating_duration_since(now)))?;
            self.paid = wish.attempt;
        }
        if let Some((config, throttle)) = &mut self.adaptive {
            let admitted = throttle.admit(config, now, &mut self.rng);
            let word = if admitted { "admitted" } else { "refused" };
            said.push(format!("\"adaptive_throttle\": \"{word}\""));
            if !admitted {
                return Err(None);
            }
        }
        if let (true, Some(starts)) = (wish.fresh || self.resumes, &mut self.starts) {
            let grant = match starts.next_grant(now) {
                Some(_) => Grant::Now,
                None => starts.request(now, TICKET),
            };
            let (answer, until) = match grant {
                Grant::Now => ("now", None),
                Grant::Later(until) => ("later", Some(until)),
                Grant::Exhausted { until } => ("exhausted", Some(until)),
                Grant::Full { until } => ("full", Some(until)),
            };
            said.push(format!("\"start_budget\": \"{answer}\", \"until\": {}", shown(until)));
            if let Some(until) = until {
                return Err(Some(until.saturating_duration_since(now)));
            }
        }
        self.dialled_at = Some(now);
        if !retry && due {
            self.call(now);
            self.paid = wish.attempt;
        }
        Ok(())
    }

    /// A dial that is no retry is made, here or elsewhere.
    fn call(&mut self, now: Instant) {
        if let Some((config, budget)) = &mut self.retries {
            budget.deposit(config, now);
        }
    }

    /// The connection does not want to dial any more.
    pub(super) fn withdraw(&mut self) {
        self.paid = 0;
        if let Some(starts) = &mut self.starts {
            starts.withdraw(TICKET);
        }
    }

    /// What became of the dials since the last look.
    pub(super) fn look(&mut self, now: Instant, stats: Stats) {
        if stats.failed != self.failed {
            self.outcome(now, false);
        }
        if stats.established != self.established {
            self.outcome(now, true);
        }
        (self.failed, self.established) = (stats.failed, stats.established);
    }

    fn outcome(&mut self, now: Instant, success: bool) {
        if let Some((config, throttle)) = &mut self.throttle {
            if success {
                throttle.success(config);
            } else {
                throttle.failure();
            }
        }
        if let (true, Some((config, throttle))) = (success, &mut self.adaptive) {
            throttle.accepted(config, now);
        }
    }

    /// A new process begins, with counters of its own.
    pub(super) fn begin(&mut self) {
        (self.failed, self.established) = (0, 0);
    }

    /// What became of calls that other connections made just now. False if nothing here counts them.
    pub(super) fn elsewhere(&mut self, now: Instant, succeeded: u16, failed: u16) -> bool {
        let outcomes = [(true, succeeded), (false, failed)];
        for success in outcomes.into_iter().flat_map(|(success, calls)| (0..calls).map(move |_| success)) {
            self.call(now);
            if let Some((config, throttle)) = &mut self.adaptive {
                // They were sent, so it counts them and refuses none.
                let _admitted = throttle.admit(config, now, &mut self.rng);
            }
            self.outcome(now, success);
        }
        self.retries.is_some() || self.throttle.is_some() || self.adaptive.is_some()
    }

    /// What the server says of fresh starts. False if there is no budget of them.
    pub(super) fn limit(&mut self, now: Instant, remaining: u32, reset_after: Duration) -> bool {
        if let Some(starts) = &mut self.starts {
            starts.set_remaining(now, remaining, reset_after);
        }
        self.starts.is_some()
    }

    /// What is left, if anything is counted.
    pub(super) fn left(&self, now: Instant) -> Option<String> {
        let retries = self.retries.as_ref().map(|(config, budget)| budget.balance(config, now));
        let tokens = self.throttle.as_ref().map(|(_, throttle)| throttle.millitokens());
        if retries.is_none() && tokens.is_none() {
            return None;
        }
        Some(format!("\"retries_left\": {}, \"millitokens\": {}", number(retries), number(tokens)))
    }
}

fn shown(until: Option<Instant>) -> String {
    number(until.map(|until| until.as_micros().div_ceil(1_000))).to_string()
}
