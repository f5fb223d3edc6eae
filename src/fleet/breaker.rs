//! The breaker of a fleet.

use core::fmt;
use std::format;
use std::string::{String, ToString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use rand_core::Rng;

use super::{BREAKER, Call, Run, not_now, wait};
use crate::breaker::{CircuitBreaker, Config, Denied, Permit};
use crate::driver::DialError;
use crate::rng::SplitMix64;
use crate::time::Micros;

/// How long a connection is told to wait for the results of probes: 1 s, this project's choice. A probe's lease is as long as a dial
/// may take, and most take far less.
const PROBE_POLL: Micros = Micros::from_millis(1_000);

/// The breaker of one endpoint that the processes of a fleet share: what [`CircuitBreaker`] is in one process, by failures in a row.
/// See the [module](super) for what happens without Redis. One value serves all connections of a process; it is `Sync`.
///
/// Ask before the dial and report after it: a success is the established session, and not the open socket. A probe whose process
/// died counts as failed when its lease is over, and the next one is admitted after another open time.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::Config;
/// use redial::driver::DialError;
/// use redial::fleet::{Breaker, Run};
///
/// const CONFIG: Config = Config::new(5, Duration::from_secs(30)).build_const();
///
/// /// In the dial of any process of the fleet.
/// async fn dial(breaker: &Breaker, redis: &impl Run) -> Result<(), DialError> {
///     let permit = breaker.ask(redis).await?; // refused: not now, and no failure
///     match connect().await {
///         Ok(()) => permit.success(redis).await,
///         Err(error) => {
///             permit.failure(redis).await;
///             return Err(error);
///         }
///     }
///     Ok(())
/// }
/// # async fn connect() -> Result<(), DialError> { Ok(()) }
/// let breaker = Breaker::new("feed", CONFIG, 7);
/// # let _ = (breaker, |it: &Breaker, redis: &Nothing| drop(dial(it, redis)));
/// # struct Nothing;
/// # impl Run for Nothing {
/// #     fn now(&self) -> redial::Instant { redial::Instant::ZERO }
/// #     async fn run(&self, _: &redial::fleet::Call) -> Option<Vec<i64>> { None }
/// # }
/// ```
pub struct Breaker {
    name: String,
    config: Config,
    inner: Mutex<Inner>,
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

struct Inner {
    rng: SplitMix64,
    /// While Redis does not answer.
    local: CircuitBreaker,
    is_local: bool,
}

/// The permission for one attempt. Dropped without a report, it is one that [`BreakerPermit::release`]s nothing: a probe ends with
/// its lease.
#[derive(Debug)]
#[must_use = "report the result"]
pub struct BreakerPermit<'a> {
    breaker: &'a Breaker,
    from: From,
}

#[derive(Debug)]
enum From {
    Redis { generation: i64, probe: i64 },
    Here(Permit),
}

impl BreakerPermit<'_> {
    /// Whether this attempt is a probe, whose result decides whether a half-open breaker closes.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        match self.from {
            From::Redis { probe, .. } => probe != 0,
            From::Here(permit) => permit.is_probe(),
        }
    }

    /// The attempt succeeded.
    pub async fn success(self, fleet: &impl Run) {
        self.report(fleet, "success").await;
    }

    /// The attempt failed.
    pub async fn failure(self, fleet: &impl Run) {
        self.report(fleet, "failure").await;
    }

    /// The attempt ended without a result, because the user stopped it for instance. Its probe is available again.
    pub async fn release(self, fleet: &impl Run) {
        self.report(fleet, "release").await;
    }

    async fn report(self, fleet: &impl Run, what: &str) {
        let breaker = self.breaker;
        let permit = match self.from {
            From::Redis { generation, probe } => {
                let call = breaker.call(what, [generation, probe]);
                if fleet.run(&call).await.is_some() {
                    return;
                }
                None
            }
            From::Here(permit) => Some(permit),
        };
        let now = fleet.now();
        let inner = &mut *breaker.lock();
        inner.is_local = true;
        let (config, local, rng) = (&breaker.config, &mut inner.local, &mut inner.rng);
        // A result that Redis can't be told counts here, unless this process has opened the breaker meanwhile.
        let Some(permit) = permit.or_else(|| local.try_acquire(config, now, rng).ok()) else { return };
        match what {
            "success" => drop(local.success(config, now, permit)),
            "failure" => drop(local.failure(config, now, permit, rng)),
            _ => local.release(permit),
        }
    }
}

impl Breaker {
    /// The breaker with this name, which is the hash tag of its key and must not contain `}`. All processes give the same name and the
    /// same config, and each a seed of its own for the jitter of the open time.
    #[must_use]
    pub fn new(name: &str, config: Config, seed: u64) -> Self {
        let inner = Inner { rng: SplitMix64::new(seed), local: CircuitBreaker::new(), is_local: false };
        Self { name: name.to_string(), config, inner: Mutex::new(inner) }
    }

    /// Asks for a permit for one attempt.
    ///
    /// # Errors
    /// [`DialError::NotNow`], with the time after which to ask again: the end of the open time, or 1 s while probes are under way.
    pub async fn ask(&self, fleet: &impl Run) -> Result<BreakerPermit<'_>, DialError> {
        let reply = fleet.run(&self.call("ask", [0, 0])).await;
        let now = fleet.now();
        let inner = &mut *self.lock();
        if reply.is_some() && inner.is_local {
            inner.is_local = false;
            inner.local.reset();
        }
        let from = match reply.as_deref() {
            Some([_, 1, generation, probe]) => From::Redis { generation: *generation, probe: *probe },
            Some([server, 2, until, _]) => {
                let wait = wait(*server, *until);
                // Where Redis is gone next, the open time goes on.
                inner.local.open_until(now.after(wait));
                inner.is_local = true;
                return Err(not_now(wait));
            }
            Some([server, 3, until, _]) => return Err(not_now(wait(*server, *until).min(PROBE_POLL))),
            _ => {
                inner.is_local = true;
                let admitted = inner.local.try_acquire(&self.config, now, &mut inner.rng);
                From::Here(admitted.map_err(|Denied { until }| {
                    not_now(until.map_or(PROBE_POLL, |until| until.since(now)))
                })?)
            }
        };
        Ok(BreakerPermit { breaker: self, from })
    }

    fn call(&self, what: &str, permit: [i64; 2]) -> Call {
        let config = &self.config;
        let draw = self.lock().rng.next_u32();
        let mut args: Vec<String> = [String::new(), what.to_string()].into();
        args.extend(permit.iter().map(i64::to_string));
        let lease = Micros::from_duration(config.lease());
        let numbers = [config.failures().into(), config.probes().into(), lease.0, draw.into()];
        args.extend(numbers.iter().map(u64::to_string));
        let mut last = None;
        for reopenings in 0..=u8::MAX {
            let times = config.open_time(reopenings);
            if last == Some(times) {
                break;
            }
            last = Some(times);
            args.extend([times.0.0.to_string(), times.1.0.to_string()]);
        }
        Call { script: BREAKER, keys: [format!("redial:{{{}}}:breaker", self.name)].into(), args }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
