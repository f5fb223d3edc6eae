//! Events of the user and the host: start and stop, preconditions, the network, the page, sleep.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::heartbeat::Heartbeat;
use crate::subscriptions::Subscriptions;
use crate::time::{Micros, OptInstant};

use super::action::DropReason;
use super::config::Config;
use super::event::HoldReason;
use super::explain::{Trigger, WaitReason};
use super::options::{OnNetworkChange, OnNetworkDown, OnVisible, OnWake};
use super::source::{ConfigSource, OptionalPart};
use super::state::{Flag, Gate, Stage};
use super::{Cx, Policy};

/// The longest time until the host is asked again: a day, after which daily budgets have been refilled.
pub(super) const NOT_NOW_MAX: Micros = Micros::from_millis(86_400_000);

/// The close code of a connection that is not resumed (RFC 6455, section 7.4.1).
pub(crate) const CLOSE_NORMAL: u16 = 1000;

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_start(&mut self, cx: &mut Cx<'_>) -> bool {
        if !matches!(self.state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. }) {
            return false;
        }
        if self.state.stage == Stage::Idle && self.state.is(Flag::Outage) {
            self.go_on(cx);
        } else {
            self.begin(cx, Trigger::Start);
        }
        true
    }

    pub(super) fn on_stop(&mut self, cx: &mut Cx<'_>, keep: bool) -> bool {
        let forgot = self.forget_the_server();
        match self.state.stage {
            Stage::Idle | Stage::Stopped | Stage::Failed { .. } if keep || !self.has_session() => {
                return forgot;
            }
            Stage::Failed { .. } => {
                self.drop_session(cx, DropReason::Stop);
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
        let code = if keep { self.source.config().close_code } else { CLOSE_NORMAL };
        self.abandon(cx, Some(code));
        if keep {
            self.expire_session(cx);
        } else {
            self.drop_session(cx, DropReason::Stop);
        }
        self.state.enter(Stage::Stopped, cx.now, Trigger::Stop);
        true
    }

    /// The user asks for a dial now, whatever the policy waits for.
    pub(super) fn on_user_retry(&mut self, cx: &mut Cx<'_>, trigger: Trigger) -> bool {
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {}
            Stage::Failed { reason }
                if reason.is_limit() || self.failed_for_the_service() || self.failed_by_takeovers() => {}
            Stage::Idle
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. }
            | Stage::Stopped
            | Stage::Failed { .. } => return false,
        }
        self.begin(cx, trigger);
        true
    }

    pub(super) fn on_hold(&mut self, cx: &mut Cx<'_>, reason: HoldReason) -> bool {
        let new = self.state.holds & reason.bit() == 0;
        self.state.holds |= reason.bit();
        if new && self.state.stage.is_between() {
            self.dial_or_wait(cx, Trigger::Gate(WaitReason::Hold));
        }
        new
    }

    pub(super) fn on_release(&mut self, cx: &mut Cx<'_>, reason: HoldReason) -> bool {
        let held = self.state.holds & reason.bit() != 0;
        self.state.holds &= !reason.bit();
        if held && self.state.stage.is_between() {
            self.dial_or_wait(cx, Trigger::Gate(WaitReason::Hold));
        }
        held
    }

    pub(super) fn on_network_down(&mut self, cx: &mut Cx<'_>) -> bool {
        let on_down = self.source.config().on_network_down;
        if on_down == OnNetworkDown::Ignore || self.state.is(Flag::NetworkDown) {
            return false;
        }
        self.state.set(Flag::NetworkDown, true);
        match self.state.stage {
            Stage::Connecting { .. } => self.cut_dial(cx, Trigger::Gate(WaitReason::Network)),
            stage if stage.is_alive() => {
                let stays = match on_down {
                    OnNetworkDown::Probe => self.probe(cx),
                    OnNetworkDown::Park | OnNetworkDown::Ignore => true,
                    OnNetworkDown::Drop => false,
                };
                if !stays {
                    self.close_and_lose(cx, Cause::NetworkDown, None);
                }
            }
            stage if stage.is_between() => self.wait_or_park(cx, Trigger::Gate(WaitReason::Network)),
            _ => {}
        }
        true
    }

    pub(super) fn on_network_up(&mut self, cx: &mut Cx<'_>) -> bool {
        let was_down = self.state.is(Flag::NetworkDown);
        let config: &Config = self.source.config();
        if config.on_network_down == OnNetworkDown::Ignore {
            return false;
        }
        let (spread, restart) = (config.network_spread, config.restart_on_network_up);
        self.state.set(Flag::NetworkDown, false);
        let forgot = self.reset_backoff() | self.endpoints.forget();
        let trigger = Trigger::Gate(WaitReason::Network);
        let acted = match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {
                self.shorten_wait(cx, spread, trigger);
                true
            }
            Stage::Failed { .. } if self.failed_for_the_service() => {
                self.begin(cx, trigger);
                true
            }
            Stage::Connecting { .. } if restart => {
                self.cut_dial(cx, trigger);
                true
            }
            // The transport may be bound to the network that went down.
            Stage::Live { .. } if was_down => {
                self.on_changed(cx);
                true
            }
            stage if stage.is_alive() && self.state.is_open() && was_down => {
                self.cut_dial(cx, trigger);
                true
            }
            _ => false,
        };
        was_down || acted || forgot
    }

    pub(super) fn on_network_changed(&mut self, cx: &mut Cx<'_>) -> bool {
        let config: &Config = self.source.config();
        let (ignored, spread) = (config.on_network_change == OnNetworkChange::Ignore, config.network_spread);
        let forgot = self.reset_backoff() | self.endpoints.forget();
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {
                self.shorten_wait(cx, spread, Trigger::NetworkChanged);
            }
            Stage::Failed { .. } if self.failed_for_the_service() => {
                self.begin(cx, Trigger::NetworkChanged);
            }
            Stage::Live { .. } if !ignored => {
                self.on_changed(cx);
            }
            stage if stage.is_alive() && !ignored => self.cut_dial(cx, Trigger::NetworkChanged),
            _ => return forgot,
        }
        true
    }

    /// Resets the backoff, so that the next failure waits the first wait. False if no failure was counted.
    const fn reset_backoff(&mut self) -> bool {
        let climbed = self.state.backoff.failures() > 0 && !self.state.stage.is_asleep();
        if climbed {
            self.state.backoff.reset();
        }
        climbed
    }

    pub(super) fn on_hidden(&mut self, cx: &mut Cx<'_>) -> bool {
        if !self.source.config().defer_while_hidden || self.state.is(Flag::Hidden) {
            return false;
        }
        self.state.set(Flag::Hidden, true);
        if self.state.stage.is_between() {
            self.wait_or_park(cx, Trigger::Gate(WaitReason::Hidden));
        }
        true
    }

    pub(super) fn on_visible(&mut self, cx: &mut Cx<'_>) -> bool {
        let was_hidden = self.state.take(Flag::Hidden);
        if was_hidden {
            self.reset_backoff();
        }
        let config: &Config = self.source.config();
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } if was_hidden => {
                self.shorten_wait(cx, Micros::ZERO, Trigger::Gate(WaitReason::Hidden));
            }
            Stage::Live { .. } if config.on_visible == OnVisible::Probe => {
                if !self.probe(cx) {
                    self.replace(cx, Trigger::Visible);
                }
            }
            _ => return was_hidden,
        }
        true
    }

    /// The host resumes from a sleep. A connection that slept longer than its heartbeat interval can't be trusted; a wait is cut
    /// short as when the network returns, and a dial is repeated. `counted`: whether the clock ran meanwhile.
    pub(super) fn on_host_resumed(&mut self, cx: &mut Cx<'_>, gap: Micros, counted: bool) -> bool {
        let now = cx.now;
        let config: &Config = self.source.config();
        let on_wake = config.on_wake;
        let trusted = match self.state.heartbeat.get().map_or(Micros::ZERO, Heartbeat::span) {
            Micros::ZERO => config.connect_timeout,
            interval => interval,
        };
        if counted {
            self.state.account_slept(now, gap);
        } else if !gap.is_zero() {
            // A clock that starts with the process can't express that the last dial was before it.
            let far = gap >= config.min_interval.max(self.first_wait());
            let earlier = self.state.dialled_at.map(|at| at.before(gap));
            // A dial of this instant came after the sleep, however often the sleep is reported.
            if self.state.dialled_at.get() != Some(now) {
                self.state.dialled_at = if far { OptInstant::NONE } else { earlier };
            }
            self.state.age(now, gap);
            if let Some(session) = self.session.get_mut() {
                session.age(now, gap);
            }
        }
        if gap >= trusted && self.state.stage.is_between() {
            self.endpoints.forget();
        }
        let is_open = self.state.is_open();
        if is_open && gap < trusted {
            return !counted && !gap.is_zero();
        }
        let anew = matches!(self.state.stage, Stage::Connecting { .. }) && self.state.since == now;
        if !anew {
            self.reset_backoff();
        }
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {
                self.shorten_wait(cx, Micros::ZERO, Trigger::HostResumed);
            }
            // A dial of this instant came after the sleep.
            Stage::Connecting { .. } if anew => return !counted && !gap.is_zero(),
            Stage::Connecting { .. } => self.cut_dial(cx, Trigger::HostResumed),
            Stage::Idle | Stage::Stopped | Stage::Failed { .. } => return !counted && !gap.is_zero(),
            Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. } => {
                if !self.state.is(Flag::Established) {
                    self.endpoints.forget();
                    self.cut_dial(cx, Trigger::HostResumed);
                } else if on_wake == OnWake::Redial || !self.probe(cx) {
                    self.endpoints.forget();
                    self.close_and_lose(cx, Cause::HostSuspended, None);
                }
            }
        }
        true
    }

    /// The server sets the first wait.
    pub(super) const fn on_backoff_hint(&mut self, base: Duration) -> bool {
        self.state.backoff.set_base(Some(base));
        true
    }

    /// The host can't dial now. It is asked again at the time it gave, or after the first wait of the backoff, without a limit
    /// and without counting the attempt.
    pub(super) fn on_not_now(&mut self, cx: &mut Cx<'_>, after: Option<Duration>) -> bool {
        if !matches!(self.state.stage, Stage::Connecting { .. }) {
            return false;
        }
        self.state.refund_attempt();
        self.release_attempt();
        // A host that answers zero each time must not make the client spin, and a huge wait must not end the connection.
        let clamp = |wait: Micros| wait.max(Micros::from_millis(1)).min(NOT_NOW_MAX);
        let asked = after.map(|after| clamp(Micros::from_duration(after)));
        let wait = asked.unwrap_or_else(|| self.first_wait());
        self.state.set_backoff_gate(Gate { at: cx.now.after(wait), reason: WaitReason::NotNow });
        self.wait_within_limits(cx, Trigger::NotNow);
        true
    }
}
