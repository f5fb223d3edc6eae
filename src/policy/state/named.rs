//! The one part of the state that is of the caller's type.

use super::State;

/// The name of an endpoint, if there is one. Debug output never shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::policy) struct Named<T>(pub(in crate::policy) Option<T>);

impl<T> core::fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_some() { "[redacted]" } else { "none" })
    }
}

impl<B, H, N> State<B, H, N> {
    /// The same state for names of another type, without one.
    pub(in crate::policy) fn renamed<T>(self) -> State<B, H, Named<T>> {
        let Self {
            latest,
            epoch,
            progress,
            flags,
            stage,
            heartbeat,
            established_or_backoff_at,
            since,
            outage_since,
            backoff,
            floor_at,
            dialled_at,
            credential_at,
            breaker,
            attempt,
            holds,
            counts,
            last_cause,
            limited_by,
            replaced_secs,
            trigger,
            backoff_by,
            floor_by,
            limited,
            rate_limited,
            credential,
            rejections,
            endpoint,
            resume_failures,
            replaced,
            hops,
            streaks,
            redirect: _,
        } = self;
        State {
            latest,
            epoch,
            progress,
            flags,
            stage,
            heartbeat,
            established_or_backoff_at,
            since,
            outage_since,
            backoff,
            floor_at,
            dialled_at,
            credential_at,
            breaker,
            attempt,
            holds,
            counts,
            last_cause,
            limited_by,
            replaced_secs,
            trigger,
            backoff_by,
            floor_by,
            limited,
            rate_limited,
            credential,
            rejections,
            endpoint,
            resume_failures,
            replaced,
            hops,
            streaks,
            redirect: Named(None),
        }
    }
}
