//! Budgets and breakers that the processes of a fleet share through Redis, on any number of machines.
//!
//! | in one process | in a fleet | a connection asks |
//! | --- | --- | --- |
//! | [`StartBudget`](crate::budget::StartBudget) | [`Starts`] | before a dial that makes a new session |
//! | [`RetryBudget`](crate::budget::RetryBudget) | [`Retries`] | before every dial but the first |
//! | [`CircuitBreaker`](crate::CircuitBreaker) | [`Breaker`] | before every dial, and reports the result |
//!
//! Each of them is asked inside the dial, when the policy says [`Action::Open`](crate::Action::Open). A refusal is
//! [`DialError::NotNow`], which is no failure: the policy asks again at the time that it gives.
//!
//! ```no_run
//! # #[cfg(feature = "tokio")]
//! # async fn dial() -> Result<(), redial::driver::DialError> {
//! use core::time::Duration;
//! use redial::budget::StartBudgetConfig;
//! use redial::driver::Tokio;
//! use redial::fleet::{Call, Redis, Share, Starts};
//!
//! const DISCORD: StartBudgetConfig = StartBudgetConfig::new(16, 1, Duration::from_secs(5)).build_const();
//!
//! # #[derive(Clone)] struct Connection;
//! # async fn connect() -> Result<Connection, std::io::Error> { Ok(Connection) }
//! # async fn invoke(_: Connection, _: Call) -> Result<Vec<i64>, std::io::Error> { Ok(Vec::new()) }
//! // With the crate `redis`, its features `script` and one of a runtime:
//! // let connect = || client.get_multiplexed_async_connection();
//! // let invoke = |mut connection: MultiplexedConnection, call: Call| async move {
//! //     Script::new(call.script).key(call.keys).arg(call.args).invoke_async(&mut connection).await
//! // };
//! let redis = Redis::new(connect, invoke, Tokio::new());
//! let starts = Starts::new("my-bot", DISCORD).with_share(Share { member: 3, of: 8 });
//!
//! // In the dial of shard 42:
//! let permit = starts.ask(&redis, 42).await?;
//! // ... connect, send the identify, and then
//! permit.started(&redis).await;
//! # Ok(())
//! # }
//! ```
//!
//! # The scripts
//!
//! Each budget is one Lua script ([`STARTS`], [`RETRIES`], [`BREAKER`]), whose keys, arguments and reply stand at its
//! beginning, so that a process in any language can take part. A script reads the server's clock (`TIME`), and no clock of a
//! client's is compared with another's. All keys of a budget have one hash tag, its name, so that they are on one node of Redis
//! Cluster, and all expire. No script looks at more than 100 expired entries in a call; the rest is logarithmic in the length
//! of a queue. Redis 5 or later.
//!
//! [`Redis`] runs them with any client of Redis on any runtime, by two closures. For a client that blocks, implement [`Run`].
//!
//! # When Redis does not answer
//!
//! Every call asks Redis first, for at most a [timeout](Redis::with_timeout), and so finds it as soon as it is back. A call
//! without an answer is decided locally:
//!
//! - [`Starts`] refuses, unless it has a [`Share`]; then it starts by that.
//! - [`Retries`] are withdrawn from a budget of this process, with a share of the reserve.
//! - [`Breaker`] counts the results of this process alone. `n` processes make up to `n` times the failures and the probes.
//!
//! # What may be lost
//!
//! Redis replicates asynchronously, and may be started without its data. Budgets are correct as long as it has not lost a
//! write of the last lease and window; otherwise:
//!
//! - A start budget that is not there, because it is new, has expired unused or was lost, grants nothing for one lease and
//!   one window. So a Redis that comes back empty grants no start that those before it forbid. The starts of the day are
//!   forgotten: say [`Starts::set_remaining`] what the server counts.
//! - A failover to a replica that lacks the last writes forgets the starts that these granted: for one window there may be as
//!   many more, and never more than the budget's number in one window. The first report of a forgotten start counts it again.
//! - A successor whose clock is ahead ends windows and leases that much earlier. One whose clock is behind cuts the rest of each
//!   wait to its full length.
//! - A process that can't reach a Redis which the others reach adds its share to what they are granted.
//! - A retry budget that was lost begins with its reserve, and a breaker that was lost is closed.
//!
//! A process that dies takes nothing with it: its place in a queue is free when its lease is over, and so are its permits and
//! probes.

mod breaker;
mod client;
mod retries;
mod starts;

use core::future::Future;
use core::time::Duration;
use std::string::String;
use std::vec::Vec;

use crate::driver::DialError;
use crate::time::{Instant, Micros};

pub use breaker::{Breaker, BreakerPermit};
pub use client::Redis;
pub use retries::Retries;
pub use starts::{Share, StartPermit, Starts};

/// The script of [`Starts`], in Lua. Its comment says what it takes and answers.
pub const STARTS: &str = include_str!("fleet/starts.lua");
/// The script of [`Retries`], in Lua. Its comment says what it takes and answers.
pub const RETRIES: &str = include_str!("fleet/retries.lua");
/// The script of [`Breaker`], in Lua. Its comment says what it takes and answers.
pub const BREAKER: &str = include_str!("fleet/breaker.lua");

/// One call of a script: what `EVAL` takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// [`STARTS`], [`RETRIES`] or [`BREAKER`].
    pub script: &'static str,
    /// The keys, all with the same hash tag.
    pub keys: Vec<String>,
    /// The arguments. The first is empty for the server's clock; a test may put a time there, in microseconds.
    pub args: Vec<String>,
}

/// Runs a script on Redis. [`Redis`] does it with a client that does not block; with one that does, or for tests, implement it with
/// a future that is ready at once.
///
/// ```
/// use redial::Instant;
/// use redial::fleet::{Call, Run};
///
/// /// A client that blocks.
/// struct Client;
///
/// impl Run for Client {
///     fn now(&self) -> Instant {
///         Instant::ZERO // of a monotonic clock
///     }
///
///     async fn run(&self, call: &Call) -> Option<Vec<i64>> {
///         self.evalsha(call.script, &call.keys, &call.args).ok()
///     }
/// }
/// # impl Client {
/// #     fn evalsha(&self, _: &str, _: &[String], _: &[String]) -> Result<Vec<i64>, ()> { Err(()) }
/// # }
/// # let _ = Client;
/// ```
pub trait Run {
    /// The time by a monotonic clock of this process.
    fn now(&self) -> Instant;

    /// Runs the script (`EVALSHA`, and `EVAL` where the server does not know it) and returns its reply, an array of integers.
    /// `None` if there is none within the time that you allow, or if it is an error: the caller then decides locally. That Redis
    /// has run a script whose reply is lost does no harm beyond a permit, which comes back after its lease.
    fn run(&self, call: &Call) -> impl Future<Output = Option<Vec<i64>>>;
}

/// A refusal for this long, and at least a microsecond, so that nobody asks in a loop.
const fn not_now(wait: Micros) -> DialError {
    DialError::NotNow { retry_after: Some(wait.max(Micros(1)).to_duration()) }
}

/// From the time of a reply to a time in it.
fn wait(now: i64, until: i64) -> Micros {
    Micros(u64::try_from(until.saturating_sub(now)).unwrap_or(0))
}

/// At least a millisecond, the unit in which Redis expires keys.
const fn at_least_a_milli(span: Duration) -> Micros {
    Micros::from_duration(span).max(Micros::MILLISECOND)
}
