//! Requests that nobody answers, answers to the wrong request, and ends that are no refusal.

use redial::policy::{RestoreConfig, WaitReason};
use redial::subscriptions::{NoSubscriptions, SubscriptionState as State, Subscriptions};
use redial::{Action, Config, Disposition, Event, Instant, Phase, Policy, SplitMix64};

use crate::harness::*;

const ANSWERED: Config = PLAIN
    .to_builder()
    .restore(RestoreConfig::new().confirm_timeout(Some(secs(5))).build_const())
    .build_const();

/// Online, with `keys` sent in send 1.
fn online(config: Config, keys: &[&'static str]) -> Harness {
    let mut rig = Harness::started(config);
    for key in keys {
        rig.subscribe(key);
    }
    rig.establish();
    assert_eq!(rig.batch(), keys);
    rig
}

fn confirm(rig: &mut Harness, key: &'static str, send: Option<u32>) -> Disposition {
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionConfirmed { epoch, key, send });
    rig.disposition()
}

fn refuse(rig: &mut Harness, key: &'static str, send: Option<u32>) -> Disposition {
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionFailed { epoch, key, send, retryable: true });
    rig.disposition()
}

fn end(rig: &mut Harness, key: &'static str) -> Disposition {
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionLost { epoch, key });
    rig.disposition()
}

fn state(rig: &Harness, key: &'static str) -> State {
    rig.policy.subscriptions().find(&key).expect("desired").state()
}

/// The numbers of the sends.
fn sends(actions: &[Action]) -> Vec<u32> {
    let send = |action: &Action| if let Action::Restore { send, .. } = *action { Some(send) } else { None };
    actions.iter().filter_map(send).collect()
}

/// Report 38 (phoenixframework/phoenix#2115): a subscribe request that is never answered is sent again, by the backoff,
/// as often as it goes unanswered; the connection and the other keys do not notice.
#[test]
fn report_38_a_request_that_is_never_answered_is_sent_again() {
    let mut rig = online(ANSWERED, &["a", "b"]);
    assert_eq!(confirm(&mut rig, "b", None), Disposition::Applied);
    for (n, wait) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
        assert_eq!((rig.phase(), rig.due()), (Phase::Online, Some((secs(5), WaitReason::Confirm))));
        assert_eq!(sends(&rig.advance(secs(5))), [0; 0]);
        assert!(matches!(state(&rig, "a"), State::Waiting { .. }));
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Restore)));
        assert_eq!(sends(&rig.advance(secs(wait))), [n as u32 + 2]);
        assert_eq!(rig.batch(), ["a"]);
    }
    assert_eq!((rig.policy.stats().losses, state(&rig, "b")), (0, State::Confirmed));
    // Answered in time: nothing is due any more.
    rig.advance(secs(4));
    assert_eq!(confirm(&mut rig, "a", None), Disposition::Applied);
    assert_eq!((rig.due(), sends(&rig.advance(secs(3_600)))), (None, vec![]));
}

/// Report 38: without the time-out a request may go unanswered forever, as protocols that never confirm need it.
#[test]
fn report_38_by_default_nobody_has_to_answer() {
    let mut rig = online(PLAIN, &["a"]);
    assert_eq!((rig.due(), sends(&rig.advance(secs(3_600))), state(&rig, "a")), (None, vec![], State::Sent));
}

/// Report 38: the time counts for each key from its own send, in `Restoring` as in `Online`.
#[test]
fn report_38_each_key_has_its_own_time() {
    let restore = RestoreConfig::new().batches(1, secs(3)).confirm_timeout(Some(secs(5))).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().restore(restore).build_const());
    for key in ["a", "b", "c"] {
        rig.subscribe(key);
    }
    rig.establish();
    assert_eq!(
        (rig.phase(), rig.batch(), rig.due()),
        (Phase::Restoring, vec!["a"], Some((secs(3), WaitReason::Restore)))
    );
    rig.advance(secs(3));
    assert_eq!(
        (rig.phase(), rig.batch(), rig.due()),
        (Phase::Restoring, vec!["b"], Some((secs(2), WaitReason::Confirm)))
    );
    rig.advance(secs(2));
    assert!(matches!(state(&rig, "a"), State::Waiting { .. }));
    assert_eq!((state(&rig, "b"), rig.due()), (State::Sent, Some((secs(1), WaitReason::Restore))));
    // At 6 s the pause is over, "a" is due again and goes first.
    rig.advance(secs(1));
    assert_eq!((rig.batch(), rig.due()), (vec!["a"], Some((secs(2), WaitReason::Confirm))));
    // At 8 s "b" has failed.
    rig.advance(secs(2));
    assert!(matches!(state(&rig, "b"), State::Waiting { .. }));
    // At 9 s both "b" and "c" are due.
    rig.advance(secs(1));
    assert_eq!(rig.batch(), ["b"]);
    assert_eq!(confirm(&mut rig, "b", None), Disposition::Applied);
    assert_eq!(rig.due(), Some((secs(2), WaitReason::Confirm)), "\"a\", sent at 6 s");
    rig.event(Event::Unsubscribe { key: "a" });
    assert_eq!(rig.due(), Some((secs(3), WaitReason::Restore)), "\"c\"");
}

/// Report 38: the time-out dies with the connection; the count of failures does not.
#[test]
fn report_38_the_time_ends_with_the_connection() {
    let mut rig = online(ANSWERED, &["a"]);
    rig.advance(secs(3));
    rig.lose();
    let wait = rig.waits();
    assert_eq!(wait, secs(1), "the connection's own backoff");
    rig.advance(wait);
    assert_eq!(sends(&rig.establish()), [2], "the sends are counted over all connections");
    assert_eq!(rig.due(), Some((secs(5), WaitReason::Confirm)));
    rig.advance(secs(5));
    rig.stop(false);
    assert_eq!((rig.due(), rig.policy.subscriptions().failures(&"a")), (None, 1));
}

/// Report 38, S98: a clock that ran back does not put the time off.
#[test]
fn report_38_the_time_is_not_put_off_by_a_clock_that_ran_back() {
    let mut rig = Harness::started(ANSWERED);
    rig.advance(secs(0));
    rig.now = Instant::from_millis(500_000);
    rig.subscribe("a");
    rig.establish();
    rig.now = Instant::from_millis(100_000);
    rig.tick();
    assert_eq!(rig.due(), Some((secs(5), WaitReason::Confirm)));
    rig.advance(secs(5));
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Restore)));
}

/// Report 38: no call fails more keys than a batch has, so that none is long; the rest is due at once.
#[test]
fn report_38_a_call_fails_no_more_than_a_batch() {
    let restore = RestoreConfig::new().batches(2, secs(0)).confirm_timeout(Some(secs(5))).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().restore(restore).build_const());
    for key in ["a", "b", "c", "d", "e"] {
        rig.subscribe(key);
    }
    rig.establish();
    while rig.phase() == Phase::Restoring {
        rig.tick();
    }
    rig.now = rig.now.saturating_add(secs(5));
    for waiting in [2, 4, 5] {
        rig.tick();
        let waits = rig.policy.subscriptions().iter().map(|key| key.state());
        assert_eq!(waits.filter(|state| matches!(state, State::Waiting { .. })).count(), waiting);
        let next = if waiting == 5 { (secs(1), WaitReason::Restore) } else { (secs(0), WaitReason::Confirm) };
        assert_eq!(rig.due(), Some(next));
    }
}

/// Report 42 (thrasher-corp/gocryptotrader#2337): notices of a gap in a book that is being subscribed again. Between a
/// failure and the next send they change nothing; those after it count, so that they can't cause a storm.
#[test]
fn report_42_stale_notices_cause_no_storm() {
    let mut rig = online(PLAIN, &["BTC"]);
    assert_eq!(confirm(&mut rig, "BTC", None), Disposition::Applied);
    rig.advance(secs(20));
    assert_eq!(refuse(&mut rig, "BTC", None), Disposition::Applied);
    for _ in 0..100 {
        assert_eq!(refuse(&mut rig, "BTC", None), Disposition::Inapplicable);
        assert_eq!(end(&mut rig, "BTC"), Disposition::Inapplicable);
    }
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Restore)));
    assert_eq!(sends(&rig.advance(secs(1))), [2]);
    // A server that always sends one more, right after the send: once a wait, and the waits grow.
    for (n, wait) in [2, 4, 8, 16, 30].into_iter().enumerate() {
        assert_eq!(refuse(&mut rig, "BTC", None), Disposition::Applied);
        assert_eq!(refuse(&mut rig, "BTC", None), Disposition::Inapplicable);
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Restore)));
        assert_eq!(sends(&rig.advance(secs(wait))), [n as u32 + 3]);
    }
    assert_eq!(confirm(&mut rig, "BTC", None), Disposition::Applied);
    assert_eq!(rig.due(), None);
}

/// Report 42: an answer to an older send is stale, counted and without effect; one to the newest send counts.
#[test]
fn report_42_answers_to_older_sends_are_stale() {
    let mut rig = online(PLAIN, &["BTC", "ETH"]);
    assert_eq!(confirm(&mut rig, "BTC", Some(1)), Disposition::Applied);
    assert_eq!(refuse(&mut rig, "BTC", Some(1)), Disposition::Applied);
    assert_eq!(sends(&rig.advance(secs(1))), [2]);
    for stale in 1..=50 {
        assert_eq!(refuse(&mut rig, "BTC", Some(1)), Disposition::Stale);
        assert_eq!(rig.policy.stats().stale, stale);
        assert_eq!((state(&rig, "BTC"), rig.due()), (State::Sent, None));
    }
    assert_eq!(confirm(&mut rig, "BTC", Some(1)), Disposition::Stale);
    assert_eq!(state(&rig, "BTC"), State::Sent);
    assert_eq!(confirm(&mut rig, "BTC", Some(2)), Disposition::Applied);
    assert_eq!(refuse(&mut rig, "BTC", Some(1)), Disposition::Stale);
    assert_eq!(state(&rig, "BTC"), State::Confirmed);
    // The newest send of another key is another one.
    assert_eq!(confirm(&mut rig, "ETH", Some(2)), Disposition::Stale);
    assert_eq!(confirm(&mut rig, "ETH", Some(1)), Disposition::Applied);
    // Of a key that nobody wants there is no newest.
    assert_eq!(confirm(&mut rig, "DOGE", Some(1)), Disposition::Inapplicable);
    // And one that is asked for again was never sent.
    rig.event(Event::Unsubscribe { key: "ETH" });
    rig.subscribe("ETH");
    assert_eq!(refuse(&mut rig, "ETH", Some(1)), Disposition::Stale);
    assert_eq!(confirm(&mut rig, "ETH", Some(3)), Disposition::Applied);
}

/// Report 91: the server ended a confirmed subscription without refusing it. It is sent again after the first wait; ended
/// in turns, it backs off as refusals do; a connection on which it stayed confirmed resets that.
#[test]
fn report_91_an_ended_subscription_is_sent_again() {
    let mut rig =
        online(PLAIN.to_builder().resume(redial::policy::ResumeConfig::DISABLED).build_const(), &["a", "b"]);
    assert_eq!(end(&mut rig, "a"), Disposition::Inapplicable, "it was not confirmed");
    assert_eq!(end(&mut rig, "x"), Disposition::Inapplicable, "nobody wants it");
    confirm(&mut rig, "b", None);
    for wait in [1, 2, 4, 8] {
        assert_eq!(confirm(&mut rig, "a", None), Disposition::Applied);
        assert_eq!(end(&mut rig, "a"), Disposition::Applied);
        assert_eq!(end(&mut rig, "a"), Disposition::Inapplicable);
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Restore)));
        assert_eq!(restores(&rig.advance(secs(wait))), 1);
        assert_eq!(rig.batch(), ["a"]);
    }
    confirm(&mut rig, "a", None);
    rig.lose();
    rig.recover();
    confirm(&mut rig, "a", None);
    end(&mut rig, "a");
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Restore)));
}

/// An ended subscription of another transport is stale.
#[test]
fn an_end_on_an_older_transport_is_stale() {
    let mut rig = online(PLAIN, &["a"]);
    confirm(&mut rig, "a", None);
    let epoch = rig.epoch();
    rig.lose();
    rig.recover();
    rig.event(Event::SubscriptionLost { epoch, key: "a" });
    assert_eq!((rig.disposition(), state(&rig, "a")), (Disposition::Stale, State::Confirmed));
}

/// The time-out refuses zero, and costs a policy without subscriptions nothing.
#[test]
fn a_confirm_timeout_of_zero_is_refused() {
    let restore = RestoreConfig::DEFAULT;
    assert_eq!(restore.confirm_timeout(), None);
    assert_eq!(
        restore.to_builder().confirm_timeout(Some(secs(0))).build(),
        Err(redial::ConfigError::TimeoutZero)
    );
    let longest = restore.to_builder().confirm_timeout(Some(secs(7))).build().expect("positive");
    assert_eq!(longest.confirm_timeout(), Some(secs(7)));
    assert_eq!(longest.to_builder().confirm_timeout(None).build(), Ok(restore));
    type Without = Policy<SplitMix64, (), NoSubscriptions, Config>;
    let rest = size_of::<Config>() + size_of::<SplitMix64>() + redial::policy::POLICY_STATE_BYTES;
    assert!(size_of::<Without>() <= rest);
}
