//! The budget of fresh starts: a number in a window for each bucket, a number a day, and a queue.

#[cfg(feature = "serde")]
mod serial;

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::{Instant, Micros};
use crate::words::words;

/// The config of a [`StartBudget`]: how many fresh starts it grants in which time.
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

    /// The number of buckets, the starts of each in a window, and the length of the window.
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
///
/// ```
/// use core::time::Duration;
/// use redial::Instant;
/// use redial::budget::{Grant, StartBudget, StartBudgetConfig};
///
/// const CONFIG: StartBudgetConfig = StartBudgetConfig::new(1, 1, Duration::from_secs(5)).build_const();
/// let mut budget = StartBudget::<1, 8>::new_const(CONFIG);
/// for ticket in [0, 1] {
///     match budget.request(Instant::ZERO, ticket) {
///         Grant::Now => println!("{ticket} starts"),
///         Grant::Later(until) => assert_eq!(until, Instant::from_millis(5_000)), // it has a place in the queue
///         Grant::Exhausted { until } | Grant::Full { until } => println!("ask again at {} ms", until.as_millis()),
///     }
/// }
/// assert_eq!(budget.waiting(), [1]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must handle each")]
pub enum Grant {
    /// Start now. The start is counted.
    Now,
    /// Wait: the ticket is in the queue, and [`StartBudget::next_grant`] returns it at this time, or earlier if a ticket before it
    /// withdraws.
    Later(Instant),
    /// The day's starts are used up or promised to the queue. The ticket is not in the queue: ask again at `until`.
    Exhausted {
        /// The beginning of the next day, later than `now`.
        until: Instant,
    },
    /// The queue is full. The ticket is not in it: ask again at `until`.
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

/// A budget of fresh starts for any number of connections that share an account. Resumes are usually free and don't ask.
///
/// Every refusal has the time at which to ask again. A connection that has the budget to itself is granted its start then. In no
/// span of a window's length are there more starts than configured. The day is a fixed period, as servers count it: it begins with
/// its first start, unless [`set_remaining`](Self::set_remaining) reports what the server counted.
///
/// # Resumes
///
/// Whether resumes ask, too, depends on what the server counts. If its limit is on new sessions, such as Discord's
/// `session_start_limit` and `max_concurrency` (on identify), a resume must not ask, or it takes a start that the server does not
/// count, and many clients recover more slowly than they may. If its limit is on connections or upgrade requests, for instance
/// one a second from each address, every dial must ask, or it is refused.
///
/// # Tickets
///
/// A ticket is the caller's number of a connection, such as its shard; its bucket is `ticket mod buckets` (Discord). A connection
/// is in the queue at most once. Within a bucket the order is first come, first served, even while a start is free that the first
/// in the queue has not been told yet. Buckets don't wait for each other. The daily limit is common to all, and the rest of it
/// goes to the queue first.
///
/// A connection that ends while it is in the queue must [`withdraw`](Self::withdraw), or its start is wasted. Its successor asks
/// again and is last. A start that was granted is used up, since it is not known what the server counted.
///
/// # Storage and clocks
///
/// `STARTS` is at least buckets × starts per window, and `WAITING` is the length of the queue, for which the number of connections
/// is always enough. The size is 8 bytes for each start and 4 for each place. A clock that ran backwards grants nothing early, and
/// the rest of a wait is cut to one window, or one day, at the next call.
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
#[doc(alias = "rate limit")]
#[doc(alias = "identify")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "serial::Plain<STARTS, WAITING>", try_from = "serial::Plain<STARTS, WAITING>")
)]
pub struct StartBudget<const STARTS: usize, const WAITING: usize> {
    config: StartBudgetConfig,
    /// When each start of a window is available again; those of bucket 0 first, and in a bucket the earliest first.
    free_at: [Instant; STARTS],
    /// The tickets in the queue, in their order; the rest is 0.
    line: [u32; WAITING],
    len: usize,
    left: u32,
    /// The end of the day, from which on no day has begun.
    day_ends: Instant,
}

impl<const STARTS: usize, const WAITING: usize> StartBudget<STARTS, WAITING> {
    /// A budget without starts and with an empty queue.
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

    /// Asks for a fresh start. A ticket that is in the queue already keeps its place and gets its time again.
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

    /// The next ticket whose start is available at `now`. It has left the queue, and its start is counted. Call this until it returns
    /// `None`, at [`poll_timeout`](Self::poll_timeout) or at any other time.
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

    /// Removes a ticket from the queue, because its connection has ended or its user stopped it. Those behind it move up. False if it
    /// was not in the queue.
    pub fn withdraw(&mut self, ticket: u32) -> bool {
        let place = self.waiting().iter().position(|other| *other == ticket);
        place.map(|place| self.leave(place)).is_some()
    }

    /// When to call [`next_grant`](Self::next_grant): as soon as a ticket in the queue can start. `None` if the queue is empty.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let free = self.waiting().iter().filter_map(|ticket| self.starts(*ticket).first()).min()?;
        Some(if self.left == 0 { self.day_ends.max(*free) } else { *free })
    }

    /// The tickets in the queue, in their order.
    #[must_use]
    pub fn waiting(&self) -> &[u32] {
        self.line.get(..self.len).unwrap_or(&[])
    }

    /// The starts that are left of the day, including those promised to the queue. Without a daily limit [`u32::MAX`], and a little
    /// less once some were used.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> u32 {
        if now >= self.day_ends { self.config.per_day } else { self.left }
    }

    /// Sets the day as the server reports it: `remaining` starts until it ends in `reset_after`, at most one day (Discord's
    /// `session_start_limit`). The server also counts the starts of other and earlier processes.
    pub const fn set_remaining(&mut self, now: Instant, remaining: u32, reset_after: Duration) {
        self.left = remaining;
        self.day_ends = now.after(Micros::from_duration(reset_after).min(self.config.day));
    }

    /// Shortens what a clock that ran backwards made too distant, and ends the day.
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

    /// When the ticket at this place can start if all before it do: each start of the bucket serves every n-th ticket in the queue, a
    /// window apart.
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

/// Removes the first item, moves the others up, and puts `last` behind them. The linker can't remove the panic of `rotate_left`.
fn push_out<T>(items: &mut [T], mut last: T) {
    for item in items.iter_mut().rev() {
        core::mem::swap(item, &mut last);
    }
}
