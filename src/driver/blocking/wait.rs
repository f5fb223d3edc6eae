//! What users call, for threads.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::driver::{Changes, Ended, Handle, Messages, Receipt, SendError};
use crate::policy::{Explanation, Stats};

use super::park::{block_on, block_on_for};

/// What was waited for did not come.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::{Driver, WaitError};
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let driver = Driver::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)), server, clock);
/// // Nobody runs it.
/// let waited = driver.handle().online_blocking_for(Duration::from_millis(1));
/// assert_eq!(waited, Err(WaitError::TimedOut));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two ends of a wait")]
pub enum WaitError {
    /// The time is over.
    TimedOut,
    /// The run has ended.
    Ended(Ended),
}

impl WaitError {
    /// The variant's word, in snake case. It does not change between versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Ended(_) => "ended",
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the time is over"),
            Self::Ended(ended) => ended.fmt(f),
        }
    }
}

impl Error for WaitError {}

/// For threads: the same as the methods without `_blocking`, on any runtime's driver. The driver's own thread (a protocol, an
/// executor's task) must not call them: it would wait for itself.
impl<T, K, M> Handle<T, K, M> {
    /// [`send`](Self::send), on this thread.
    ///
    /// # Errors
    /// [`SendError`]; all but [`SendError::InDoubt`] give the message back.
    pub fn send_blocking(&self, message: M) -> Result<(), SendError<M>> {
        block_on(self.send(message))
    }

    /// [`online`](Self::online), on this thread.
    ///
    /// # Errors
    /// [`Ended`], with the outcome: the run ended first.
    pub fn online_blocking(&self) -> Result<(), Ended> {
        block_on(self.online())
    }

    /// [`online`](Self::online), for so long at most.
    ///
    /// # Errors
    /// The time is over, or the run ended first.
    pub fn online_blocking_for(&self, timeout: Duration) -> Result<(), WaitError> {
        block_on_for(self.online(), timeout).ok_or(WaitError::TimedOut)?.map_err(WaitError::Ended)
    }

    /// [`closed`](Self::closed), on this thread.
    #[must_use]
    pub fn closed_blocking(&self) -> Ended {
        block_on(self.closed())
    }

    /// [`explain`](Self::explain), on this thread.
    #[must_use]
    pub fn explain_blocking(&self) -> Option<Explanation> {
        block_on(self.explain())
    }

    /// [`stats`](Self::stats), on this thread.
    #[must_use]
    pub fn stats_blocking(&self) -> Option<Stats> {
        block_on(self.stats())
    }
}

impl<M> Receipt<M> {
    /// Waits on this thread for what becomes of the message.
    ///
    /// # Errors
    /// [`SendError`]; all but [`SendError::InDoubt`] give the message back.
    pub fn wait_blocking(self) -> Result<(), SendError<M>> {
        block_on(self)
    }
}

impl<I> Messages<I> {
    /// [`recv`](Self::recv), on this thread.
    pub fn recv_blocking(&mut self) -> Option<I> {
        block_on(self.recv())
    }

    /// [`recv`](Self::recv), for so long at most. No message is lost when the time is over.
    ///
    /// # Errors
    /// The time is over, or the run has ended and every message was taken.
    pub fn recv_blocking_for(&mut self, timeout: Duration) -> Result<I, WaitError> {
        let message = block_on_for(self.recv(), timeout).ok_or(WaitError::TimedOut)?;
        message.ok_or_else(|| WaitError::Ended(Ended { outcome: self.outcome() }))
    }

    /// The messages until the run has ended.
    pub fn iter_blocking(&mut self) -> impl Iterator<Item = I> {
        core::iter::from_fn(|| self.recv_blocking())
    }
}

impl Changes {
    /// [`recv`](Self::recv), on this thread.
    pub fn recv_blocking(&mut self) -> Option<Explanation> {
        block_on(self.recv())
    }
}
