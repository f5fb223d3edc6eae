//! Whatever a server, a host or a user asks for, and however fast: a handover dials no more often than the first wait of its
//! backoff allows (invariant 3 of ARCHITECTURE.md).

use core::time::Duration;

use redial::policy::{Establish, OnNetworkChange, OnNetworkDown};
use redial::{Action, BackoffConfig, Cause, Config, Epoch, Event, Instant, Ratio, handover};

use crate::harness::{TestEvent, small_policy};
use crate::pair::Subject;

const SECOND: Duration = Duration::from_secs(1);
const DOUBLING: BackoffConfig =
    BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(30)).build_const();
const TEN_MINUTES: u64 = 600_000_000;

type Said = Vec<TestEvent<u8>>;

/// What a server says to a dial at once, and to a connection as soon as it is live; what the host says each 70 ms.
#[derive(Clone, Copy)]
struct Storm {
    name: &'static str,
    to_dial: fn(Epoch, u32) -> Said,
    to_live: fn(Epoch) -> Said,
    host: fn(u64) -> Option<TestEvent<u8>>,
}

fn established(epoch: Epoch, _: u32) -> Said {
    let ready = Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None };
    vec![Event::Opened { epoch }, Event::Resumed { epoch }, ready]
}

/// The first is established, every other is refused.
fn refused(epoch: Epoch, number: u32) -> Said {
    if number == 1 {
        established(epoch, number)
    } else {
        vec![Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: Some(Duration::ZERO.into()) }]
    }
}

/// A reconnect by now.
fn asks(epoch: Epoch) -> Said {
    vec![Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(Duration::ZERO) }]
}

const CALM: Storm =
    Storm { name: "", to_dial: established, to_live: |_| Vec::new(), host: |_| Some(Event::Redial) };

fn storms() -> Vec<Storm> {
    let none = |_| None;

    vec![
        Storm { name: "redial", ..CALM },
        Storm { name: "redial, refused", to_dial: refused, ..CALM },
        Storm { name: "asks to reconnect by now", to_live: asks, host: none, ..CALM },
        Storm {
            name: "names another endpoint on each connection",
            to_live: |epoch| {
                vec![
                    Event::Redirected { epoch, endpoint: 3, permanent: false },
                    Event::ReconnectRequested {
                        epoch,
                        retry_after: Some(Duration::ZERO.into()),
                        deadline: None,
                    },
                ]
            },
            host: none,
            ..CALM
        },
        Storm {
            name: "asks, and the network changes",
            to_live: asks,
            host: |_| Some(Event::NetworkChanged),
            ..CALM
        },
        Storm {
            name: "asks, refuses, and the network changes",
            to_dial: refused,
            to_live: asks,
            host: |_| Some(Event::NetworkChanged),
        },
        Storm {
            name: "asks, never answers, and the host wakes",
            to_dial: |epoch, number| if number == 1 { established(epoch, 1) } else { Vec::new() },
            to_live: asks,
            host: |_| Some(Event::HostResumed { gap: Duration::MAX, counted: true }),
        },
        Storm {
            name: "asks, refuses, and the network flaps",
            to_dial: refused,
            to_live: asks,
            host: |n| Some(if n % 2 == 0 { Event::NetworkDown } else { Event::NetworkUp }),
        },
        Storm {
            name: "asks, refuses, and the page flickers",
            to_dial: refused,
            to_live: asks,
            host: |n| Some(if n % 2 == 0 { Event::Hidden } else { Event::Visible }),
        },
        Storm {
            name: "asks, and each connection dies",
            to_live: |epoch| {
                [asks(epoch), vec![Event::Closed { epoch, cause: Cause::NoCloseFrame }]].concat()
            },
            host: none,
            ..CALM
        },
    ]
}

/// The times of its dials, in microseconds.
fn dials(config: &Config, drain: Duration, storm: &Storm) -> Vec<u64> {
    let handover = handover::Config::new().drain(drain).build_const();
    let mut policy: Subject<'_> = small_policy(config, 7, 1).with_handover(handover);
    let mut now = Instant::ZERO;
    let (mut times, mut noises, mut noise_at) = (Vec::new(), 0, 70_000);
    let mut live = None;
    let mut told: Said = vec![Event::Start];
    loop {
        let micros = now.as_micros();
        let noise = (storm.host)(noises);
        let actions = if told.is_empty() {
            let timer = policy.poll_timeout().map_or(u64::MAX, |at| at.as_micros().max(micros));
            let host = if noise.is_some() { noise_at } else { u64::MAX };
            let next = timer.min(host);
            if next > TEN_MINUTES {
                return times;
            }
            now = Instant::from_micros(next);
            match noise {
                Some(event) if host < timer => {
                    (noises, noise_at) = (noises + 1, noise_at + 70_000);
                    policy.handle_event(now, event)
                }
                _ => policy.handle_timeout(now),
            }
        } else {
            policy.handle_event(now, told.remove(0))
        };
        for action in actions {
            match action {
                Action::Open { epoch, .. } => {
                    times.push(now.as_micros());
                    told.extend((storm.to_dial)(epoch, epoch.get()));
                }
                Action::Heartbeat { epoch } => told.push(Event::HeartbeatAcked { epoch }),
                _ => {}
            }
        }
        let connection = policy.epoch().filter(|_| crate::pair::is_live(&policy));
        if connection != live {
            live = connection;
            told.extend(connection.into_iter().flat_map(storm.to_live));
        }
    }
}

#[test]
fn no_storm_makes_a_handover_dial_more_often_than_its_first_wait_allows() {
    let plain = Config::new(DOUBLING).reset_after_stable(Duration::ZERO).build_const();
    let configs = [
        ("plain", plain),
        ("stable", plain.to_builder().reset_after_stable(30 * SECOND).build_const()),
        ("on open", plain.to_builder().establish(Establish::OnOpen).build_const()),
        ("spread", plain.to_builder().requested_spread(Some(Duration::ZERO)).build_const()),
        ("old", plain.to_builder().max_age(Some(Duration::from_micros(1)), Duration::ZERO).build_const()),
        (
            "dropping",
            plain
                .to_builder()
                .network(OnNetworkDown::Drop, Duration::ZERO)
                .on_network_change(OnNetworkChange::Drop)
                .build_const(),
        ),
    ];
    for (name, config) in &configs {
        for drain in [Duration::ZERO, 5 * SECOND] {
            for storm in storms() {
                let times = dials(config, drain, &storm);
                // The first, and one retry at once.
                let bound = TEN_MINUTES / 1_000_000 + 3;
                println!("{name}, {}: {} dials", storm.name, times.len());
                assert!(times.len() as u64 <= bound, "{name}, {}: {} dials", storm.name, times.len());
                assert!(times.len() > 3, "{name}, {}: it goes nowhere", storm.name);
                let apart = times.windows(2).map(|pair| pair[1] - pair[0]).min();
                assert!(apart > Some(0), "{name}, {}: two dials in one instant", storm.name);
            }
        }
    }
}
