//! What the host says: holds, network, visibility, sleep, a layer that must not reconnect.

use redial::classify::{Rule, Verdict};
use redial::policy::{OnNetworkDown, WaitReason};
use redial::{Event, Phase};

use crate::harness::{
    Beginnings, GREETED, NO_FRAME, PLAIN, REFUSED, RESET, STABLE, Scenario, TestEvent, secs, ws,
};

const DOWN: TestEvent = Event::NetworkDown;
const UP: TestEvent = Event::NetworkUp;
const HIDDEN: TestEvent = Event::Hidden;
const VISIBLE: TestEvent = Event::Visible;

/// S74 (openclaw #59019), F16: the inner layer is told not to reconnect: a loss is reported and nothing opens.
#[test]
fn a_layer_that_must_not_reconnect() {
    let mut t = Scenario::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    t.at(1_000).closed(1, RESET).expect(&["gave_up max_attempts connection_reset"]).quiet_until(86_400_000);
    assert_eq!(t.stats().losses, 1);
}

/// S83, F46 (omi #5695): the application's stop code ends it and is named, so that the producer can stop too.
#[test]
fn an_application_stop_code_is_named() {
    let rule = Rule::new(redial::classify::Match::Is(ws(4002)), Verdict::new(redial::classify::Class::Fatal));
    let classifier =
        redial::classify::Classifier::new(&redial::classify::tables::WEBSOCKET).rule(rule).build_const();
    let mut t = Scenario::online(PLAIN.to_builder().classifier(classifier).build_const());
    t.at(1_000).closed(1, ws(4002)).expect(&["drop_session fatal", "gave_up fatal close_4002"]);
    assert_eq!(t.policy().explain().last_cause, Some(ws(4002)));
}

// Holds.

/// F15, lifecycle 38: reasons are a set; a dial happens only when it is empty.
#[test]
fn holds_are_a_set() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).hold(0).applied().hold(0).inapplicable().hold(31).applied();
    t.at(10).start().expect(&[]).parked(WaitReason::Hold).no_wake();
    t.at(20).release(0).expect(&[]).parked(WaitReason::Hold).release(0).inapplicable();
    t.at(30).release(31).expect(&["open 1 fresh #1"]);
    // A hold touches neither a dial nor a connection.
    t.hold(1).phase(Phase::Connecting).at(40).opened(1).expect(&["send_fresh 1"]).establish(1, Some(1));
    t.phase(Phase::Online).at(1_000).closed(1, RESET).expect(&[]).parked(WaitReason::Hold).failures(1);
    t.at(60_000).release(1).expect(&["open 2 resume #1"]);
}

/// A release never dials earlier than the other gates allow.
#[test]
fn a_release_respects_the_backoff() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, RESET).expect(&[]).at(1_100).hold(5).expect(&[]).parked(WaitReason::Hold);
    t.at(1_200).release(5).expect(&[]).wake(2_000, "backoff").fires(2_000, &["open 2 resume #1"]);
}

/// "Reconnect now" overrides every wait, not a missing precondition; the wait is over when it is met.
#[test]
fn reconnect_now_does_not_override_a_hold() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).refused(1, 503, Some(secs(100))).expect(&[]);
    t.hold(3).parked(WaitReason::Hold).at(10).retry_now().expect(&[]).parked(WaitReason::Hold);
    t.at(20).release(3).expect(&["open 2 fresh #1"]);
}

/// S14: a stop while parked; a later release is nothing.
#[test]
fn a_release_after_a_stop_is_nothing() {
    let mut t = Scenario::of(PLAIN);
    t.hold(0).start().expect(&[]).stop().expect(&[]).phase(Phase::Stopped);
    t.release(0).expect(&[]).phase(Phase::Stopped).event(UP).inapplicable().event(VISIBLE).inapplicable();
}

// Network.

/// S84, F19, lifecycle 32: down parks and spends nothing; up dials after a small random spread.
#[test]
fn network_down_parks_and_up_is_spread() {
    let spread = PLAIN.to_builder().network(OnNetworkDown::Park, secs(3)).build_const();
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut t = Scenario::seeded(spread, seed);
        t.at(0).start().expect(&["open 1 fresh #1"]).open_failed(1, REFUSED).expect(&[]);
        t.at(100).event(DOWN).expect(&[]).parked(WaitReason::Network).event(DOWN).inapplicable();
        t.quiet_until(50_000).failures(1).event(UP).expect(&[]).wake_within(0..=3_000, "spread");
        waits.push(t.wait());
        t.next_timer().expect(&["open 2 fresh #2"]);
    }
    assert!(waits.iter().max().unwrap() - waits.iter().min().unwrap() > 2_000, "{waits:?}");
}

/// S84, F18: up while waiting cuts the wait, not below the first wait since the last dial.
#[test]
fn network_up_cuts_the_wait() {
    let mut t = Scenario::of(PLAIN);
    crate::scenarios::b_timers::fail_times(&mut t, 5);
    t.wake(31_000, "backoff").at(15_500).event(UP).expect(&[]).wake(16_000, "backoff");
    // The backoff resets with the next failure (report 08).
    t.fires(16_000, &["open 6 fresh #6"]).open_failed(6, REFUSED).expect(&[]).failures(1);
    t.fires(17_000, &["open 7 fresh #7"]).open_failed(7, REFUSED).expect(&[]).wake(19_000, "backoff");
}

/// S84: what the server asked for holds against the network's return.
#[test]
fn network_up_does_not_cut_a_floor() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).refused(1, 503, Some(secs(45))).expect(&[]);
    t.at(5_000).event(DOWN).at(6_000).event(UP).expect(&[]).wake(45_000, "hint");
}

/// S84, lifecycle 36: flapping 20 times in 10 s gives at most one dial per base wait, from whatever phase.
#[test]
fn a_flapping_network_cannot_make_it_spin() {
    for on_down in [OnNetworkDown::Park, OnNetworkDown::Drop] {
        for fail in [false, true] {
            let mut t = Scenario::of(PLAIN.to_builder().network(on_down, secs(0)).build_const());
            t.at(0).start().expect(&["open 1 fresh #1"]);
            for flap in 0..20 {
                t.run(flap * 500 + 100);
                if fail && t.policy().phase() == Phase::Connecting {
                    t.open_failed(t.newest(), REFUSED).expect(&[]);
                }
                t.event(DOWN).expect_anything();
                t.run(flap * 500 + 300);
                t.event(UP).expect_anything();
            }
            assert!(t.opens() <= 11, "{on_down:?} {fail}: {} dials in 10 s", t.opens());
            assert!(t.opens() >= 5, "{on_down:?} {fail}: {} dials in 10 s", t.opens());
        }
    }
}

/// S84: a network that keeps coming back can't put the dial off forever.
#[test]
fn repeated_host_events_do_not_put_the_dial_off() {
    for seed in 0..50 {
        let mut t =
            Scenario::seeded(PLAIN.to_builder().network(OnNetworkDown::Park, secs(3)).build_const(), seed);
        t.at(0).start().expect(&["open 1 fresh #1"]).open_failed(1, REFUSED).expect(&[]);
        t.at(2).event(UP).expect_anything();
        for news in 1..=40 {
            t.run(news * 100);
            t.event(UP).expect_anything();
        }
        assert!(t.opens() >= 2, "seed {seed}: no dial in 4 s");
    }
}

/// S84, lifecycle 31: down during the dial gives it up; the attempt is not spent.
#[test]
fn network_down_during_the_dial_is_not_its_fault() {
    let mut t = Scenario::of(PLAIN.to_builder().max_attempts(Some(1)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).at(100).event(DOWN).expect(&["close 1 null"]);
    t.parked(WaitReason::Network).failures(0).opened(1).stale();
    t.at(5_000).event(UP).expect(&["open 2 fresh #1"]);
    assert_eq!((t.stats().abandoned, t.stats().failed), (1, 0));
}

/// S84: a start while the network is down waits for it.
#[test]
fn a_start_without_a_network_is_parked() {
    let mut t = Scenario::of(PLAIN);
    t.at(0)
        .event(DOWN)
        .start()
        .expect(&[])
        .parked(WaitReason::Network)
        .retry_now()
        .expect(&[])
        .parked(WaitReason::Network);
    t.at(1_000).event(UP).expect(&["open 1 fresh #1"]);
}

/// S85, lifecycle 30: up while connected does nothing; down keeps the connection, or drops it where so configured. What was
/// open while the network was down, and can't be asked, is replaced when it is back (report 94).
#[test]
fn the_network_and_a_connection() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000)
        .event(UP)
        .inapplicable()
        .event(DOWN)
        .applied()
        .phase(Phase::Online)
        .event(UP)
        .applied()
        .expect(&["close 1 4000"]);
    t.fires(1_000, &["open 2 resume #1"]);

    let mut t = Scenario::online(PLAIN);
    t.at(1_000).event(DOWN).at(2_000).closed(1, RESET).expect(&[]).parked(WaitReason::Network).failures(1);
    t.at(50_000).event(UP).expect(&["open 2 resume #1"]);

    let mut t = Scenario::online(PLAIN.to_builder().network(OnNetworkDown::Drop, secs(0)).build_const());
    t.at(60_000).event(DOWN).expect(&["close 1 4000"]).parked(WaitReason::Network);
    t.at(60_500).event(UP).expect(&["open 2 resume #1"]);

    let mut t = Scenario::online(PLAIN.to_builder().network(OnNetworkDown::Ignore, secs(0)).build_const());
    t.event(DOWN).inapplicable().closed(1, RESET).expect(&[]).wake(1_020, "backoff").event(UP).inapplicable();
    t.wake(1_020, "backoff");
}

/// F74, S84: down while the session is being established keeps the transport; its loss then parks.
#[test]
fn network_down_while_establishing() {
    let mut t = Scenario::of(GREETED);
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .at(10)
        .opened(1)
        .event(DOWN)
        .expect(&[])
        .phase(Phase::Establishing);
    t.fires(30_010, &["close 1 4000"])
        .parked(WaitReason::Network)
        .at(31_500)
        .event(UP)
        .expect(&["open 2 fresh #2"]);
}

// Visibility.

/// Lifecycle 38 (phoenix): hidden defers the dial, visible dials; after a stop it does nothing.
#[test]
fn a_hidden_page_defers_the_dial() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).event(HIDDEN).expect(&[]).phase(Phase::Online).event(HIDDEN).inapplicable();
    t.closed(1, NO_FRAME).expect(&[]).parked(WaitReason::Hidden).no_wake();
    t.at(60_000).event(VISIBLE).expect(&["open 2 resume #1"]).event(VISIBLE).inapplicable();
    // Hidden during a dial or a connection: nothing.
    t.event(HIDDEN).expect(&[]).phase(Phase::Connecting).at(60_010).opened(2).expect(&["send_resume 2 s1 5"]);
    t.resumed(2).at(70_000).stop().expect(&["close 2 1000", "drop_session stop"]);
    t.event(VISIBLE).expect(&[]).phase(Phase::Stopped);

    let mut t = Scenario::online(PLAIN.to_builder().defer_while_hidden(false).build_const());
    t.at(1_000)
        .event(HIDDEN)
        .inapplicable()
        .closed(1, NO_FRAME)
        .expect(&[])
        .fires(2_000, &["open 2 resume #1"]);
}

/// Flapping visibility is no way around the first wait either.
#[test]
fn flapping_visibility_cannot_make_it_spin() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    for flap in 0..100 {
        t.run(flap * 100);
        if t.policy().phase() == Phase::Connecting {
            t.open_failed(t.newest(), REFUSED).expect(&[]);
        }
        t.event(HIDDEN).expect_anything().event(VISIBLE).expect_anything();
    }
    assert!(t.opens() <= 11, "{}", t.opens());
}

/// Several conditions at once: the dial waits for all of them, and each is named in turn.
#[test]
fn all_conditions_must_be_met() {
    let mut t = Scenario::of(PLAIN);
    t.hold(0).event(DOWN).event(HIDDEN).start().expect(&[]).parked(WaitReason::Hold);
    t.release(0).expect(&[]).parked(WaitReason::Network).event(UP).expect(&[]).parked(WaitReason::Hidden);
    t.event(VISIBLE).expect(&["open 1 fresh #1"]);
}

// Sleep.

/// Lifecycle 39: after a sleep longer than its liveness rule a connection is not trusted; its session is kept. A short
/// suspend changes nothing.
#[test]
fn a_sleep_ends_the_trust() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(5_000).host_resumed(9_999).inapplicable().phase(Phase::Online).wake(10_010, "beat");
    t.host_resumed(10_000)
        .expect(&["close 1 4000"])
        .wake(6_000, "backoff")
        .fires(6_000, &["open 2 resume #1"]);

    // Without a heartbeat: as long as a dial may take.
    let mut t = Scenario::online(PLAIN);
    t.at(5_000).host_resumed(9_999).inapplicable().host_resumed(10_000).expect(&["close 1 4000"]);
}

/// Lifecycle 30, 39 (pusher-js): instead of a close, a heartbeat that must be answered in the time that a dial may take;
/// then the schedule goes on.
#[test]
fn a_probe_asks_before_it_closes() {
    let config = GREETED
        .to_builder()
        .on_wake(redial::policy::OnWake::Probe)
        .network(OnNetworkDown::Probe, secs(0))
        .build_const();
    let mut t = Scenario::gateway(config, 45_000);
    t.at(5_000).host_resumed(60_000).expect(&["beat 1"]).phase(Phase::Online).wake(15_000, "answer");
    // The answer gives the heartbeat its own schedule back (report 85).
    t.at(5_050).heartbeat_acked(1).expect(&[]).wake(45_010, "beat");
    t.at(20_000).event(DOWN).expect(&["beat 1"]).wake(30_000, "answer");
    t.fires(30_000, &["close 1 4000"]).phase(Phase::Parked);
    assert_eq!(t.stats().zombies, 1);

    // Without a heartbeat there is nothing to ask with.
    let mut t = Scenario::online(PLAIN.to_builder().on_wake(redial::policy::OnWake::Probe).build_const());
    t.at(5_000).host_resumed(60_000).expect(&["close 1 4000"]);
    let mut t = Scenario::online(PLAIN.to_builder().network(OnNetworkDown::Probe, secs(0)).build_const());
    t.at(5_000).event(DOWN).expect(&["close 1 4000"]).phase(Phase::Parked);
}

/// F18, F89: waking while waiting cuts the wait; while parked it changes nothing; during a dial its deadline decides.
#[test]
fn waking_between_connections() {
    let mut t = Scenario::of(PLAIN);
    crate::scenarios::b_timers::fail_times(&mut t, 5);
    t.wake(31_000, "backoff").at(20_000).host_resumed(1).expect(&["open 6 fresh #6"]);
    t.host_resumed(86_400_000).inapplicable().wake(30_000, "connect_timeout");

    let mut t = Scenario::of(PLAIN);
    t.hold(0).start().expect(&[]).host_resumed(86_400_000).expect(&[]).parked(WaitReason::Hold);
}

/// S70: after a stable session the backoff starts at its first wait, however long the sleep.
#[test]
fn a_sleep_does_not_inflate_the_backoff() {
    let mut t = Scenario::online(STABLE);
    t.at(200_000).host_resumed(86_400_000).expect(&["close 1 4000"]).failures(1).wake(201_000, "backoff");
}

/// F106: a stop is no loss.
#[test]
fn a_stop_is_no_loss() {
    let mut t = Scenario::online(PLAIN);
    t.stop().expect(&["close 1 1000", "drop_session stop"]);
    assert_eq!((t.stats().losses, t.stats().established), (0, 1));
}

/// F104, F106, F107: the counters survive every reconnect; a client's own fault is flagged (F54).
#[test]
fn counters_survive() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(1002)).expect(&["drop_session gone"]).next_timer().expect(&["open 2 fresh #1"]);
    t.open_failed(2, REFUSED)
        .expect(&[])
        .next_timer()
        .expect(&["open 3 fresh #2"])
        .opened(3)
        .expect_anything();
    t.establish(3, Some(1)).stop().expect_anything();
    let stats = t.stats();
    assert_eq!((stats.opens, stats.established, stats.failed, stats.losses), (3, 2, 1, 1));
    assert_eq!((stats.client_faults, stats.fresh, stats.abandoned), (1, 2, 0));
    t.start().expect_anything();
    assert_eq!(t.stats().opens, 4);
}

/// F109: at any moment it says what it waits for, and who said so.
#[test]
fn it_explains_itself() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(1006)).expect(&[]);
    let line = t.policy().explain().to_string();
    assert_eq!(
        line,
        "waiting (close_1006), backoff at 2000 ms, then a resume, attempt 0, 1 failures in a row, \
         last cause close_1006"
    );
    t.at(1_500).hold(0).expect(&[]);
    assert!(
        t.policy().explain().to_string().contains(", until hold ends, not before 2000 ms, then a resume")
    );
}
