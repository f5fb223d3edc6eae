//! S95: whatever a server or a host does, a policy dials no more often than its config implies.

use core::time::Duration;

use redial::backoff::AfterTable;
use redial::policy::{CredentialConfig, Establish, HoldReason, OnNetworkDown, RefreshOn};
use redial::{Action, BackoffConfig, Cause, Config, Epoch, Event, Instant, Ratio, presets};

use crate::harness::{TestEvent, deeper, small_policy};

/// Milliseconds. Restless hosts get ten minutes; they say enough in that.
const HOUR: u64 = 3_600_000;
const RESTLESS: u64 = 600_000;
const SECOND: Duration = Duration::from_secs(1);

/// Doubles from 1 s to 30 s, without jitter, so that bounds are exact.
const LADDER: BackoffConfig =
    BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(30)).build_const();

/// A server or host that answers every dial, at once and as badly as it can. `held`: how long it keeps an established
/// connection before `end`.
#[derive(Clone, Copy, Debug)]
struct Adversary {
    name: &'static str,
    on_open: fn(Epoch) -> Vec<TestEvent<u8>>,
    held: Duration,
    end: fn(Epoch) -> Option<TestEvent<u8>>,
    /// What the host says every `period`.
    noise: fn(u64) -> Option<TestEvent<u8>>,
    period: Duration,
}

fn ready(epoch: Epoch) -> TestEvent<u8> {
    Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None }
}

fn established(epoch: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Opened { epoch },
        Event::Greeting { epoch, heartbeat: Some(45 * SECOND) },
        Event::Resumed { epoch },
        ready(epoch),
    ]
}

fn refused(epoch: Epoch) -> Vec<TestEvent<u8>> {
    vec![Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None }]
}

const QUIET: Adversary = Adversary {
    name: "",
    on_open: established,
    held: Duration::ZERO,
    end: |_| None,
    noise: |_| None,
    period: SECOND,
};

const FLAP: Duration = Duration::from_millis(70);

fn adversaries() -> Vec<Adversary> {
    vec![
        Adversary {
            name: "accepts, then closes",
            on_open: |epoch| vec![Event::Opened { epoch }],
            end: |epoch| Some(Event::Closed { epoch, cause: Cause::NoCloseFrame }),
            ..QUIET
        },
        Adversary {
            name: "ready, then closes",
            end: |epoch| Some(Event::Closed { epoch, cause: Cause::NoCloseFrame }),
            ..QUIET
        },
        Adversary {
            name: "please reconnect",
            end: |epoch| Some(Event::ReconnectRequested { epoch, retry_after: None, deadline: None }),
            ..QUIET
        },
        Adversary {
            name: "please reconnect in no time",
            end: |epoch| {
                Some(Event::ReconnectRequested {
                    epoch,
                    retry_after: Some(Duration::ZERO.into()),
                    deadline: None,
                })
            },
            ..QUIET
        },
        Adversary {
            name: "please reconnect, before it is open",
            on_open: |epoch| vec![Event::ReconnectRequested { epoch, retry_after: None, deadline: None }],
            ..QUIET
        },
        Adversary {
            name: "session invalid",
            end: |epoch| Some(Event::SessionInvalid { epoch, resumable: false }),
            ..QUIET
        },
        Adversary {
            name: "session invalid, resumable",
            end: |epoch| Some(Event::SessionInvalid { epoch, resumable: true }),
            ..QUIET
        },
        Adversary {
            name: "refuses with 'retry after nothing'",
            on_open: |epoch| {
                vec![Event::OpenFailed {
                    epoch,
                    cause: Cause::Http(503),
                    retry_after: Some(Duration::ZERO.into()),
                }]
            },
            ..QUIET
        },
        Adversary {
            name: "refuses, and the host flaps between networks",
            on_open: refused,
            noise: |n| Some(if n % 2 == 0 { Event::NetworkDown } else { Event::NetworkUp }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "never answers, and the host flaps between networks",
            on_open: |_| vec![],
            noise: |n| Some(if n % 2 == 0 { Event::NetworkDown } else { Event::NetworkUp }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "ready, and the host flaps between networks",
            noise: |n| Some(if n % 2 == 0 { Event::NetworkDown } else { Event::NetworkUp }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "refuses, and the network only ever comes",
            on_open: refused,
            noise: |_| Some(Event::NetworkUp),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "refuses, and the page flickers",
            on_open: refused,
            noise: |n| Some(if n % 2 == 0 { Event::Hidden } else { Event::Visible }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "never answers, and the page flickers",
            on_open: |_| vec![],
            noise: |n| Some(if n % 2 == 0 { Event::Hidden } else { Event::Visible }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "refuses, and the host wakes",
            on_open: refused,
            noise: |_| Some(Event::HostResumed { gap: Duration::MAX, counted: true }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "ready, and the host wakes",
            noise: |_| Some(Event::HostResumed { gap: Duration::MAX, counted: true }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "refuses, and a precondition comes and goes",
            on_open: refused,
            noise: |n| HoldReason::new(3).map(if n % 2 == 0 { Event::Hold } else { Event::Release }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "the host can't dial",
            on_open: |epoch| vec![Event::NotNow { epoch, retry_after: None }],
            ..QUIET
        },
        Adversary {
            name: "the host can't dial, and wakes",
            on_open: |epoch| vec![Event::NotNow { epoch, retry_after: None }],
            noise: |_| Some(Event::HostResumed { gap: Duration::MAX, counted: true }),
            period: FLAP,
            ..QUIET
        },
        Adversary {
            name: "rejects the credential",
            on_open: |epoch| vec![Event::OpenFailed { epoch, cause: Cause::AuthRejected, retry_after: None }],
            ..QUIET
        },
        Adversary {
            name: "ready, then rejects the credential",
            end: |epoch| Some(Event::Closed { epoch, cause: Cause::AuthRejected }),
            ..QUIET
        },
        Adversary { name: "ready, sends fail", end: |epoch| Some(Event::SendFailed { epoch }), ..QUIET },
        Adversary {
            name: "a dead heartbeat",
            on_open: |epoch| {
                vec![
                    Event::Opened { epoch },
                    Event::Greeting { epoch, heartbeat: Some(Duration::from_nanos(1)) },
                    ready(epoch),
                ]
            },
            ..QUIET
        },
    ]
}

/// Lives through `millis`; how often it dialled.
fn opens_in(millis: u64, config: &Config, adversary: &Adversary, bound: u64) -> u64 {
    let mut policy = small_policy(config, 7, 1);
    let mut now = Instant::ZERO;
    let mut events_due: Vec<(u64, TestEvent<u8>)> = Vec::new();
    let (mut opens, mut noises) = (0, 0);
    let mut noise_at = 0_u64;
    let end = millis * 1_000;
    let mut actions = policy.handle_event(now, Event::Start);
    loop {
        let micros = now.as_micros();
        for action in actions {
            match action {
                Action::Open { epoch, .. } => {
                    opens += 1;
                    assert!(opens <= bound, "{}: {opens} dials in {} ms", adversary.name, micros / 1_000);
                    events_due.extend((adversary.on_open)(epoch).into_iter().map(|fact| (micros, fact)));
                    let held = adversary.held.as_micros() as u64;
                    events_due.extend((adversary.end)(epoch).map(|fact| (micros + held, fact)));
                }
                Action::RefreshCredential { .. } => {
                    events_due.push((micros, Event::CredentialOk { request: None, ttl: None }))
                }
                Action::Heartbeat { epoch } if adversary.name != "a dead heartbeat" => {
                    events_due.push((micros, Event::HeartbeatAcked { epoch }))
                }
                _ => {}
            }
        }
        // Events first, then timers, then noise; within one instant in the order in which they came up.
        let timer = policy.poll_timeout().map_or(u64::MAX, |at| at.as_micros().max(micros));
        let noise = if (adversary.noise)(noises).is_some() { noise_at } else { u64::MAX };
        let next = events_due
            .iter()
            .enumerate()
            .min_by_key(|(at, (due, _))| (*due, *at))
            .map(|(at, (due, _))| (at, *due));
        let (fact_at, fact_due) = next.unwrap_or((0, u64::MAX));
        let soonest = fact_due.min(timer).min(noise);
        if soonest > end {
            return opens;
        }
        now = Instant::from_micros(soonest);
        actions = if fact_due == soonest {
            policy.handle_event(now, events_due.remove(fact_at).1)
        } else if timer == soonest {
            policy.handle_timeout(now)
        } else {
            let fact = (adversary.noise)(noises).expect("there is noise");
            noises += 1;
            noise_at += adversary.period.as_micros() as u64;
            policy.handle_event(now, fact)
        };
    }
}

/// The configs, each with the shortest time that may lie between two of its dials in the long run, in milliseconds.
fn configs() -> Vec<(&'static str, Config, u64)> {
    static TABLE: [Duration; 4] =
        [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];
    let plain = Config::new(LADDER).reset_after_stable(Duration::ZERO).build_const();
    let table = BackoffConfig::table(&TABLE, AfterTable::RepeatLast).build_const();
    let spread = |config: Config| config.to_builder().requested_spread(Some(Duration::ZERO)).build_const();
    vec![
        ("plain", plain, 1_000),
        ("spread", spread(plain), 1_000),
        ("on open", spread(plain.to_builder().establish(Establish::OnOpen).build_const()), 1_000),
        (
            "refreshing",
            plain
                .to_builder()
                .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
                .build_const(),
            1_000,
        ),
        ("dropping", plain.to_builder().network(OnNetworkDown::Drop, Duration::ZERO).build_const(), 1_000),
        ("spreading", plain.to_builder().network(OnNetworkDown::Park, 3 * SECOND).build_const(), 1_000),
        ("stable", spread(plain.to_builder().reset_after_stable(30 * SECOND).build_const()), 1_000),
        ("interval", plain.to_builder().min_interval(5 * SECOND).build_const(), 5_000),
        (
            "first at once",
            spread(
                plain
                    .to_builder()
                    .backoff(LADDER.to_builder().first_delay(Duration::ZERO).build_const())
                    .build_const(),
            ),
            1_000,
        ),
        ("restarting", plain.to_builder().restart_on_network_up(true).build_const(), 1_000),
        ("from the dial", plain.to_builder().wait_from_dial(true).build_const(), 1_000),
        (
            "long outages",
            plain
                .to_builder()
                .long_outage(60 * SECOND, BackoffConfig::constant(90 * SECOND).build_const())
                .build_const(),
            1_000,
        ),
        ("table", spread(plain.to_builder().backoff(table).build_const()), 1_000),
        // Full jitter may draw its floor each time.
        ("recommended", presets::RECOMMENDED, 250),
        ("discord", presets::DISCORD_GATEWAY, 250),
    ]
}

/// Every preset too. That of a peer is as greedy as the peer (async-nats begins with 1 ms), but none of them spins.
fn peers() -> impl Iterator<Item = (&'static str, Config, u64)> {
    presets::ALL.iter().map(|(name, config)| (*name, **config, 1))
}

/// S35, S84, S95, lifecycle 36.
#[test]
fn no_adversary_makes_a_policy_dial_more_often_than_its_config_implies() {
    for (name, config, apart) in configs().into_iter().chain(peers()) {
        for adversary in adversaries() {
            let restless = (adversary.noise)(0).is_some();
            let ends = restless || (adversary.end)(Epoch::from_raw(1).expect("not 0")).is_some();
            let millis = if restless { RESTLESS } else { HOUR } / if deeper() == 0 { 12 } else { 1 };
            // The first dial, one free renewal of the credential, and one retry at once.
            let bound = millis / apart + 3;
            for held in
                [Duration::ZERO, SECOND, Duration::from_secs(31)].into_iter().take(if ends { 3 } else { 1 })
            {
                println!("{name}, {}, held for {held:?}", adversary.name);
                let opens = opens_in(millis, &config, &Adversary { held, ..adversary }, bound);
                println!("    {opens} dials, at most {bound}");
            }
        }
    }
}
