//! The counters of a policy.

use super::Policy;
use super::source::ConfigSource;
use super::state::Flag;

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state.counts.stats(self.state.stage.is_alive() && !self.state.is(Flag::Established))
    }
}

/// The counters of one policy.
///
/// They are never reset, and they saturate: `zombies`, `heartbeats_missed`, `client_faults`, `retry_after_cut` and
/// `clock_rewinds` at 65,535, the others at [`u32::MAX`].
///
/// At any time `opens` is `established + failed + abandoned`, plus one while a dial is in progress.
///
/// ```
/// use redial::{Cause, Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let _online = policy.handle_event(Instant::ZERO, Event::Opened { epoch });
/// let _wait = policy.handle_event(Instant::from_millis(9_000), Event::Closed { epoch, cause: Cause::NoCloseFrame });
///
/// let stats = policy.stats();
/// assert_eq!((stats.opens, stats.established, stats.losses), (1, 1, 1));
/// assert_eq!(stats.last_uptime_ms, 9_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Dials.
    pub opens: u32,
    /// Attempts that led to an established connection.
    pub established: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts that the user or the host ended before their outcome was known.
    pub abandoned: u32,
    /// Established connections that were lost. A stop by the user is not a loss.
    pub losses: u32,
    /// Sessions resumed.
    pub resumed: u32,
    /// New sessions. The caller must synchronize its state after each.
    pub fresh: u32,
    /// Connections that the heartbeat found dead.
    pub zombies: u32,
    /// Heartbeats that were unanswered when the next one was due, and tolerated. The one that ends the connection counts among the
    /// [`zombies`](Self::zombies) instead: where the first one does, as by default, this stays 0.
    pub heartbeats_missed: u32,
    /// Losses whose verdict blames the client.
    pub client_faults: u32,
    /// Waits that a server asked for and that were cut to the maximum.
    pub retry_after_cut: u32,
    /// Stale events: of a transport that was not the current one, or answers to older sends or requests.
    pub stale: u32,
    /// How often the clock ran backwards.
    pub clock_rewinds: u32,
    /// How long the last established connection held, in milliseconds, at most 49 days; 0 before the first loss.
    pub last_uptime_ms: u32,
}

/// What a policy counts: [`Stats`] in fewer bytes. Rare counts have 16 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counts {
    pub(super) opens: u32,
    pub(super) established: u32,
    pub(super) failed: u32,
    pub(super) losses: u32,
    pub(super) resumed: u32,
    pub(super) fresh: u32,
    pub(super) stale: u32,
    pub(super) last_uptime_ms: u32,
    pub(super) zombies: u16,
    pub(super) heartbeats_missed: u16,
    pub(super) client_faults: u16,
    pub(super) retry_after_cut: u16,
    pub(super) clock_rewinds: u16,
    /// The number of the newest request for a credential. It is here because it fits without padding.
    pub(super) request: u16,
}

impl Counts {
    pub(super) const NEW: Self = Self {
        opens: 0,
        established: 0,
        failed: 0,
        losses: 0,
        resumed: 0,
        fresh: 0,
        stale: 0,
        last_uptime_ms: 0,
        zombies: 0,
        heartbeats_missed: 0,
        client_faults: 0,
        retry_after_cut: 0,
        clock_rewinds: 0,
        request: 0,
    };

    /// `in_flight`: whether the outcome of the newest dial is open.
    pub(super) fn stats(&self, in_flight: bool) -> Stats {
        let known = self.established.saturating_add(self.failed).saturating_add(u32::from(in_flight));
        Stats {
            opens: self.opens,
            established: self.established,
            failed: self.failed,
            abandoned: self.opens.saturating_sub(known),
            losses: self.losses,
            resumed: self.resumed,
            fresh: self.fresh,
            zombies: self.zombies.into(),
            heartbeats_missed: self.heartbeats_missed.into(),
            client_faults: self.client_faults.into(),
            retry_after_cut: self.retry_after_cut.into(),
            stale: self.stale,
            clock_rewinds: self.clock_rewinds.into(),
            last_uptime_ms: self.last_uptime_ms,
        }
    }
}

/// Counts one more, without wrapping.
pub(super) const fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// The same for a rare count.
pub(super) const fn count_small(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}
