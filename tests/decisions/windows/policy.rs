//! A policy with windows.

use redial::handover;
use redial::policy::Snapshot;
use redial::{Action, Cause, Config, Event, Instant, IoKind, Policy, presets};

use super::*;

type Client = Policy<SplitMix64>;

static CONFIG: Config = Config::new(BackoffConfig::windows(ms(1_750), ms(40_000)).build_const())
    .reset_after_stable(ms(60_000))
    .build_const();

const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn online(client: &mut Client, now: Instant) {
    let epoch = client.epoch().expect("dialling");
    _ = client.handle_event(now, Event::Opened { epoch });
    _ = client
        .handle_event(now, Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None });
}

fn lost(client: &mut Client, now: Instant) {
    let epoch = client.epoch().expect("connected");
    _ = client.handle_event(now, Event::Closed { epoch, cause: Cause::CloseFrame(1006) });
}

/// The dial fails `took` after it.
fn refused(client: &mut Client, took: u64) -> Instant {
    let dial = client.poll_timeout().expect("waiting");
    let open = client.handle_timeout(dial).into_iter().next();
    let Some(Action::Open { epoch, .. }) = open else { panic!("{open:?} at {dial:?}") };
    let now = dial.saturating_add(ms(took));
    _ = client.handle_event(now, Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
    dial
}

/// A client that was connected for ten minutes and loses its connection at 700 s.
fn in_an_outage(config: &'static Config, seed: u64) -> Client {
    let mut client = Policy::new(config, SplitMix64::new(seed));
    _ = client.handle_event(at(100_000), Event::Start);
    online(&mut client, at(100_000));
    lost(&mut client, at(700_000));
    client
}

/// W01, W02: the dials of an outage come at the client's phase in the windows since the loss, whatever a dial takes, and those
/// of the next outage at another phase.
#[test]
fn the_dials_of_an_outage_are_in_consecutive_windows() {
    let begins = begins(1_750, 40_000, u64::MAX, 400_000);
    let mut client = in_an_outage(&CONFIG, 3);
    let mut phases = Vec::new();
    for outage in 0..3_u64 {
        let lost_at = 700_000 + outage * 1_000_000;
        let places = (0..6).map(|k| {
            let since = refused(&mut client, 50).as_micros() - lost_at * 1_000;
            let (begin, width) = (begins[k] * 1_000, (begins[k + 1] - begins[k]) * 1_000);
            assert!((begin..begin + width).contains(&since), "outage {outage}, window {k}: {since}");
            (since - begin) as f64 / width as f64
        });
        let places: Vec<f64> = places.collect();
        assert!(places.iter().all(|place| (place - places[0]).abs() < 2e-6), "{places:?}");
        phases.push(places[0]);
        _ = client.handle_timeout(client.poll_timeout().unwrap());
        let now = at(lost_at + 300_000);
        online(&mut client, now);
        lost(&mut client, at(lost_at + 1_000_000));
    }
    assert!((phases[0] - phases[1]).abs() > 1e-3 && (phases[1] - phases[2]).abs() > 1e-3, "{phases:?}");
}

/// W02: a policy that was given a phase has it in every outage, alone, with a handover, and after a snapshot of another phase.
#[test]
fn a_policy_keeps_the_phase_that_it_was_given() {
    let phase = WindowPhase::from_bits(1 << 31);
    let first_dial = |client: &Client| client.poll_timeout().unwrap().as_micros();
    let mut client = Policy::new(&CONFIG, SplitMix64::new(1)).with_window_phase(phase);
    for outage in 0..3_u64 {
        let begin = outage * 1_000_000;
        if outage == 0 {
            _ = client.handle_event(at(begin), Event::Start);
        } else {
            _ = client.handle_timeout(client.poll_timeout().unwrap());
        }
        online(&mut client, at(begin + 2_000));
        lost(&mut client, at(begin + 200_000));
        assert_eq!(first_dial(&client), (begin + 200_875) * 1_000);
    }
    let snapshot = in_an_outage(&CONFIG, 9).snapshot(at(700_100)).unwrap();
    let restored =
        Policy::new(&CONFIG, SplitMix64::new(2)).with_window_phase(phase).with_snapshot(at(0), snapshot);
    let mut restored = restored;
    _ = restored.handle_event(at(0), Event::Start);
    let dial = refused(&mut restored, 0).as_millis();
    let next = restored.poll_timeout().unwrap().as_millis();
    // 100 ms of the outage had passed: the middle of the second window.
    assert_eq!(next + 100, 3_500, "{dial}");
    let mut pair = Policy::new(&CONFIG, SplitMix64::new(1))
        .with_handover(handover::Config::DEFAULT)
        .with_window_phase(phase);
    _ = pair.handle_event(at(0), Event::Start);
    let epoch = pair.epoch().unwrap();
    _ = pair.handle_event(at(0), Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
    assert_eq!(pair.poll_timeout(), Some(at(875)));
}

/// W02: a snapshot and a checkpoint bring phase and window along; a snapshot of another curve has none, and the next failure
/// draws it.
#[test]
fn the_phase_survives_the_process() {
    let mut client = in_an_outage(&CONFIG, 5);
    for _ in 0..4 {
        refused(&mut client, 20);
    }
    let next = client.poll_timeout().unwrap();
    let mut bytes = [0; 1_024];
    let length = client.checkpoint(redial::record::Names::Shown, &mut bytes).unwrap();
    let same: Client = Policy::from_checkpoint(&CONFIG, &bytes[..length]).unwrap();
    assert_eq!(same, client);
    let now = at(690_000 + 20_000);
    let mut other =
        Policy::new(&CONFIG, SplitMix64::new(777)).with_snapshot(at(0), client.snapshot(now).unwrap());
    _ = other.handle_event(at(0), Event::Start);
    let shift = now.saturating_duration_since(at(0));
    assert_eq!(other.poll_timeout().unwrap().saturating_add(shift), next);
    for _ in 0..3 {
        refused(&mut client, 20);
        refused(&mut other, 20);
        let (one, two) =
            (client.poll_timeout().unwrap(), other.poll_timeout().unwrap().saturating_add(shift));
        assert_eq!(one, two);
    }
    static EXPONENTIAL: Config = Config::new(
        BackoffConfig::exponential(ms(1_000), Ratio::TWO, ms(30_000))
            .jitter(Jitter::Decorrelated)
            .build_const(),
    )
    .build_const();
    let mut old = in_an_outage(&EXPONENTIAL, 5);
    refused(&mut old, 20);
    let snapshot: Snapshot<()> = old.snapshot(at(703_000)).unwrap();
    let mut next: Vec<_> = (0..20)
        .map(|seed| {
            let mut client =
                Policy::new(&CONFIG, SplitMix64::new(seed)).with_snapshot(at(0), snapshot.clone());
            _ = client.handle_event(at(0), Event::Start);
            refused(&mut client, 20);
            client.poll_timeout().unwrap()
        })
        .collect();
    next.sort_unstable();
    next.dedup();
    assert!(next.len() > 18, "{next:?}");
}

/// W05: the wait counts from the dial where the config says so: the point is the first one after the dial, and a dial that took
/// longer is followed at once.
#[test]
fn a_wait_from_the_dial_leads_to_the_same_points() {
    static FROM_DIAL: Config = CONFIG.to_builder().wait_from_dial(true).build_const();
    let phase = WindowPhase::from_bits(1 << 31);
    let dials = |took: u64| {
        let mut client = Policy::new(&FROM_DIAL, SplitMix64::new(1)).with_window_phase(phase);
        _ = client.handle_event(at(0), Event::Start);
        online(&mut client, at(0));
        lost(&mut client, at(60_000));
        [(); 4].map(|()| refused(&mut client, took).as_millis() - 60_000)
    };
    assert_eq!(dials(5), [875, 3_500, 10_500, 28_299]);
    assert_eq!(dials(2_000), [875, 3_500, 10_500, 28_299]);
    assert_eq!(dials(9_000), [875, 9_875, 18_875, 28_299]);
}

/// W05: what only counts draws from a window that begins now: a rate limit is as wide as the windows of that time, and a long
/// outage goes on in them.
#[test]
fn what_only_counts_draws_in_a_window() {
    static LONG: Config = Config::new(BackoffConfig::constant(ms(5_000)).build_const())
        .long_outage(ms(30_000), BackoffConfig::windows(ms(1_750), ms(40_000)).build_const())
        .build_const();
    let mut waits: Vec<u64> = (0..400)
        .map(|seed| {
            let mut client = in_an_outage(&LONG, seed);
            let mut last = 0;
            for _ in 0..8 {
                last = refused(&mut client, 0).as_millis();
            }
            client.poll_timeout().unwrap().as_millis() - last
        })
        .collect();
    waits.sort_unstable();
    // At least 40 s have passed: √(40 s × 40 s), of which the 9th window is wider.
    let widest =
        begins(1_750, 40_000, u64::MAX, 400_000).windows(2).nth(8).map(|pair| pair[1] - pair[0]).unwrap();
    assert!(waits[0] < 2_000 && waits[399] < widest && waits[399] > widest * 95 / 100, "{waits:?} {widest}");
    assert!(waits[200].abs_diff(widest / 2) < widest / 8, "{}", waits[200]);
}

/// W01: a config that is one type carries its windows.
#[test]
fn a_fixed_config_has_windows() {
    redial::fixed_config! {
        struct Fleet = CONFIG;
    }
    let mut client =
        Policy::new(Fleet, SplitMix64::new(1)).with_window_phase(WindowPhase::from_bits(1 << 31));
    _ = client.handle_event(at(0), Event::Start);
    let epoch = client.epoch().unwrap();
    _ = client.handle_event(at(0), Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
    assert_eq!(client.poll_timeout(), Some(at(875)));
}

/// W04: over a config of windows, a factor or a jitter asks for the exponential curve, which begins with that of `FEW`; the keys of
/// windows change the windows.
#[test]
fn another_curve_over_windows() {
    use redial::policy::ConfigOver;
    use serde::de::DeserializeSeed;

    let over = |text: &str| {
        let mut read = serde_json::Deserializer::from_str(text);
        let config = ConfigOver::new(&presets::RECOMMENDED).deserialize(&mut read);
        config.unwrap_or_else(|error| panic!("{text}: {error}")).backoff()
    };
    let (few, ours) = (presets::FEW.backoff(), presets::RECOMMENDED.backoff());
    assert_eq!(over(r#"{"backoff": {"factor": "2"}}"#), few);
    assert_eq!(over(r#"{"backoff": {"curve": "exponential"}}"#), few);
    let full = few.to_builder().jitter(Jitter::Full).build();
    assert_eq!(Ok(over(r#"{"backoff": {"jitter": "full"}}"#)), full);
    assert_eq!(over(r#"{"backoff": {"jitter": "none"}}"#), ours);
    let minute = ours.to_builder().max_delay(Duration::from_secs(60)).build();
    assert_eq!(Ok(over(r#"{"backoff": {"max_ms": 60000}}"#)), minute);
}
