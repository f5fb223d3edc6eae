//! A session as data.

use super::{SessionState, UNKNOWN};
use crate::time::{Instant, OptInstant, SignedInstant};

/// A session as it is written and read.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plain<T> {
    token: Option<T>,
    endpoint: Option<T>,
    sequence: Option<u64>,
    ttl_ms: Option<u32>,
    ends: Option<Instant>,
    unreachable: Option<(u8, SignedInstant)>,
}

impl<T> From<SessionState<T>> for Plain<T> {
    fn from(session: SessionState<T>) -> Self {
        let (sequence, ends) = (session.sequence(), session.ends.get());
        let ttl_ms = if session.ttl_ms == UNKNOWN { None } else { Some(session.ttl_ms) };
        let unreachable = Some((session.unreachable, SignedInstant::from_bits(session.aside)))
            .filter(|(dials, _)| *dials > 0);
        Self { token: session.token, endpoint: session.endpoint, sequence, ttl_ms, ends, unreachable }
    }
}

impl<T> From<Plain<T>> for SessionState<T> {
    fn from(plain: Plain<T>) -> Self {
        let Plain { token, endpoint, sequence, ttl_ms, ends, unreachable } = plain;
        let ttl_ms = ttl_ms.filter(|ttl_ms| *ttl_ms != UNKNOWN);
        let ends = ends.filter(|_| ttl_ms.is_some());
        let (unreachable, aside) = unreachable
            .filter(|(dials, _)| *dials > 0)
            .map_or((0, 0), |(dials, since)| (dials, since.to_bits()));
        Self {
            sequence: sequence.unwrap_or(0),
            ends: OptInstant::new(ends),
            aside,
            ttl_ms: ttl_ms.unwrap_or(UNKNOWN),
            has_sequence: sequence.is_some(),
            unreachable,
            token,
            endpoint,
        }
    }
}
