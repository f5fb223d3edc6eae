//! The words of the driver's enums.

use core::fmt;

#[cfg(feature = "alloc")]
use super::Command;
#[cfg(feature = "driver")]
use super::Overflow;
#[cfg(feature = "alloc")]
use super::trust::{Distrust, EndpointTrust, TrustedHost};
use super::{DialError, Outcome, Received};
use crate::policy::RetryAfter;
use crate::words::words;

words!(as_str Outcome {
    Stopped => "stopped",
    GaveUp => "gave_up",
});

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::GaveUp { reason, cause } => write!(f, "gave up: {reason}, last cause {cause}"),
        }
    }
}

words!(as_str DialError {
    Failed => "open_failed",
    NotNow => "not_now",
});

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retry_after = match self {
            Self::Failed { cause, retry_after } => {
                write!(f, "the dial failed: {cause}")?;
                *retry_after
            }
            Self::NotNow { retry_after } => {
                f.write_str("no dial is possible now")?;
                retry_after.map(RetryAfter::from)
            }
        };
        match retry_after {
            Some(wait) => write!(f, "; retry {wait}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for DialError {}

#[cfg(feature = "alloc")]
words!([T, K, M] Command<T, K, M> {
    Identify => "send_fresh",
    Resume => "send_resume",
    Heartbeat => "beat",
    Authenticate => "authenticate",
    Restore => "restore",
    Message => "message",
    Unsubscribe => "unsubscribe",
});

words!([T, K, I] Received<T, K, I> {
    Event => "event",
    Message => "message",
});

#[cfg(feature = "driver")]
words!(Overflow {
    Refuse => "refuse",
    DropOldest => "drop_oldest",
    DropNewest => "drop_newest",
});

#[cfg(feature = "alloc")]
words!(['a] EndpointTrust<'a> {
    SameDomain => "same_domain",
    SameHost => "same_host",
    Listed => "listed",
    Any => "any",
});

#[cfg(feature = "alloc")]
impl TrustedHost<'_> {
    /// The variant's word, in snake case. It does not change between versions.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::Domain(_) => "domain",
        }
    }
}

#[cfg(feature = "alloc")]
impl fmt::Display for TrustedHost<'_> {
    /// The host; of a domain, the domain after `*.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Domain(domain) => write!(f, "*.{domain}"),
        }
    }
}

#[cfg(feature = "alloc")]
words!(as_str Distrust {
    Base => "base",
    Character => "character",
    UserName => "user_name",
    Scheme => "scheme",
    Host => "host",
    Port => "port",
    OtherHost => "other_host",
    OtherDomain => "other_domain",
    NotListed => "not_listed",
});
