//! The budget of fresh starts: so many in a window for each bucket, so many a day, and a line for those that wait.

#[cfg(feature = "serde")]
mod serial;

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::{Instant, Micros};
use crate::words::words;

/// How many fresh starts a [`StartBudget`] grants, and how often. Built in a `const`.
///
/// ```
/// use core::time::Duration;
/// use redial::budget::StartBudgetConfig;
///
/// // Discord with `max_concurrency` 16: one identify in 5 s for each of 16 buckets, 1000 in 24 h.
/// const CONFIG: StartBudgetConfig = StartBudgetConfig::new(16, 1, Duration::from_secs(5))
///     .daily(1_000, Duration::from_secs(86_400))
///     .build_const();
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StartBudgetConfig {
    buckets: u16,
    per_window: u16,
    window: Micros,
    per_day: u32,
    day: Micros,
}

builds!(StartBudgetConfig);

impl StartBudgetConfig {
    /// `per_window` starts in any `window`, for each of `buckets` buckets; all three at least 1 (1 µs). No daily limit.
    ///
    /// # Errors
    /// [`ConfigError::BudgetZero`], [`ConfigError::WindowZero`].
    pub const fn new(buckets: u16, per_window: u16, window: Duration) -> Builder<Self> {
        Builder::of(Self {
            buckets,
            per_window,
            window: Micros::from_duration(window),
            per_day: u32::MAX,
            day: Micros::DAY,
        })
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.buckets == 0 || self.per_window == 0 || self.per_day == 0 {
            return Err(ConfigError::BudgetZero);
        }
        if self.window.is_zero() || self.day.is_zero() {
            return Err(ConfigError::WindowZero);
        }
        Ok(self)
    }

    /// How many buckets there are, how many starts each has in a window, and how long that is.
    #[must_use]
    pub const fn window(&self) -> (u16, u16, Duration) {
        (self.buckets, self.per_window, self.window.to_duration())
    }

    /// The starts of a day and its length, if there is a limit.
    #[must_use]
    pub const fn daily(&self) -> Option<(u32, Duration)> {
        if self.per_day == u32::MAX { None } else { Some((self.per_day, self.day.to_duration())) }
    }
}

impl Builder<StartBudgetConfig> {
    /// At most `starts` (at least 1) over all buckets in a period of `day`, which begins with its first start. Discord:
    /// 1000 in 24 h, or what its `session_start_limit` says. Default: no limit.
    ///
    /// # Errors
    /// [`ConfigError::BudgetZero`], [`ConfigError::WindowZero`].
    pub const fn daily(mut self, starts: u32, day: Duration) -> Self {
        self.config.per_day = starts;
        self.config.day = Micros::from_duration(day);
        self
    }
}

/// The answer of a [`StartBudget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must handle each")]
pub enum Grant {
    /// Start; it is counted.
    Now,
    /// Wait in line: [`StartBudget::next_grant`] will name the ticket, at this time if nobody before it withdraws.
    Later(Instant),
    /// The day's starts are used up or promised to those in line. This one is not in line: ask again at `until`.
    Exhausted {
        /// The beginning of the next day, later than `now`.
        until: Instant,
    },
    /// The line is full. This one is not in it: ask again at `until`.
    Full {
        /// One window from `now`.
        until: Instant,
    },
}

words!(Grant {
    Now => "now",
    Later => "later",
    Exhausted => "exhausted",
    Full => "full",
});

/// A budget of fresh starts for any number of connections that share an account. By default resumes are free and don't
/// ask.
///
/// **Whether resumes ask too** depends on what the server counts, and the caller decides it by asking or not. Where the
/// limit is on new sessions, such as Discord's `session_start_limit` and `max_concurrency` (on identify), a resume must
/// not ask: it would spend a start that the server does not count, and a fleet would recover more slowly than it may.
/// Where the limit is on connections, for instance one a second from each address, or on upgrade requests, the server
/// counts every dial, and a resume that does not ask is refused. Ask before every dial then.
///
/// Every refusal names the time at which to ask again. A connection that has the budget to itself is granted its start
/// then.
///
/// A ticket is the caller's number of a connection, such as its shard; its bucket is `ticket mod buckets` (Discord).
/// A connection is in line once at most. Within a bucket the line is first come, first served, and nobody who asks
/// later goes first, not even when a start is free and the one in line was not told yet. Buckets don't wait for each
/// other; the daily limit is one for all, and what is left of it goes to those in line first.
///
/// A connection that dies while it is in line must [`withdraw`](Self::withdraw): the start would be spent on
/// nobody. Its successor asks again and is last. A start that was granted is spent; it is not known what the server
/// saw of it.
///
/// In no stretch of a window's length are there more starts than configured, however they fall. The day is a fixed
/// period as the servers count it: it begins with its first start, unless [`set_remaining`](Self::set_remaining) says
/// what the server counted.
///
/// **Storage.** `STARTS` is at least buckets × starts per window, `WAITING` the length of the line: the number of
/// connections is always enough. 8 bytes for each start, 4 for each place.
///
/// **Clocks.** A clock that ran backwards grants nothing early, and what is left of a wait is cut to one window (or one
/// day) at the next call.
///
/// ```
/// use core::time::Duration;
/// use redial::budget::{Grant, StartBudget, StartBudgetConfig};
/// use redial::Instant;
///
/// const CONFIG: StartBudgetConfig = StartBudgetConfig::new(1, 1, Duration::from_secs(5)).build_const();
/// let mut budget = StartBudget::<1, 8>::new(CONFIG)?;
///
/// let second = Instant::from_millis(5_000);
/// assert_eq!(budget.request(Instant::ZERO, 0), Grant::Now);
/// assert_eq!(budget.request(Instant::ZERO, 1), Grant::Later(second));
/// assert_eq!(budget.poll_timeout(), Some(second));
/// assert_eq!(budget.next_grant(second), Some(1));
/// assert_eq!(budget.next_grant(second), None);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "serial::Plain<STARTS, WAITING>", try_from = "serial::Plain<STARTS, WAITING>")
)]
pub struct StartBudget<const STARTS: usize, const WAITING: usize> {
    config: StartBudgetConfig,
    /// When each start of a window can be had again; those of bucket 0 first, and of a bucket the earliest first.
    free_at: [Instant; STARTS],
    /// The tickets in line, first come first; the rest is 0.
    line: [u32; WAITING],
    len: usize,
    left: u32,
    /// The end of the day; the day is over, or has not begun, from then on.
    day_ends: Instant,
}

impl<const STARTS: usize, const WAITING: usize> StartBudget<STARTS, WAITING> {
    /// Nothing used, nobody in line.
    ///
    /// # Errors
    /// [`ConfigError::BudgetRoom`] when `STARTS` is less than buckets × starts per window.
    pub const fn new(config: StartBudgetConfig) -> Result<Self, ConfigError> {
        if STARTS < (config.buckets as usize).saturating_mul(config.per_window as usize) {
            return Err(ConfigError::BudgetRoom);
        }
        Ok(Self {
            config,
            free_at: [Instant::ZERO; STARTS],
            line: [0; WAITING],
            len: 0,
            left: config.per_day,
            day_ends: Instant::ZERO,
        })
    }

    /// The same for a constant.
    ///
    /// # Panics
    /// Where [`new`](Self::new) is an error: at compile time in a `const`.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "a wrong constant must not compile; input cannot reach this")]
    pub const fn new_const(config: StartBudgetConfig) -> Self {
        match Self::new(config) {
            Ok(budget) => budget,
            Err(error) => panic!("{}", error.as_str()),
        }
    }

    /// A connection wants to start fresh. One that is in line already keeps its place and is told its time again.
    #[must_use]
    pub fn request(&mut self, now: Instant, ticket: u32) -> Grant {
        self.advance(now);
        if let Some(place) = self.waiting().iter().position(|other| *other == ticket) {
            return Grant::Later(self.turn(now, place));
        }
        if usize::try_from(self.left).is_ok_and(|left| left <= self.len) {
            let next_day = if self.day_ends > now { self.day_ends } else { now.after(self.config.day) };
            return Grant::Exhausted { until: next_day };
        }
        let bucket = self.bucket(ticket);
        let first = self.waiting().iter().all(|other| self.bucket(*other) != bucket);
        if first && self.take(now, ticket) {
            return Grant::Now;
        }
        let place = self.len;
        let Some(free) = self.line.get_mut(place) else {
            return Grant::Full { until: now.after(self.config.window) };
        };
        *free = ticket;
        self.len = self.len.saturating_add(1);
        Grant::Later(self.turn(now, place))
    }

    /// The next ticket in line whose start is free at `now`: it has left the line and its start is counted. Call it
    /// until it answers `None`, at [`poll_timeout`](Self::poll_timeout) or whenever you like.
    #[must_use = "the start is spent"]
    pub fn next_grant(&mut self, now: Instant) -> Option<u32> {
        self.advance(now);
        for place in 0..self.len {
            let ticket = self.line.get(place).copied()?;
            if self.take(now, ticket) {
                self.leave(place);
                return Some(ticket);
            }
        }
        None
    }

    /// A connection that was in line does not want to start any more: its transport died, its user stopped it.
    /// Those behind it move up. False if it was not in line.
    pub fn withdraw(&mut self, ticket: u32) -> bool {
        let place = self.waiting().iter().position(|other| *other == ticket);
        place.map(|place| self.leave(place)).is_some()
    }

    /// When to call [`next_grant`](Self::next_grant): as soon as anyone in line can start. `None`: nobody is in line.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let free = self.waiting().iter().filter_map(|ticket| self.starts(*ticket).first()).min()?;
        Some(if self.left == 0 { self.day_ends.max(*free) } else { *free })
    }

    /// The tickets in line, first come first.
    #[must_use]
    pub fn waiting(&self) -> &[u32] {
        self.line.get(..self.len).unwrap_or(&[])
    }

    /// How many starts the day has left, those promised to the line included. [`u32::MAX`] without a daily limit, a
    /// little less once some were used.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> u32 {
        if now >= self.day_ends { self.config.per_day } else { self.left }
    }

    /// What the server says: `remaining` starts until the day ends in `reset_after` (cut to one day). Discord's
    /// `session_start_limit`; it knows of other processes and of the ones before this.
    pub const fn set_remaining(&mut self, now: Instant, remaining: u32, reset_after: Duration) {
        self.left = remaining;
        self.day_ends = now.after(Micros::from_duration(reset_after).min(self.config.day));
    }

    /// Cuts what a clock that ran backwards put out of reach, and ends the day.
    fn advance(&mut self, now: Instant) {
        self.day_ends = self.day_ends.min(now.after(self.config.day));
        self.left = self.remaining(now);
        let latest = now.after(self.config.window);
        for free_at in &mut self.free_at {
            *free_at = (*free_at).min(latest);
        }
    }

    fn take(&mut self, now: Instant, ticket: u32) -> bool {
        if self.left == 0 {
            return false;
        }
        let (range, again) = (self.range(ticket), now.after(self.config.window));
        let starts = self.free_at.get_mut(range).unwrap_or(&mut []);
        if starts.first().is_none_or(|free_at| *free_at > now) {
            return false;
        }
        push_out(starts, again);
        if now >= self.day_ends {
            self.day_ends = now.after(self.config.day);
        }
        self.left = self.left.saturating_sub(1);
        true
    }

    fn leave(&mut self, place: usize) {
        if let Some(behind) = self.line.get_mut(place..self.len) {
            push_out(behind, 0);
            self.len = self.len.saturating_sub(1);
        }
    }

    /// When the one at this place can start if all before it do: each start of the bucket serves every n-th of
    /// the line, a window apart.
    fn turn(&self, now: Instant, place: usize) -> Instant {
        let Some(ticket) = self.line.get(place).copied() else { return now };
        let bucket = self.bucket(ticket);
        let ahead = self.line.iter().take(place).filter(|other| self.bucket(**other) == bucket).count();
        let starts = self.starts(ticket);
        let rounds = ahead.checked_div(starts.len()).unwrap_or(0);
        let free = starts.get(ahead.checked_rem(starts.len()).unwrap_or(0)).copied().unwrap_or(now);
        let turn = free.max(now).after(self.config.window.saturating_mul(rounds as u64));
        if usize::try_from(self.left).is_ok_and(|left| left <= place) {
            turn.max(self.day_ends)
        } else {
            turn
        }
    }

    fn bucket(&self, ticket: u32) -> u32 {
        ticket.checked_rem(self.config.buckets.into()).unwrap_or(0)
    }

    fn starts(&self, ticket: u32) -> &[Instant] {
        self.free_at.get(self.range(ticket)).unwrap_or(&[])
    }

    fn range(&self, ticket: u32) -> core::ops::Range<usize> {
        let each = usize::from(self.config.per_window);
        let begin = (self.bucket(ticket) as usize).saturating_mul(each);
        begin..begin.saturating_add(each)
    }
}

/// The first item leaves, the others move up, and `last` is behind them. What `rotate_left` does can panic, to the linker.
fn push_out<T>(items: &mut [T], mut last: T) {
    for item in items.iter_mut().rev() {
        core::mem::swap(item, &mut last);
    }
}
