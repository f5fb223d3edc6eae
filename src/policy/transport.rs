//! The transport and the session it carries: which transport an event is of, what a sign of life does, and how both end.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::session::SessionState;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, divide};

use super::action::{Action, DropReason};
use super::event::Epoch;
use super::source::{ConfigSource, OptionalPart};
use super::state::Flag;
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Whether the transport with this epoch is open or being opened.
    #[inline]
    pub(super) fn is_current(&self, epoch: Epoch) -> bool {
        self.is_newest(epoch) && self.state.stage.is_alive()
    }

    /// Whether no transport has a later epoch.
    #[inline]
    pub(super) fn is_newest(&self, epoch: Epoch) -> bool {
        self.state.epoch.map_or(0, Epoch::get) == epoch.get()
    }

    /// Whether the transport with this epoch is open.
    #[inline]
    pub(super) fn is_open(&self, epoch: Epoch) -> bool {
        self.is_newest(epoch) && self.state.is_open()
    }

    /// In builds with debug assertions: the byte that the frequent events read is what follows from state and config.
    #[inline]
    pub(super) fn check_progress(&self) {
        debug_assert_eq!(
            self.state.progress,
            self.state.derived_progress(self.source.config()),
            "a transport moved, and the frequent events were not told"
        );
    }

    /// Something was received on the transport.
    #[inline]
    pub(super) fn hear(&mut self, now: Instant) {
        self.heartbeat_heard();
        self.session_heard(now);
    }

    /// The same for the heartbeat alone.
    #[inline]
    pub(super) fn heartbeat_heard(&mut self) {
        if self.state.progress.hears() {
            if let Some(heartbeat) = self.state.heartbeat.get_mut() {
                heartbeat.heard();
            }
        }
    }

    /// A sign of life on the transport that carries the session.
    #[inline]
    pub(super) fn session_heard(&mut self, now: Instant) {
        if let Some(session) = self.session.get_mut() {
            if self.state.carries_session() {
                session.heard(now);
            }
        }
    }

    /// Whether a sign of life prolongs the session. Most servers give no time to live.
    #[inline]
    pub(super) fn has_ttl(&self) -> bool {
        self.session.get().is_some_and(SessionState::has_ttl)
    }

    /// Closes a transport whose attempt is neither a failure nor a success.
    pub(super) fn abandon(&mut self, cx: &mut Cx<'_>, code: Option<u16>) {
        if !self.state.stage.is_alive() {
            return;
        }
        if let Some(epoch) = self.state.epoch {
            cx.actions.push(Action::Close { epoch, code });
        }
        self.release_attempt();
    }

    /// The same without a close, for a dial that did not take place.
    pub(super) fn release_attempt(&mut self) {
        if self.state.take(Flag::Admitted) {
            if let Some(breaker) = self.state.breaker.get_mut() {
                breaker.release(breaker.held());
            }
        }
        self.end_transport();
    }

    /// Resets everything that belongs to a transport.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn end_transport(&mut self) {
        self.subscriptions.transport_lost();
        let state = &mut self.state;
        state.end_progress();
        state.end_established();
        state.set(Flag::Reauthenticating, false);
        state.set(Flag::Unclassified, false);
        if let Some(heartbeat) = state.heartbeat.get_mut() {
            heartbeat.stop();
        }
        self.subscriptions.set_pace(Pace::NONE);
    }

    /// The close code of a transport whose session is kept; none while it is not open.
    pub(super) fn close_code(&self) -> Option<u16> {
        if self.state.is_open() { Some(self.source.config().close_code) } else { None }
    }

    /// Remembers how long an established connection held.
    pub(super) fn note_uptime(&mut self, now: Instant) {
        if let Some(since) = self.state.established_at().get() {
            self.note_held(now.since(since));
        }
    }

    #[inline]
    pub(super) fn note_held(&mut self, held: Micros) {
        let held = divide(held.0, 1_000).0;
        self.state.counts.last_uptime_ms = u32::try_from(held).unwrap_or(u32::MAX);
    }

    /// Whether anything of a session is kept.
    pub(super) fn has_session(&self) -> bool {
        self.session.get().is_some_and(|session| !session.is_empty())
    }

    /// Drops a session whose time to live has passed, now that no connection carries it.
    pub(super) fn expire_session(&mut self, cx: &mut Cx<'_>) {
        if self.session.get().is_some_and(|session| session.is_expired(cx.now)) {
            self.drop_session(cx, DropReason::Expired);
        }
    }

    pub(super) fn drop_session(&mut self, cx: &mut Cx<'_>, reason: DropReason) {
        self.state.resume_failures = 0;
        if self.session.get_mut().is_some_and(SessionState::forget) {
            cx.actions.push(Action::DropSession { reason });
        }
    }
}
