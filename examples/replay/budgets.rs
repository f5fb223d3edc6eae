//! From JSON to the budgets that stand before a dial. Many connections share them; in a replay there is one.

use std::time::Duration;

use redial::budget::{AdaptiveThrottleConfig, RetryBudgetConfig, StartBudgetConfig, ThrottleConfig};
use redial::{ConfigError, Ratio};

use super::object::Object;

/// The keys of the set-up that belong here.
pub(crate) const KEYS: [&str; 4] = ["start_budget", "retry_budget", "throttle", "adaptive_throttle"];

/// Those that the set-up names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budgets {
    /// Of fresh starts.
    pub(crate) starts: Option<StartBudgetConfig>,
    /// Whether resumes take a start too.
    pub(crate) resumes: bool,
    /// Of retries.
    pub(crate) retries: Option<RetryBudgetConfig>,
    /// Of retries, by what becomes of dials (gRPC A6).
    pub(crate) throttle: Option<ThrottleConfig>,
    /// Of dials, by what becomes of them (the SRE book).
    pub(crate) adaptive: Option<AdaptiveThrottleConfig>,
}

impl Budgets {
    pub(crate) fn parse(line: &Object<'_>) -> Result<Self, String> {
        let named = |key: &'static str, known: &'static [&'static str]| {
            line.or_null(key, |line, key| line.object(key, known)).map(Option::flatten)
        };
        let starts = named("start_budget", &["per_window", "window_ms", "per_day", "day_ms", "resumes"])?;
        let retries = named("retry_budget", &["ttl_ms", "per_second", "share"])?;
        let throttle = named("throttle", &["tokens", "per_success"])?;
        let adaptive = named("adaptive_throttle", &["window_ms", "multiplier"])?;
        let resumes = starts.as_ref().map(|o| o.bool("resumes")).transpose()?.flatten();
        Ok(Self {
            resumes: resumes.unwrap_or(false),
            starts: starts.map(|o| start_budget(&o)).transpose()?,
            retries: retries.map(|o| retry_budget(&o)).transpose()?,
            throttle: throttle.map(|o| simple_throttle(&o)).transpose()?,
            adaptive: adaptive.map(|o| adaptive_throttle(&o)).transpose()?,
        })
    }
}

fn refused(o: &Object<'_>) -> impl Fn(ConfigError) -> String {
    let path = o.path().to_owned();
    move |error| format!("\"{path}\": {error}")
}

/// A bucket of the budget of fresh starts: Discord's unless the keys say otherwise.
fn start_budget(o: &Object<'_>) -> Result<StartBudgetConfig, String> {
    let window = o.ms("window_ms")?.unwrap_or(Duration::from_secs(5));
    let budget =
        StartBudgetConfig::new(1, o.u16("per_window")?.unwrap_or(1), window).build().map_err(refused(o))?;
    let day = o.ms("day_ms")?.unwrap_or(Duration::from_secs(86_400));
    let starts = o.or_null("per_day", Object::u32)?.flatten().unwrap_or(u32::MAX);
    budget.to_builder().daily(starts, day).build().map_err(refused(o))
}

fn retry_budget(o: &Object<'_>) -> Result<RetryBudgetConfig, String> {
    let mut budget = RetryBudgetConfig::DEFAULT;
    if let Some(ttl) = o.ms("ttl_ms")? {
        budget = budget.to_builder().ttl(ttl).build().map_err(refused(o))?;
    }
    if let Some(reserve) = o.u32("per_second")? {
        budget = budget.to_builder().reserve(reserve).build_const();
    }
    if let Some(share) = o.ratio("share")? {
        budget = budget.to_builder().share(share).build().map_err(refused(o))?;
    }
    Ok(budget)
}

/// Ten tokens and a tenth of one for a success, the example of gRPC A6, unless the keys say otherwise.
fn simple_throttle(o: &Object<'_>) -> Result<ThrottleConfig, String> {
    let tenth = Ratio::new(1, 10).map_err(refused(o))?;
    ThrottleConfig::new(o.u16("tokens")?.unwrap_or(10), o.ratio("per_success")?.unwrap_or(tenth))
        .build()
        .map_err(refused(o))
}

fn adaptive_throttle(o: &Object<'_>) -> Result<AdaptiveThrottleConfig, String> {
    let mut throttle = AdaptiveThrottleConfig::DEFAULT;
    if let Some(window) = o.ms("window_ms")? {
        throttle = throttle.to_builder().window(window).build().map_err(refused(o))?;
    }
    if let Some(multiplier) = o.ratio("multiplier")? {
        throttle = throttle.to_builder().multiplier(multiplier).build().map_err(refused(o))?;
    }
    Ok(throttle)
}
