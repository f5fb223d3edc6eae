//! What one connection may take: bytes of messages and headers, and time without progress.

use core::time::Duration;

use super::SetupError;

/// Bounds of one connection. Nothing that a server sends makes a client hold more.
///
/// ```
/// use redial::websocket::Limits;
///
/// let limits = Limits::new().with_message(64 << 10)?.with_outgoing(4096)?;
/// assert_eq!((limits.message(), limits.outgoing()), (65_536, 4_096));
/// # Ok::<(), redial::websocket::SetupError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    message: usize,
    frame: usize,
    outgoing: usize,
    headers: usize,
    stall: Duration,
}

impl Limits {
    /// Messages and frames of 4 MiB each way, 16 KiB of headers, 10 s without progress.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            message: 4 << 20,
            frame: 4 << 20,
            outgoing: 4 << 20,
            headers: 16 << 10,
            stall: Duration::from_secs(10),
        }
    }

    /// The largest message that is taken from the server, and the largest frame of it, in bytes. A larger one ends the
    /// connection, and with it the session, as a resume would bring the message again. Default: 4 MiB.
    ///
    /// # Errors
    /// [`SetupError::Limit`] for 0.
    pub const fn with_message(mut self, bytes: usize) -> Result<Self, SetupError> {
        if bytes == 0 {
            return Err(SetupError::Limit("message"));
        }
        self.message = bytes;
        self.frame = bytes;
        Ok(self)
    }

    /// The largest single frame, where it is to be smaller than a message. Default: as large as a message.
    ///
    /// # Errors
    /// [`SetupError::Limit`] for 0.
    pub const fn with_frame(mut self, bytes: usize) -> Result<Self, SetupError> {
        if bytes == 0 {
            return Err(SetupError::Limit("frame"));
        }
        self.frame = bytes;
        Ok(self)
    }

    /// The largest message that is sent, in bytes; a larger one is given back to its sender. What waits to be written is
    /// never more than this and 16 KiB. Default: 4 MiB.
    ///
    /// # Errors
    /// [`SetupError::Limit`] for 0.
    pub const fn with_outgoing(mut self, bytes: usize) -> Result<Self, SetupError> {
        if bytes == 0 {
            return Err(SetupError::Limit("outgoing"));
        }
        self.outgoing = bytes;
        Ok(self)
    }

    /// The longest answer to the upgrade, status line and headers together, in bytes. A longer one is a failed dial
    /// ([`IoKind::InvalidData`](crate::IoKind::InvalidData)). At most 64 KiB and 124 headers are read in any case.
    /// Default: 16 KiB.
    ///
    /// # Errors
    /// [`SetupError::Limit`] for 0.
    pub const fn with_headers(mut self, bytes: usize) -> Result<Self, SetupError> {
        if bytes == 0 {
            return Err(SetupError::Limit("headers"));
        }
        self.headers = bytes;
        Ok(self)
    }

    /// How long the server may take nothing of what is written to it before the connection counts as lost. A heartbeat
    /// finds such a server too, unless it answers what it can't have read. Default: 10 s.
    ///
    /// # Errors
    /// [`SetupError::Limit`] for 0.
    pub const fn with_stall(mut self, time: Duration) -> Result<Self, SetupError> {
        if time.is_zero() {
            return Err(SetupError::Limit("stall"));
        }
        self.stall = time;
        Ok(self)
    }

    /// See [`with_message`](Self::with_message).
    #[must_use]
    pub const fn message(&self) -> usize {
        self.message
    }

    /// See [`with_frame`](Self::with_frame).
    #[must_use]
    pub const fn frame(&self) -> usize {
        self.frame
    }

    /// See [`with_outgoing`](Self::with_outgoing).
    #[must_use]
    pub const fn outgoing(&self) -> usize {
        self.outgoing
    }

    /// See [`with_headers`](Self::with_headers).
    #[must_use]
    pub const fn headers(&self) -> usize {
        self.headers
    }

    /// See [`with_stall`](Self::with_stall).
    #[must_use]
    pub const fn stall(&self) -> Duration {
        self.stall
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
