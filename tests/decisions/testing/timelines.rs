//! A timeline fails where something else is decided than is expected, and says what.

use core::time::Duration;

use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checked, Timeline};
use redial::{
    BackoffConfig, Cause, Config, GiveUp, Instant, IoKind, Phase, Policy, Ratio, SplitMix64, handover,
};

use super::message;

static CONFIG: Config = Config::new(
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
)
.max_attempts(Some(3))
.build_const();

const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

fn timeline() -> Timeline<Policy<SplitMix64, &'static str, FixedSubscriptions<&'static str, 4>>> {
    let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type();
    Timeline::new(policy.with_subscriptions(FixedSubscriptions::new()))
}

/// Every word that a line can begin with.
#[test]
fn every_action_has_a_line() {
    let mut t = timeline();
    t.at(0).subscribe("a", 0).subscribe("b", 9).start().expect(&["open 1 fresh #1"]);
    t.at(10).opened(1).expect(&["send_fresh 1"]);
    t.at(20).ready(1, Some("s"), Some(4)).expect(&["restore 1 b,a"]).phase(Phase::Online);
    t.subscription_confirmed(1, "b").applied().subscription_confirmed(1, "x").inapplicable();
    t.at(30).heartbeat_requested(1).expect(&["beat 1"]).sequence(1, 9).sequence(1, 8).inapplicable();
    t.at(40).closed(1, Cause::NoCloseFrame).wake(1_040, "backoff").failures(1);
    t.fires(1_040, &["open 2 resume #2"]);
    t.at(1_050).opened(2).expect(&["send_resume 2 s 9"]).resumed(2).expect(&["restore 2 a"]);
    t.at(1_060).closed(2, Cause::AuthRejected).expect(&["refresh_credential"]);
    t.credential_ok()
        .expect(&["open 3 resume #3"])
        .at(1_070)
        .stop_keeping_session()
        .expect(&["close 3 4000"]);
    t.start().expect(&["open 4 resume #1"]).stop().expect(&["close 4 1000", "drop_session stop"]).no_wake();
    t.at(5_000).start().expect(&["open 5 fresh #1"]).at(5_001).open_failed(5, REFUSED);
    t.next_timer().expect(&["open 6 fresh #2"]).at(7_000).refused(6, 503, None);
    t.next_timer().expect(&["open 7 fresh #3"]).not_now(7).wake_within(999..=1_000, "not_now");
    t.next_timer().expect(&["open 8 fresh #3"]);
    t.jump(11_000).open_failed(8, REFUSED).expect(&["gave_up max_attempts connection_refused"]);
    t.gave_up(GiveUp::MaxAttempts).closed(8, REFUSED).stale();
    assert_eq!((t.opens(), t.stats().opens, t.now(), t.log().len()), (8, 8, 11_000, 18));
}

#[test]
fn a_handover_has_a_timeline_too() {
    let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type::<&str>();
    let mut t = Timeline::new(policy.with_handover(handover::Config::DEFAULT));
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.at(10).ready(1, Some("s"), None).at(60_000).redial().expect(&["open 2 resume #1 successor"]);
    t.at(60_010).opened(2).expect(&["send_resume 2 s"]).resumed(2).expect(&["promote 2", "close 1 4000"]);
}

#[test]
fn what_was_not_expected_fails() {
    let run = |run: fn()| message(run);
    let other = run(|| _ = timeline().start().expect(&["open 1 resume #1"]));
    assert!(other.contains("\"open 1 fresh #1\"") && other.contains("\"open 1 resume #1\""), "{other}");
    let unsaid = run(|| _ = timeline().start().at(1));
    assert!(unsaid.starts_with("decided and not expected: [(Instant(0), \"open 1 fresh #1\")]"), "{unsaid}");
    let dropped = run(|| _ = timeline().start());
    assert!(dropped.starts_with("decided and not expected"), "{dropped}");
    let fired = run(|| {
        let mut t = timeline();
        t.start().expect_anything().at(1).open_failed(1, REFUSED).quiet_until(1_001);
    });
    assert!(fired.contains("open 2 fresh #2"), "{fired}");
    let wake = run(|| _ = timeline().start().expect_anything().wake(10_000, "backoff"));
    assert!(wake.contains("connect_timeout") && wake.contains("backoff"), "{wake}");
    let within = run(|| _ = timeline().start().expect_anything().wake_within(0..=1, "connect_timeout"));
    assert!(within.contains("due in Some((10s, \"connect_timeout\")), not in 0..=1 ms"), "{within}");
    let none = run(|| _ = timeline().next_timer());
    assert!(none.contains("no deadline to go to: idle"), "{none}");
    let applied = run(|| _ = timeline().opened(1).applied());
    assert!(applied.contains("Stale") && applied.contains("Applied"), "{applied}");
    assert!(run(|| _ = timeline().opened(0)).contains("epochs count from 1"));
    assert!(run(|| _ = timeline().hold(32)).contains("0 to 31, not 32"));
}

/// With limits of its own, and a promise that is broken.
#[test]
fn a_timeline_is_checked() {
    let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type::<&str>();
    let checked = Checked::new(policy);
    let limits = checked.limits().connect_timeout(Duration::from_secs(1));
    let mut t = Timeline::over(checked.with_limits(limits));
    let broken = message(|| _ = t.start());
    assert!(broken.contains("a dial until Some(Instant(10000000)), and the longest is 1s"), "{broken}");
}

#[test]
fn it_runs_to_a_time_and_says_what_happened() {
    let mut t = timeline();
    t.at(5).start().expect_anything();
    let decided = t.run(20_000);
    let times: Vec<u64> = decided.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [10_005, 11_005], "the dial's limit, and the next dial");
    assert_eq!((t.wait(), t.policy().now()), (1_005, Instant::from_millis(11_005)));
}
