//! What happens between two connections: the loss, what follows from its cause, the waits, the limits, the dial.

use redial::backoff::Curve;
use redial::classify::{Class, Verdict};
use redial::policy::{DropReason, Endpoint, RetryAfter, Role};
use redial::{GiveUp, IoKind};

use super::*;

impl Model {
    pub(super) fn outage_over(&mut self) -> bool {
        self.failures = 0;
        self.due.retain(|due| due.0 != Why::Stable);
        true
    }

    pub(super) fn drop_session(&mut self, reason: DropReason) -> bool {
        let known = self.session.0.is_some();
        if known {
            (self.failed_resumes, self.unreachable, self.unauthenticated) = (0, None, false);
            self.out.push(Action::DropSession { reason });
        }
        std::mem::take(&mut self.session) != (None, None, None)
    }

    pub(super) fn mode(&self) -> Mode {
        let numbered = self.session.2.is_some() || !self.config.resume().sequence_needed(); // F58
        let resumable = self.config.resume().enabled() && self.session.0.is_some() && numbered;
        if resumable { Mode::Resume } else { Mode::Fresh }
    }

    /// F82, F88: what ends with a transport.
    pub(super) fn end(&mut self, at: At) {
        self.wishes.connection_lost();
        (self.heartbeat, self.due, self.restored, self.at) = (Heartbeat::default(), vec![], false, at);
    }

    /// F01, F02: every loss is this one transition, and lifecycle 3: it never dials.
    pub(super) fn lose(&mut self, cause: Cause, hint: Option<RetryAfter>, close: bool) -> bool {
        let (resuming, at_session, opened, established) = self.link;
        let (code, verdict) =
            (opened.then_some(self.config.close_code()), self.config.classifier().classify(cause));
        _ = close && self.act(|epoch| Action::Close { epoch, code });
        let resume_sent = resuming && self.at == At::Session;
        self.end(At::Down);
        self.last_cause = Some(cause);
        let held = established.map_or(-1., |since| self.now - since);
        *(if held < 0. { &mut self.stats.failed } else { &mut self.stats.losses }) += 1;
        self.stats.client_faults += u32::from(verdict.client_fault);
        if held >= us(self.config.reset_after_stable()) {
            (_, self.began, self.attempt) = (self.outage_over(), self.now, 0);
            if held >= first_wait(&self.config.backoff()) {
                self.counts = (0, 0, None);
            }
        }
        if let Some(breaker) = self.config.breaker().filter(|_| held < 0. && verdict.class != Class::Auth) {
            self.breaker.failed(self.now, &breaker);
        }
        if !opened && at_session {
            let (most, apart) = self.config.resume().endpoint_fallback();
            let (count, since) = self.unreachable.map_or((1, self.now), |(count, since)| (count + 1, since));
            let left = count >= most.into() && self.now - since >= us(apart); // F63, F69
            self.unreachable = (!left).then_some((count, since));
            self.session.1 = self.session.1.filter(|_| !left);
        }
        let unasked = matches!(cause, Cause::SendFailed | Cause::Io(IoKind::BrokenPipe)); // D-POLICY-14
        self.failed_resumes += u32::from(resume_sent && !unasked);
        _ = match verdict.class {
            Class::Fresh if cause == Cause::SessionInvalid => self.drop_session(DropReason::Invalid),
            Class::Fresh => self.drop_session(DropReason::Gone),
            _ if self.failed_resumes >= self.config.resume().failures_max().into() => {
                self.drop_session(DropReason::ResumeFailed) // F68
            }
            _ => self.mode() == Mode::Fresh && self.drop_session(DropReason::Incomplete),
        };
        self.judge(cause, hint, verdict)
    }

    /// What follows from the cause: the end, a credential, or a wait.
    pub(super) fn judge(&mut self, cause: Cause, hint: Option<RetryAfter>, verdict: Verdict) -> bool {
        let (limit, auth) = (verdict.limit.into(), verdict.class == Class::Auth);
        let nth = self.counts.2.filter(|same| same.0 == cause).map_or(1, |same| same.1 + 1);
        let counted = !auth && (limit > 0 || verdict.wait(1) != verdict.wait(2));
        self.counts.2 = if counted { Some((cause, nth)) } else { self.counts.2 };
        let (renewed, credential) = (self.counts.1, self.config.credential());
        let refused = credential.rejections_max().is_some_and(|max| renewed > max.into())
            || limit > 0 && renewed >= limit
            || credential.refresh_on() == RefreshOn::Never;
        let reason = match verdict.class {
            Class::Fatal => Some(GiveUp::Fatal),
            Class::Auth if refused => Some(GiveUp::Auth),
            _ if counted && limit > 0 && nth > limit => Some(GiveUp::Repeated),
            _ => None,
        };
        if let Some(reason) = reason {
            return self.give_up(reason, cause);
        }
        (self.counts.1, self.renew) = (renewed + u32::from(auth), self.renew || auth);
        let limited = verdict.class == Class::RateLimited;
        self.counts.0 += u32::from(limited && !counted);
        self.failures += u32::from(!(limited || auth && renewed == 0));
        let own = if counted { nth } else { self.counts.0 }; // lifecycle 46, F48
        let failures = if limited { self.failures.max(own) } else { self.failures };
        let at_once = self.at_once;
        if !self.back_off(if auth && renewed == 0 { 0 } else { failures }, limited) {
            return self.give_up(GiveUp::TableSpent, cause);
        }
        let (low, high) = verdict.wait(nth);
        let max = us(self.config.retry_after_max());
        let asked = hint.map_or(0., |hint| us(hint.duration()));
        self.stats.retry_after_cut += u32::from(asked > max);
        let (cut, least) = (asked > max, asked.min(max));
        let (why, span) = match hint {
            Some(RetryAfter::Window(_)) => (Why::Window, (0., least)), // W26
            Some(RetryAfter::AtLeast(_)) if cut => (Why::RetryAfter, (max * 0.75, max)), // W24
            Some(RetryAfter::Appointment(_)) if cut => (Why::Appointment, (max * 0.75, max)),
            Some(RetryAfter::AtLeast(_)) => {
                (Why::RetryAfter, (asked, asked * (1. + float(self.config.retry_after_spread()))))
            }
            Some(RetryAfter::Appointment(_)) => (Why::Appointment, (asked, asked * 1.25)), // W25
            None => (Why::Class, (us(low), us(high))),
        };
        if matches!(hint, Some(RetryAfter::Appointment(_) | RetryAfter::Window(_))) {
            self.due.retain(|due| due.0 != Why::Backoff);
            let last = self.last_dial.filter(|_| at_once);
            let apart = last.map_or(0., |last| last + first_wait(&self.config.backoff()).min(1e6) - self.now);
            self.set(why, self.now, (span.0.max(apart), span.1.max(apart)));
            self.at_once = true;
        } else {
            self.set(why, self.now, span);
        }
        let (low, high) = self.config.resume().invalid_wait();
        _ = cause == Cause::SessionInvalid && self.set(Why::InvalidSession, self.now, (us(low), us(high)));
        self.limits(true)
    }

    /// The wait after so many failures; of two waits of nothing in a row, the second keeps its distance (D-BACKOFF-01).
    /// `counted`: the failures don't step.
    pub(super) fn back_off(&mut self, failures: u32, counted: bool) -> bool {
        let (backoff, last) = (self.config.backoff(), self.last_dial.unwrap_or(0.));
        let elapsed = (self.now - self.began - self.parked.map_or(0., |since| self.now - since)).max(0.);
        let delay = match backoff.curve() {
            _ if failures == 0 => Some((0., 0.)),
            Curve::Windows(_) if !counted => {
                let (first, mode) = (failures == 1, self.mode());
                let (phase, begin) = &mut self.windows;
                *begin = if first { 0. } else { *begin };
                let wait = windowed((&backoff, mode), *phase, begin, first, elapsed);
                Some((wait, wait))
            }
            _ => wait(&backoff, self.mode(), failures, elapsed),
        };
        let none = delay == Some((0., 0.));
        let apart = if std::mem::replace(&mut self.at_once, none) { first_wait(&backoff) } else { 0. };
        match delay {
            Some(_) if none => self.set(Why::Backoff, last, (apart, apart)),
            Some(delay) => self.set(Why::Backoff, self.now, delay),
            None => false,
        }
    }

    /// F35, F37, lifecycle 79: no dial too many, and no wait too long.
    pub(super) fn limits(&mut self, dials: bool) -> bool {
        let cause = self.last_cause.unwrap_or(Cause::Unknown);
        let dials = dials && (self.attempt > 0 || self.ever);
        if dials && self.config.max_attempts().is_some_and(|max| self.attempt >= max) {
            return self.give_up(GiveUp::MaxAttempts, cause);
        }
        let parked = self.parked.map_or(0., |since| self.now - since);
        let limit = self.began + parked + self.config.max_elapsed().map_or(f64::INFINITY, us);
        let (due, ends) = (self.gates(), self.core_did("gave_up"));
        let over = |gate: &(Why, Span)| gate.1.1 > self.now && (gate.1.0 > limit || gate.1.1 > limit && ends);
        if due.iter().any(over) {
            return self.give_up(GiveUp::MaxElapsed, cause);
        }
        self.go(None)
    }

    pub(super) fn core_did(&self, word: &str) -> bool {
        self.core.iter().flatten().any(|action| action.as_str() == word)
    }

    /// F36, lifecycle 64: the end comes once, and for anything but a limit takes the session along.
    pub(super) fn give_up(&mut self, reason: GiveUp, cause: Cause) -> bool {
        _ = !reason.is_limit() && self.drop_session(DropReason::Fatal);
        (self.at, self.restart, self.due) = (At::Failed, reason.is_limit(), vec![]);
        self.out.push(Action::GaveUp { reason, cause });
        true
    }

    pub(super) fn stop(&mut self, keep: bool, alive: bool) -> bool {
        let code = Some(if keep { self.config.close_code() } else { 1000 }); // F71
        self.stats.abandoned += u32::from(alive && self.link.3.is_none());
        let runs = alive && self.act(|epoch| Action::Close { epoch, code }) || self.at == At::Down;
        if runs {
            self.end(At::Stopped);
        }
        let dropped = !keep && self.drop_session(DropReason::Stop);
        self.at = if dropped && self.at == At::Idle { At::Stopped } else { self.at };
        dropped || runs
    }

    /// F17, S25, S90, lifecycle 50: the first attempt of an outage, without a wait.
    pub(super) fn start_over(&mut self) -> bool {
        self.outage_over();
        self.unmet(Why::Credential, 0, false);
        (self.at, self.due, self.began, self.breaker) = (At::Down, vec![], self.now, Breaker::default());
        (self.at_once, self.counts, self.attempt, self.parked) = (false, (0, 0, None), 0, None);
        self.go(Some(0.))
    }

    /// F15, lifecycle 31: a dial that nobody made is not counted.
    pub(super) fn undo_dial(&mut self, why: Why, from: f64, wait: f64) -> bool {
        self.end(At::Down);
        (self.stats.abandoned, self.attempt) = (self.stats.abandoned + 1, self.attempt - 1);
        self.set(why, from, (wait, wait));
        self.limits(false)
    }

    /// D-POLICY-26: the backoff is cut to the first wait since the last dial, and resets with the next failure.
    pub(super) fn good_news(&mut self) -> bool {
        let least = self.last_dial.map_or(0., |last| last + first_wait(&self.config.backoff()));
        let (first, waiting) =
            (first_wait(&self.config.backoff()), self.unmet.contains(&(Why::Credential, 0)));
        if waiting && self.at == At::Down && self.asked_at.is_some_and(|at| self.now >= at + first) {
            self.ask(); // D-POLICY-31
        }
        self.failures = if matches!(self.at, At::Stopped | At::Failed) { self.failures } else { 0 };
        self.due.retain(|due| due.0 != Why::MinInterval);
        for gate in self.due.iter_mut().filter(|gate| matches!(gate.0, Why::Backoff | Why::NotNow)) {
            gate.1 = (gate.1.0.min(least), gate.1.1.min(least));
        }
        self.go(Some(1e3))
    }

    /// S80, lifecycle 55, 56, R86: a credential comes, or fails, for now or for good.
    pub(super) fn credential(&mut self, failed: Option<bool>) -> bool {
        let asked = self.unmet(Why::Credential, 0, false);
        self.due.retain(|due| due.0 != Why::CredentialTimeout);
        self.renew &= failed.is_some() || !asked;
        let failed = failed.filter(|_| asked && self.at == At::Down);
        self.last_cause = failed.map(|_| Cause::AuthRejected).or(self.last_cause);
        self.last_dial = failed.map(|_| self.now).or(self.last_dial);
        match failed {
            Some(true) => self.give_up(GiveUp::Auth, Cause::AuthRejected),
            Some(false) => {
                self.failures += 1;
                match self.back_off(self.failures, false) {
                    true => self.limits(true),
                    false => self.give_up(GiveUp::TableSpent, Cause::AuthRejected),
                }
            }
            None => asked && self.go(Some(1e3)),
        }
    }

    /// S91, lifecycle 58: every dial passes every gate, and then the credential.
    pub(super) fn go(&mut self, apart: Option<f64>) -> bool {
        let goes = self.core_did("open") || self.core_did("refresh_credential");
        let ahead = |gate: &(Why, Span)| gate.1.0 > self.now || gate.1.1 > self.now && !goes;
        if self.phase() != Phase::Waiting || self.gates().iter().any(ahead) {
            return true;
        } else if !self.renew {
            let Some(apart) = apart.filter(|apart| *apart > 0. && self.last_dial == Some(self.now)) else {
                return apart.is_none() || self.dial();
            };
            return self.set(Why::MinInterval, self.now, (apart, apart)); // never two dials in one instant
        }
        self.ask()
    }

    pub(super) fn ask(&mut self) -> bool {
        (self.requests, self.asked_at) = (self.requests + 1, Some(self.now));
        self.out.push(Action::RefreshCredential { request: self.requests });
        self.limit(Why::CredentialTimeout, Some(self.config.credential().timeout()));
        self.unmet(Why::Credential, 0, true);
        true
    }

    /// F03, F62: one transport, with the next epoch, where its session is.
    pub(super) fn dial(&mut self) -> bool {
        _ = self.mode() == Mode::Fresh && self.drop_session(DropReason::Incomplete);
        let mode = self.mode();
        let endpoint = if self.session.1.is_some() { Endpoint::Session } else { Endpoint::Base };
        (self.epoch, self.attempt, self.last_dial) = (self.epoch + 1, self.attempt + 1, Some(self.now));
        (self.at, self.due, self.link) =
            (At::Dial, vec![], (mode == Mode::Resume, endpoint == Endpoint::Session, false, None));
        self.stats.opens += 1;
        self.delivered = None;
        self.renew = self.config.credential().refresh_on() == RefreshOn::Dial;
        self.limit(Why::ConnectTimeout, None);
        let (attempt, role) = (self.attempt, Role::Connection);
        self.act(|epoch| Action::Open { epoch, mode, endpoint, attempt, role })
    }
}
