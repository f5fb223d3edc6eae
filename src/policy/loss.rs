//! How a connection ends: the loss transition, what becomes of the session, and giving up.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::{Cause, Class, IoKind, Verdict};
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::action::{Action, DropReason, Endpoint, GiveUp};
use super::config::Config;
use super::explain::Trigger;
use super::retry_after::RetryAfter;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Flag, Reached, Stage};
use super::stats::{count, count_small};
use super::verdict::Step;
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_open_failed(
        &mut self,
        cx: &mut Cx<'_>,
        cause: Cause,
        retry_after: Option<RetryAfter>,
    ) -> bool {
        self.lose(cx, cause, retry_after);
        true
    }

    pub(super) fn on_closed(&mut self, cx: &mut Cx<'_>, cause: Cause) -> bool {
        self.lose(cx, cause, None);
        true
    }

    pub(super) fn on_send_failed(&mut self, cx: &mut Cx<'_>) -> bool {
        self.close_and_lose(cx, Cause::SendFailed, None);
        true
    }

    /// Applies in every stage, before the greeting too. With a deadline, a live connection stays until a time in the first
    /// half of it.
    pub(super) fn on_reconnect_requested(
        &mut self,
        cx: &mut Cx<'_>,
        after: Option<RetryAfter>,
        deadline: Option<Duration>,
    ) -> bool {
        let now = cx.now;
        if deadline.is_some_and(|deadline| self.plan_replacement(now, deadline)) {
            return true;
        }
        self.close_and_lose(cx, Cause::ReconnectRequested, after);
        true
    }

    pub(super) fn on_session_invalid(&mut self, cx: &mut Cx<'_>, resumable: bool) -> bool {
        let cause = if resumable { Cause::SessionInvalidResumable } else { Cause::SessionInvalid };
        self.close_and_lose(cx, cause, None);
        true
    }

    /// The loss of a transport that may still be open: it is closed first.
    pub(super) fn close_and_lose(&mut self, cx: &mut Cx<'_>, cause: Cause, retry_after: Option<RetryAfter>) {
        if let Some(epoch) = self.state.epoch {
            cx.actions.push(Action::Close { epoch, code: self.close_code() });
        }
        self.lose(cx, cause, retry_after);
    }

    /// The loss transition. Everything that ends a connection unintentionally comes through here. The transport's epoch ends
    /// with it, so that further reports of the same loss are stale.
    pub(super) fn lose(&mut self, cx: &mut Cx<'_>, cause: Cause, retry_after: Option<RetryAfter>) {
        let now = cx.now;
        let config: &Config = self.source.config();
        let state = &mut self.state;
        // A loss that comes with a redirect is not classified: it is the way to the other endpoint.
        let redirected = state.is(Flag::Unclassified);
        let verdict =
            if redirected { Verdict::new(Class::Transient) } else { config.classifier.classify(cause) };
        state.last_cause = Some(cause);
        if verdict.client_fault {
            count_small(&mut state.counts.client_faults);
        }
        let held = state.established_at().get().map(|at| now.since(at));
        match held {
            Some(_) => count(&mut state.counts.losses),
            None => count(&mut state.counts.failed),
        }
        let admitted = state.take(Flag::Admitted);
        if let (true, Some(limits), Some(breaker)) = (admitted, &config.breaker, state.breaker.get_mut()) {
            // A refused credential says nothing about the server's health.
            if verdict.class == Class::Auth || cause == Cause::AuthDenied {
                breaker.release(breaker.held());
            } else {
                breaker.failure(limits, now, breaker.held(), &mut self.rng);
            }
        }
        if held.is_some_and(|held| held >= config.reset_after_stable) {
            state.end_outage();
        }
        state.enter_outage(now);
        // Guards against a server that makes the client spin, whatever the config calls stable.
        let held_well = held.is_some_and(|held| held >= config.reset_after_stable.max(config.first_wait()));
        if held_well {
            state.rejections = 0;
            state.limited = 0;
            state.rate_limited = 0;
            state.resume_failures = 0;
        }
        // Only a resume that was sent can have been refused. A failed dial, a missing greeting or a socket that broke while
        // the resume was written says nothing about the session; nor does a missing answer on a connection that held.
        let resume_failed = state.mode() == Mode::Resume
            && state.reached() == Reached::Identified
            && !held_well
            && !is_unwritten(cause);
        let endpoint_failed = state.endpoint == Endpoint::Session && !state.is_open();
        let dialled_at = state.dialled_at;
        // Without a network, or after a sleep, the endpoint is not to blame.
        let blameless = matches!(
            cause,
            Cause::NetworkDown
                | Cause::HostSuspended
                | Cause::Io(IoKind::NetworkUnreachable | IoKind::NetworkDown)
        );
        let leaves = held.is_some() && (cause == Cause::ReconnectRequested || !held_well && !blameless);
        if leaves && state.endpoint == Endpoint::Base {
            // The endpoint asks for a reconnect, or its connections don't hold: the next round begins with another.
            self.endpoints.leave(&config.endpoints, now);
        }
        self.note_uptime(now);
        self.state.set(Flag::InRound, false);
        self.leave_redirect(held.is_some());
        self.end_transport();
        if endpoint_failed {
            self.on_endpoint_failed(now);
        }
        self.expire_session(cx);
        if verdict.class == Class::Fresh {
            let reason = if cause == Cause::SessionInvalid { DropReason::Invalid } else { DropReason::Gone };
            self.drop_session(cx, reason);
        } else if resume_failed {
            self.on_resume_failed(cx);
        }
        if self.has_session() && self.next_mode() == Mode::Fresh {
            self.drop_session(cx, DropReason::Incomplete);
        }
        let from_dial = self.source.config().wait_from_dial && held.is_none();
        let from = dialled_at.get().filter(|_| from_dial).unwrap_or(now);
        let mut step = Step { cause, verdict, retry_after, from, free: false, nth: 0 };
        self.apply_verdict(cx, &mut step, held.is_none(), held_well);
    }

    /// The cause of the last failure or loss.
    pub(super) fn last_cause(&self) -> Cause {
        self.state.last_cause.unwrap_or(Cause::Unknown)
    }

    fn on_endpoint_failed(&mut self, now: Instant) {
        let resume = &self.source.config().resume;
        let Some(session) = self.session.get_mut() else { return };
        session.missed(now);
        let (dials, failing) = session.unreachable(now);
        if dials >= resume.fallback_failures && failing >= resume.fallback_after {
            session.forget_endpoint();
        }
    }

    fn on_resume_failed(&mut self, cx: &mut Cx<'_>) {
        self.state.resume_failures = self.state.resume_failures.saturating_add(1);
        if self.state.resume_failures >= self.source.config().resume.failures_max {
            self.drop_session(cx, DropReason::ResumeFailed);
        }
    }

    pub(super) fn fail(&mut self, cx: &mut Cx<'_>, reason: GiveUp, cause: Cause) {
        if !reason.is_limit() {
            self.drop_session(cx, DropReason::Fatal);
        }
        self.state.enter(Stage::Failed { reason }, cx.now, Trigger::GaveUp(reason));
        cx.actions.push(Action::GaveUp { reason, cause });
    }
}

/// Whether the loss means that the last message was not written.
const fn is_unwritten(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::SendFailed | Cause::Io(IoKind::BrokenPipe | IoKind::NotConnected | IoKind::WriteZero)
    )
}
