//! What the user and the host say: wishes, preconditions, the network, the page, sleep, credentials.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::{Cause, Class, Verdict};
use crate::endpoints::Endpoints;
use crate::heartbeat::Heartbeat;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, Moment};

use super::Policy;
use super::action::{Action, Actions, DropReason, GiveUp};
use super::config::Config;
use super::event::HoldReason;
use super::explain::{Reason, Why};
use super::lend::{Lend, Part};
use super::loss::Step;
use super::options::{OnNetworkDown, OnWake};
use super::state::{Credential, Flag, Gate, Stage};

/// The longest time until the host is asked again: a day, after which the daily budgets in the field begin anew.
const NOT_NOW_MAX: Micros = Micros::from_millis(86_400_000);

/// The close code of a connection that is not to be resumed (RFC 6455 §7.4.1).
const CLOSE_NORMAL: u16 = 1000;

impl<R: Rng, T, S: Subscriptions, C: Lend<T>, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_start(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. }) {
            return false;
        }
        if self.state.stage == Stage::Idle && self.state.outage {
            self.go_on(now, out);
        } else {
            self.begin(now, Why::Start, out);
        }
        true
    }

    pub(super) fn on_stop(&mut self, now: Instant, keep: bool, out: &mut Actions) -> bool {
        match self.state.stage {
            Stage::Idle | Stage::Stopped | Stage::Failed { .. } if keep || !self.has_session() => {
                return false;
            }
            Stage::Failed { .. } => {
                self.drop_session(DropReason::Stop, out);
                return true;
            }
            Stage::Idle
            | Stage::Stopped
            | Stage::Waiting { .. }
            | Stage::Parked { .. }
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. } => {}
        }
        let code = if keep { self.config.lend().close_code } else { CLOSE_NORMAL };
        self.abandon(now, Some(code), out);
        if !keep {
            self.drop_session(DropReason::Stop, out);
        }
        self.state.enter(Stage::Stopped, now, Why::Stop);
        true
    }

    pub(super) fn on_retry_now(&mut self, now: Instant, out: &mut Actions) -> bool {
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {}
            Stage::Failed { reason } if reason.is_limit() => {}
            Stage::Idle
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. }
            | Stage::Stopped
            | Stage::Failed { .. } => return false,
        }
        self.begin(now, Why::RetryNow, out);
        true
    }

    pub(super) fn on_hold(&mut self, now: Instant, reason: HoldReason, out: &mut Actions) -> bool {
        let new = self.state.holds & reason.bit() == 0;
        self.state.holds |= reason.bit();
        if new && self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hold), true, out);
        }
        new
    }

    pub(super) fn on_release(&mut self, now: Instant, reason: HoldReason, out: &mut Actions) -> bool {
        let held = self.state.holds & reason.bit() != 0;
        self.state.holds &= !reason.bit();
        if held && self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hold), true, out);
        }
        held
    }

    pub(super) fn on_network_down(&mut self, now: Instant, out: &mut Actions) -> bool {
        let on_down = self.config.lend().on_network_down;
        if on_down == OnNetworkDown::Ignore || self.state.is(Flag::NetworkDown) {
            return false;
        }
        self.state.set(Flag::NetworkDown, true);
        match self.state.stage {
            Stage::Connecting { .. } => self.cut_dial(now, Reason::Network, out),
            stage if stage.is_alive() => {
                let stays = match on_down {
                    OnNetworkDown::Probe => self.probe(now, out),
                    OnNetworkDown::Park | OnNetworkDown::Ignore => true,
                    OnNetworkDown::Drop => false,
                };
                if !stays {
                    self.lose(now, Cause::NetworkDown, None, true, out);
                }
            }
            stage if stage.is_between() => self.proceed(now, Why::Gate(Reason::Network), false, out),
            _ => {}
        }
        true
    }

    /// Ends a dial by news of the network or of a credential. Not the attempt's fault, so it is not spent; but the next
    /// dial keeps its distance (S84).
    fn cut_dial(&mut self, now: Instant, news: Reason, out: &mut Actions) {
        if self.state.established_at.is_some() {
            // Open counts as established here, and what is given up was a connection.
            self.state.enter_outage(now);
        } else {
            self.state.unspend();
        }
        self.abandon(now, self.close_code(), out);
        let at = self.state.dialled_at.get().unwrap_or(now).after(self.config.lend().first_wait());
        self.state.set_ladder(Gate { at, reason: Reason::Backoff });
        self.proceed(now, Why::Gate(news), false, out);
    }

    /// How a transport ends whose session goes on: one that is not open yet has no code.
    fn close_code(&self) -> Option<u16> {
        if self.state.is_open() { Some(self.config.lend().close_code) } else { None }
    }

    pub(super) fn on_network_up(&mut self, now: Instant, out: &mut Actions) -> bool {
        let was_down = self.state.is(Flag::NetworkDown);
        let config: &Config = self.config.lend();
        if config.on_network_down == OnNetworkDown::Ignore {
            return false;
        }
        let spread = config.network_spread;
        let restart = config.restart_on_network_up;
        self.state.set(Flag::NetworkDown, false);
        let dialling = restart && matches!(self.state.stage, Stage::Connecting { .. });
        let between = self.state.stage.is_between();
        let forgot = self.endpoints.forget();
        if dialling {
            self.cut_dial(now, Reason::Network, out);
        } else if between {
            self.cut_wait(now, spread);
            self.proceed(now, Why::Gate(Reason::Network), true, out);
        }
        was_down || dialling || between || forgot
    }

    pub(super) fn on_hidden(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !self.config.lend().defer_while_hidden || self.state.is(Flag::Hidden) {
            return false;
        }
        self.state.set(Flag::Hidden, true);
        if self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hidden), false, out);
        }
        true
    }

    pub(super) fn on_visible(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !self.state.is(Flag::Hidden) {
            return false;
        }
        self.state.set(Flag::Hidden, false);
        if self.state.stage.is_between() {
            self.cut_wait(now, Micros::ZERO);
            self.proceed(now, Why::Gate(Reason::Hidden), true, out);
        }
        true
    }

    /// A connection that slept longer than its liveness rule would have waited can't be trusted (lifecycle 39); a wait
    /// is cut like at the network's return.
    pub(super) fn on_woke(&mut self, now: Instant, gap: Micros, out: &mut Actions) -> bool {
        let trusted = match self.state.heartbeat.get().map_or(Micros::ZERO, Heartbeat::span) {
            Micros::ZERO => self.config.lend().connect_timeout,
            interval => interval,
        };
        if self.state.stage.is_between() {
            if gap >= trusted {
                self.endpoints.forget();
            }
            self.cut_wait(now, Micros::ZERO);
            self.proceed(now, Why::Woke, true, out);
            return true;
        }
        if !self.state.is_open() || gap < trusted {
            return false;
        }
        if self.config.lend().on_wake == OnWake::Probe && self.probe(now, out) {
            return true;
        }
        self.endpoints.forget();
        self.lose(now, Cause::Slept, None, true, out);
        true
    }

    /// Asks the connection for a sign of life. False where it has no heartbeat to ask with.
    fn probe(&mut self, now: Instant, out: &mut Actions) -> bool {
        let config: &Config = self.config.lend();
        let Some(epoch) = self.state.epoch else { return false };
        let open = self.state.is_open();
        let asked = match self.state.heartbeat.get_mut() {
            Some(heartbeat) if open => heartbeat.ask(&config.heartbeat, now, config.connect_timeout),
            _ => false,
        };
        if asked {
            out.push(Action::Beat { epoch });
        }
        asked
    }

    /// `failed`: `None` for a fresh credential, otherwise whether there will never be one. Late answers of a refresh
    /// that nobody waits for any more are nothing (lifecycle 59).
    pub(super) fn on_credential(&mut self, now: Instant, failed: Option<bool>, out: &mut Actions) -> bool {
        if self.state.credential != Credential::Pending {
            return false;
        }
        let between = self.state.stage.is_between();
        match failed {
            None => {
                self.state.credential = Credential::Fine;
                if between {
                    self.proceed(now, Why::Gate(Reason::Credential), true, out);
                }
            }
            Some(fatal) => {
                self.state.credential = Credential::Needed;
                // As good as a dial for the distances: good news must not make it ask in a spin.
                self.state.dialled_at = Moment::at(now);
                if between && fatal {
                    self.fail(now, GiveUp::Auth, Cause::AuthRejected, out);
                } else if between {
                    self.state.last_cause = Some(Cause::AuthRejected);
                    let verdict = Verdict::new(Class::Transient);
                    let cause = Cause::AuthRejected;
                    self.climb(
                        now,
                        &Step { cause, verdict, hint: None, from: now, free: false, nth: 0 },
                        out,
                    );
                }
            }
        }
        true
    }

    /// What was asked for meanwhile is answered with it.
    pub(super) fn on_credential_new(&mut self, now: Instant, out: &mut Actions) -> bool {
        self.state.credential = Credential::Fine;
        self.state.rejections = 0;
        match self.state.stage {
            Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. } => self.cut_dial(now, Reason::Credential, out),
            Stage::Waiting { .. } | Stage::Parked { .. } => {
                self.cut_wait(now, Micros::ZERO);
                self.proceed(now, Why::Gate(Reason::Credential), true, out);
            }
            Stage::Idle | Stage::Live { .. } | Stage::Stopped | Stage::Failed { .. } => {}
        }
        true
    }

    pub(super) fn on_credential_lost(&mut self, now: Instant, out: &mut Actions) -> bool {
        if matches!(self.state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. }) {
            return false;
        }
        self.state.credential = Credential::Needed;
        self.abandon(now, self.close_code(), out);
        self.state.last_cause = Some(Cause::AuthRejected);
        self.fail(now, GiveUp::Auth, Cause::AuthRejected, out);
        true
    }

    /// The host could not dial: asked again when it said, or after the first wait of the ladder; for ever, and not
    /// counted.
    pub(super) fn on_not_now(&mut self, now: Instant, after: Option<Duration>, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Connecting { .. }) {
            return false;
        }
        self.state.unspend();
        self.forgo(now);
        // A host that says "at once" each time must not spin, and one that says "never" not end the chain.
        let clamp = |wait: Micros| wait.max(Micros::from_millis(1)).min(NOT_NOW_MAX);
        let asked = after.map(|after| clamp(Micros::from_duration(after)));
        let wait = asked.unwrap_or_else(|| self.config.lend().first_wait());
        self.state.set_ladder(Gate { at: now.after(wait), reason: Reason::NotNow });
        self.proceed(now, Why::NotNow, false, out);
        true
    }
}
