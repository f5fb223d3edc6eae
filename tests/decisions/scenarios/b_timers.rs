//! Timers: each belongs to one attempt, and every step has one.

use redial::policy::ResumeConfig;
use redial::{GiveUp, Phase, SessionState};

use crate::harness::{Beginnings, GREETED, NO_FRAME, NUMBERED, PLAIN, REFUSED, Scenario, secs, ws};

/// S13 (zen), F10: the deadline of attempt 1 is nothing to attempt 2.
#[test]
fn a_deadline_belongs_to_its_attempt() {
    let mut t = Scenario::of(PLAIN.to_builder().connect_timeout(secs(5)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).wake(5_000, "connect_timeout");
    t.at(3_000).closed(1, NO_FRAME).expect(&[]).wake(4_000, "backoff");
    t.fires(4_000, &["open 2 fresh #2"]).wake(9_000, "connect_timeout");
    t.quiet_until(8_999).fires(9_000, &["close 2 null"]);
}

/// S14 (carbon): a stop while waiting ends the chain.
#[test]
fn a_stop_while_waiting_ends_the_chain() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, NO_FRAME).expect(&[]).wake(2_000, "backoff");
    t.at(1_500).stop().expect(&["drop_session stop"]).phase(Phase::Stopped).no_wake();
    t.jump(2_000).timeout().expect(&[]).jump(86_400_000).timeout().expect(&[]).phase(Phase::Stopped);
}

/// S15, F05: a stop during the dial gives it up with 1000; its late success is stale and sends nothing.
#[test]
fn a_stop_during_the_dial_ends_it() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.at(5).stop().expect(&["close 1 1000"]).phase(Phase::Stopped).no_wake();
    t.at(6).opened(1).stale().expect(&[]).phase(Phase::Stopped);
    assert_eq!((t.stats().abandoned, t.stats().failed), (1, 0));
}

/// S16, F17 (socket.io-client #576, tatsu): "reconnect now" dials at once and resets the backoff; the old wake,
/// firing late, does nothing.
#[test]
fn reconnect_now_cuts_the_wait_and_resets_the_backoff() {
    let mut t = Scenario::of(NUMBERED);
    fail_times(&mut t, 5);
    assert_eq!(t.wait(), 16_000);
    let old = t.now() + t.wait();
    let now = t.now() + 1_000;
    t.at(now).retry_now().expect(&["open 6 fresh #1"]).failures(0);
    t.connect(now + 10, 6, None);
    t.at(old).timeout().expect(&[]).phase(Phase::Online);
    t.closed(6, NO_FRAME).expect(&["drop_session incomplete"]).failures(1);
    assert_eq!(t.wait(), 1_000);
}

/// S17, F09: a second start is nothing while there is a connection, or a plan for one.
#[test]
fn a_second_start_is_nothing() {
    let mut t = Scenario::of(
        GREETED.to_builder().resume(ResumeConfig::new().sequence_needed(true).build_const()).build_const(),
    );
    t.at(0).start().expect(&["open 1 fresh #1"]).start().inapplicable();
    t.at(10)
        .opened(1)
        .start()
        .inapplicable()
        .at(20)
        .greeting(1, 0)
        .expect(&["send_fresh 1"])
        .start()
        .inapplicable();
    t.at(30).establish(1, None).start().inapplicable().phase(Phase::Online);
    t.at(40)
        .closed(1, NO_FRAME)
        .expect(&["drop_session incomplete"])
        .start()
        .inapplicable()
        .wake(1_040, "backoff");
}

/// S18, lifecycle 10: an early wake changes nothing, a late one acts once.
#[test]
fn early_wakes_wait_and_late_ones_act_once() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, NO_FRAME).expect(&[]);
    t.at(1_999).timeout().expect(&[]).wake(2_000, "backoff").phase(Phase::Waiting);
    t.jump(60_000).timeout().expect(&["open 2 resume #1"]).timeout().expect(&[]);
    t.wake(70_000, "connect_timeout");
}

/// S19: the close of the old transport and the wake at one instant, in either order: one open.
#[test]
fn an_old_close_and_the_wake_in_one_poll_are_one_open() {
    let lost = || {
        let mut t = Scenario::online(PLAIN);
        t.at(1_000).reconnect_requested(1).expect(&["close 1 4000"]);
        t
    };
    let mut t = lost();
    t.at(2_000).closed(1, NO_FRAME).stale().timeout().expect(&["open 2 resume #1"]);
    let mut t = lost();
    t.fires(2_000, &["open 2 resume #1"]).closed(1, NO_FRAME).stale().phase(Phase::Connecting);
    // Lifecycle 27: the user's request or the network's return at the instant of the wake.
    let mut t = lost();
    t.at(2_000).retry_now().expect(&["open 2 resume #1"]).timeout().expect(&[]);
    let mut t = lost();
    t.at(2_000).event(redial::Event::NetworkUp).expect(&["open 2 resume #1"]).timeout().expect(&[]);
}

/// S20, F15 (omi): "not now" is asked again after the first wait, forever, and is no failure and no attempt.
#[test]
fn not_now_never_ends_the_chain() {
    let mut t = Scenario::of(PLAIN.to_builder().max_attempts(Some(1)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    for epoch in 1..=1_000 {
        t.not_now(epoch).applied().expect(&[]).failures(0).phase(Phase::Waiting);
        let at = t.now() + 1_000;
        t.wake(at, "not_now").fires(at, &[&format!("open {} fresh #1", epoch + 1)]);
    }
    assert_eq!((t.stats().failed, t.stats().abandoned), (0, 1_000));
    t.open_failed(1_001, REFUSED).expect(&["gave_up max_attempts connection_refused"]);
}

/// S20: nor can it spin where the backoff is a table that begins with 0.
#[test]
fn not_now_never_spins() {
    static WAITS: [core::time::Duration; 2] = [secs(0), secs(5)];
    let table = redial::BackoffConfig::table(&WAITS, redial::backoff::AfterTable::RepeatLast).build_const();
    let mut t = Scenario::of(PLAIN.to_builder().backoff(table).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).not_now(1).expect(&[]).wake(5_000, "not_now");
    t.fires(5_000, &["open 2 fresh #1"])
        .at(5_100)
        .event(redial::Event::NetworkDown)
        .expect(&["close 2 null"]);
    t.event(redial::Event::NetworkUp).expect(&[]).wake(10_000, "backoff");
}

/// S20: once the transport is open it is too late for "not now".
#[test]
fn not_now_is_an_answer_to_the_dial_only() {
    let mut t = Scenario::online(PLAIN);
    t.not_now(1).inapplicable().phase(Phase::Online);
}

/// S21 (carbon), F14: a dial that fails at once is a failure like any other.
#[test]
fn a_dial_that_fails_at_once_is_counted() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).open_failed(1, REFUSED).expect(&[]).failures(1);
    t.wake(1_000, "backoff").fires(1_000, &["open 2 fresh #2"]);
    t.open_failed(2, REFUSED).expect(&[]).failures(2).wake(3_000, "backoff");
}

/// S22, F11: the connect deadline gives the dial up; its late success changes nothing.
#[test]
fn a_dial_has_a_deadline() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).wake(10_000, "connect_timeout");
    t.quiet_until(9_999).fires(10_000, &["close 1 null"]).failures(1).wake(11_000, "backoff");
    t.at(10_500).opened(1).stale().expect(&[]).wake(11_000, "backoff");
    assert_eq!(t.stats().failed, 1);
}

/// S23, F12: no greeting in time closes with a code that keeps the session, and counts as a failure.
#[test]
fn a_greeting_has_a_deadline() {
    let mut t = Scenario::with_session(GREETED, SessionState::resumable("s1", None, Some(5)));
    t.at(0).start().expect(&["open 1 resume #1"]).at(100).opened(1).phase(Phase::Establishing);
    t.wake(30_100, "greeting_timeout").fires(30_100, &["close 1 4000"]).failures(1);
    t.wake(31_100, "backoff").fires(31_100, &["open 2 resume #2"]);
}

/// S24, F13: neither ready nor resumed in time: the same. With heartbeats acknowledged and no deadline of its own it stays.
#[test]
fn establishing_has_a_deadline() {
    let mut t = Scenario::of(GREETED.to_builder().ready_timeout(Some(secs(15))).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).at(10).opened(1);
    t.at(20).greeting(1, 10_000).expect(&["send_fresh 1"]).wake(10_020, "beat");
    t.fires(10_020, &["beat 1"]).heartbeat_acked(1).applied().wake(15_020, "ready_timeout");
    t.fires(15_020, &["close 1 4000"]).failures(1).wake(16_020, "backoff");

    // Without a heartbeat there is a deadline all the same (S93): as long as a dial may take.
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).at(10).opened(1).expect(&["send_fresh 1"]);
    t.wake(10_010, "ready_timeout").fires(10_010, &["close 1 4000"]).wake(11_010, "backoff");
}

/// S25 (Polymarket #46): stop and start reset the backoff.
#[test]
fn stop_and_start_start_over() {
    let mut t = Scenario::of(PLAIN);
    fail_times(&mut t, 6);
    let now = t.now() + 1;
    t.at(now).stop().expect(&[]).start().expect(&["open 7 fresh #1"]).failures(0);
    t.open_failed(7, REFUSED).expect(&[]).failures(1).wake(now + 1_000, "backoff");
}

/// Lifecycle 3, P21: a loss never dials in the same step, not even with a first wait of 0; it leaves a deadline of now.
#[test]
fn a_loss_leaves_a_deadline_and_never_dials() {
    let mut t = Scenario::online(
        PLAIN
            .to_builder()
            .backoff(crate::harness::DOUBLING.to_builder().first_delay(secs(0)).build_const())
            .build_const(),
    );
    t.at(1_000).closed(1, NO_FRAME).expect(&[]).phase(Phase::Waiting).wake(1_000, "backoff");
    t.timeout().expect(&["open 2 resume #1"]);
    t.open_failed(2, REFUSED).expect(&[]).wake(3_000, "backoff");
}

/// Lifecycle 1, 2: nothing happens before the start, whatever is said.
#[test]
fn nothing_happens_before_the_start() {
    let mut t = Scenario::of(PLAIN);
    t.phase(Phase::Idle)
        .no_wake()
        .retry_now()
        .inapplicable()
        .stop()
        .inapplicable()
        .host_resumed(1_000_000)
        .inapplicable();
    t.closed(1, ws(1000)).stale().release(0).inapplicable().event(redial::Event::Visible).inapplicable();
    t.event(redial::Event::CredentialOk { request: None, ttl: None })
        .inapplicable()
        .timeout()
        .expect(&[])
        .phase(Phase::Idle);
}

/// The least time between two dials holds against everything, the user's request included.
#[test]
fn the_minimum_interval_overrides_reconnect_now() {
    let mut t = Scenario::of(PLAIN.to_builder().min_interval(secs(5)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).at(100).open_failed(1, REFUSED).expect(&[]);
    t.wake(5_000, "min_interval").at(200).retry_now().expect(&[]).wake(5_000, "min_interval");
    t.fires(5_000, &["open 2 fresh #1"]).at(5_100).stop().expect(&["close 2 1000"]);
    t.at(5_200).start().expect(&[]).wake(10_000, "min_interval").fires(10_000, &["open 3 fresh #1"]);
}

/// F17: in a connection, and while one is being made, "reconnect now" is nothing.
#[test]
fn reconnect_now_is_nothing_while_connected() {
    let mut t = Scenario::of(PLAIN);
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .retry_now()
        .inapplicable()
        .at(1)
        .opened(1)
        .expect(&["send_fresh 1"]);
    t.retry_now().inapplicable().at(2).establish(1, Some(1)).retry_now().inapplicable();
    t.stop().expect(&["close 1 1000", "drop_session stop"]).retry_now().inapplicable().phase(Phase::Stopped);
}

/// S94, S14: a stop after giving up says nothing and forgets what a next start would have resumed.
#[test]
fn a_stop_after_giving_up_forgets_the_session() {
    let mut t = Scenario::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    t.at(1_000).closed(1, NO_FRAME).expect(&["gave_up max_attempts no_close_frame"]);
    t.gave_up(GiveUp::MaxAttempts).stop_keeping_session().inapplicable().phase(Phase::Failed);
    t.stop().expect(&["drop_session stop"]).phase(Phase::Failed).stop().inapplicable();
    t.start().expect(&["open 2 fresh #1"]);
}

/// Starts and fails so many dials, each at once when it is opened.
pub(crate) fn fail_times(t: &mut Scenario, times: u32) {
    t.start().expect(&["open 1 fresh #1"]);
    for failure in 1..=times {
        let epoch = t.newest();
        t.open_failed(epoch, REFUSED).expect(&[]).failures(failure);
        if failure < times {
            t.next_timer().expect(&[&format!("open {} fresh #{}", epoch + 1, failure + 1)]);
        }
    }
}
