//! Begin, promote, drain, fail, lose.

use core::time::Duration;

use redial::handover::Config;
use redial::policy::{OnNetworkChange, OnNetworkDown, RestoreConfig, WaitReason};
use redial::{Cause, Event, Phase, breaker};

use super::rig::{Rig, config, epoch};

fn none() -> [&'static str; 0] {
    []
}

#[test]
fn a_successor_is_promoted_in_one_call_and_the_old_one_is_closed() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    assert_eq!(rig.at(60_000, Event::Redial), ["open 2 resume #1 successor"]);
    assert_eq!(rig.policy.phase(), Phase::Online);
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(1)), Some(epoch(2))));
    assert_eq!(rig.wake(), Some((70_000, WaitReason::Handover)));
    assert_eq!(rig.at(60_001, Event::Redial), ["inapplicable"]);
    assert_eq!(rig.sequence(60_002, 1, 5), none());
    assert_eq!(rig.opened(60_010, 2), ["resume 2 a Some(5)"]);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2", "close 1 4000"]);
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(2)), None));
    assert_eq!(rig.closed(60_030, 1, 1006), ["stale"]);
    assert_eq!(rig.policy.stats().losses, 0);
    assert_eq!(rig.policy.handover_stats().handovers, 1);
}

#[test]
fn a_new_session_restores_before_the_old_connection_is_closed() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    assert_eq!(rig.at(10, Event::Subscribe { key: "k", priority: 0 }), ["restore 1 k"]);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    assert_eq!(rig.at(60_011, Event::Subscribe { key: "l", priority: 0 }), ["restore 1 l"]);
    assert_eq!(rig.ready(60_020, 2, "b"), ["promote 2", "restore 2 k,l", "close 1 4000"]);
    assert_eq!(rig.policy.session().token(), Some(&"b"));
}

#[test]
fn a_drained_connection_is_closed_when_it_says_so_or_after_its_time() {
    let handover = Config::new().drain(Duration::from_secs(5)).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2"]);
    assert_eq!(rig.wake(), Some((65_020, WaitReason::Drain)));
    assert_eq!(rig.sequence(60_021, 1, 9), ["stale"]);
    let mut timed = Rig { policy: rig.policy.clone(), now: rig.now };
    assert_eq!(rig.at(61_000, Event::Drained { epoch: epoch(1) }), ["close 1 4000"]);
    assert_eq!(timed.until(70_000), ["65020: close 1 4000"]);
    assert_eq!(timed.at(70_001, Event::Drained { epoch: epoch(1) }), ["stale"]);
}

#[test]
fn a_draining_connection_is_closed_before_anything_is_dialled() {
    let handover = Config::new().drain(Duration::from_secs(50)).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    rig.resumed(60_020, 2);
    let mut lost = Rig { policy: rig.policy.clone(), now: rig.now };
    assert_eq!(lost.closed(61_000, 2, 1006), none());
    assert_eq!(lost.until(64_000), ["62000: close 1 4000", "62000: open 3 resume #2"]);
    assert_eq!(rig.at(61_000, Event::Stop { keep: false }), ["close 1 4000", "close 2 1000", "forget stop"]);
}

#[test]
fn a_failed_successor_climbs_the_backoff_while_the_old_one_serves() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    assert_eq!(rig.refused(60_010, 2), none());
    assert_eq!(rig.policy.phase(), Phase::Online);
    assert_eq!(rig.wake(), Some((61_010, WaitReason::Backoff)));
    assert_eq!(rig.until(61_010), ["61010: open 3 resume #2 successor"]);
    assert_eq!(rig.refused(61_020, 3), none());
    assert_eq!(rig.wake(), Some((63_020, WaitReason::Backoff)));
    // Too slow: the limit counts from its dial.
    assert_eq!(rig.until(63_020), ["63020: open 4 resume #3 successor"]);
    assert_eq!(rig.opened(63_030, 4), ["resume 4 a Some(0)"]);
    assert_eq!(rig.until(73_019), none());
    assert_eq!(rig.until(73_020 + 4_000 + 10), ["73020: close 4 4000", "77020: open 5 resume #4 successor"]);
}

#[test]
fn the_successor_under_way_is_the_attempt_of_the_outage() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    assert_eq!(rig.closed(60_005, 1, 1006), none());
    assert_eq!(rig.policy.phase(), Phase::Connecting);
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(2)), None));
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), none());
    assert_eq!(rig.policy.phase(), Phase::Online);
    assert_eq!(rig.policy.stats().losses, 1);
    let stats = rig.policy.handover_stats();
    assert_eq!((stats.handovers, stats.handovers_failed, stats.gap_ms), (0, 1, 15));
}

/// A successor that is not ready in time failed for what it waited for.
#[test]
fn a_successor_that_is_too_slow_says_at_what() {
    let restore = RestoreConfig::new().authentication(true).build_const();
    let config = config().restore(restore).greeting(Some(Duration::from_secs(20)));
    let handover = Config::new().timeout(Duration::from_secs(3)).build_const();
    let mut rig = Rig::new(config.build_const(), handover);
    rig.at(0, Event::Start);
    rig.opened(0, 1);
    rig.at(0, Event::Greeting { epoch: epoch(1), heartbeat: None });
    rig.ready(0, 1, "a");
    rig.at(0, Event::AuthOk { epoch: epoch(1) });
    rig.at(60_000, Event::Redial);
    let slow_at = |steps: usize| {
        let mut rig = Rig { policy: rig.policy.clone(), now: rig.now };
        if steps > 0 {
            rig.opened(60_010, 2);
        }
        if steps > 1 {
            rig.at(60_020, Event::Greeting { epoch: epoch(2), heartbeat: None });
        }
        if steps > 2 {
            assert_eq!(rig.ready(60_030, 2, "b"), ["authenticate 2"]);
        }
        let end = if steps == 0 { "63000: drop 2" } else { "63000: close 2 4000" };
        assert_eq!(rig.until(63_000), [end]);
        rig.policy.explain().last_cause
    };
    let causes = [Cause::ConnectTimeout, Cause::GreetingTimeout, Cause::ReadyTimeout, Cause::AuthTimeout];
    for (steps, cause) in causes.into_iter().enumerate() {
        assert_eq!(slow_at(steps), Some(cause), "{steps} steps");
    }
}

#[test]
fn what_the_host_tells_while_a_successor_waits_begins_no_gap() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.refused(60_010, 2);
    assert_eq!(rig.at(60_020, Event::Hidden), none());
    rig.at(60_030, Event::Visible);
    rig.until(61_010);
    assert_eq!(rig.policy.successor(), Some(epoch(3)));
    rig.opened(61_020, 3);
    assert_eq!(rig.resumed(61_030, 3), ["promote 3", "close 1 4000"]);
    assert_eq!(rig.policy.handover_stats().gap_ms, 0);
}

/// The return of the network gives up the successor, whose time is over, and ends the connection: from there on there is none.
#[test]
fn a_gap_begins_where_one_event_gives_up_the_successor_and_ends_the_connection() {
    let config = config().on_network_change(OnNetworkChange::Drop).max_elapsed(Some(Duration::from_secs(2)));
    let mut rig = Rig::online(
        config.network(OnNetworkDown::Park, Duration::from_secs(60)).build_const(),
        Config::DEFAULT,
    );
    rig.at(60_000, Event::Redial);
    rig.refused(60_010, 2);
    rig.at(60_500, Event::NetworkDown);
    assert_eq!(rig.at(62_000, Event::NetworkUp), ["close 1 4000"]);
    assert_eq!((rig.policy.phase(), rig.policy.handover_stats().handovers_failed), (Phase::Waiting, 1));
    // The first millisecond that is not before the deadline.
    let at = rig.wake().unwrap().0 + 1;
    assert_eq!(rig.until(at).len(), 1);
    rig.opened(at, 3);
    rig.resumed(at, 3);
    assert_eq!(u64::from(rig.policy.handover_stats().gap_ms), at - 62_000);
}

#[test]
fn a_connection_that_ends_while_its_successor_waits_is_lost() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.refused(60_010, 2);
    assert_eq!(rig.closed(60_500, 1, 1006), none());
    assert_eq!(rig.policy.phase(), Phase::Waiting);
    assert_eq!(rig.until(62_000), ["61500: open 3 resume #1"]);
}

#[test]
fn a_successor_that_can_not_be_dialled_any_more_leaves_the_connection_alone() {
    let mut rig = Rig::online(config().max_attempts(Some(2)).build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.refused(60_010, 2);
    assert_eq!(rig.until(62_000), ["61010: open 3 resume #2 successor"]);
    assert_eq!(rig.refused(62_010, 3), none());
    assert_eq!((rig.policy.epoch(), rig.policy.successor()), (Some(epoch(1)), None));
    assert_eq!(rig.policy.phase(), Phase::Online);
    assert_eq!(rig.wake(), None);
    assert_eq!(rig.closed(90_000, 1, 1006), none());
    assert_eq!(rig.until(91_000), ["91000: open 4 resume #1"]);
}

#[test]
fn a_deadline_opens_the_successor_in_its_first_half() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    let (epoch, retry_after) = (epoch(1), None);
    let deadline = Some(Duration::from_secs(10));
    assert_eq!(rig.at(60_000, Event::ReconnectRequested { epoch, retry_after, deadline }), none());
    let (at, reason) = rig.wake().unwrap();
    assert_eq!(reason, WaitReason::Requested);
    assert!((60_000..65_000).contains(&at));
    assert_eq!(rig.until(65_000), [format!("{at}: open 2 resume #1 successor")]);
}

#[test]
fn an_endpoint_opens_the_successor_there_at_once() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    let epoch = epoch(1);
    assert_eq!(rig.at(60_000, Event::Redirected { epoch, endpoint: "b", permanent: false }), none());
    assert_eq!(
        rig.at(60_000, Event::ReconnectRequested { epoch, retry_after: None, deadline: None }),
        ["open 2 resume@redirect #1 successor"]
    );
    assert_eq!(rig.policy.redirect(), Some(&"b"));
}

#[test]
fn age_opens_the_successor() {
    let mut rig = Rig::online(
        config().max_age(Some(Duration::from_secs(60)), Duration::ZERO).build_const(),
        Config::DEFAULT,
    );
    assert_eq!(rig.until(60_000), ["60000: open 2 resume #1 successor"]);
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2", "close 1 4000"]);
    assert_eq!(rig.until(120_020), ["120020: open 3 resume #1 successor"]);
}

#[test]
fn stop_closes_both() {
    let mut rig = Rig::online(config().build_const(), Config::DEFAULT);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    let mut kept = Rig { policy: rig.policy.clone(), now: rig.now };
    assert_eq!(rig.at(60_020, Event::Stop { keep: false }), ["close 1 1000", "close 2 1000", "forget stop"]);
    assert_eq!(kept.at(60_020, Event::Stop { keep: true }), ["close 1 4000", "close 2 4000"]);
    assert_eq!(kept.at(60_030, Event::Start), ["open 3 resume #1"]);
}

/// A breaker that refuses a successor is the one that is asked for.
#[test]
fn the_breaker_of_the_policy_is_told() {
    let breaker = breaker::Config::new(1, Duration::from_secs(30)).build_const();
    let mut rig = Rig::online(config().breaker(Some(breaker)).build_const(), Config::DEFAULT);
    assert_eq!(rig.policy.breaker_phase(), Some(breaker::Phase::Closed));
    rig.at(60_000, Event::Redial);
    rig.at(60_010, Event::OpenFailed { epoch: epoch(2), cause: Cause::ConnectTimeout, retry_after: None });
    assert_eq!(rig.policy.breaker_phase(), Some(breaker::Phase::Open));
    assert_eq!(Rig::online(config().build_const(), Config::DEFAULT).policy.breaker_phase(), None);
}
