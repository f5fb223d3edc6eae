//! One loss, one attempt: whatever else is said about a dead transport, and whenever.

use redial::{Mode, Phase, SessionState};

use crate::harness::{Beginnings, GREETED, NO_FRAME, PLAIN, REFUSED, RESET, Scenario, ws};

/// S01 (carbon #264): a reconnect request and the close that follows it are one loss. It waits like any loss.
#[test]
fn a_reconnect_request_and_its_close_are_one_loss() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).reconnect_requested(1).expect(&["close 1 4000"]).wake(2_000, "backoff").phase(Phase::Waiting);
    t.at(1_100).closed(1, NO_FRAME).stale().expect(&[]).wake(2_000, "backoff");
    t.fires(2_000, &["open 2 resume #1"]).quiet_until(11_999);
    assert_eq!(t.opens(), 2);
}

/// S02 (carbon): a dead heartbeat and the close that follows it are one loss.
#[test]
fn a_missed_heartbeat_and_the_late_close_are_one_loss() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]);
    t.fires(20_010, &["close 1 4000"]).wake(21_010, "backoff");
    t.at(20_500).closed(1, ws(1006)).stale().expect(&[]);
    t.fires(21_010, &["open 2 resume #1"]).quiet_until(31_009);
    assert_eq!(t.stats().losses, 1);
}

/// S03 (omi): an error and the close that follows it are one failure.
#[test]
fn an_error_and_its_close_are_one_failure() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, RESET).expect(&[]).failures(1);
    t.at(1_001).closed(1, ws(1006)).stale().expect(&[]).failures(1).wake(2_000, "backoff");
    t.fires(2_000, &["open 2 resume #1"]);
    assert_eq!(t.stats().losses, 1);
}

/// S04 (carbon 859b6ef), F67: a refused session and the close that follows it: one fresh attempt, not before the
/// minimum wait, and no second one 5 s later.
#[test]
fn a_refused_session_and_its_close_are_one_fresh_attempt() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).session_invalid(1, false).expect(&["close 1 4000", "drop_session invalid"]);
    t.wake_within(1_000..=5_000, "invalid_session");
    t.at(1_001).closed(1, ws(1000)).stale().expect(&[]);
    t.next_timer().expect(&["open 2 fresh #1"]);
    let opened = t.now();
    t.quiet_until(opened + 9_999);
    assert_eq!(t.opens(), 2);
}

/// S05 (zen): one close, one open; never two at one instant.
#[test]
fn one_close_is_one_open() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(1006)).expect(&[]);
    t.fires(2_000, &["open 2 resume #1"]).timeout().expect(&[]).timeout().expect(&[]);
    assert_eq!(t.opens(), 2);
}

/// S06: a second close of the same transport is nothing.
#[test]
fn the_second_close_is_ignored() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(1006)).expect(&[]).wake(2_000, "backoff");
    t.at(1_500).closed(1, ws(1006)).stale().expect(&[]).wake(2_000, "backoff").failures(1);
}

/// S07 (discordeno #4017, paperclip #71): the close of the old transport leaves the new one alone.
#[test]
fn the_old_close_leaves_the_new_transport_alone() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(1_000).closed(1, RESET).expect(&[]);
    t.fires(2_000, &["open 2 resume #1"]);
    t.at(2_001).closed(1, ws(4004)).stale().phase(Phase::Connecting).wake(12_000, "connect_timeout");
    t.at(2_010).opened(2).at(2_020).greeting(2, 10_000).expect(&["send_resume 2 s1 5"]).at(2_030).resumed(2);
    let before = t.policy().explain();
    t.at(3_000).closed(1, ws(1006)).stale();
    assert_eq!(t.policy().explain(), before);
    t.wake(12_020, "beat").fires(12_020, &["beat 2"]);
}

/// S08: greeting, session, sequence, acknowledgement of the old transport are nothing to the new one.
#[test]
fn late_events_of_the_old_transport_are_ignored() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(1_000).closed(1, RESET).expect(&[]);
    t.fires(2_000, &["open 2 resume #1"]);
    t.at(2_010).opened(2).at(2_020).greeting(2, 10_000).expect(&["send_resume 2 s1 5"]);
    t.fires(12_020, &["beat 2"]);
    t.at(12_100)
        .greeting(1, 1)
        .stale()
        .establish(1, Some(99))
        .stale()
        .resumed(1)
        .stale()
        .sequence(1, 99)
        .stale();
    t.heartbeat_acked(1)
        .stale()
        .received(1)
        .stale()
        .reconnect_requested(1)
        .stale()
        .session_invalid(1, false)
        .stale();
    t.auth_failed(1, true).stale().send_failed(1).stale().opened(1).stale().not_now(1).stale();
    assert_eq!(t.policy().session().sequence(), Some(5));
    assert_eq!(t.stats().stale, 12);
    // The acknowledgement of the old one did not count.
    t.fires(22_020, &["close 2 4000"]);
}

/// S08: a number that was never handed out is as stale as an old one.
#[test]
fn an_epoch_of_the_future_is_stale() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(2, RESET).stale().closed(u32::MAX, RESET).stale().phase(Phase::Online);
}

/// S09 (carbon 6eed6eb): a reconnect request for a dial that was given up is nothing.
#[test]
fn a_reconnect_request_after_giving_up_is_nothing() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.fires(10_000, &["close 1 null"]);
    t.at(10_500).reconnect_requested(1).stale().expect(&[]).wake(11_000, "backoff");
}

/// S10: asked twice, reconnected once.
#[test]
fn two_reconnect_requests_are_one_attempt() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).reconnect_requested(1).expect(&["close 1 4000"]).reconnect_requested(1).stale().expect(&[]);
    t.failures(1).fires(2_000, &["open 2 resume #1"]).quiet_until(11_999);
}

/// S11, F74: a reconnect request before the greeting is honoured; a kept session is then resumed.
#[test]
fn a_reconnect_request_before_the_greeting_is_honoured() {
    let mut t = Scenario::with_session(GREETED, SessionState::resumable("s1", None, Some(5)));
    t.at(0).start().expect(&["open 1 resume #1"]).at(10).opened(1).expect(&[]);
    t.at(20).reconnect_requested(1).expect(&["close 1 4000"]).wake(1_020, "backoff");
    t.fires(1_020, &["open 2 resume #2"]);

    let mut t = Scenario::of(GREETED);
    t.at(0).start().expect(&["open 1 fresh #1"]).at(10).opened(1);
    t.at(20).reconnect_requested(1).expect(&["close 1 4000"]).fires(1_020, &["open 2 fresh #2"]);
}

/// S12, F08: nothing waits for the server's close.
#[test]
fn a_server_that_never_closes_delays_nothing() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).reconnect_requested(1).expect(&["close 1 4000"]);
    t.fires(2_000, &["open 2 resume #1"]).at(2_010).opened(2).expect(&["send_resume 2 s1 5"]);
    t.at(2_020).resumed(2).phase(Phase::Online);
    assert_eq!(t.policy().explain().mode, Mode::Resume);
}

/// S100 (tungstenite): a close frame, then "connection closed"; EOF, then "already closed": one loss, and its class
/// comes from the first report.
#[test]
fn the_first_report_of_a_loss_decides() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(1012)).expect(&[]).wake_within(5_000..=15_000, "class");
    let before = t.policy().explain();
    t.closed(1, RESET).stale().send_failed(1).stale();
    assert_eq!(t.policy().explain(), before);

    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, NO_FRAME).expect(&[]).closed(1, ws(1008)).stale().wake(2_000, "backoff");
}

/// Lifecycle 25: stop and start before the old close arrives; the old close is ignored.
#[test]
fn the_old_close_after_stop_and_start_is_ignored() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).stop().expect(&["close 1 1000", "drop_session stop"]);
    t.at(1_001).start().expect(&["open 2 fresh #1"]).at(1_002).closed(1, ws(1000)).stale();
    t.phase(Phase::Connecting).wake(11_001, "connect_timeout");
}

/// S03, lifecycle 28: a failed send and the close that follows it are one loss.
#[test]
fn a_failed_send_and_its_close_are_one_loss() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).send_failed(1).expect(&["close 1 4000"]).closed(1, ws(1006)).stale().failures(1);
    // The same for a dial: the error report and the timeout.
    t.fires(2_000, &["open 2 resume #1"]);
    t.at(12_000)
        .open_failed(2, REFUSED)
        .expect(&[])
        .failures(2)
        .timeout()
        .expect(&[])
        .wake(14_000, "backoff");
}
