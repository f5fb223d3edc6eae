//! The heartbeat in a connection: when one is sent, what silence means.

use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::{Config, Event, Phase};

use crate::harness::{Beginnings, GREETED, PLAIN, REFUSED, RESET, Scenario, number, secs, ws};

fn with(heartbeat: HeartbeatConfig) -> Config {
    GREETED.to_builder().heartbeat(heartbeat.to_builder().first_jitter(false).build_const()).build_const()
}

/// S61, F79: the first heartbeat is drawn from the interval, the others follow every interval.
#[test]
fn the_first_heartbeat_is_jittered() {
    let mut firsts = Vec::new();
    for seed in 0..200 {
        let mut t =
            Scenario::seeded(GREETED.to_builder().heartbeat(HeartbeatConfig::DEFAULT).build_const(), seed);
        t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).greeting(1, 45_000).expect(&["send_fresh 1"]);
        t.establish(1, Some(1)).wake_within(0..=45_000, "beat");
        firsts.push(t.wait());
        let first = t.policy().poll_timeout().unwrap();
        t.next_timer().expect(&["beat 1"]).heartbeat_acked(1).applied();
        let second = t.policy().poll_timeout().unwrap();
        assert_eq!(second.saturating_duration_since(first), secs(45));
    }
    let mean = firsts.iter().sum::<u64>() / 200;
    assert!((19_000..26_000).contains(&mean) && firsts.iter().min() < Some(&2_000), "{mean}");

    let mut t = Scenario::gateway(GREETED, 45_000);
    t.wake(45_010, "beat").fires(45_010, &["beat 1"]).heartbeat_acked(1).wake(90_010, "beat");
}

/// S62, F80: no acknowledgement by the next heartbeat: closed at that moment, resumed, counted.
#[test]
fn a_missed_heartbeat_is_a_dead_connection() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).quiet_until(20_009).fires(20_010, &["close 1 4000"]);
    t.wake(21_010, "backoff").fires(21_010, &["open 2 resume #1"]);
    assert_eq!((t.stats().zombies, t.stats().losses), (1, 1));
}

/// S63 (carbon #350), F82: an acknowledgement that is missing on the old connection is nothing to the new one.
#[test]
fn nothing_of_the_heartbeat_outlives_the_connection() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).at(15_000).closed(1, RESET).expect(&[]);
    for epoch in 2..12 {
        t.next_timer().expect(&[&format!("open {epoch} resume #1")]);
        t.opened(epoch).greeting(epoch, 10_000).expect_anything().resumed(epoch);
        let beat = t.now() + 10_000;
        t.quiet_until(beat - 1).fires(beat, &[&format!("beat {epoch}")]).at(beat + 1).closed(epoch, RESET);
    }
    assert_eq!(t.stats().zombies, 0);
}

/// S64 (carbon), F84: a heartbeat asked for just before the regular one is not a miss.
#[test]
fn a_requested_heartbeat_is_no_miss() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(10_000).heartbeat_requested(1).expect(&["beat 1"]).fires(10_010, &["beat 1"]);
    t.at(10_100).heartbeat_acked(1).applied().fires(20_010, &["beat 1"]);
}

/// S65, F83: it is answered at once and moves nothing.
#[test]
fn a_requested_heartbeat_keeps_the_schedule() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(3_000).heartbeat_requested(1).expect(&["beat 1"]).wake(10_010, "beat");
    t.at(3_100).heartbeat_acked(1).applied().fires(10_010, &["beat 1"]).wake(20_010, "beat");
}

/// S65: a request before the transport is open is nothing.
#[test]
fn a_requested_heartbeat_needs_an_open_transport() {
    let mut t = Scenario::of(PLAIN);
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .heartbeat_requested(1)
        .inapplicable()
        .received(1)
        .inapplicable();
    // Without a schedule it is answered all the same.
    t.opened(1).expect(&["send_fresh 1"]).heartbeat_requested(1).expect(&["beat 1"]);
}

/// S66, F81: with any traffic as a sign of life, data keeps the connection without acknowledgements.
#[test]
fn any_traffic_is_life_where_configured() {
    let any = with(HeartbeatConfig::new().liveness(Liveness::AnyTraffic).build_const());
    let mut t = Scenario::gateway(any, 10_000);
    t.fires(10_010, &["beat 1"]).at(15_000).received(1).applied().fires(20_010, &["beat 1"]);
    t.at(25_000).sequence(1, 77).fires(30_010, &["beat 1"]);
    // An awaited acknowledgement is used, not ignored.
    t.at(35_000).heartbeat_acked(1).applied().fires(40_010, &["beat 1"]);
    t.fires(50_010, &["close 1 4000"]);

    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).at(15_000).received(1).applied().fires(20_010, &["close 1 4000"]);
}

/// S67: with two misses allowed the first is reported, the second closes.
#[test]
fn misses_may_be_allowed() {
    let mut t = Scenario::gateway(with(HeartbeatConfig::new().missed(2).build_const()), 10_000);
    t.fires(10_010, &["beat 1"]).fires(20_010, &["beat 1"]);
    assert_eq!((t.stats().heartbeats_missed, t.stats().zombies), (1, 0));
    t.fires(30_010, &["close 1 4000"]);
    assert_eq!((t.stats().heartbeats_missed, t.stats().zombies), (1, 1));

    let mut t = Scenario::gateway(with(HeartbeatConfig::new().missed(2).build_const()), 10_000);
    t.fires(10_010, &["beat 1"]).fires(20_010, &["beat 1"]).heartbeat_acked(1).fires(30_010, &["beat 1"]);
    t.fires(40_010, &["beat 1"]).fires(50_010, &["close 1 4000"]);
}

/// S68, F85: a heartbeat that can't be sent is a loss, once.
#[test]
fn a_heartbeat_that_cannot_be_sent_is_a_loss() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).send_failed(1).expect(&["close 1 4000"]).send_failed(1).stale();
    t.wake(11_010, "backoff").failures(1);
}

/// S69, F86: a greeting without a usable interval fails the attempt where a heartbeat is required; else there are no
/// heartbeats. An absurd one neither spins nor overflows.
#[test]
fn odd_greetings() {
    let opened = |config| {
        let mut t = Scenario::of(config);
        t.at(0)
            .start()
            .expect(&["open 1 fresh #1"])
            .greeting(1, 10_000)
            .inapplicable()
            .at(10)
            .opened(1)
            .expect(&[]);
        t
    };
    let required = with(HeartbeatConfig::new().required(true).build_const());
    for heartbeat in [None, Some(secs(0))] {
        let epoch = number(1);
        let mut t = opened(required);
        t.event(Event::Greeting { epoch, heartbeat })
            .expect(&["close 1 4000"])
            .failures(1)
            .wake(1_010, "backoff");
        let mut t = opened(GREETED);
        t.event(Event::Greeting { epoch, heartbeat }).expect(&["send_fresh 1"]).wake(10_010, "ready_timeout");
        t.establish(1, Some(1)).no_wake();
    }
    // What is asked for beyond a day is a day.
    for heartbeat in [86_400_000, 86_400_001, u64::from(u32::MAX), u64::MAX / 1_000, u64::MAX] {
        let unjittered = GREETED
            .to_builder()
            .heartbeat(HeartbeatConfig::new().required(true).first_jitter(false).build_const())
            .build_const();
        let mut t = opened(unjittered);
        t.greeting(1, heartbeat).expect(&["send_fresh 1"]).establish(1, Some(1)).phase(Phase::Online);
        t.wake(86_400_010, "beat").jump(u64::MAX).timeout().expect_anything();
    }
}

/// F73, F82: a second greeting starts no second heartbeat.
#[test]
fn a_second_greeting_is_nothing() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(5_000).greeting(1, 1_000).inapplicable().wake(10_010, "beat");
}

/// S70, F89, report 89: a heartbeat that is due long ago, on a connection that was not asked meanwhile, asks; then the
/// answer judges.
#[test]
fn a_late_heartbeat_asks() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).heartbeat_acked(1);
    t.jump(20_010 + 30_000).timeout().expect(&["beat 1"]).wake(60_010, "beat");
    t.at(50_050).heartbeat_acked(1).expect(&[]).fires(60_010, &["beat 1"]);
    t.fires(70_010, &["close 1 4000"]);
    assert_eq!(t.stats().zombies, 1);

    // What was asked before the sleep and never answered is dead.
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).jump(20_010 + 30_000).timeout().expect(&["close 1 4000"]);
}

/// S70: an acknowledgement that waited behind the sleep counts when it is fed first.
#[test]
fn an_acknowledgement_behind_a_short_stall_counts() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.fires(10_010, &["beat 1"]).jump(20_500).heartbeat_acked(1).applied().timeout().expect(&["beat 1"]);
}

/// S71, F87: an acknowledgement that nobody waits for changes nothing.
#[test]
fn an_unasked_acknowledgement_is_nothing() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(5_000)
        .heartbeat_acked(1)
        .inapplicable()
        .fires(10_010, &["beat 1"])
        .heartbeat_acked(1)
        .applied()
        .heartbeat_acked(1)
        .inapplicable();
    t.fires(20_010, &["beat 1"]).fires(30_010, &["close 1 4000"]);
}

/// S72, F90: half an hour without a session, but acknowledged: it stays.
#[test]
fn an_outage_of_the_service_is_waited_out() {
    let mut t = Scenario::of(GREETED);
    t.at(0).start().expect(&["open 1 fresh #1"]).at(5).opened(1).at(10).greeting(1, 45_000);
    t.expect(&["send_fresh 1"]);
    for beat in 1..=40 {
        t.fires(10 + beat * 45_000, &["beat 1"]).heartbeat_acked(1).phase(Phase::Establishing);
    }
    assert_eq!(t.opens(), 1);
    t.establish(1, Some(1)).phase(Phase::Online);
}

/// S73, F88: no heartbeat after a stop, nor after a loss.
#[test]
fn no_heartbeat_after_the_end() {
    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(5_000).stop().expect(&["close 1 1000", "drop_session stop"]).no_wake();
    t.jump(10_010).timeout().expect(&[]).jump(86_400_000).timeout().expect(&[]);

    let mut t = Scenario::gateway(GREETED, 10_000);
    t.at(9_500).closed(1, ws(1006)).expect(&[]).fires(10_500, &["open 2 resume #1"]);
    t.open_failed(2, REFUSED).expect(&[]).at(12_499).timeout().expect(&[]);
}

/// An interval of the config sends heartbeats without a greeting, from the moment the connection is established; the
/// greeting's own wins.
#[test]
fn an_interval_of_the_config() {
    let own = HeartbeatConfig::new().first_jitter(false).build_const();
    let own = own.to_builder().interval(secs(20)).build_const();
    let mut t = Scenario::online(PLAIN.to_builder().heartbeat(own).build_const());
    t.wake(20_020, "beat").fires(20_020, &["beat 1"]);

    let mut t = Scenario::gateway(GREETED.to_builder().heartbeat(own).build_const(), 10_000);
    t.wake(10_010, "beat");
    let mut t = Scenario::gateway(GREETED.to_builder().heartbeat(own).build_const(), 0);
    t.wake(20_010, "beat");
}

/// S69, S93: a heartbeat every 49 days is no liveness; a server that greets so and then says nothing is left in time.
#[test]
fn a_heartbeat_beyond_all_bounds_watches_nothing() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.at(10).greeting(1, u64::from(u32::MAX)).expect(&[]).wake(10_000, "ready_timeout");
}
