//! What must hold while a connection is replaced.

use core::time::Duration;

use crate::handover::HandoverStats;
use crate::policy::{Action, Disposition, Establish, Event, Phase};
use crate::time::Instant;

use super::call::{Call, promise};
use super::checked::Checkable;
use super::checks::{is_live, is_same_session};
use super::model::{Model, Transport};

/// No call before this much beyond a deadline is doubted.
const LEAP: Duration = Duration::from_secs(300);

/// What was known before a call of a policy that hands over.
pub(super) struct Before {
    connection: Option<Transport>,
    /// Live, or stepped back to an authentication before its resume was answered.
    live: bool,
    under_way: bool,
    stats: HandoverStats,
}

impl Before {
    /// `None` where nothing is handed over.
    pub(super) fn of<D: Checkable>(call: &Call<'_, D>, model: &Model) -> Option<Self> {
        let _config = call.before.handover_config()?;
        Some(Self {
            connection: model.connection,
            live: is_live(call.before) || model.connection.is_some_and(|connection| connection.established),
            under_way: is_under_way(call.before, call.was),
            stats: call.before.handover_stats().unwrap_or_default(),
        })
    }
}

/// Whether a handover was begun and has not ended: its successor is dialled, waits or is parked. Then another redial is
/// inapplicable.
pub(super) fn is_under_way<D: Checkable>(policy: &D, now: Instant) -> bool {
    let asked = || policy.clone().handle_event(now, Event::Redial).disposition();
    policy.successor().is_some()
        || policy.handover_config().is_some()
            && policy.epoch().is_some()
            && asked() == Disposition::Inapplicable
}

#[track_caller]
pub(super) fn check<D: Checkable>(call: &Call<'_, D>, model: &mut Model, before: Before) {
    let leapt = call.now.saturating_duration_since(call.was) > LEAP;
    model.handovers.steady &= call.is_forward() && !leapt && call.now < Instant::END;
    check_served(call, model, &before);
    check_session(call, model);
    check_ends(call, model);
    check_counters(call, model, &before);
}

/// Live, or back before its resume was answered.
#[track_caller]
fn check_served<D: Checkable>(call: &Call<'_, D>, model: &Model, before: &Before) {
    let (Some(old), true, true) = (before.connection, before.live, before.under_way) else { return };
    let on_open = call.after.config().establish() == Establish::OnOpen;
    let serves = is_live(call.after) || on_open && call.after.phase() == Phase::Establishing;
    // The other way to end is its own: a promotion or a loss.
    let stays = model.connection.is_some_and(|connection| connection.epoch == old.epoch);
    promise!(
        call,
        Handover,
        !stays || serves,
        "connection {} is up and is {}",
        old.epoch,
        call.after.phase()
    );
}

/// The sequence number of the connection is its own until the promotion, and never moves back by one.
#[track_caller]
fn check_session<D: Checkable>(call: &Call<'_, D>, model: &Model) {
    let (before, after) = (call.before, call.after);
    let same = before.epoch().is_some() && before.epoch() == after.epoch();
    let of_successor =
        before.successor().is_some() && call.event.and_then(Event::epoch) == before.successor();
    let forgets = call.actions.iter().any(|action| matches!(action, Action::DropSession { .. }));
    if same && of_successor && !forgets {
        let kept = is_same_session(before, after);
        promise!(call, Handover, kept, "an event of the successor moves the session of the connection");
    }
    let promotes = call.actions.iter().any(|action| matches!(action, Action::Promote { .. }));
    let renewed = model.connection.is_none_or(|connection| connection.renewed);
    if let (Some(old), Some(new), true, false) = (before.session(), after.session(), promotes, renewed) {
        let moved = new.token().is_some() && old.token() == new.token() && new.sequence() < old.sequence();
        let (old, new) = (old.sequence(), new.sequence());
        promise!(call, Handover, !moved, "the promotion moves the sequence back from {old:?} to {new:?}");
    }
}

/// A successor and a connection that drains have ends.
#[track_caller]
fn check_ends<D: Checkable>(call: &Call<'_, D>, model: &Model) {
    let (policy, until) = (call.after, call.after.poll_timeout());
    if let (Some(config), true) = (policy.handover_config(), model.handovers.steady) {
        if let Some((successor, dialled_at)) = model.successor {
            let late = dialled_at.saturating_add(config.timeout());
            let ends = until.is_some_and(|at| at <= late);
            promise!(call, WayOn, ends, "successor {} may take until {until:?}", successor.epoch);
        }
        if let Some((epoch, since)) = model.draining {
            let late = since.saturating_add(config.drain());
            let ends = until.is_some_and(|at| at <= late);
            promise!(call, WayOn, ends, "connection {epoch} may drain until {until:?}");
        }
    }
    if is_live(policy) && model.successor.is_none() && is_under_way(policy, call.now) {
        let awaited = !model.conditions_met() || until.is_some();
        promise!(call, WayOn, awaited, "a successor is to be dialled, and nothing is due");
    }
}

#[track_caller]
fn check_counters<D: Checkable>(call: &Call<'_, D>, model: &mut Model, before: &Before) {
    let (old, new) = (before.stats, call.after.handover_stats().unwrap_or_default());
    let promoted = model.handovers.promoted;
    promise!(
        call,
        Counters,
        new.handovers == promoted,
        "{promoted} promotions, and {} are counted",
        new.handovers
    );
    let failed = new.handovers_failed - old.handovers_failed;
    let grows = failed <= 1 && new.gap_ms >= old.gap_ms;
    promise!(call, Counters, grows, "one call makes of {old:?} {new:?}");
    let under_way = before.live && before.under_way;
    let promotes = call.actions.iter().any(|action| matches!(action, Action::Promote { .. }));
    let ended = under_way && !promotes && !is_under_way(call.after, call.now);
    let stops = matches!(call.event, Some(Event::Stop { .. } | Event::CredentialLost));
    if ended && !stops {
        promise!(call, Counters, failed == 1, "a handover ends, and does not count as failed");
    } else if under_way {
        promise!(call, Counters, failed == 0, "a handover counts as failed that did not end");
    }
    check_gap(call, model, ended && !stops && !is_live(call.after));
}

/// The gap is from the loss to the next connection.
#[track_caller]
fn check_gap<D: Checkable>(call: &Call<'_, D>, model: &mut Model, begins: bool) {
    let (handovers, now) = (&mut model.handovers, call.now);
    if begins && handovers.gap_since.is_none() {
        handovers.gap_since = Some(now);
    }
    let over = matches!(call.after.phase(), Phase::Failed | Phase::Stopped | Phase::Idle);
    if is_live(call.after) || over {
        if let Some(since) = handovers.gap_since.take() {
            handovers.gap_ms += now.saturating_duration_since(since).as_millis() as u64;
        }
    }
    if handovers.steady {
        let told = call.after.handover_stats().unwrap_or_default().gap_ms;
        let measured = handovers.gap_ms;
        promise!(call, Counters, u64::from(told) == measured, "a gap of {measured} ms is told as {told} ms");
    }
}
