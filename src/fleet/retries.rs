//! The retry budget of a fleet.

use core::fmt;
use std::format;
use std::string::{String, ToString};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Call, RETRIES, Run, not_now, wait};
use crate::budget::{RetryBudget, RetryBudgetConfig};
use crate::denied::Denied;
use crate::driver::DialError;
use crate::time::{Instant, Micros};
use crate::window::slot_width;

/// A budget of retries that the processes of a fleet share: what [`RetryBudget`] is in one process. See the [module](super) for what
/// happens without Redis. One value serves all connections of a process; it is `Sync`.
///
/// The arithmetic of the script is exact while the deposits and withdrawals of one time to live, times the terms of the share, are
/// below 2^53.
///
/// ```
/// use redial::budget::RetryBudgetConfig;
/// use redial::driver::DialError;
/// use redial::fleet::{Retries, Run};
///
/// /// In the dial: the first of an outage pays in, the others take out.
/// async fn admit(retries: &Retries, redis: &impl Run, attempt: u32) -> Result<(), DialError> {
///     match attempt {
///         1 => retries.deposit(redis).await,
///         _ => retries.withdraw(redis).await?,
///     }
///     Ok(())
/// }
///
/// // Eight processes share one budget, with the defaults of Finagle and tower.
/// let retries = Retries::new("feed", RetryBudgetConfig::DEFAULT, 8);
/// # let _ = (retries, |it: &Retries, redis: &Nothing| drop(admit(it, redis, 1)));
/// # struct Nothing;
/// # impl Run for Nothing {
/// #     fn now(&self) -> redial::Instant { redial::Instant::ZERO }
/// #     async fn run(&self, _: &redial::fleet::Call) -> Option<Vec<i64>> { None }
/// # }
/// ```
pub struct Retries {
    name: String,
    config: RetryBudgetConfig,
    /// The config with this process's part of the reserve.
    local: RetryBudgetConfig,
    inner: Mutex<Inner>,
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    /// Calls that Redis has not been told, and when it was last told some.
    pending: u32,
    told: Option<Instant>,
    local: RetryBudget,
}

impl Retries {
    /// The budget with this name, which is the hash tag of its key and must not contain `}`, for at most `of` processes (0 is taken as
    /// 1). All give the same name and the same config. Without Redis each process has the `of`-th part of the reserve, rounded down to
    /// whole retries a second, and the share of its own calls.
    ///
    /// Keep a reserve: without one a refusal may say no time, and a connection that is told none waits until somebody wakes it.
    #[must_use]
    pub fn new(name: &str, config: RetryBudgetConfig, of: u32) -> Self {
        let part = config.reserve().checked_div(of.max(1)).unwrap_or(0);
        let local = config.to_builder().reserve(part).build().unwrap_or(config);
        Self { name: name.to_string(), config, local, inner: Mutex::default() }
    }

    /// Counts a call, which is a first attempt. Redis is told at most once in a tenth of the time to live; in between the calls of
    /// this process are summed up, and what is not told within that time is not counted.
    pub async fn deposit(&self, fleet: &impl Run) {
        let now = fleet.now();
        let call = {
            let mut inner = self.lock();
            inner.local.deposit(&self.local, now);
            let fresh = self.is_fresh(&inner, now);
            inner.pending = if fresh { inner.pending.saturating_add(1) } else { 1 };
            if fresh {
                return;
            }
            self.call(&mut inner, now, false)
        };
        drop(fleet.run(&call).await);
    }

    /// Takes the token of one retry, and tells Redis of the calls since the last time.
    ///
    /// # Errors
    /// [`DialError::NotNow`], with the time after which to ask again; with none if only a deposit helps.
    pub async fn withdraw(&self, fleet: &impl Run) -> Result<(), DialError> {
        let asked = fleet.now();
        let call = {
            let mut inner = self.lock();
            if !self.is_fresh(&inner, asked) {
                inner.pending = 0;
            }
            self.call(&mut inner, asked, true)
        };
        let reply = fleet.run(&call).await;
        let now = fleet.now();
        // Also when Redis decides, so that this process goes on from there without it.
        let local = self.lock().local.withdraw(&self.local, now);
        match reply.as_deref() {
            Some([_, 1, _]) => Ok(()),
            Some([server, 2, until]) => Err(not_now(wait(*server, *until))),
            Some([_, 3, _]) => Err(DialError::NotNow { retry_after: None }),
            _ => local.map_err(|Denied { until }| match until {
                Some(until) => not_now(until.since(now)),
                None => DialError::NotNow { retry_after: None },
            }),
        }
    }

    /// Whether what is pending is of the last tenth of the time to live.
    fn is_fresh(&self, inner: &Inner, now: Instant) -> bool {
        inner.told.is_some_and(|told| now.since(told) < self.width())
    }

    const fn width(&self) -> Micros {
        slot_width(Micros::from_duration(self.config.ttl()))
    }

    fn call(&self, inner: &mut Inner, now: Instant, withdraw: bool) -> Call {
        let deposits = core::mem::take(&mut inner.pending);
        inner.told = Some(now);
        let (share, ttl) = (self.config.share(), Micros::from_duration(self.config.ttl()));
        let reserved = (u64::from(self.config.reserve()).saturating_mul(ttl.0) / 1_000_000)
            .saturating_mul(share.denominator().into());
        let numbers = [
            u64::from(withdraw),
            deposits.into(),
            self.width().0,
            share.numerator().into(),
            share.denominator().into(),
            reserved,
        ];
        Call {
            script: RETRIES,
            keys: [format!("redial:{{{}}}:retries", self.name)].into(),
            args: core::iter::once(String::new()).chain(numbers.iter().map(u64::to_string)).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
