//! What one connection may take: bytes of messages and headers, and time without progress.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;

/// Bounds of one connection. Nothing that a server sends makes a client hold more.
///
/// ```
/// use redial::websocket::Limits;
///
/// const LIMITS: Limits = Limits::new().message(64 << 10).outgoing(4096).build_const();
/// assert_eq!((LIMITS.message(), LIMITS.outgoing()), (65_536, 4_096));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    message: usize,
    outgoing: usize,
    headers: usize,
    stall: Duration,
}

builds!(Limits);

impl Limits {
    /// Messages of 4 MiB each way, 16 KiB of headers, 10 s without progress.
    pub const DEFAULT: Self =
        Self { message: 4 << 20, outgoing: 4 << 20, headers: 16 << 10, stall: Duration::from_secs(10) };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        let Self { message, outgoing, headers, stall } = self;
        if message == 0 || outgoing == 0 || headers == 0 || stall.is_zero() {
            return Err(ConfigError::LimitZero);
        }
        Ok(self)
    }

    /// See [`Builder::message`].
    #[must_use]
    pub const fn message(&self) -> usize {
        self.message
    }

    /// See [`Builder::outgoing`].
    #[must_use]
    pub const fn outgoing(&self) -> usize {
        self.outgoing
    }

    /// See [`Builder::headers`].
    #[must_use]
    pub const fn headers(&self) -> usize {
        self.headers
    }

    /// See [`Builder::stall`].
    #[must_use]
    pub const fn stall(&self) -> Duration {
        self.stall
    }
}

impl Builder<Limits> {
    /// The largest message that is taken from the server, and the largest frame of it, in bytes. A larger one ends the
    /// connection, and with it the session, as a resume would bring the message again. Default: 4 MiB.
    ///
    /// # Errors
    /// [`ConfigError::LimitZero`].
    pub const fn message(mut self, bytes: usize) -> Self {
        self.config.message = bytes;
        self
    }

    /// The largest message that is sent, in bytes; a larger one of the application's is given back to its sender, and one of the
    /// protocol's own ends the connection. What waits to be written is never more than this and 16 KiB. Default: 4 MiB.
    ///
    /// # Errors
    /// [`ConfigError::LimitZero`].
    pub const fn outgoing(mut self, bytes: usize) -> Self {
        self.config.outgoing = bytes;
        self
    }

    /// The longest answer to the upgrade, status line and headers together, in bytes. A longer one is a failed dial
    /// ([`IoKind::InvalidData`](crate::IoKind::InvalidData)). At most 64 KiB and 124 headers are read in any case.
    /// Default: 16 KiB.
    ///
    /// # Errors
    /// [`ConfigError::LimitZero`].
    pub const fn headers(mut self, bytes: usize) -> Self {
        self.config.headers = bytes;
        self
    }

    /// How long the server may take nothing of what is written to it before the connection counts as lost. A heartbeat
    /// finds such a server too, unless it answers what it can't have read. Default: 10 s.
    ///
    /// # Errors
    /// [`ConfigError::LimitZero`].
    pub const fn stall(mut self, time: Duration) -> Self {
        self.config.stall = time;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
