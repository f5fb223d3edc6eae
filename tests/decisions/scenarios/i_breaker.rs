//! The breaker inside the policy: one more gate.

use redial::breaker;
use redial::{Config, Ratio};

use crate::harness::{Beginnings, GREETED, PLAIN, REFUSED, RESET, Scenario, secs};

const MINUTE: breaker::Config = breaker::Config::new(5, secs(60)).build_const();

fn with(config: Config, breaker: breaker::Config) -> Config {
    config.to_builder().breaker(Some(breaker)).build_const()
}

/// Five failures at 0, 1, 3, 7 and 15 s.
fn tripped(config: Config) -> Scenario {
    let mut t = Scenario::of(config);
    crate::scenarios::b_timers::fail_times(&mut t, 5);
    assert_eq!(t.now(), 15_000);
    t
}

/// S89, S91, F101: five failures in a row open it for 60 s from the last one; the later of breaker and backoff wins, and
/// there is one wake. Then exactly one probe.
#[test]
fn five_failures_open_it() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.wake(75_000, "breaker").quiet_until(74_999).fires(75_000, &["open 6 fresh #6"]);
    t.timeout().expect(&[]).wake(85_000, "connect_timeout");
}

/// S91: a backoff that waits longer than the breaker wins.
#[test]
fn a_longer_backoff_wins() {
    let short = breaker::Config::new(5, secs(10)).build_const();
    tripped(with(PLAIN, short)).wake(31_000, "backoff").fires(31_000, &["open 6 fresh #6"]);
}

/// S89, F102: a failed probe opens it again; with growth, for longer.
#[test]
fn a_failed_probe_opens_it_again() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.fires(75_000, &["open 6 fresh #6"])
        .at(76_000)
        .open_failed(6, REFUSED)
        .expect(&[])
        .wake(136_000, "breaker");

    let doubling = MINUTE.to_builder().growth(Ratio::TWO, secs(600)).build_const();
    let mut t = tripped(with(PLAIN, doubling));
    t.fires(75_000, &["open 6 fresh #6"])
        .at(76_000)
        .open_failed(6, REFUSED)
        .expect(&[])
        .wake(196_000, "breaker");
}

/// S89, F103: a probe that is ready closes it and resets the backoff.
#[test]
fn a_ready_probe_closes_it() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.fires(75_000, &["open 6 fresh #6"]).connect(75_010, 6, Some(1)).failures(0);
    t.at(80_000).closed(6, RESET).expect(&[]).wake(81_000, "backoff");
    // Closed: four further failures don't open it.
    for failures in 2..=5 {
        t.next_timer().expect_anything();
        t.open_failed(t.newest(), REFUSED).expect(&[]).failures(failures);
        assert_eq!(t.policy().deadline().unwrap().1.as_str(), "backoff");
    }
    t.next_timer().expect_anything();
    t.open_failed(t.newest(), REFUSED).expect(&[]);
    assert_eq!(t.policy().deadline().unwrap().1.as_str(), "breaker");
}

/// S89, F103: an open transport is no success: a probe that opens and is closed has failed.
#[test]
fn an_opened_and_closed_probe_has_failed() {
    let mut t = tripped(with(GREETED, MINUTE));
    t.fires(75_000, &["open 6 fresh #6"])
        .at(75_100)
        .opened(6)
        .closed(6, RESET)
        .expect(&[])
        .wake(135_100, "breaker");
    t.fires(135_100, &["open 7 fresh #7"]).at(135_200).opened(7).greeting(7, 0).expect(&["send_fresh 7"]);
    t.closed(7, RESET).expect(&[]).wake(195_200, "breaker");
}

/// F103: the loss of an established connection is no failed attempt.
#[test]
fn the_loss_of_a_connection_is_no_failed_attempt() {
    let once = breaker::Config::new(1, secs(60)).build_const();
    let mut t = Scenario::online(with(PLAIN, once));
    t.at(1_000).closed(1, RESET).expect(&[]).wake(2_000, "backoff").fires(2_000, &["open 2 resume #1"]);
    t.open_failed(2, REFUSED).expect(&[]).wake(62_000, "breaker");
}

/// S90: "reconnect now" against an open breaker dials: the user's word closes it.
#[test]
fn reconnect_now_forces_the_breaker() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.at(20_000).retry_now().expect(&["open 6 fresh #1"]).open_failed(6, REFUSED).expect(&[]);
    t.wake(21_000, "backoff");
}

/// S90: the network's return does not.
#[test]
fn a_host_event_does_not_force_the_breaker() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.at(20_000).event(redial::Event::NetworkUp).expect(&[]).wake(75_000, "breaker");
    t.host_resumed(100)
        .expect(&[])
        .wake(75_000, "breaker")
        .hold(0)
        .release(0)
        .expect(&[])
        .wake(75_000, "breaker");
}

/// A probe without a verdict (stopped, not now, network gone) leaves its place to the next.
#[test]
fn a_probe_without_a_verdict_leaves_its_place() {
    let mut t = tripped(with(PLAIN, MINUTE));
    t.fires(75_000, &["open 6 fresh #6"]).not_now(6).expect(&[]).wake(76_000, "not_now");
    t.fires(76_000, &["open 7 fresh #6"]).event(redial::Event::NetworkDown).expect(&["close 7 null"]);
    t.at(90_000).event(redial::Event::NetworkUp).expect(&["open 8 fresh #6"]);
    t.open_failed(8, REFUSED).expect(&[]).wake(150_000, "breaker");
}

/// A session that was established after the probe's lease ran out is a success all the same: its loss much later waits
/// for the backoff, not for a breaker that opened behind its back.
#[test]
fn a_slow_probe_that_succeeds_is_a_success() {
    let lease = MINUTE.to_builder().lease(secs(5)).build_const();
    let mut t = tripped(with(PLAIN, lease));
    t.fires(75_000, &["open 6 fresh #6"]).connect(84_000, 6, Some(1));
    t.at(100_000).closed(6, RESET).expect(&[]).wake(101_000, "backoff");
}

/// S91 with a limit: a breaker's wait beyond the elapsed budget ends the outage now.
#[test]
fn the_elapsed_budget_counts_the_breaker() {
    let mut t = Scenario::of(with(PLAIN, MINUTE).to_builder().max_elapsed(Some(secs(70))).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    for epoch in 1..5 {
        t.open_failed(epoch, REFUSED).expect(&[]).next_timer().expect_anything();
    }
    t.open_failed(5, REFUSED).expect(&["gave_up max_elapsed connection_refused"]);
}
