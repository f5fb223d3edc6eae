//! What must hold after every call of a policy, whatever the events, the times and the config.

use core::time::Duration;

use crate::classify::{Class, Scope};
use crate::policy::{Action, Disposition, Epoch, Event, Phase, WaitReason};
use crate::subscriptions::{SubscriptionState, Subscriptions};
use crate::time::Instant;

use super::call::{Answer, Call, promise};
use super::checked::{Checkable, step};
use super::handover::{self, Before};
use super::limits::Limits;
use super::model::Model;

/// A host that can't dial may ask to be asked again after this.
const DAY: Duration = Duration::from_secs(86_400);

/// More calls than this, and one for each subscription, are never due in one instant: those of a policy, and with a handover.
const CALLS: [usize; 2] = [4, 12];

/// The end of time is no deadline: nothing would ever come after it.
pub(super) fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now && at != Instant::MAX)
}

/// Whether the connection is live.
pub(super) fn is_live<D: Checkable>(policy: &D) -> bool {
    matches!(policy.phase(), Phase::Online | Phase::Restoring)
}

/// Whether there is a session that can be resumed.
pub(super) fn is_resumable<D: Checkable>(policy: &D, limits: &Limits) -> bool {
    policy.session().is_some_and(|session| session.is_resumable(limits.sequence_needed))
}

/// Checks a call, and takes it into the model.
#[track_caller]
pub(super) fn check<D: Checkable>(
    call: &Call<'_, D>,
    model: &mut Model,
    limits: &Limits,
    hash: Option<fn(&D) -> u64>,
) {
    if !call.is_forward() {
        model.dialled_at = None;
        check_rewind(call);
    }
    check_twin(call, hash);
    check_disposition(call);
    let before = Before::of(call, model);
    model.execute(call, limits);
    check_transports(call, model);
    if let Some(before) = before {
        handover::check(call, model, before);
    }
    check_phase(call, model, limits);
    check_subscriptions(call, limits);
    check_end(call, model);
    check_counters(call, model);
    check_timers(call);
}

/// Nothing but the state, the seed and the event decides.
#[track_caller]
fn check_twin<D: Checkable>(call: &Call<'_, D>, hash: Option<fn(&D) -> u64>) {
    let mut twin = call.before.clone();
    let actions = step(&mut twin, call.now, call.event.cloned());
    promise!(call, Deterministic, actions == *call.actions, "an equal policy answers {}", Answer(&actions));
    promise!(call, Deterministic, twin == *call.after, "an equal policy becomes another: {}", twin.explain());
    let same = hash.is_none_or(|hash| hash(&twin) == hash(call.after));
    promise!(call, Deterministic, same, "equal policies have different hashes");
    // A sleep tells the time in every phase, and each report of it counts.
    let slept = matches!(call.event, Some(Event::HostResumed { gap, .. }) if !gap.is_zero());
    if call.actions.disposition() == Disposition::Inapplicable && !slept {
        let again = step(&mut twin, call.now, call.event.cloned());
        promise!(call, Ignored, again.is_empty(), "told again, it answers {}", Answer(&again));
        promise!(call, Ignored, twin == *call.after, "told again, it changes something: {}", twin.explain());
    }
}

#[track_caller]
fn check_disposition<D: Checkable>(call: &Call<'_, D>) {
    let (before, disposition) = (call.before, call.actions.disposition());
    let epoch = call.event.and_then(Event::epoch);
    let living = [before.epoch(), before.successor(), before.draining()];
    let stale = epoch.is_some_and(|epoch| !living.contains(&Some(epoch)));
    if epoch.is_some() && epoch == before.draining() {
        let ends = matches!(
            call.event,
            Some(
                Event::Drained { .. }
                    | Event::Closed { .. }
                    | Event::OpenFailed { .. }
                    | Event::SendFailed { .. }
                    | Event::HeartbeatRequested { .. }
            )
        );
        let expected = if ends { Disposition::Applied } else { Disposition::Stale };
        let found = "of a connection that drains: expected";
        promise!(call, Handover, disposition == expected, "{found} {expected}, and it is {disposition}");
    } else {
        let taken_as_stale = disposition == Disposition::Stale;
        let right =
            (stale || is_outdated(call)) == taken_as_stale || answers_a_request(call) && taken_as_stale;
        let alive = if stale { "not alive" } else { "alive" };
        promise!(call, Ignored, right, "the event is {disposition}, and its transport is {alive}");
    }
    let early = call.event.is_none() && !is_due(before.poll_timeout(), call.now) && call.is_forward();
    if early || disposition != Disposition::Applied {
        let ignored = if early { "it is early" } else { "the event is ignored" };
        promise!(call, Ignored, call.actions.is_empty(), "{ignored}, and has consequences");
        if call.is_forward() {
            check_unchanged(call, epoch.is_some() && !stale);
        }
    }
}

/// The answer to an older send of a subscription. On a successor none was sent, so that none is answered there.
fn is_outdated<D: Checkable>(call: &Call<'_, D>) -> bool {
    match call.event {
        Some(
            Event::SubscriptionConfirmed { epoch, key, send: Some(send) }
            | Event::SubscriptionFailed { epoch, key, send: Some(send), .. },
        ) if call.before.epoch() == Some(*epoch) => {
            call.before.subscriptions().find(key).is_some_and(|entry| entry.send() != Some(*send))
        }
        _ => false,
    }
}

/// The answer to a certain request for a credential, which the model does not number.
const fn answers_a_request<D: Checkable>(call: &Call<'_, D>) -> bool {
    matches!(
        call.event,
        Some(Event::CredentialOk { request: Some(_), .. } | Event::CredentialFailed { request: Some(_), .. })
    )
}

/// `heard`: it came from a transport that is alive. Whatever comes in is a sign of life for the heartbeat and the time to live.
#[track_caller]
fn check_unchanged<D: Checkable>(call: &Call<'_, D>, heard: bool) {
    let (old, new) = (call.before, call.after);
    let (before, mut after) = (old.explain(), new.explain());
    let beats = matches!(before.waiting_for, Some(WaitReason::Answer | WaitReason::Heartbeat));
    if beats && heard {
        (after.until, after.waiting_for) = (before.until, before.waiting_for);
    }
    promise!(call, Ignored, before == after, "it changes the state");
    promise!(call, Ignored, epochs(old) == epochs(new), "it changes which transports are alive");
    promise!(call, Ignored, is_same_session(old, new), "it changes the session");
    promise!(call, Ignored, old.subscriptions() == new.subscriptions(), "it changes the subscriptions");
    let (before, mut after) = (old.stats(), new.stats());
    after.stale = before.stale;
    promise!(call, Ignored, before == after, "it counts: {before:?}, then {after:?}");
    let handovers = old.handover_stats() == new.handover_stats();
    promise!(call, Ignored, handovers, "it counts as a handover");
}

fn epochs<D: Checkable>(policy: &D) -> [Option<Epoch>; 3] {
    [policy.epoch(), policy.successor(), policy.draining()]
}

/// Whether token, endpoint and sequence number are the same.
pub(super) fn is_same_session<D: Checkable>(one: &D, other: &D) -> bool {
    match (one.session(), other.session()) {
        (Some(one), Some(other)) => {
            one.token() == other.token()
                && one.endpoint() == other.endpoint()
                && one.sequence() == other.sequence()
        }
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Who is alive, and that the ways to ask agree.
#[track_caller]
fn check_transports<D: Checkable>(call: &Call<'_, D>, model: &Model) {
    let policy = call.after;
    let connection = model.connection.map(|connection| connection.epoch);
    let successor = model.successor.map(|(successor, _)| successor.epoch);
    let draining = model.draining.map(|(draining, _)| draining);
    let executed = [connection, successor, draining];
    let told = epochs(policy);
    promise!(
        call,
        OneTransport,
        told == executed,
        "alive by the actions {executed:?}, and by epoch(), successor() and draining() {told:?}"
    );
    let two = successor.is_none() || draining.is_none();
    promise!(call, OneTransport, two, "a connection, {successor:?} and {draining:?} are alive");
    let explained = policy.explain();
    let agrees = explained.epoch == policy.epoch()
        && explained.successor == policy.successor()
        && explained.phase == policy.phase()
        && explained.until == policy.poll_timeout();
    promise!(call, WayOn, agrees, "explain() says otherwise than epoch(), phase() and poll_timeout()");
    let deadline = policy.deadline();
    let same = deadline.map(|(at, _)| at) == policy.poll_timeout();
    promise!(call, WayOn, same, "deadline() is {deadline:?}, and poll_timeout() {:?}", policy.poll_timeout());
}

/// Where a policy may be between two calls.
#[track_caller]
fn check_phase<D: Checkable>(call: &Call<'_, D>, model: &Model, limits: &Limits) {
    let policy = call.after;
    let (phase, until, now) = (policy.phase(), policy.poll_timeout(), call.now);
    let waiting_for = policy.explain().waiting_for;
    let connected = model.connection.is_some();
    let within = |span: Duration| {
        let end = now.saturating_add(span);
        until.is_some_and(|at| at <= end || end > Instant::END)
    };
    let transport = match phase {
        Phase::Connecting | Phase::Establishing | Phase::Restoring | Phase::Online => true,
        Phase::Idle | Phase::Waiting | Phase::Parked | Phase::Stopped | Phase::Failed => false,
    };
    promise!(call, WayOn, connected == transport, "{phase} with the transport {:?}", model.connection);
    match phase {
        // Nothing is due but the end of a session that is kept.
        Phase::Idle | Phase::Stopped | Phase::Failed => {
            let expiry = waiting_for == Some(WaitReason::SessionExpiry);
            promise!(call, OneEnd, until.is_none() || expiry, "something is due after the end: {until:?}");
            promise!(
                call,
                OneEnd,
                expiry || waiting_for.is_none(),
                "it waits after the end: {waiting_for:?}"
            );
            let none = model.successor.is_none() && model.draining.is_none();
            promise!(call, OneEnd, none, "a transport outlives the end");
        }
        Phase::Waiting => {
            promise!(call, WayOn, waiting_for.is_some(), "a wait for no reason");
            // The end of a session may come before that of a wait that the host asked for.
            let asked = matches!(waiting_for, Some(WaitReason::NotNow | WaitReason::SessionExpiry));
            let longest = limits.longest_wait.max(if asked { DAY } else { Duration::ZERO });
            promise!(call, WayOn, within(longest), "a wait until {until:?}, and the longest is {longest:?}");
        }
        Phase::Parked => check_parked(call, model),
        Phase::Connecting => {
            let longest = limits.connect_timeout;
            promise!(call, WayOn, within(longest), "a dial until {until:?}, and the longest is {longest:?}");
            let ends = [WaitReason::ConnectTimeout, WaitReason::SessionExpiry, WaitReason::CredentialTimeout];
            let reason = policy.deadline().map(|(_, reason)| reason);
            let named = reason.is_some_and(|reason| ends.contains(&reason));
            promise!(call, WayOn, named, "a dial that ends for {reason:?}");
        }
        Phase::Establishing | Phase::Restoring => {
            promise!(call, WayOn, until.is_some(), "{phase} without a deadline");
        }
        Phase::Online => {
            let asked = model.connection.is_some_and(|connection| connection.heartbeats);
            let beats = limits.heartbeats || asked;
            promise!(call, WayOn, until.is_some() || !beats, "online without a heartbeat");
        }
    }
}

#[track_caller]
fn check_parked<D: Checkable>(call: &Call<'_, D>, model: &Model) {
    let on = call.after.explain().waiting_for;
    let unmet = match on {
        Some(WaitReason::Hold) => model.holds != 0,
        Some(WaitReason::Network) => model.network_down,
        Some(WaitReason::Hidden) => model.hidden,
        Some(WaitReason::Credential) => model.credential_asked,
        _ => false,
    };
    promise!(call, WayOn, unmet, "parked on {on:?}, which is met or is no condition");
    let ends = on != Some(WaitReason::Credential) || call.after.poll_timeout().is_some();
    promise!(call, WayOn, ends, "a credential is awaited without end");
}

/// No subscription waits for a timer that is not there.
#[track_caller]
fn check_subscriptions<D: Checkable>(call: &Call<'_, D>, limits: &Limits) {
    let policy = call.after;
    if !limits.restores || !is_live(policy) || policy.poll_timeout().is_some() {
        return;
    }
    let owed = |state| matches!(state, SubscriptionState::Pending | SubscriptionState::Waiting { .. });
    let forgotten = policy.subscriptions().iter().find(|entry| owed(entry.state()));
    let key = forgotten.map(|entry| entry.key());
    promise!(call, WayOn, key.is_none(), "subscription {key:?} is to be sent, and nothing is due");
    let unanswered = policy.subscriptions().oldest_unanswered().is_some();
    let must = policy.config().restore().confirm_timeout().is_some();
    promise!(call, WayOn, !(must && unanswered), "a subscription is unanswered, and nothing is due");
}

/// What ends stays ended, until the user starts it.
#[track_caller]
fn check_end<D: Checkable>(call: &Call<'_, D>, model: &mut Model) {
    let (from, to) = (call.before.phase(), call.after.phase());
    let gave_up = call.actions.iter().find_map(|action| match action {
        Action::GaveUp { reason, .. } => Some(reason.is_limit()),
        _ => None,
    });
    let fails = to == Phase::Failed && from != Phase::Failed;
    promise!(
        call,
        OneEnd,
        gave_up.is_some() == fails,
        "from {from} to {to}, and told: {}",
        gave_up.is_some()
    );
    let news = matches!(call.event, Some(Event::NetworkUp | Event::NetworkChanged));
    let asked = matches!(call.event, Some(Event::RetryNow | Event::Redial));
    let begins = matches!(call.event, Some(Event::Start))
        || asked && (model.gave_up == Some(true) || may_pass(call.before))
        || news && may_pass(call.before);
    let only_forgets = call.actions.iter().all(|action| matches!(action, Action::DropSession { .. }));
    match from {
        Phase::Failed if !begins => {
            let forgets = matches!(call.event, None | Some(Event::Stop { keep: false })) && only_forgets;
            let stays = to == Phase::Failed && (call.actions.is_empty() || forgets);
            promise!(call, OneEnd, stays, "it had given up, and something happens");
        }
        Phase::Idle | Phase::Stopped if !matches!(call.event, Some(Event::Start)) => {
            let stays = to == Phase::Stopped || to == from;
            promise!(call, OneEnd, stays, "from {from} to {to}, and nobody asked for a connection");
            promise!(call, OneEnd, only_forgets, "an action after the stop");
        }
        _ => {}
    }
    if let Some(Event::Stop { keep }) = call.event {
        let stopped = matches!(to, Phase::Stopped | Phase::Idle | Phase::Failed);
        promise!(call, OneEnd, stopped, "stopped, and it is {to}");
        let forgotten = *keep || call.after.session().is_none_or(|session| session.is_empty());
        promise!(call, Session, forgotten, "a session outlives the stop that ends it");
    }
    model.gave_up = if to == Phase::Failed { gave_up.or(model.gave_up) } else { None };
}

/// It gave up over what may be there tomorrow: a verdict about the service, or another client.
fn may_pass<D: Checkable>(policy: &D) -> bool {
    policy.explain().last_cause.is_some_and(|cause| {
        let verdict = policy.config().classifier().classify(cause);
        verdict.scope == Scope::Service || verdict.class == Class::Replaced
    })
}

#[track_caller]
fn check_counters<D: Checkable>(call: &Call<'_, D>, model: &Model) {
    let (old, new) = (call.before.stats(), call.after.stats());
    let in_flight = model.living().filter(|transport| !transport.established).count();
    let sum = [new.established, new.failed, new.abandoned].iter().map(|count| u64::from(*count)).sum::<u64>();
    let adds_up = u64::from(new.opens) == sum + in_flight as u64;
    promise!(call, Counters, adds_up, "{in_flight} dials are under way, and {new:?}");
    let last = model.last_epoch;
    promise!(call, Counters, new.opens == last, "{last} dials, and {} are counted", new.opens);
    // A network that goes down may end a connection and its successor.
    let both = u32::from(call.before.successor().is_some());
    let (losses, failed) = (new.losses - old.losses, new.failed - old.failed);
    promise!(
        call,
        Counters,
        losses + failed <= 1 + both,
        "{losses} losses and {failed} failures are counted for one call"
    );
    let stops = matches!(call.event, Some(Event::Stop { .. }))
        || call.before.handover_config().is_some() && matches!(call.event, Some(Event::CredentialLost));
    promise!(call, Counters, losses == 0 || !stops, "a stop counts as a loss");
}

/// Timers fire neither early nor without end, and each call does something.
#[track_caller]
fn check_timers<D: Checkable>(call: &Call<'_, D>) {
    let now = call.now;
    let mut idle = call.after.clone();
    if !is_due(idle.poll_timeout(), now) {
        let actions = idle.handle_timeout(now);
        promise!(call, Timers, actions.is_empty(), "a timeout before its time answers {}", Answer(&actions));
        promise!(call, Timers, idle == *call.after, "a timeout before its time changes something");
        return;
    }
    let handover = usize::from(idle.handover_config().is_some());
    let most = idle.subscriptions().len() + CALLS.get(handover).copied().unwrap_or_default();
    let mut calls = 0;
    while is_due(idle.poll_timeout(), now) {
        let last = idle.clone();
        let _actions = idle.handle_timeout(now);
        promise!(call, Timers, idle != last, "a timeout that is due does nothing: {}", idle.explain());
        calls += 1;
        promise!(call, Timers, calls <= most, "{calls} timeouts are due in one instant: {}", idle.explain());
    }
}

/// What is left of a wait when the clock runs back.
#[track_caller]
fn check_rewind<D: Checkable>(call: &Call<'_, D>) {
    let (before, was, now) = (call.before, call.was, call.now);
    let (Phase::Waiting, Some((until, reason))) = (before.phase(), before.deadline()) else { return };
    // A session's time to live, or a drain, began before the wait.
    let other = matches!(reason, WaitReason::SessionExpiry | WaitReason::Drain);
    if is_due(Some(until), was) || until == Instant::MAX || other {
        return;
    }
    let mut waiting = before.clone();
    let actions = waiting.handle_timeout(now);
    promise!(call, Clock, actions.is_empty(), "a wait is cut short: {}", Answer(&actions));
    let left = |at: Option<Instant>, now| at.map(|at: Instant| at.saturating_duration_since(now));
    let (old, new) = (left(Some(until), was), left(waiting.poll_timeout(), now));
    promise!(call, Clock, new >= old, "{old:?} were left to wait, then {new:?}");
    let whole = left(Some(until), before.explain().since);
    promise!(call, Clock, new <= whole, "a wait of {whole:?} becomes one of {new:?}");
}
