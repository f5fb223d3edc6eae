//! Events that come at a bad time: what the other transport, the host or the clock says while a handover is under way.

use core::time::Duration;

use redial::backoff::AfterTable;
use redial::handover::Config;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnVisible, OnWake, RefreshOn, RestoreConfig, ResumeConfig,
    WaitReason,
};
use redial::{
    BackoffConfig, Cause, Config as PolicyConfig, Event, Instant, Phase, Policy, Ratio, SplitMix64,
};

use super::rig::{Rig, config, epoch};

const SECOND: Duration = Duration::from_secs(1);

fn none() -> [&'static str; 0] {
    []
}

#[test]
fn a_redial_while_the_last_connection_drains_is_a_handover_too() {
    let handover = Config::new().drain(50 * SECOND).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2"]);
    assert_eq!(rig.at(65_000, Event::Redial), ["close 1 4000", "open 3 resume #2 successor"]);
    assert_eq!(rig.policy.phase(), Phase::Online);
}

#[test]
fn a_server_that_names_an_endpoint_while_the_last_connection_drains_is_followed_without_a_gap() {
    let handover = Config::new().drain(50 * SECOND).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    rig.resumed(60_020, 2);
    rig.at(65_000, Event::Redirected { epoch: epoch(2), endpoint: "b", permanent: false });
    let asked = Event::ReconnectRequested { epoch: epoch(2), retry_after: None, deadline: None };
    assert_eq!(rig.at(65_000, asked), ["close 1 4000", "open 3 resume@redirect #2 successor"]);
}

/// A credential that each dial needs anew is asked for once.
#[test]
fn a_successor_that_needs_a_credential_is_parked_until_it_comes() {
    let credential = CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const();
    let mut rig = Rig::new(config().credential(credential).build_const(), Config::DEFAULT);
    let ok = Event::CredentialOk { request: None, ttl: None };
    assert_eq!(rig.at(0, Event::Start), ["refresh"]);
    assert_eq!(rig.at(0, ok.clone()), ["open 1 fresh #1"]);
    rig.opened(0, 1);
    rig.ready(0, 1, "a");
    assert_eq!(rig.at(60_000, Event::Redial), ["refresh"]);
    assert_eq!((rig.policy.phase(), rig.policy.successor()), (Phase::Online, None));
    assert_eq!(rig.wake(), Some((90_000, WaitReason::CredentialTimeout)));
    assert_eq!(rig.at(60_000, Event::Redial), ["inapplicable"]);
    assert_eq!(rig.at(60_500, ok), ["open 2 resume #1 successor"]);
}

/// The connection's credential is to be renewed in time, whatever its successor does.
#[test]
fn a_renewal_that_is_not_answered_is_asked_for_again_while_a_successor_is_dialled() {
    let credential = CredentialConfig::new().lead(30 * SECOND, Duration::ZERO).timeout(2 * SECOND);
    let config = config().credential(credential.build_const()).connect_timeout(60 * SECOND);
    let handover = Config::new().timeout(60 * SECOND).build_const();
    let mut rig = Rig::online(config.build_const(), handover);
    // A credential for 60 s: it is renewed at 30 s.
    let mut alone = {
        rig.at(0, Event::Subscribe { key: "k", priority: 0 });
        // Only a request that is under way can be answered.
        rig.closed(1_000, 1, 1006);
        rig.until(2_000);
        rig
    };
    let rejected = Event::OpenFailed { epoch: epoch(2), cause: Cause::AuthRejected, retry_after: None };
    assert_eq!(alone.at(2_010, rejected), ["refresh"]);
    let answer = Event::CredentialOk { request: None, ttl: Some(60 * SECOND) };
    assert_eq!(alone.at(3_000, answer), ["open 3 resume #3"]);
    alone.opened(3_010, 3);
    alone.resumed(3_020, 3);
    let mut beside = Rig { policy: alone.policy.clone(), now: alone.now };
    assert_eq!(beside.at(32_000, Event::Redial), ["open 4 resume #4 successor"]);
    let lines = |rig: &mut Rig| {
        let lines = rig.until(60_000);
        lines.into_iter().filter(|line| line.ends_with("refresh")).collect::<Vec<_>>()
    };
    let expected = lines(&mut alone);
    assert!(expected.len() > 1, "{expected:?}");
    assert_eq!(lines(&mut beside), expected);
}

/// The numbers of a session that could not be resumed are not those of the next one.
#[test]
fn a_fresh_successor_does_not_take_the_numbers_of_a_session_without_a_token() {
    let mut rig = Rig::new(config().build_const(), Config::DEFAULT);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    let ready = |epoch, token| Event::Ready { epoch, token, endpoint: None, sequence: None, ttl: None };
    rig.at(0, ready(epoch(1), None));
    rig.sequence(10, 1, 50);
    assert_eq!(rig.at(60_000, Event::Redial), ["open 2 fresh #1 successor"]);
    assert_eq!(rig.closed(60_001, 1, 1006), none());
    assert_eq!(rig.opened(60_010, 2), ["identify 2"]);
    rig.at(60_020, ready(epoch(2), Some("b")));
    assert_eq!(rig.mark(), None);
}

/// Nor is its token, which came after the dial.
#[test]
fn a_fresh_successor_does_not_take_a_cursor_that_came_after_its_dial() {
    let mut rig = Rig::new(config().build_const(), Config::DEFAULT);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    let ready = Event::Ready { epoch: epoch(1), token: None, endpoint: None, sequence: None, ttl: None };
    rig.at(0, ready);
    assert_eq!(rig.at(60_000, Event::Redial), ["open 2 fresh #1 successor"]);
    assert_eq!(rig.at(60_001, Event::Cursor { epoch: epoch(1), token: "c" }), none());
    assert_eq!(rig.closed(60_002, 1, 1006), ["forget incomplete"]);
    assert_eq!(rig.policy.session().token(), None);
}

/// A session that was refused is not resumed, and one that was never promoted neither.
#[test]
fn a_successor_that_is_lost_with_its_new_session_begins_another() {
    let restore = RestoreConfig::new().authentication(true).build_const();
    let mut rig = Rig::new(config().restore(restore).build_const(), Config::DEFAULT);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    rig.ready(0, 1, "a");
    rig.at(0, Event::AuthOk { epoch: epoch(1) });
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    assert_eq!(rig.at(60_020, Event::SessionInvalid { epoch: epoch(2), resumable: false }), ["close 2 4000"]);
    for number in 3..5 {
        // Waits may end within a millisecond.
        let due = rig.wake().unwrap().0 + 1;
        let lines = rig.until(due);
        assert!(lines.concat().contains(&format!("open {number} fresh")), "{lines:?}");
        assert_eq!(rig.opened(due + 10, number), [format!("identify {number}")]);
        assert_eq!(rig.ready(due + 20, number, "b"), [format!("authenticate {number}")]);
        assert_eq!(rig.policy.session().token(), Some(&"a"));
        rig.closed(due + 30, number, 1006);
    }
}

#[test]
fn an_event_of_a_dead_transport_leaves_no_trace_beside_a_waiting_successor() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.refused(60_010, 2);
    rig.sequence(60_020, 1, 9);
    let before = rig.policy.clone();
    assert_eq!(rig.sequence(60_020, 2, 30), ["stale"]);
    let stale = rig.policy.stats().stale;
    assert_eq!((before.stats().stale + 1, before.session()), (stale, rig.policy.session()));
    let mut early = before.clone();
    assert!(early.handle_timeout(Instant::from_millis(60_020)).is_empty());
    assert!(early == before);
}

fn waiting_successor(config: redial::Config) -> Rig {
    let mut rig = Rig::online(config, Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    let mut at = 60_000;
    for number in 2..8 {
        at += 10;
        rig.refused(at, number);
        at = rig.wake().unwrap().0;
        rig.until(at);
    }
    assert_eq!(rig.policy.successor(), Some(epoch(8)));
    rig.refused(at + 10, 8);
    assert_eq!(rig.wake().unwrap().0, at + 30_010);
    Rig { now: at + 10, ..rig }
}

/// What cuts a wait short cuts it too where it ends the connection.
#[test]
fn a_change_of_the_network_that_ends_the_connection_cuts_the_wait_of_its_successor() {
    let mut rig = waiting_successor(config().on_network_change(OnNetworkChange::Drop).build_const());
    let now = rig.now + 5_000;
    assert_eq!(rig.at(now, Event::NetworkChanged), ["open 9 resume #8 successor", "close 1 4000"]);
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(9)), None));
}

#[test]
fn a_wake_that_ends_the_connection_cuts_the_wait_of_its_successor() {
    let mut rig = waiting_successor(config().on_wake(OnWake::Redial).build_const());
    let now = rig.now + 5_000;
    let woke = Event::HostResumed { gap: 600 * SECOND, counted: true };
    assert_eq!(rig.at(now, woke), ["open 9 resume #8 successor", "close 1 4000"]);
}

/// A sleep ages what both share also where it ends the connection.
#[test]
fn a_floor_is_aged_by_a_sleep_that_ends_the_connection() {
    let exact = config().on_wake(OnWake::Redial).retry_after_spread(Ratio::ZERO).build_const();
    let mut rig = Rig::online(exact, Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    let busy = Cause::Http(503);
    let retry_after = Some((60 * SECOND).into());
    rig.at(60_010, Event::OpenFailed { epoch: epoch(2), cause: busy, retry_after });
    assert_eq!(rig.wake(), Some((120_010, WaitReason::RetryAfter)));
    rig.at(60_020, Event::HostResumed { gap: 50 * SECOND, counted: false });
    assert_eq!(rig.policy.phase(), Phase::Waiting);
    assert_eq!(rig.wake(), Some((70_010, WaitReason::RetryAfter)));
}

/// Cursors show that the connection's resume succeeded, not its successor's.
#[test]
fn the_connections_cursors_do_not_hide_that_its_successors_resume_fails() {
    let resume = ResumeConfig::new().failures_max(2).build().unwrap();
    let mut rig = Rig::online(config().resume(resume).build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    let mut modes = Vec::new();
    for number in 2..5 {
        let at = rig.now + 10;
        modes.extend(rig.opened(at, number));
        rig.at(at + 1, Event::Cursor { epoch: epoch(1), token: "c" });
        rig.closed(at + 2, number, 1006);
        let due = rig.wake().unwrap().0;
        rig.until(due);
    }
    assert_eq!(modes, ["resume 2 a Some(0)", "resume 3 c Some(0)", "identify 4"]);
}

/// A resume that is answered with a new session after the connection is live makes it authenticate again.
#[test]
fn a_connection_that_must_authenticate_beside_its_successor_has_a_deadline() {
    let restore = RestoreConfig::new().authentication(true).build_const();
    let config = config().establish(Establish::OnOpen).restore(restore).connect_timeout(90 * SECOND);
    let config = config.ready_timeout(Some(5 * SECOND)).max_age(Some(100 * SECOND), Duration::ZERO);
    let handover = Config::new().timeout(80 * SECOND).build_const();
    let mut rig = Rig::new(config.build_const(), handover);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    rig.ready(0, 1, "a");
    rig.at(0, Event::AuthOk { epoch: epoch(1) });
    rig.closed(1_000, 1, 1006);
    assert_eq!(rig.until(2_000), ["2000: open 2 resume #2"]);
    assert_eq!(rig.opened(2_000, 2), ["resume 2 a Some(0)"]);
    assert_eq!(rig.policy.phase(), Phase::Online);
    assert_eq!(rig.at(60_000, Event::Redial), ["open 3 resume #1 successor"]);
    assert_eq!(rig.ready(60_010, 2, "b"), ["authenticate 2"]);
    assert_eq!(rig.wake(), Some((65_010, WaitReason::AuthTimeout)));
    // And it is not replaced a second time when that is done.
    rig.at(60_020, Event::AuthOk { epoch: epoch(2) });
    assert_eq!(rig.until(120_000), none());
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(2)), Some(epoch(3))));
}

#[test]
fn a_request_to_move_is_a_sign_of_life() {
    let heartbeat = HeartbeatConfig::new().interval(10 * SECOND).first_jitter(false);
    let heartbeat = heartbeat.liveness(Liveness::AnyTraffic).build_const();
    let mut rig = Rig::online(config().heartbeat(heartbeat).build_const(), Config::DEFAULT);
    assert_eq!(rig.until(10_000), ["10000: beat 1"]);
    rig.at(11_000, Event::Received { epoch: epoch(1) });
    assert_eq!(rig.until(20_000), ["20000: beat 1"]);
    rig.at(20_500, Event::Redirected { epoch: epoch(1), endpoint: "b", permanent: false });
    rig.at(20_600, Event::SendFailed { epoch: epoch(9) });
    assert_eq!(rig.until(30_000), ["30000: beat 1"]);
    // The only message after the beat at 30 s.
    let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
    assert_eq!(rig.at(31_000, asked), ["open 2 resume@redirect #1 successor"]);
    assert_eq!(rig.until(40_000), ["40000: beat 1"]);
}

/// The loss that a redirect came with is the next event; a later one is judged.
#[test]
fn a_loss_long_after_a_redirect_is_judged() {
    let mut rig = Rig::online(config().max_attempts(Some(1)).build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redirected { epoch: epoch(1), endpoint: "b", permanent: false });
    let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
    rig.at(60_000, asked);
    assert_eq!(rig.refused(60_010, 2), none());
    assert_eq!(rig.policy.epoch(), Some(epoch(1)));
    let end = Event::Closed { epoch: epoch(1), cause: Cause::Class(redial::classify::Class::Fatal) };
    assert!(rig.at(70_000, end).iter().any(|line| line.starts_with("gave_up")));
}

/// What the server named last is where the next dial goes.
#[test]
fn an_endpoint_that_is_named_while_another_is_dialled_outlives_that_dial() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redirected { epoch: epoch(1), endpoint: "b", permanent: false });
    let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
    assert_eq!(rig.at(60_000, asked), ["open 2 resume@redirect #1 successor"]);
    rig.at(60_005, Event::Redirected { epoch: epoch(1), endpoint: "c", permanent: false });
    assert_eq!(rig.refused(60_010, 2), none());
    assert_eq!(rig.until(61_010), ["61010: open 3 resume@redirect #2 successor"]);
    assert_eq!(rig.policy.redirect(), Some(&"c"));
}

/// What ends the connection is also the newest sign of life of its session.
#[test]
fn the_time_to_live_counts_from_the_last_word_of_the_connection() {
    let mut rig = Rig::new(config().build_const(), Config::DEFAULT);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    let ttl = Some(5 * SECOND);
    let ready = Event::Ready { epoch: epoch(1), token: Some("a"), endpoint: None, sequence: Some(0), ttl };
    rig.at(0, ready);
    rig.at(60_000, Event::Redial);
    let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
    assert_eq!(rig.at(60_003, asked), ["close 1 4000"]);
    assert_eq!(rig.wake(), Some((65_003, WaitReason::SessionExpiry)));
}

#[test]
fn a_sleep_of_no_length_moves_nothing() {
    let heartbeat = HeartbeatConfig::new().interval(10 * SECOND).first_jitter(false).build_const();
    let mut rig = Rig::online(config().heartbeat(heartbeat).build_const(), Config::DEFAULT);
    rig.at(5_000, Event::Redial);
    rig.opened(5_010, 2);
    // Nobody served the timer.
    let mut late = rig.policy.clone();
    let at = Instant::from_millis(10_500);
    let actions = late.handle_event(at, Event::HostResumed { gap: Duration::ZERO, counted: false });
    assert!(actions.is_empty());
    assert_eq!(late.poll_timeout(), Some(Instant::from_millis(10_000)));
}

/// What a fatal cause would end is going on.
#[test]
fn a_fatal_end_of_the_connection_leaves_its_session_to_the_successor() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    let end = Event::Closed { epoch: epoch(1), cause: Cause::Class(redial::classify::Class::Fatal) };
    assert_eq!(rig.at(60_005, end), none());
    assert_eq!(rig.opened(60_010, 2), ["resume 2 a Some(0)"]);
}

/// A clock that leaps for the call that ends the connection does not put the next dial off.
#[test]
fn a_leap_at_the_end_of_the_connection_does_not_move_the_wait_of_its_successor() {
    let mut rig =
        Rig::online(config().on_network_change(OnNetworkChange::Drop).build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.at(60_010, Event::NotNow { epoch: epoch(2), retry_after: None });
    let leapt = Instant::from_millis(90_000_000);
    let mut policy = rig.policy.clone();
    assert_eq!(policy.handle_event(leapt, Event::NetworkChanged).len(), 1);
    assert_eq!(policy.phase(), Phase::Waiting);
    let now = Instant::from_millis(60_020);
    let _stale = policy.handle_event(now, Event::Received { epoch: epoch(1) });
    let until = policy.poll_timeout().unwrap();
    assert!(until <= Instant::from_millis(62_020), "{until:?}");
}

/// A server that names another endpoint while the successor is under way is heard: the dial after this one goes there.
#[test]
fn an_endpoint_that_is_named_beside_a_successor_is_not_ignored() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    let asked = || Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
    rig.at(60_000, Event::Redial);
    rig.at(60_001, Event::Redirected { epoch: epoch(1), endpoint: "b", permanent: false });
    assert_eq!(rig.at(60_001, asked()), none());
    rig.refused(60_010, 2);
    assert_eq!(rig.until(62_000), ["61010: open 3 resume@redirect #2 successor"]);
    let deadline = Some(5 * SECOND);
    let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline };
    let mut late = Rig::online(config().build_const(), Config::DEFAULT);
    late.at(60_000, Event::Redial);
    assert_eq!(late.at(60_001, asked), ["inapplicable"]);
}

/// What is dropped with the end of a connection is said before the end of everything.
#[test]
fn a_refused_session_is_dropped_before_the_policy_gives_up() {
    const WAITS: &[Duration] = &[SECOND, Duration::from_secs(2)];
    let table = BackoffConfig::table(WAITS, AfterTable::GiveUp).build_const();
    let mut rig = Rig::online(PolicyConfig::new(table).build_const(), Config::DEFAULT);
    rig.at(1_000, Event::Redial);
    rig.opened(1_010, 2);
    assert_eq!(rig.at(1_020, Event::SessionInvalid { epoch: epoch(2), resumable: false }), ["close 2 4000"]);
    let dialled = rig.until(7_000);
    assert!(dialled.len() == 1 && dialled[0].ends_with("open 3 fresh #3 successor"), "{dialled:?}");
    assert_eq!(rig.refused(7_010, 3), none());
    assert_eq!(rig.closed(7_020, 1, 1006), ["forget invalid", "gave_up table_spent close_1006"]);
}

/// A successor that identified with the last credential gets the new one when it is the connection.
#[test]
fn a_credential_that_is_renewed_beside_a_successor_reaches_it() {
    let credential = CredentialConfig::new().lead(10 * SECOND, Duration::ZERO).in_band(true).build_const();
    let mut rig = Rig::online(config().credential(credential).build_const(), Config::DEFAULT);
    let ok = |ttl: u32| Event::CredentialOk { request: None, ttl: Some(ttl * SECOND) };
    assert_eq!(rig.at(1_000, Event::CredentialLost).len(), 3, "an end that begins again with a credential");
    rig.at(2_000, Event::Start);
    rig.at(2_000, ok(100));
    rig.opened(2_000, 2);
    rig.ready(2_000, 2, "a");
    rig.at(90_000, Event::Redial);
    assert_eq!(rig.opened(91_000, 3), ["resume 3 a Some(0)"]);
    assert_eq!(rig.until(92_000), ["92000: refresh"]);
    assert_eq!(rig.at(92_500, ok(100)), ["authenticate 2"]);
    assert_eq!(rig.resumed(93_000, 3), ["promote 3", "close 2 4000", "authenticate 3"]);
}

/// S98: a successor is given up and leaves a wait behind, then the clock runs back, but not to before the connection began: the wait
/// is not longer than it was.
#[test]
fn a_wait_that_a_successor_left_runs_back_with_the_clock() {
    let config = PolicyConfig::new(BackoffConfig::constant(Duration::from_millis(1)).build_const())
        .resume(ResumeConfig::new().invalid_wait(SECOND, SECOND).build_const())
        .max_elapsed(Some(Duration::from_micros(1)))
        .on_visible(OnVisible::Probe)
        .build_const();
    let policy = Policy::new(config, SplitMix64::new(7)).with_session_type::<u8>();
    let mut policy = policy.with_handover(Config::DEFAULT);
    let (early, late) = (Instant::from_millis(1_000), Instant::from_millis(86_400_000));
    let _open = policy.handle_event(early, Event::Start);
    let epoch = policy.epoch().expect("dialling");
    let ready = Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None };
    for event in [Event::Opened { epoch }, ready] {
        let _actions = policy.handle_event(early, event);
    }
    let _seen = policy.handle_event(late, Event::Received { epoch });
    let _dial = policy.handle_event(late, Event::Redial);
    let successor = policy.successor().expect("dialling");
    let _gone = policy.handle_event(late, Event::SessionInvalid { epoch: successor, resumable: false });
    assert_eq!(policy.handover_stats().handovers_failed, 1, "it is given up");
    let back = Instant::from_millis(2_000);
    // Without a heartbeat it is not probed but dialled again.
    let _closed = policy.handle_event(back, Event::Visible);
    assert_eq!(policy.phase(), Phase::Waiting);
    assert_eq!(policy.poll_timeout(), Some(back.saturating_add(SECOND)));
}

/// Clients that a server moves to another endpoint come there spread over the time of a request.
#[test]
fn who_is_moved_keeps_the_spread_of_a_request() {
    let moved = |config| {
        let mut rig = Rig::online(config, Config::DEFAULT);
        rig.at(60_000, Event::Redirected { epoch: epoch(1), endpoint: "b", permanent: false });
        let asked = Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: None };
        (rig.at(60_000, asked), rig)
    };
    assert_eq!(moved(config().build_const()).0, ["open 2 resume@redirect #1 successor"]);
    let (lines, mut rig) = moved(config().requested_spread(Some(10 * SECOND)).build_const());
    assert_eq!(lines, none());
    let (due, _) = rig.wake().expect("a time for the dial");
    assert!((60_001..=70_000).contains(&due), "{due}");
    let dialled = rig.until(due + 1);
    assert!(
        matches!(&dialled[..], [line] if line.ends_with("open 2 resume@redirect #1 successor")),
        "{dialled:?}"
    );
}

/// A successor authenticates again where the credential was renewed after it had identified itself, and only there.
#[test]
fn a_successor_authenticates_again_where_it_has_the_old_credential() {
    let credential = CredentialConfig::new().lead(10 * SECOND, Duration::ZERO).in_band(true).build_const();
    let ok = |ttl: u32| Event::CredentialOk { request: None, ttl: Some(ttl * SECOND) };
    // The answer to the renewal, and whether it comes after the successor has identified itself.
    for (answer, late, again) in [
        (ok(100), true, true),
        (ok(100), false, false),
        (Event::CredentialFailed { request: None, fatal: false }, true, false),
    ] {
        let mut rig = Rig::online(config().credential(credential).build_const(), Config::DEFAULT);
        rig.at(1_000, Event::CredentialLost);
        rig.at(2_000, Event::Start);
        rig.at(2_000, ok(100));
        rig.opened(2_000, 2);
        rig.ready(2_000, 2, "a");
        rig.at(90_000, Event::Redial);
        if late {
            rig.opened(91_000, 3);
        }
        assert_eq!(rig.until(92_000), ["92000: refresh"]);
        rig.at(92_500, answer);
        if !late {
            rig.opened(92_600, 3);
        }
        let promoted = rig.resumed(93_000, 3);
        assert_eq!(promoted[..2], ["promote 3", "close 2 4000"]);
        assert_eq!(promoted.contains(&"authenticate 3".to_owned()), again, "{promoted:?}");
    }
}
