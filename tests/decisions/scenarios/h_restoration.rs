//! Restoration: what is wanted is sent once per new session, in order, in batches.

use redial::policy::RestoreConfig;
use redial::{Config, Phase};

use crate::harness::{Beginnings, PLAIN, RESET, Scenario, ms, secs};

fn batches(batch: u16, interval: u64) -> Config {
    PLAIN.to_builder().restore(RestoreConfig::new().batches(batch, ms(interval)).build_const()).build_const()
}

/// Subscriptions first, then a connection that is ready at 20 ms.
fn wanting(config: Config, keys: &[(&'static str, i32)]) -> Scenario {
    let mut t = Scenario::of(config);
    for (key, priority) in keys {
        t.subscribe(key, *priority).applied();
    }
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .at(10)
        .opened(1)
        .expect(&["send_fresh 1"])
        .at(20)
        .establish(1, Some(5));
    t
}

/// Lifecycle 66: ceil(n / batch) batches, an interval apart, higher priority first, then in the order of the requests,
/// whether or not the earlier ones are confirmed.
#[test]
fn batches_are_paced_and_ordered() {
    let mut t = wanting(batches(2, 500), &[("a", 0), ("b", 5), ("c", 0), ("d", 5), ("e", -1)]);
    t.expect(&["restore 1 b,d"]).phase(Phase::Restoring).wake(520, "restore");
    t.at(100)
        .subscription_confirmed(1, "b")
        .wake(520, "restore")
        .fires(520, &["restore 1 a,c"])
        .phase(Phase::Restoring);
    t.fires(1_020, &["restore 1 e"]).phase(Phase::Online).no_wake();
}

/// Without a pause the batches follow at once, each in a step of its own.
#[test]
fn batches_without_a_pause() {
    let mut t = wanting(batches(2, 0), &[("a", 0), ("b", 0), ("c", 0)]);
    t.expect(&["restore 1 a,b"]).phase(Phase::Restoring).wake(20, "restore");
    t.timeout().expect(&["restore 1 c"]).phase(Phase::Online).no_wake();
}

/// F99: an empty set, or restoration off: nothing is sent.
#[test]
fn nothing_to_restore() {
    wanting(PLAIN, &[]).expect(&[]).phase(Phase::Online).no_wake();
    let mut t = wanting(PLAIN.to_builder().restore(RestoreConfig::DISABLED).build_const(), &[("a", 0)]);
    t.expect(&[]).phase(Phase::Online).subscribe("b", 0).expect(&[]).no_wake();
}

/// A subscription while online is sent at once, or when the pause since the last batch is over.
#[test]
fn subscriptions_while_online() {
    let mut t = Scenario::online(batches(50, 500));
    t.at(1_000).subscribe("a", 0).expect(&["restore 1 a"]).subscribe("a", 0).inapplicable();
    t.at(1_200).subscribe("b", 0).expect(&[]).wake(1_500, "restore").phase(Phase::Online);
    t.subscribe("c", 1).fires(1_500, &["restore 1 c,b"]);
}

/// A full set says so and changes nothing.
#[test]
fn a_full_set_says_so() {
    let keys = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];
    let mut t = Scenario::of(PLAIN);
    for key in keys {
        t.subscribe(key, 0).applied();
    }
    t.subscribe("one too many", 0).full().expect(&[]);
}

/// S76, F93, lifecycle 68: what the server refuses for now backs off for itself; the connection is untouched.
#[test]
fn a_refused_subscription_backs_off_for_itself() {
    let mut t = wanting(PLAIN, &[("a", 0), ("b", 0)]);
    t.expect(&["restore 1 a,b"])
        .at(100)
        .subscription_confirmed(1, "b")
        .sub_failed(1, "a", true)
        .phase(Phase::Online);
    t.wake(1_100, "restore").failures(0).fires(1_100, &["restore 1 a"]);
    t.at(1_200).sub_failed(1, "a", true).wake(3_200, "restore").fires(3_200, &["restore 1 a"]);
    t.subscription_confirmed(1, "a").no_wake();
    // Refused for good: not before the next session.
    t.at(4_000).sub_failed(1, "a", false).expect(&[]).no_wake();
    t.at(5_000)
        .closed(1, RESET)
        .expect(&[])
        .next_timer()
        .expect(&["open 2 resume #1"])
        .opened(2)
        .expect_anything();
    t.resumed(2)
        .expect(&[])
        .at(9_000)
        .closed(2, RESET)
        .expect(&[])
        .next_timer()
        .expect(&["open 3 resume #1"])
        .opened(3);
    t.expect_anything().establish(3, Some(1)).expect(&["restore 3 a,b"]);
}

/// F94: answers for keys that nobody wants, or that were not sent, change nothing and draw nothing.
#[test]
fn answers_for_unknown_keys_are_nothing() {
    let jittered = crate::harness::DOUBLING.to_builder().jitter(redial::Jitter::Full).build_const();
    let mut t = Scenario::online(PLAIN.to_builder().backoff(jittered).build_const());
    t.subscription_confirmed(1, "x")
        .inapplicable()
        .sub_failed(1, "x", true)
        .inapplicable()
        .unsubscribe("x")
        .inapplicable();
}

/// S77, F95, lifecycle 69: what the user no longer wants is not restored, whatever data still comes.
#[test]
fn an_unsubscribed_key_is_not_restored() {
    let mut t = wanting(PLAIN, &[("a", 0), ("b", 0)]);
    t.expect(&["restore 1 a,b"])
        .subscription_confirmed(1, "a")
        .subscription_confirmed(1, "b")
        .unsubscribe("a")
        .applied()
        .expect(&[]);
    t.subscription_confirmed(1, "a").inapplicable().at(1_000).session_invalid(1, false).expect_anything();
    t.unsubscribe("b").subscribe("c", 0).expect(&[]);
    t.next_timer()
        .expect(&["open 2 fresh #1"])
        .opened(2)
        .expect_anything()
        .establish(2, Some(1))
        .expect(&["restore 2 c"]);
}

/// S78, F96, lifecycle 67: unanswered at the loss: restored exactly once; after a resume only what was unanswered.
#[test]
fn what_was_unanswered_is_restored_once() {
    let mut t = wanting(PLAIN, &[("a", 0), ("b", 0)]);
    t.expect(&["restore 1 a,b"]).subscription_confirmed(1, "a").at(1_000).closed(1, RESET).expect(&[]);
    t.next_timer()
        .expect(&["open 2 resume #1"])
        .opened(2)
        .expect(&["send_resume 2 s1 5"])
        .subscription_confirmed(1, "b")
        .stale();
    t.resumed(2).expect(&["restore 2 b"]).phase(Phase::Online).subscription_confirmed(2, "b").no_wake();
    t.at(5_000)
        .closed(2, RESET)
        .expect(&[])
        .next_timer()
        .expect(&["open 3 resume #1"])
        .opened(3)
        .expect_anything();
    t.establish(3, Some(1)).expect(&["restore 3 a,b"]).quiet_until(100_000);
}

/// Lifecycle 67: a loss in the middle: what was confirmed and what never went out are both right after a resume.
#[test]
fn a_loss_in_the_middle_of_restoring() {
    let mut t = wanting(batches(1, 500), &[("a", 0), ("b", 0), ("c", 0)]);
    t.expect(&["restore 1 a"]).subscription_confirmed(1, "a").fires(520, &["restore 1 b"]);
    t.at(600).closed(1, RESET).expect(&[]).fires(1_600, &["open 2 resume #1"]);
    t.at(1_610).opened(2).expect(&["send_resume 2 s1 5"]).resumed(2).expect(&["restore 2 b"]);
    t.fires(2_110, &["restore 2 c"]).phase(Phase::Online);
}

/// Lifecycle 65: the restore belongs to the step that makes the session; a loss stops the pacing.
#[test]
fn the_pacing_dies_with_the_connection() {
    let mut t = wanting(batches(1, 5_000), &[("a", 0), ("b", 0)]);
    t.expect(&["restore 1 a"]).at(1_000).stop_keeping_session().expect(&["close 1 4000"]).no_wake();
    t.jump(5_020).timeout().expect(&[]);
}

/// Subscriptions before the start, in every phase without a session, are kept for it.
#[test]
fn subscriptions_are_kept_for_the_session() {
    let mut t = Scenario::of(PLAIN);
    t.subscribe("a", 0).at(0).start().expect(&["open 1 fresh #1"]).subscribe("b", 0).expect(&[]);
    t.open_failed(1, RESET).expect(&[]).subscribe("c", 0).expect(&[]).wake(1_000, "backoff");
    t.fires(1_000, &["open 2 fresh #2"]).opened(2).expect(&["send_fresh 2"]).subscribe("d", 9).expect(&[]);
    t.establish(2, Some(1)).expect(&["restore 2 d,a,b,c"]);
}

/// A stable session with everything restored and no heartbeat waits for nothing.
#[test]
fn restoring_and_stability_side_by_side() {
    let config = batches(1, 500).to_builder().reset_after_stable(secs(1)).build_const();
    let mut t = wanting(config, &[("a", 0), ("b", 0), ("c", 0)]);
    t.expect(&["restore 1 a"]).fires(520, &["restore 1 b"]).wake(1_020, "stable");
    t.fires(1_020, &["restore 1 c"]).phase(Phase::Online).no_wake();
}
