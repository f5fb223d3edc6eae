//! The budget of fresh starts as data, with its config: the next process must not grant again what this one granted.

use super::{StartBudget, StartBudgetConfig};
use crate::array::List;
use crate::time::{Instant, Micros};

/// A budget as it is written, and as it is read before it was looked at.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "StartBudget")]
pub(super) struct Plain<const STARTS: usize, const WAITING: usize> {
    buckets: u16,
    per_window: u16,
    window_us: u64,
    per_day: u32,
    day_us: u64,
    #[serde(with = "crate::array")]
    free_at: [Instant; STARTS],
    line: List<u32, WAITING>,
    left: u32,
    day_ends: Instant,
}

impl<const STARTS: usize, const WAITING: usize> From<StartBudget<STARTS, WAITING>>
    for Plain<STARTS, WAITING>
{
    fn from(it: StartBudget<STARTS, WAITING>) -> Self {
        let StartBudget { config, free_at, line, len, left, day_ends } = it;
        let StartBudgetConfig { buckets, per_window, window, per_day, day } = config;
        Self {
            buckets,
            per_window,
            window_us: window.0,
            per_day,
            day_us: day.0,
            free_at,
            line: List { items: line, len },
            left,
            day_ends,
        }
    }
}

impl<const STARTS: usize, const WAITING: usize> TryFrom<Plain<STARTS, WAITING>>
    for StartBudget<STARTS, WAITING>
{
    type Error = &'static str;

    fn try_from(it: Plain<STARTS, WAITING>) -> Result<Self, &'static str> {
        let (window, day) = (Micros(it.window_us).to_duration(), Micros(it.day_us).to_duration());
        let config = StartBudgetConfig::new(it.buckets, it.per_window, window).daily(it.per_day, day).build();
        let whole = config.and_then(Self::new).map_err(|_| "no such budget of starts")?;
        let List { items: line, len } = it.line;
        let waiting = line.get(..len).unwrap_or_default();
        if waiting.iter().enumerate().any(|(place, ticket)| waiting.iter().take(place).any(|t| t == ticket)) {
            return Err("a ticket is in line twice");
        }
        let mut buckets = it.free_at.chunks(usize::from(it.per_window));
        if buckets.any(|starts| !starts.is_sorted()) {
            return Err("the starts of a bucket are out of order");
        }
        Ok(Self { free_at: it.free_at, line, len, left: it.left, day_ends: it.day_ends, ..whole })
    }
}
