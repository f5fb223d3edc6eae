//! Authentication and subscriptions of a new session.

use redial::policy::{Establish, RestoreConfig, WaitReason};
use redial::subscriptions::{SubscriptionState, Subscriptions};
use redial::{Action, Cause, Config, Event, GiveUp, Phase, SessionState};

use crate::harness::*;

const AUTHENTICATED: Config =
    PLAIN.to_builder().restore(RestoreConfig::new().authentication(true).build_const()).build_const();
/// No session survives a loss, so all is restored each time.
const FRESH: Config = PLAIN.to_builder().resume(redial::policy::ResumeConfig::DISABLED).build_const();

fn confirm(rig: &mut Harness, key: &'static str) {
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionConfirmed { epoch, key, send: None });
}

fn refuse(rig: &mut Harness, key: &'static str, retryable: bool) -> Vec<Action> {
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionFailed { epoch, key, send: None, retryable })
}

fn state(rig: &Harness, key: &'static str) -> Option<SubscriptionState> {
    rig.policy.subscriptions().find(&key).map(|entry| entry.state())
}

/// F92, S75: connect, then authenticate, then restore; a step that fails stops the next.
#[test]
fn f92_each_step_gates_the_next() {
    let mut rig = Harness::started(AUTHENTICATED);
    rig.subscribe("a");
    rig.opened();
    let epoch = rig.epoch();
    assert_eq!(rig.ready(), [Action::Authenticate { epoch }]);
    assert_eq!(rig.phase(), Phase::Establishing);
    assert_eq!(rig.event(Event::AuthOk { epoch }), [Action::Restore { epoch, send: 1 }]);
    // For a while: the loss path, and a new credential first.
    rig.stop(false);
    rig.start();
    rig.opened();
    rig.ready();
    let epoch = rig.epoch();
    let actions = rig.event(Event::AuthFailed { epoch, fatal: false });
    assert!(restores(&actions) == 0 && closed(&actions).is_some() && refreshes(&actions) == 1, "{actions:?}");
    // For good: the end.
    rig.event(Event::CredentialOk { request: None, ttl: None });
    rig.opened();
    rig.ready();
    let epoch = rig.epoch();
    let actions = rig.event(Event::AuthFailed { epoch, fatal: true });
    assert_eq!(gave_up(&actions), Some((GiveUp::Fatal, Cause::AuthDenied)));
    assert_eq!(restores(&actions), 0);
}

/// S93, F92: a connection that was live before its resume was answered with a new session has a batch planned; while it
/// authenticates, no timer of that batch is due forever.
#[test]
fn a_planned_batch_does_not_outlive_a_step_back() {
    let restore = RestoreConfig::new().authentication(true).batches(1, secs(5)).build_const();
    let config = PLAIN.to_builder().restore(restore).establish(Establish::OnOpen).build_const();
    let mut rig = Harness::importing(config, SessionState::resumable("token", None, Some(1)));
    rig.start();
    rig.subscribe("a");
    let epoch = rig.epoch();
    assert_eq!(rig.opened(), [Action::Resume { epoch }, Action::Restore { epoch, send: 1 }]);
    rig.subscribe("b");
    assert_eq!(rig.due(), Some((secs(5), WaitReason::Restore)));
    assert_eq!(rig.ready(), [Action::Authenticate { epoch }]);
    assert_eq!(rig.due(), Some((secs(10), WaitReason::AuthTimeout)));
    rig.advance(secs(6));
    assert_eq!(rig.due(), Some((secs(4), WaitReason::AuthTimeout)));
    assert_eq!(rig.event(Event::AuthOk { epoch }), [Action::Restore { epoch, send: 2 }]);
    assert_eq!(rig.batch(), ["a"], "the new session knows of neither");
}

/// S93: what is still to be sent may be taken back before its batch; then all is restored, and nothing waits for a timer
/// that is not there.
#[test]
fn an_unsubscribe_ends_the_restoring() {
    let restore = RestoreConfig::new().batches(1, secs(5)).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().restore(restore).build_const());
    rig.subscribe("a");
    rig.subscribe("b");
    rig.establish();
    assert_eq!((rig.phase(), rig.due()), (Phase::Restoring, Some((secs(5), WaitReason::Restore))));
    rig.event(Event::Unsubscribe { key: "b" });
    assert_eq!((rig.phase(), rig.due()), (Phase::Online, None));
}

/// F93, S76, lifecycle 68: a key that is refused stays desired and backs off for itself; the connection and the other
/// keys don't notice, and its timer dies with the connection.
#[test]
fn f93_a_refused_key_backs_off_for_itself() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.subscribe("b");
    rig.establish();
    confirm(&mut rig, "b");
    for wait in [1, 2, 4, 8] {
        refuse(&mut rig, "a", true);
        assert_eq!(rig.phase(), Phase::Online);
        let actions = rig.advance(secs(wait));
        assert_eq!((restores(&actions), rig.batch()), (1, vec!["a"]), "after {wait} s");
    }
    assert_eq!((rig.told().failures, rig.policy.stats().losses), (0, 0));
    refuse(&mut rig, "a", true);
    rig.lose();
    let wait = rig.waits();
    assert_eq!(wait, secs(1), "the connection's own ladder");
    assert_eq!(restores(&rig.advance(wait)), 0);
    rig.establish();
    assert_eq!(rig.batch(), ["a", "b"]);
}

/// Lifecycle 68, S95: a server that confirms a key and ends it, again and again, is asked by the backoff, and never at
/// once, whatever the backoff's first wait.
#[test]
fn l68_a_key_that_is_confirmed_and_ended_backs_off() {
    for (config, waits) in [
        (FRESH, [1, 2, 4, 8]),
        (
            FRESH
                .to_builder()
                .backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const())
                .build_const(),
            [1, 2, 4, 8],
        ),
    ] {
        let mut rig = Harness::started(config);
        rig.subscribe("a");
        rig.establish();
        for wait in waits {
            confirm(&mut rig, "a");
            refuse(&mut rig, "a", true);
            assert_eq!(rig.due(), Some((secs(wait), WaitReason::Restore)));
            assert_eq!(restores(&rig.advance(secs(wait))), 1);
        }
        // Confirmed to the end of its connection, it resets on the next.
        confirm(&mut rig, "a");
        rig.lose();
        rig.recover();
        refuse(&mut rig, "a", true);
        assert_eq!(rig.due(), Some((secs(1), WaitReason::Restore)));
    }
}

/// F94: only the user's requests change the set; an answer or data for another key never adds one.
#[test]
fn f94_only_the_user_changes_the_set() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.establish();
    confirm(&mut rig, "ghost");
    refuse(&mut rig, "ghost", true);
    let epoch = rig.epoch();
    rig.event(Event::Received { epoch });
    refuse(&mut rig, "a", false);
    assert_eq!(rig.policy.subscriptions().iter().map(|entry| *entry.key()).collect::<Vec<_>>(), ["a"]);
    rig.lose();
    rig.recover();
    assert_eq!(rig.batch(), ["a"]);
}

/// F95, S77, lifecycle 69: unsubscribed, before a loss or during the outage, is not restored; late answers change
/// nothing.
#[test]
fn f95_unsubscribed_is_not_restored() {
    let mut rig = Harness::started(FRESH);
    for key in ["a", "b", "c"] {
        rig.subscribe(key);
    }
    rig.establish();
    for key in ["a", "b", "c"] {
        confirm(&mut rig, key);
    }
    rig.event(Event::Unsubscribe { key: "a" });
    confirm(&mut rig, "a");
    rig.lose();
    rig.event(Event::Unsubscribe { key: "b" });
    rig.recover();
    assert_eq!(rig.batch(), ["c"]);
    confirm(&mut rig, "b");
    rig.lose();
    rig.recover();
    assert_eq!(rig.batch(), ["c"]);
}

/// F96, S78, lifecycle 67: what was unanswered at the loss is sent once after it, in a resumed session like in a new one.
#[test]
fn f96_unanswered_is_neither_lost_nor_doubled() {
    for (config, again) in [(PLAIN, vec!["b", "c"]), (FRESH, vec!["a", "b", "c"])] {
        let restore = RestoreConfig::new().batches(2, secs(1)).build_const();
        let mut rig = Harness::started(config.to_builder().restore(restore).build_const());
        for key in ["a", "b", "c"] {
            rig.subscribe(key);
        }
        rig.establish();
        assert_eq!(rig.batch(), ["a", "b"]);
        confirm(&mut rig, "a");
        rig.lose();
        rig.redial();
        rig.establish();
        let mut sent = rig.batch();
        while rig.phase() == Phase::Restoring {
            rig.advance(secs(1));
            sent.extend(rig.batch());
        }
        assert_eq!(sent, again);
        assert_eq!(restores(&rig.advance(secs(600))), 0);
    }
}

/// F99: nothing desired, or restoring switched off: nothing is sent.
#[test]
fn f99_nothing_to_restore() {
    let mut rig = Harness::started(FRESH);
    assert_eq!(restores(&rig.establish()), 0);
    assert_eq!(rig.phase(), Phase::Online);
    let mut rig = Harness::started(FRESH.to_builder().restore(RestoreConfig::DISABLED).build_const());
    rig.subscribe("a");
    assert_eq!(restores(&rig.establish()) + restores(&rig.advance(secs(600))), 0);
    assert_eq!((rig.phase(), state(&rig, "a")), (Phase::Online, Some(SubscriptionState::Pending)));
}

/// F100: config, subscriptions and counters are the same after any number of reconnects.
#[test]
fn f100_nothing_is_lost_in_a_reconnect() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.establish();
    for round in 1..=20 {
        rig.lose();
        rig.recover();
        assert_eq!(rig.policy.config(), &FRESH);
        assert_eq!(rig.batch(), ["a"]);
        let stats = rig.policy.stats();
        assert_eq!(
            (stats.losses, stats.opens, stats.established, stats.fresh),
            (round, round + 1, round + 1, round + 1)
        );
    }
}

/// Lifecycle 65: who sees "online" sees everything restored: the first batch is a part of the same answer.
#[test]
fn l65_restoring_comes_before_online() {
    let restore = RestoreConfig::new().batches(1, secs(1)).build_const();
    let mut rig = Harness::started(FRESH.to_builder().restore(restore).build_const());
    rig.subscribe("a");
    rig.subscribe("b");
    rig.opened();
    let epoch = rig.epoch();
    assert_eq!(rig.ready(), [Action::Restore { epoch, send: 1 }]);
    assert_eq!((rig.phase(), state(&rig, "a")), (Phase::Restoring, Some(SubscriptionState::Sent)));
    rig.advance(secs(1));
    assert_eq!((rig.phase(), state(&rig, "b")), (Phase::Online, Some(SubscriptionState::Sent)));
}

/// Lifecycle 66: batches of a size, at least a pause apart, the highest priority first, the same each time.
#[test]
fn l66_restoring_is_paced() {
    let restore = RestoreConfig::new().batches(3, secs(5)).build_const();
    let mut rig = Harness::started(FRESH.to_builder().restore(restore).build_const());
    for (key, priority) in [("e", 1), ("f", 1), ("g", 0), ("a", 9), ("h", 0), ("b", 9), ("c", 9), ("d", 8)] {
        rig.event(Event::Subscribe { key, priority });
    }
    for _ in 0..2 {
        rig.establish();
        let mut sent = vec![(rig.now, rig.batch())];
        while rig.phase() == Phase::Restoring {
            rig.advance(rig.due().expect("a batch").0);
            sent.push((rig.now, rig.batch()));
        }
        assert_eq!(
            sent.iter().map(|batch| batch.1.clone()).collect::<Vec<_>>(),
            [vec!["a", "b", "c"], vec!["d", "e", "f"], vec!["g", "h"]]
        );
        assert!(sent.windows(2).all(|two| two[1].0.saturating_duration_since(two[0].0) >= secs(5)));
        rig.lose();
        rig.redial();
    }
}
