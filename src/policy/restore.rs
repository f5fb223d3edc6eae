//! Subscriptions on a connection: what is sent when, and what the answers do.

use rand_core::Rng;

use crate::backoff::Backoff;
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::subscriptions::{Pace, Subscribed, SubscriptionState, Subscriptions};
use crate::time::{Instant, Micros, OptInstant};

use super::action::{Action, Disposition};
use super::config::Config;
use super::explain::Trigger;
use super::source::ConfigSource;
use super::state::Stage;
use super::stats::count;
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn begin_restore(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        let now = cx.now;
        let live = self.live(now);
        self.state.enter(live, now, trigger);
        if self.source.config().restore.enabled && self.subscriptions.has_pending(now) {
            self.state.stage = live.restored(false);
            self.restore(cx);
        } else {
            // A subscription may have been refused for a while before the resume was confirmed.
            self.plan_restore(now);
        }
    }

    /// Fails what was not answered in time, and sends the next batch if that is due.
    pub(super) fn restore_if_due(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        let is_due = |at: OptInstant| at.get().is_some_and(|at| now >= at);
        let pace = self.subscriptions.pace();
        if !matches!(self.state.stage, Stage::Live { .. }) || !is_due(pace.first()) {
            return;
        }
        if is_due(pace.confirm) {
            self.fail_unanswered(now);
        }
        if is_due(pace.next) {
            self.restore(cx);
        } else {
            self.plan_restore(now);
        }
    }

    /// Sends one batch and plans the next. A further batch that is due at once is due at `now`, so that no call handles more
    /// than one batch.
    pub(super) fn restore(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        let Some(epoch) = self.state.epoch else { return };
        let batch = usize::from(self.source.config().restore.batch);
        if self.subscriptions.take_batch(batch, now) > 0 {
            cx.actions.push(Action::Restore { epoch, send: self.subscriptions.sends() });
            self.set_pace(|pace| Pace { last: OptInstant::at(now), ..pace });
        }
        self.plan_restore(now);
    }

    fn set_pace(&mut self, change: impl FnOnce(Pace) -> Pace) {
        let pace = change(self.subscriptions.pace());
        self.subscriptions.set_pace(pace);
    }

    /// Sets the time of the next batch, if there is anything to send. If there is not, restoration is complete; that is also
    /// so when the last pending subscription was withdrawn.
    pub(super) fn plan_restore(&mut self, now: Instant) {
        let pending = self.subscriptions.has_pending(now);
        if matches!(self.state.stage, Stage::Live { restored: false, .. }) && !pending {
            let trigger = if self.state.since == now { self.state.trigger } else { Trigger::Restored };
            self.state.enter(self.state.stage.restored(true), now, trigger);
        }
        let restore = self.source.config().restore;
        let live = matches!(self.state.stage, Stage::Live { .. });
        let next = if !live || !restore.enabled {
            None
        } else {
            let wanted = if pending { Some(now) } else { self.subscriptions.next_retry() };
            let last = self.subscriptions.pace().last.get();
            let earliest = last.map_or(now, |at| at.after(restore.interval));
            wanted.map(|at| at.max(earliest))
        };
        self.set_pace(|pace| Pace { next: OptInstant::new(next), ..pace });
        self.plan_confirm();
    }

    /// Sets the limit for the answer to the oldest send.
    fn plan_confirm(&mut self) {
        let Some(timeout) = self.source.config().restore.confirm_timeout else { return };
        let live = matches!(self.state.stage, Stage::Live { .. });
        let oldest = if live { self.subscriptions.oldest_unanswered() } else { None };
        self.set_pace(|pace| Pace { confirm: OptInstant::new(oldest.map(|at| at.after(timeout))), ..pace });
    }

    /// The clock ran back to `now`.
    pub(super) fn rewind_restore(&mut self, now: Instant) {
        let config: &Config = self.source.config();
        let interval = config.restore.interval;
        self.subscriptions.rewind(now, now.after(config.backoff.cap(Mode::Resume)));
        self.set_pace(|pace| Pace {
            last: pace.last.map(|at| at.min(now)),
            next: pace.next.map(|at| at.min(now.after(interval))),
            ..pace
        });
        self.plan_confirm();
    }

    pub(super) fn on_subscribe(&mut self, cx: &mut Cx<'_>, key: S::Key, priority: i32) -> bool {
        let now = cx.now;
        match self.subscriptions.subscribe(key, priority) {
            Ok(Subscribed::Unchanged) => return false,
            Ok(_) => {}
            Err(_) => {
                cx.actions.set_disposition(Disposition::Full);
                return true;
            }
        }
        self.plan_restore(now);
        if self.subscriptions.pace().next.get().is_some_and(|at| now >= at) {
            self.restore(cx);
        }
        true
    }

    pub(super) fn on_unsubscribe(&mut self, now: Instant, key: &S::Key) -> bool {
        let known = self.subscriptions.unsubscribe(key);
        if known {
            self.plan_restore(now);
        }
        known
    }

    pub(super) fn on_subscription_confirmed(
        &mut self,
        cx: &mut Cx<'_>,
        key: &S::Key,
        send: Option<u32>,
    ) -> bool {
        if self.is_outdated(cx, key, send) {
            return true;
        }
        let confirmed = self.subscriptions.confirm(key);
        if confirmed {
            self.plan_confirm();
        }
        confirmed
    }

    pub(super) fn on_subscription_failed(
        &mut self,
        cx: &mut Cx<'_>,
        key: &S::Key,
        send: Option<u32>,
        retryable: bool,
    ) -> bool {
        let now = cx.now;
        self.is_outdated(cx, key, send)
            || self.subscription_failed(now, key, retryable, |state| {
                matches!(state, SubscriptionState::Sent | SubscriptionState::Confirmed)
            })
    }

    pub(super) fn on_subscription_lost(&mut self, now: Instant, key: &S::Key) -> bool {
        self.subscription_failed(now, key, true, |state| state == SubscriptionState::Confirmed)
    }

    /// Whether this answers another send than the key's newest. Then it is stale.
    fn is_outdated(&mut self, cx: &mut Cx<'_>, key: &S::Key, send: Option<u32>) -> bool {
        let Some(send) = send else { return false };
        let outdated = self.subscriptions.find(key).is_some_and(|entry| entry.send() != Some(send));
        if outdated {
            count(&mut self.state.counts.stale);
            cx.actions.set_disposition(Disposition::Stale);
        }
        outdated
    }

    /// A subscription that failed is sent again after a backoff of its own, with the connection's config. A confirmation does
    /// not reset that, or a server that confirms and ends a subscription in turns would be asked after the first wait each
    /// time. False if `applies` is false for its state.
    fn subscription_failed(
        &mut self,
        now: Instant,
        key: &S::Key,
        retryable: bool,
        applies: impl Fn(SubscriptionState) -> bool,
    ) -> bool {
        let Some(entry) = self.subscriptions.find(key).filter(|entry| applies(entry.state())) else {
            return false;
        };
        let failures = entry.failures().saturating_add(1);
        let base = self.state.backoff.base();
        let retry_at =
            if retryable { retry_at(self.source.config(), base, now, failures, &mut self.rng) } else { None };
        self.subscriptions.fail(key, retry_at);
        self.plan_restore(now);
        true
    }

    /// A subscription that was not answered in time has failed for a while. At most one batch of keys fails in one call.
    fn fail_unanswered(&mut self, now: Instant) {
        let config: &Config = self.source.config();
        let Some(timeout) = config.restore.confirm_timeout else { return };
        let Some(sent_by) = now.as_micros().checked_sub(timeout.0).map(Instant::from_micros) else { return };
        let (base, rng) = (self.state.backoff.base(), &mut self.rng);
        self.subscriptions.fail_unanswered(usize::from(config.restore.batch), sent_by, |failures| {
            retry_at(config, base, now, failures, rng)
        });
    }
}

/// When a key is sent again after this many failures in a row; `None`: not in this session. Never at once, since no dial lies
/// between a refusal and the next send.
fn retry_at<R: Rng>(
    config: &Config,
    base: Option<Micros>,
    now: Instant,
    failures: u32,
    rng: &mut R,
) -> Option<Instant> {
    Backoff::wait_after(&config.backoff, base, failures, Mode::Resume, Micros::ZERO, rng)
        .map(|wait| now.after(if wait.is_zero() { config.first_wait() } else { wait }))
}
