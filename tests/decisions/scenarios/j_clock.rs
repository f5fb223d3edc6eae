//! A clock that runs back, or jumps: no phase hangs, and no wait gets shorter than it was set (S98).

use redial::breaker;
use redial::policy::{OnNetworkDown, RestoreConfig, WaitReason};
use redial::{Config, Event, Phase};

use crate::harness::{Beginnings, GREETED, PLAIN, REFUSED, RESET, STABLE, Scenario, ms, secs};

/// A day, in milliseconds: what the clock is set back by.
const DAY: u64 = 86_400_000;

/// Ahead of the caller's epoch by two days, so that the clock can run back.
fn started(config: Config) -> Scenario {
    let mut t = Scenario::of(config);
    t.at(2 * DAY).start().expect(&["open 1 fresh #1"]);
    t
}

/// Says something harmless, so that the policy sees the clock.
fn noticed(t: &mut Scenario) -> &mut Scenario {
    t.event(Event::Unsubscribe { key: "nobody wants this" }).inapplicable()
}

/// S98: the connect deadline moves with the clock.
#[test]
fn back_while_connecting() {
    let mut t = started(PLAIN);
    noticed(t.jump(DAY)).wake(DAY + 10_000, "connect_timeout").fires(DAY + 10_000, &["close 1 null"]);
    assert_eq!(t.stats().clock_rewinds, 1);
}

/// S98: a clock that runs back within the phase shortens nothing.
#[test]
fn back_within_the_phase() {
    let mut t = started(PLAIN);
    t.jump(2 * DAY + 9_000).event(Event::Unsubscribe { key: "" }).inapplicable();
    noticed(t.jump(2 * DAY + 5_000)).wake(2 * DAY + 10_000, "connect_timeout");
}

/// S98: the deadlines of greeting, session and authentication move with it.
#[test]
fn back_while_establishing() {
    let mut t = started(
        GREETED.to_builder().restore(RestoreConfig::new().authentication(true).build_const()).build_const(),
    );
    t.opened(1).wake(2 * DAY + 30_000, "greeting_timeout");
    noticed(t.jump(DAY)).wake(DAY + 30_000, "greeting_timeout");
    t.greeting(1, 0).expect(&["send_fresh 1"]).wake(DAY + 10_000, "ready_timeout");
    noticed(t.jump(DAY / 2)).wake(DAY / 2 + 10_000, "ready_timeout");
    t.establish(1, Some(5)).expect(&["authenticate 1"]).wake(DAY / 2 + 10_000, "auth_timeout");
    noticed(t.jump(1_000)).wake(11_000, "auth_timeout").fires(11_000, &["close 1 4000"]);
}

/// S98: a wait is as long as it was set, not a day longer, and not shorter.
#[test]
fn back_while_waiting() {
    let mut t = started(PLAIN);
    t.open_failed(1, REFUSED).expect(&[]).wake(2 * DAY + 1_000, "backoff");
    noticed(t.jump(DAY)).wake(DAY + 1_000, "backoff").fires(DAY + 1_000, &["open 2 fresh #2"]);
    // A floor too.
    t.refused(2, 503, Some(secs(45))).expect(&[]).wake(DAY + 46_000, "hint");
    noticed(t.jump(0)).wake(45_000, "hint").fires(45_000, &["open 3 fresh #3"]);
}

/// S98: so is the least time between two dials.
#[test]
fn back_with_a_minimum_interval() {
    let mut t = started(PLAIN.to_builder().min_interval(secs(5)).build_const());
    t.open_failed(1, REFUSED).expect(&[]).wake(2 * DAY + 5_000, "min_interval");
    noticed(t.jump(DAY)).wake(DAY + 5_000, "min_interval").fires(DAY + 5_000, &["open 2 fresh #2"]);
}

/// S98: a clock that was wrong far ahead opens the breaker for one open time, not for a day.
#[test]
fn back_with_an_open_breaker() {
    let mut t = started(
        PLAIN.to_builder().breaker(Some(breaker::Config::new(1, secs(60)).build_const())).build_const(),
    );
    t.open_failed(1, REFUSED).expect(&[]).wake(2 * DAY + 60_000, "breaker");
    noticed(t.jump(DAY)).wake(DAY + 60_000, "breaker");
    t.fires(DAY + 60_000, &["open 2 fresh #2"]);
}

/// S98: parked stays parked, and the backoff behind it moves along.
#[test]
fn back_while_parked() {
    let mut t = started(PLAIN);
    t.refused(1, 503, Some(secs(45))).expect(&[]).hold(0).parked(WaitReason::Hold);
    noticed(t.jump(DAY)).parked(WaitReason::Hold).release(0).expect(&[]).wake(DAY + 45_000, "hint");
}

/// S98: heartbeat, stability and the next batch are never further away than when they were set.
#[test]
fn back_while_online() {
    let config = STABLE.to_builder().greeting(None).build_const();
    let config =
        config.to_builder().restore(RestoreConfig::new().batches(1, ms(500)).build_const()).build_const();
    let config = config
        .to_builder()
        .heartbeat(redial::heartbeat::HeartbeatConfig::new().first_jitter(false).build_const())
        .build_const();
    let mut t = started(config);
    t.opened(1).greeting(1, 10_000).expect(&["send_fresh 1"]).subscribe("a", 0).subscribe("b", 0);
    t.establish(1, Some(5)).expect(&["restore 1 a"]).wake(2 * DAY + 500, "restore").phase(Phase::Restoring);
    noticed(t.jump(DAY)).wake(DAY + 500, "restore").fires(DAY + 500, &["restore 1 b"]);
    t.wake(DAY + 10_000, "beat").fires(DAY + 10_000, &["beat 1"]).heartbeat_acked(1);
    noticed(t.jump(0)).wake(10_000, "beat");
    for beat in 1..12 {
        t.fires(beat * 10_000, &["beat 1"]).heartbeat_acked(1);
    }
    t.fires(120_000, &["beat 1"]).heartbeat_acked(1).closed(1, RESET).expect(&[]).wake(121_000, "backoff");
}

/// S98: a refused subscription doesn't wait for the old date.
#[test]
fn back_while_a_subscription_waits() {
    let mut t = started(PLAIN);
    t.opened(1).expect(&["send_fresh 1"]).subscribe("a", 0).establish(1, Some(5)).expect(&["restore 1 a"]);
    t.sub_failed(1, "a", true).wake(2 * DAY + 1_000, "restore");
    noticed(t.jump(DAY)).phase(Phase::Online);
    let fired = t.run(DAY + 60_000);
    assert!(!fired.is_empty(), "sent again within a minute: {}", t.policy().explain());
}

/// S98: stopped and failed stay what they are.
#[test]
fn back_at_the_end() {
    let mut t = started(PLAIN);
    t.stop().expect(&["close 1 1000"]);
    noticed(t.jump(0)).phase(Phase::Stopped).no_wake().start().expect(&["open 2 fresh #1"]);
    let mut t = started(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    t.open_failed(1, REFUSED).expect(&["gave_up max_attempts connection_refused"]);
    noticed(t.jump(0)).phase(Phase::Failed).no_wake();
}

/// S98: one wild reading ahead, seen by an event, leaves no trace when the clock is right again.
#[test]
fn one_wild_reading_ahead() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, RESET).expect(&[]);
    noticed(t.jump(u64::MAX)).wake(2_000, "backoff");
    noticed(t.jump(1_100)).wake(2_000, "backoff").fires(2_000, &["open 2 resume #1"]);
}

/// S98: a phase that began so far ahead that nothing of it would ever come.
#[test]
fn the_far_end_of_time() {
    let mut t = Scenario::of(STABLE.to_builder().network(OnNetworkDown::Park, secs(3)).build_const());
    t.jump(1 << 50).start().expect(&["open 1 fresh #1"]).open_failed(1, REFUSED).expect(&[]);
    t.fires((1 << 50) + 1_000, &["open 2 fresh #2"])
        .opened(2)
        .expect(&["send_fresh 2"])
        .establish(2, Some(1));
    noticed(t.jump(0)).phase(Phase::Online).wake(120_000, "stable");
}
