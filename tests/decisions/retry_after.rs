//! What a server asks for and what it means by it, for one client and for a fleet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use redial::policy::{RetryAfter, WaitReason};
use redial::{
    Action, BackoffConfig, Cause, Config, Event, GiveUp, Instant, Policy, Ratio, SplitMix64, presets, testing,
};

/// The presets of this project; the others keep a server's wait as their peers do.
const OURS: [&str; 6] = ["recommended", "websocket", "fleet", "eager", "few", "battery"];

type Client = Policy<SplitMix64, (), redial::subscriptions::NoSubscriptions, &'static Config>;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

static MINUTE: Config = Config::new(BackoffConfig::constant(secs(60)).build_const()).build_const();

fn dialling(config: &'static Config, seed: u64, now: Instant) -> Client {
    let mut client = Policy::new(config, SplitMix64::new(seed));
    _ = client.handle_event(now, Event::Start);
    client
}

/// The dial is refused with this wait; how long the client waits, in ms, and why.
fn refused(client: &mut Client, now: Instant, wait: RetryAfter) -> (u64, Option<WaitReason>) {
    let epoch = client.epoch().expect("dialling");
    let retry_after = Some(wait);
    _ = client.handle_event(now, Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after });
    let told = client.explain();
    let until = told.until.expect("waiting");
    (until.saturating_duration_since(now).as_millis() as u64, told.waiting_for)
}

/// What a thousand clients wait, in ascending order.
fn waits(config: &'static Config, wait: RetryAfter) -> Vec<u64> {
    let mut waits: Vec<_> =
        (0..1_000).map(|seed| refused(&mut dialling(config, seed, at(0)), at(10), wait).0).collect();
    waits.sort_unstable();
    waits
}

/// The preset for an outage of any length.
fn without_limits(preset: &Config) -> &'static Config {
    let endless = preset.to_builder().max_attempts(None).max_elapsed(None).initial_limits(None, None);
    Box::leak(Box::new(endless.build().unwrap()))
}

/// Each tenth of the span from `low` to `high` has its share of a thousand, within five standard deviations.
#[track_caller]
fn assert_spread(waits: &[u64], low: u64, high: u64, whose: &str) {
    let mut tenths = [0_u32; 10];
    for wait in waits {
        assert!((low..=high).contains(wait), "{whose}: {wait} is not from {low} to {high}");
        tenths[((wait - low) * 10 / (high - low)).min(9) as usize] += 1;
    }
    assert!(tenths.iter().all(|count| count.abs_diff(100) <= 48), "{whose}: {tenths:?}");
}

/// W24: what the limit cuts is spread over its last quarter with every preset, whatever the spread of its other waits is, and
/// however its own waits are jittered.
#[test]
fn what_is_cut_is_spread_with_every_preset() {
    for (name, preset) in presets::ALL {
        let preset = without_limits(preset);
        let longest = preset.retry_after_max().as_millis() as u64;
        for asked in [preset.retry_after_max() * 2, secs(86_400), Duration::MAX] {
            for wait in [RetryAfter::AtLeast(asked), RetryAfter::Appointment(asked)] {
                let waits = waits(preset, wait);
                assert_spread(&waits, longest * 3 / 4, longest, name);
            }
            assert_spread(&waits(preset, RetryAfter::Window(asked)), 0, longest, name);
        }
    }
}

/// W25: a slot replaces the client's own wait, and the dial comes within a quarter of it later.
#[test]
fn an_appointment_replaces_the_wait() {
    assert_spread(&waits(&MINUTE, RetryAfter::Appointment(secs(8))), 8_000, 10_000, "8 s");
    assert_spread(&waits(&MINUTE, RetryAfter::Appointment(secs(200))), 200_000, 250_000, "200 s");
    let (wait, reason) = refused(&mut dialling(&MINUTE, 1, at(0)), at(10), RetryAfter::Appointment(secs(8)));
    assert!(wait < 60_000 && reason == Some(WaitReason::Appointment));
    assert_eq!(RetryAfter::Appointment(secs(8)).to_string(), "in 8000 ms");
}

/// W26: a window replaces it too, from nothing to the whole of it; so does that of a planned restart.
#[test]
fn a_window_replaces_the_wait() {
    assert_spread(&waits(&MINUTE, RetryAfter::Window(secs(40))), 0, 40_000, "40 s");
    static SPREAD: Config = MINUTE.to_builder().requested_spread(Some(secs(200))).build_const();
    let mut restarted: Vec<_> = (0..1_000)
        .map(|seed| {
            let mut client = dialling(if seed % 2 == 0 { &MINUTE } else { &SPREAD }, seed, at(0));
            let epoch = client.epoch().unwrap();
            _ = client.handle_event(at(10), Event::Opened { epoch });
            let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
            _ = client.handle_event(at(20), ready);
            let retry_after = Some(RetryAfter::Window(secs(30)));
            let now = at(600_000);
            let actions =
                client.handle_event(now, Event::ReconnectRequested { epoch, retry_after, deadline: None });
            assert!(matches!(actions.into_iter().next(), Some(Action::Close { .. })));
            assert_eq!(client.explain().waiting_for, Some(WaitReason::Window));
            client.poll_timeout().unwrap().saturating_duration_since(now).as_millis() as u64
        })
        .collect();
    restarted.sort_unstable();
    assert_spread(&restarted, 0, 30_000, "a restart");
    assert_eq!(RetryAfter::Window(secs(8)).to_string(), "within 8000 ms");
    // A successor at another endpoint is dialled within it, and the connection stays meanwhile.
    let mut successors: Vec<_> = (0..1_000)
        .map(|seed| {
            let mut pair = Policy::new(&SPREAD, SplitMix64::new(seed))
                .with_session_type::<u8>()
                .with_handover(redial::handover::Config::DEFAULT);
            _ = pair.handle_event(at(0), Event::Start);
            let epoch = pair.epoch().unwrap();
            _ = pair.handle_event(at(10), Event::Opened { epoch });
            let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
            _ = pair.handle_event(at(20), ready);
            let now = at(600_000);
            _ = pair.handle_event(now, Event::Redirected { epoch, endpoint: 7, permanent: false });
            let retry_after = Some(RetryAfter::Window(secs(30)));
            _ = pair.handle_event(now, Event::ReconnectRequested { epoch, retry_after, deadline: None });
            assert_eq!(pair.epoch(), Some(epoch));
            pair.poll_timeout().unwrap().saturating_duration_since(now).as_millis() as u64
        })
        .collect();
    successors.sort_unstable();
    assert_spread(&successors, 0, 30_000, "a successor");
}

/// W27: at least so long: a floor under the client's own wait, lengthened by the spread. A duration alone is that.
#[test]
fn at_least_is_a_floor() {
    assert_eq!(RetryAfter::from(secs(5)), RetryAfter::AtLeast(secs(5)));
    assert_eq!(RetryAfter::from(secs(5)).to_string(), "after 5000 ms");
    assert_eq!(MINUTE.retry_after_spread(), Ratio::ONE, "the default");
    let own = refused(&mut dialling(&MINUTE, 1, at(0)), at(10), secs(5).into());
    assert_eq!(own, (60_000, Some(WaitReason::Backoff)));
    assert_spread(&waits(&MINUTE, secs(100).into()), 100_000, 200_000, "100 s");
    for (name, preset) in presets::ALL {
        let ours = OURS.contains(name);
        assert_eq!(preset.retry_after_spread(), if ours { Ratio::ONE } else { Ratio::ZERO }, "{name}");
    }
}

/// W28: a server that asks for no wait at all does not make a client spin: after the first such wait the dials are a second
/// apart. The limits of an outage hold, and the backoff counts on.
#[test]
fn a_server_cannot_make_a_client_spin() {
    static LIMITED: Config = MINUTE.to_builder().max_attempts(Some(6)).build_const();
    for wait in [
        RetryAfter::Appointment(Duration::ZERO),
        RetryAfter::Window(Duration::ZERO),
        RetryAfter::Window(Duration::from_millis(1)),
    ] {
        let (mut client, mut now, mut dials) = (dialling(&LIMITED, 1, at(0)), at(0), vec![0]);
        loop {
            let epoch = client.epoch().expect("dialling");
            let retry_after = Some(wait);
            let refused = Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after };
            let actions = client.handle_event(now, refused);
            if actions
                .iter()
                .any(|action| matches!(action, Action::GaveUp { reason: GiveUp::MaxAttempts, .. }))
            {
                break;
            }
            now = client.poll_timeout().expect("waiting");
            while client.handle_timeout(now).is_empty() {
                now = client.poll_timeout().expect("waiting");
            }
            dials.push(now.as_millis());
        }
        assert_eq!(client.explain().failures, 6);
        // Never twice in one instant.
        assert!(dials[1] <= 2, "{dials:?}");
        assert!(dials[1..].windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{wait:?}: {dials:?}");
    }
}

/// W25, W26: the longest wait that is told takes an appointment into account.
#[test]
fn the_longest_wait_includes_a_server_s() {
    let exact =
        MINUTE.to_builder().retry_after_spread(Ratio::ZERO).retry_after_max(secs(1_000)).build().unwrap();
    assert_eq!(testing::longest_wait(&exact), secs(1_250));
}

/// How a fleet fared: the clients that are back, those that gave up, dials a client, and when 99 % were back over the ideal.
#[derive(Debug)]
struct Fared {
    back: usize,
    gave_up: usize,
    dials: f64,
    ratio: f64,
}

/// A server that takes one client every `interval` ms and refuses the others with the next free slot, in whole seconds, when
/// all of them have lost their connections at once.
fn storm(config: &'static Config, clients: u64, interval: u64, hint: fn(Duration) -> RetryAfter) -> Fared {
    let mut fleet: Vec<Client> = (0..clients)
        .map(|seed| {
            let mut client = dialling(config, seed + 1, at(0));
            let epoch = client.epoch().unwrap();
            _ = client.handle_event(at(5), Event::Opened { epoch });
            _ = client.handle_event(at(5), Event::Greeting { epoch, heartbeat: Some(secs(45)) });
            let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
            _ = client.handle_event(at(10), ready);
            client
        })
        .collect();
    const LOST: u64 = 1_000_000;
    let mut due = BinaryHeap::new();
    for (number, client) in fleet.iter_mut().enumerate() {
        let epoch = client.epoch().expect("connected");
        _ = client.handle_event(at(LOST), Event::Closed { epoch, cause: Cause::CloseFrame(1_001) });
        due.extend(client.poll_timeout().map(|at| Reverse((at, number))));
    }
    let (mut free_at, mut slot) = (LOST, LOST);
    let (mut back, mut gave_up, mut dials) = (Vec::new(), 0, 0_u64);
    while let Some(Reverse((now, number))) = due.pop() {
        let client = &mut fleet[number];
        let open =
            client.handle_timeout(now).into_iter().find(|action| matches!(action, Action::Open { .. }));
        if let Some(Action::Open { epoch, .. }) = open {
            dials += 1;
            let millis = now.as_millis();
            if free_at <= millis {
                free_at = (free_at + interval).max(millis.saturating_sub(interval));
                back.push(millis - LOST);
                continue;
            }
            slot = (slot.max(millis)) + interval;
            let wait = secs((slot - millis).div_ceil(1_000));
            let retry_after = Some(hint(wait));
            let refused = Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after };
            _ = client.handle_event(now, refused);
        }
        match client.poll_timeout() {
            Some(at) => due.push(Reverse((at, number))),
            None => gave_up += 1,
        }
    }
    let last = back.get(back.len() * 99 / 100).copied().unwrap_or(0);
    let ideal = back.len() as u64 * interval;
    Fared {
        back: back.len(),
        gave_up,
        dials: dials as f64 / clients as f64,
        ratio: last as f64 / ideal.max(1) as f64,
    }
}

/// W24: no preset strands a fleet whose slots go beyond its limit: 400 clients, one every 1.5 s, so that a third of the slots is
/// cut.
#[test]
fn no_preset_strands_a_fleet() {
    for (name, preset) in presets::ALL {
        let fared = storm(without_limits(preset), 400, 1_500, RetryAfter::AtLeast);
        assert_eq!(fared.back + fared.gave_up, 400, "{name}");
        let table_ends = ["signalr"].contains(name);
        assert!(fared.gave_up == 0 || table_ends, "{name}: {fared:?}");
        assert!(fared.ratio < 2.5 && fared.dials < 4., "{name}: {fared:?}");
    }
}

/// W25: slots that are kept need less than half of the dials of the clients' own waits, and everybody is back sooner than with
/// the same slots as floors.
#[test]
fn appointments_drain_a_fleet() {
    let own = storm(&presets::RECOMMENDED, 2_000, 50, |_| RetryAfter::AtLeast(Duration::ZERO));
    let kept = storm(&presets::RECOMMENDED, 2_000, 50, RetryAfter::Appointment);
    let floor = storm(&presets::RECOMMENDED, 2_000, 50, RetryAfter::AtLeast);
    assert!(kept.back == 2_000 && own.back == 2_000 && floor.back == 2_000);
    assert!(kept.dials < own.dials / 2., "{kept:?} {own:?}");
    assert!(kept.ratio < floor.ratio * 0.8, "{kept:?} {floor:?}");
}

/// S40: the longest wait that is accepted is waited as it is; one that is longer is cut and counted.
#[test]
fn the_longest_accepted_wait_is_not_cut() {
    static LIMITED: Config = Config::new(BackoffConfig::constant(secs(1)).build_const())
        .retry_after_max(secs(90))
        .retry_after_spread(Ratio::ZERO)
        .build_const();
    let mut client = dialling(&LIMITED, 7, at(0));
    let longest = RetryAfter::AtLeast(secs(90));
    assert_eq!(refused(&mut client, at(10), longest), (90_000, Some(WaitReason::RetryAfter)));
    assert_eq!(client.stats().retry_after_cut, 0);
    let mut client = dialling(&LIMITED, 7, at(0));
    let (wait, _) = refused(&mut client, at(10), RetryAfter::AtLeast(secs(90) + Duration::from_micros(1)));
    assert!((67_500..90_000).contains(&wait), "{wait}");
    assert_eq!(client.stats().retry_after_cut, 1);
}
