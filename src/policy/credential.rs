//! The caller's credential: when it is requested, what the answers and its end do.

use core::time::Duration;

use rand_core::Rng;

use crate::backoff::Backoff;
use crate::classify::{Cause, Class, Verdict};
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::below;
use crate::subscriptions::Subscriptions;
use crate::time::{Micros, OptInstant};

use super::action::{Action, GiveUp};
use super::config::Config;
use super::explain::{Trigger, WaitReason};
use super::options::{CredentialConfig, RefreshOn};
use super::source::ConfigSource;
use super::state::{Credential, Flag, Stage};
use super::verdict::Step;
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Requests a credential. An answer to an earlier request is stale from now on.
    pub(super) fn ask_credential(&mut self, cx: &mut Cx<'_>) {
        let state = &mut self.state;
        let request = state.counts.request.wrapping_add(1).max(1);
        state.counts.request = request;
        state.credential = Credential::Pending;
        state.credential_at = OptInstant::at(cx.now.after(self.source.config().credential.timeout));
        cx.actions.push(Action::RefreshCredential { request });
    }

    /// Repeats a request that is under way, since it may never be answered; but not within the first wait after the last one.
    pub(super) fn ask_credential_again(&mut self, cx: &mut Cx<'_>) {
        if self.state.credential != Credential::Pending {
            return;
        }
        let timeout = self.source.config().credential.timeout;
        let asked_at = self.state.credential_at.or_never().before(timeout);
        if cx.now >= asked_at.after(self.first_wait()) {
            self.ask_credential(cx);
        }
    }

    /// A request was not answered in time, or the credential is to be renewed.
    pub(super) fn on_credential_deadline(&mut self, cx: &mut Cx<'_>) {
        if self.state.credential == Credential::Pending {
            self.on_credential_failed(cx, false);
        } else {
            self.ask_credential(cx);
        }
    }

    /// A request was answered. Without a request under way nothing changes.
    pub(super) fn on_credential_ok(&mut self, cx: &mut Cx<'_>, ttl: Option<Duration>) -> bool {
        if self.state.credential != Credential::Pending {
            return false;
        }
        let config: CredentialConfig = self.source.config().credential;
        // A credential that is renewed while online is for the next dial.
        self.state.credential = Credential::Fine;
        self.state.credential_at = match ttl.map(Micros::from_duration).filter(|ttl| !ttl.is_zero()) {
            Some(ttl) if config.refresh_on != RefreshOn::Never => {
                let lead = config.lead.saturating_add(below(&mut self.rng, config.lead_spread));
                // One that expires within the lead must not be renewed in a spin.
                let good = if lead < ttl { ttl.saturating_sub(lead) } else { Micros(ttl.0 / 2) };
                OptInstant::at(cx.now.after(good.max(self.first_wait())))
            }
            _ => OptInstant::NONE,
        };
        if self.state.stage.is_between() {
            self.dial_or_wait(cx, Trigger::Gate(WaitReason::Credential));
        } else {
            self.authenticate_in_band(cx);
        }
        true
    }

    /// A request failed.
    pub(super) fn on_credential_failed(&mut self, cx: &mut Cx<'_>, fatal: bool) -> bool {
        let now = cx.now;
        if self.state.credential != Credential::Pending {
            return false;
        }
        self.state.credential = Credential::Needed;
        self.state.credential_at = OptInstant::NONE;
        let between = self.state.stage.is_between();
        if between {
            // Counts as a dial for spacing, so that repeated events can't make it ask in a spin.
            self.state.dialled_at = OptInstant::at(now);
            self.state.last_cause = Some(Cause::AuthRejected);
        }
        let cause = Cause::AuthRejected;
        if between && fatal {
            self.fail(cx, GiveUp::Auth, cause);
        } else if between {
            let verdict = Verdict::new(Class::Transient);
            self.back_off(cx, &Step { cause, verdict, retry_after: None, from: now, free: false, nth: 0 });
        } else if matches!(self.state.stage, Stage::Live { .. }) && !fatal {
            // The connection still has its old one. The next request comes after the longest wait, at most half the lead.
            let config: &Config = self.source.config();
            let base = self.state.backoff.base();
            let (backoff, rng) = (&config.backoff, &mut self.rng);
            let wait = Backoff::wait_after(backoff, base, u32::MAX, Mode::Resume, Micros::ZERO, rng);
            let lead = Micros(config.credential.lead.0 / 2);
            let wait = wait.unwrap_or(config.credential.timeout).min(lead).max(self.first_wait());
            self.state.credential_at = OptInstant::at(now.after(wait));
        }
        true
    }

    /// Also answers a request that is under way.
    pub(super) fn on_credential_new(&mut self, cx: &mut Cx<'_>) -> bool {
        self.state.credential = Credential::Fine;
        self.state.credential_at = OptInstant::NONE;
        match self.state.stage {
            Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. } => self.cut_dial(cx, Trigger::Gate(WaitReason::Credential)),
            Stage::Waiting { .. } | Stage::Parked { .. } => {
                self.cut_wait(cx.now, Micros::ZERO);
                self.dial_or_wait(cx, Trigger::Gate(WaitReason::Credential));
            }
            Stage::Live { .. } => self.authenticate_in_band(cx),
            Stage::Idle | Stage::Stopped | Stage::Failed { .. } => {}
        }
        true
    }

    pub(super) fn on_credential_lost(&mut self, cx: &mut Cx<'_>) -> bool {
        if matches!(self.state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. }) {
            return false;
        }
        self.state.credential = Credential::Needed;
        self.state.credential_at = OptInstant::NONE;
        self.abandon(cx, self.close_code());
        self.state.last_cause = Some(Cause::AuthRejected);
        self.fail(cx, GiveUp::Auth, Cause::AuthRejected);
        true
    }

    /// Authenticates the live connection with a renewed credential.
    pub(super) fn authenticate_in_band(&mut self, cx: &mut Cx<'_>) {
        if let (true, Stage::Live { .. }, Some(epoch)) =
            (self.source.config().credential.in_band, self.state.stage, self.state.epoch)
        {
            self.state.set(Flag::Reauthenticating, true);
            cx.actions.push(Action::Authenticate { epoch });
        }
    }
}
