//! The counters of a handover.

use crate::time::{Instant, Micros, OptInstant, divide};

/// What became of the connections that were to be replaced. The counters are never reset, and they saturate.
///
/// ```
/// use redial::{Event, Instant, Policy, SplitMix64, handover, presets};
///
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut policy = policy.with_handover(handover::Config::DEFAULT);
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let _online = policy.handle_event(Instant::ZERO, Event::Opened { epoch });
///
/// let _open = policy.handle_event(Instant::from_millis(9_000), Event::Redial);
/// let epoch = policy.successor().expect("it is dialled beside the connection");
/// let _promoted = policy.handle_event(Instant::from_millis(9_050), Event::Opened { epoch });
/// let stats = policy.handover_stats();
/// assert_eq!((stats.handovers, stats.handovers_failed, stats.gap_ms), (1, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HandoverStats {
    /// Successors that were promoted.
    pub handovers: u32,
    /// Connections that ended before a successor was ready, and successors that were given up while the connection stayed.
    pub handovers_failed: u32,
    /// How long there was no connection because one ended before its successor was ready, in milliseconds, all of them
    /// together, at most 49 days. A stop ends such a gap as a connection does.
    pub gap_ms: u32,
}

/// The same while it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counts {
    pub(super) handovers: u32,
    pub(super) failed: u32,
    pub(super) gap_ms: u32,
    /// When the connection ended whose successor is not ready.
    pub(super) gap_since: OptInstant,
}

impl Counts {
    pub(super) const NEW: Self = Self { handovers: 0, failed: 0, gap_ms: 0, gap_since: OptInstant::NONE };

    pub(super) const fn promoted(&mut self) {
        self.handovers = self.handovers.saturating_add(1);
    }

    pub(super) const fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    /// The connection has ended before its successor was ready.
    pub(super) const fn gap_begins(&mut self, now: Instant) {
        self.gap_since = OptInstant::at(now);
    }

    /// There is a connection again, or none is wanted.
    pub(super) fn gap_ends(&mut self, now: Instant) {
        let Some(since) = self.gap_since.get() else { return };
        self.gap_since = OptInstant::NONE;
        self.gap_ms = self.gap_ms.saturating_add(millis(now.since(since)));
    }

    pub(super) const fn stats(&self) -> HandoverStats {
        HandoverStats { handovers: self.handovers, handovers_failed: self.failed, gap_ms: self.gap_ms }
    }
}

fn millis(span: Micros) -> u32 {
    u32::try_from(divide(span.0, 1_000).0).unwrap_or(u32::MAX)
}
