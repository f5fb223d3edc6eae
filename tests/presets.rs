//! Every preset against its peer's published waits, through a policy, and against its peer's known bugs.

#[path = "presets/defaults.rs"]
mod defaults;
mod draws;

use std::time::Duration;

use draws::{Constant, Shared, assert_near, ms};
use redial::classify::Class;
use redial::presets::{self, by_name};
use redial::{
    Action, Backoff, BackoffConfig, Cause, Config, Disposition, Epoch, Event, GiveUp, Instant, IoKind,
    Jitter, Mode, Policy, Ratio, SplitMix64,
};

/// A preset's least and longest wait in ms, and its waits with the shared draws.
struct Vector {
    name: &'static str,
    floor: u64,
    cap: u64,
    waits: &'static [f64],
    /// In µs.
    within: f64,
}

const fn vector(name: &'static str, floor: u64, cap: u64, waits: &'static [f64]) -> Vector {
    Vector { name, floor, cap, waits, within: 2.0 }
}

const FULL_TO_30_S: &[f64] = &[325.0, 1825.0, 1487.5, 5830.0, 1037.5, 17_505.0, 13_340.0, 29_702.5];

/// A quarter and three quarters of the draw, of 1 to 30 s.
const QUARTER_TO_30_S: &[f64] = &[325.0, 1850.0, 1990.0, 6320.0, 4600.0, 20_550.0, 17_400.0, 29_775.0];

const VECTORS: &[Vector] = &[
    vector("recommended", 250, 30_000, QUARTER_TO_30_S),
    vector("websocket", 250, 30_000, QUARTER_TO_30_S),
    vector("discord-gateway", 250, 600_000, FULL_TO_30_S),
    vector("carbon", 850, 30_000, &[880.0, 2240.0, 3796.0, 8528.0, 13_840.0, 28_110.0, 27_480.0, 29_955.0]),
    vector("twilight", 0, 255_000, &[0.0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3, 128e3, 255e3, 255e3]),
    vector("omi", 0, 120_000, &[100.0, 1800.0, 1320.0, 5760.0, 800.0, 18_560.0, 28_160.0, 118_800.0]),
    vector("websockex-guide", 1000, 60_000, &[1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 60e3, 60e3]),
    vector("zen-websocket", 0, 30_000, &[0.0, 1e3, 2e3, 4e3, 8e3, 16e3, 30e3, 30e3]),
    // The peer draws whole milliseconds and rounds them down.
    Vector {
        name: "centrifuge",
        floor: 500,
        cap: 20_000,
        waits: &[550.0, 1400.0, 1160.0, 3380.0, 900.0, 9780.0, 9300.0, 20_000.0],
        within: 999.0,
    },
    // The first wait of 0 comes before the vector.
    vector(
        "ably",
        0,
        30_000,
        &[14_700.0, 16_400.0, 23_350.0, 25_680.0, 29_700.0, 26_520.0, 27_360.0, 24_060.0],
    ),
    vector(
        "phoenix",
        10,
        5000,
        &[10.0, 50.0, 100.0, 150.0, 200.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0, 5000.0],
    ),
    vector("signalr", 0, 30_000, &[0.0, 2e3, 10e3, 30e3]),
    vector("socket-io", 500, 5000, &[600.0, 2800.0, 2990.0, 4300.0, 2625.0, 3950.0, 3600.0, 4975.0]),
    vector("rust-socketio", 500, 5000, &[600.0, 2100.0, 1867.5, 4072.5, 2625.0, 3950.0, 3600.0, 4975.0]),
    vector(
        "reconnecting-websocket",
        1000,
        10_000,
        &[1400.0, 5980.0, 3920.8, 7760.0, 2400.0, 6640.0, 5520.0, 9920.0],
    ),
    vector("partysocket", 3000, 10_000, &[3e3, 3900.0, 5070.0, 6591.0, 8568.3, 10e3, 10e3]),
    vector("graphql-ws", 1300, 19_000, &[1570.0, 4730.0, 5191.0, 10_244.0, 16_435.0]),
    vector("pusher", 1000, 1000, &[1e3, 1e3, 1e3]),
    vector("mqtt-js", 1000, 1000, &[1e3, 1e3, 1e3]),
    vector("paho-java", 1000, 128_000, &[1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3, 128e3, 128e3]),
    vector("rumqttc", 0, 2000, &[0.0, 1900.0, 1330.0, 1720.0, 1050.0, 1580.0, 1440.0, 1990.0]),
    vector("nats-go", 2000, 2100, &[2010.0, 2090.0, 2033.0, 2072.0, 2005.0, 2058.0, 2044.0, 2099.0]),
    vector("nats-go-tls", 2000, 3000, &[2100.0, 2900.0, 2330.0, 2720.0, 2050.0, 2580.0, 2440.0, 2990.0]),
    vector("nats-js", 2000, 2100, &[2010.0, 2090.0, 2033.0, 2072.0, 2005.0, 2058.0, 2044.0, 2099.0]),
    vector(
        "async-nats",
        0,
        4000,
        &[0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4e3, 4e3, 4e3],
    ),
    vector("fred", 1000, 1100, &[1010.0, 1090.0, 1033.0, 1072.0, 1005.0, 1058.0, 1044.0, 1099.0]),
    vector("redis-rs", 100, 120_000, &[110.0, 380.0, 532.0, 1376.0, 1680.0, 5056.0]),
    vector(
        "grpc",
        800,
        120_000,
        &[840.0, 1856.0, 2385.92, 4456.448, 5373.952, 10_821.304_32, 16_374.562_816, 32_104.880_537_6],
    ),
    vector(
        "grpc-go",
        800,
        120_000,
        &[1000.0, 1856.0, 2385.92, 4456.448, 5373.952, 10_821.304_32, 16_374.562_816, 32_104.880_537_6],
    ),
    vector("tonic", 0, 120_000, &[0.0, 1856.0, 2385.92, 4456.448, 5373.952, 10_821.304_32, 16_374.562_816]),
    vector(
        "k8s-reflector",
        800,
        60_000,
        &[880.0, 3040.0, 4256.0, 11_008.0, 13_440.0, 40_448.0, 43_200.0, 59_700.0],
    ),
    vector("libp2p-go", 5000, 305_000, &[5e3, 6e3, 9e3, 14e3, 21e3, 30e3, 41e3, 54e3]),
    vector("aws-full", 0, 20_000, &[100.0, 1800.0, 1320.0, 5760.0, 800.0, 11_600.0, 8800.0, 19_800.0]),
    vector("aws-equal", 500, 20_000, &[550.0, 1900.0, 2660.0, 6880.0, 8400.0, 15_800.0, 14_400.0, 19_900.0]),
    Vector {
        name: "aws-decorrelated",
        floor: 1000,
        cap: 20_000,
        waits: &[
            1200.0,
            3340.0,
            3976.6,
            8869.456,
            2280.4184,
            4_387.928_016,
            6_352.064_981_12,
            18_875.632_993_926,
        ],
        // Every wait grows out of the one before, and its rounding with it.
        within: 10.0,
    },
    vector(
        "stubborn-io",
        3800,
        1_800_000,
        &[3840.0, 8320.0, 15_728.0, 32_704.0, 61_120.0, 129_024.0, 254_464.0, 537_088.0],
    ),
    vector("tower", 50, u64::MAX / 1000, &[54.95, 189.1, 265.34, 685.12, 839.6, 2518.72, 4593.92, 12_672.64]),
    vector("backon", 1000, 60_000, &[1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 60e3, 60e3]),
    vector(
        "backoff-crate",
        250,
        60_000,
        &[300.0, 1050.0, 933.75, 2058.75, 1392.1875, 4100.625, 5_353.593_75, 12_729.023_437_5],
    ),
    // Twice the published vector, whose base is 1 s.
    vector("polly", 0, 32_000, &[857.0218, 4431.7792, 1862.1674, 11_657.180_2, 4839.9502]),
    vector("polly-retry", 2000, 2000, &[2e3, 2e3, 2e3]),
    vector("ezsockets", 0, 5000, &[0.0, 5e3, 5e3, 5e3]),
];

fn preset(name: &str) -> &'static Config {
    by_name(name).unwrap_or_else(|| panic!("no preset {name}"))
}

/// Lifecycle 5: the delays of every preset with the shared draws, and no preset without.
#[test]
fn every_preset_waits_like_its_vector() {
    let names: Vec<_> = presets::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), VECTORS.len());
    for vector in VECTORS {
        assert!(names.contains(&vector.name));
        let mut delays = if vector.name == "ably" {
            let mut delays = preset("ably").backoff().delays(Shared::from_the_second());
            assert_eq!(delays.next(), Some(ms(0)));
            delays
        } else {
            preset(vector.name).backoff().delays(Shared::default())
        };
        let got: Vec<_> = delays.by_ref().take(vector.waits.len()).collect();
        println!("{}", vector.name);
        assert_near(&got, vector.waits, vector.within);
        assert_eq!(delays.next().is_none(), vector.name == "signalr", "{}", vector.name);
    }
    assert!(by_name("no such preset").is_none());
}

/// The same with a first connect that is retried like any other.
fn retrying(name: &str) -> &'static Config {
    Box::leak(Box::new(preset(name).to_builder().initial_limits(None, None).build_const()))
}

/// How a server drops what it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// When the transport is open.
    Unready,
    /// Ready, then closed.
    Closed(Cause),
    /// Ready, then told that the session is invalid.
    Invalid,
    /// Ready, then asked to reconnect.
    Asked,
}

/// Plays the driver of a policy whose dials all fail, and of one whose sessions never hold.
struct Driver {
    policy: Policy<SplitMix64>,
    now: Instant,
    epoch: Option<Epoch>,
    gave_up: Option<GiveUp>,
    dials: u32,
    /// What the newest dial said of itself.
    attempt: u32,
    mode: Mode,
    /// Heartbeats that nobody has looked at yet.
    beats: u32,
}

impl Driver {
    fn new(config: &'static Config) -> Self {
        Self::seeded(config, 11)
    }

    fn seeded(config: &'static Config, seed: u64) -> Self {
        let policy = Policy::new(config, SplitMix64::new(seed));
        let mut driver = Self {
            policy,
            now: Instant::ZERO,
            epoch: None,
            gave_up: None,
            dials: 0,
            attempt: 0,
            mode: Mode::Fresh,
            beats: 0,
        };
        driver.tell(Event::Start);
        driver
    }

    fn tell(&mut self, event: Event) {
        let actions = self.policy.handle_event(self.now, event);
        self.obey(actions);
    }

    fn obey(&mut self, actions: redial::Actions) {
        for action in actions {
            match action {
                Action::Open { epoch, mode, attempt, .. } => {
                    (self.epoch, self.gave_up, self.dials) = (Some(epoch), None, self.dials + 1);
                    (self.mode, self.attempt) = (mode, attempt);
                }
                Action::Heartbeat { .. } => self.beats += 1,
                Action::GaveUp { reason, .. } => self.gave_up = Some(reason),
                Action::RefreshCredential { .. } => panic!("nothing was rejected"),
                _ => {}
            }
        }
    }

    /// Fails the dial; the wait before the next one. `None`: given up.
    fn fail(&mut self) -> Option<Duration> {
        self.fail_after(ms(0))
    }

    /// Fails the dial when it has taken this long.
    fn fail_after(&mut self, took: Duration) -> Option<Duration> {
        self.now = self.now.saturating_add(took);
        let cause = Cause::Io(IoKind::ConnectionRefused);
        self.tell(Event::OpenFailed { epoch: self.epoch.unwrap(), cause, retry_after: None });
        self.wait()
    }

    /// Establishes a session and loses it after `held`.
    fn lose_after(&mut self, held: Duration) -> Option<Duration> {
        self.flap(Loss::Closed(Cause::CloseFrame(1006)), held)
    }

    /// A connection that gets as far as `loss` says, and ends like that `held` later. The wait before the next dial.
    fn flap(&mut self, loss: Loss, held: Duration) -> Option<Duration> {
        let epoch = self.epoch.unwrap();
        self.tell(Event::Opened { epoch });
        if loss != Loss::Unready {
            self.tell(Event::Greeting { epoch, heartbeat: Some(ms(41_250)) });
            // With a session, where the preset keeps one.
            self.tell(Event::Ready { epoch, token: Some(()), endpoint: None, sequence: Some(1), ttl: None });
        }
        self.now = self.now.saturating_add(held);
        self.tell(match loss {
            Loss::Unready => Event::Closed { epoch, cause: Cause::NoCloseFrame },
            Loss::Invalid => Event::SessionInvalid { epoch, resumable: false },
            Loss::Asked => Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
            Loss::Closed(cause) => Event::Closed { epoch, cause },
        });
        self.wait()
    }

    /// Lets the timers fire that are due by then.
    fn pass_to(&mut self, time: Duration) {
        let end = Instant::ZERO.saturating_add(time);
        while let Some(due) = self.policy.poll_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            let actions = self.policy.handle_timeout(self.now);
            self.obey(actions);
        }
        self.now = end;
    }

    fn wait(&mut self) -> Option<Duration> {
        let before = self.now;
        while self.gave_up.is_none() && self.policy.epoch().is_none() {
            self.now = self.policy.poll_timeout().expect("a deadline");
            if self.now == Instant::MAX {
                return None; // beyond the end of time: it never comes
            }
            let actions = self.policy.handle_timeout(self.now);
            self.obey(actions);
        }
        self.gave_up.is_none().then(|| self.now.saturating_duration_since(before))
    }
}

/// F23 to F27 for every preset: 200 failures in a policy, every wait between floor and cap.
#[test]
fn every_preset_survives_200_failures_in_a_policy() {
    for vector in VECTORS {
        let mut driver = Driver::new(retrying(vector.name));
        for failure in 0..200 {
            match driver.fail() {
                Some(wait) => {
                    // Ably's least time between two dials, where its first wait is 0.
                    let floor = if vector.name == "ably" { ms(1000) } else { ms(vector.floor) };
                    let range = floor..=ms(vector.cap).max(floor);
                    assert!(range.contains(&wait), "{}: {wait:?} after {failure}", vector.name);
                }
                // tower, whose waits have no cap: the clock ends before the 200th.
                None if driver.now == Instant::MAX => {
                    driver.dials = 200;
                    break;
                }
                None => driver.tell(Event::Start),
            }
        }
        assert!(driver.dials >= 200, "{}", vector.name);
    }
}

/// The same waits in a policy as outside it, failure by failure.
#[test]
fn a_policy_waits_like_its_backoff() {
    for vector in VECTORS.iter().filter(|vector| !["ably", "websockex-guide"].contains(&vector.name)) {
        let (config, mut rng) = (retrying(vector.name), SplitMix64::new(11));
        let (mut driver, mut backoff) = (Driver::new(config), Backoff::new());
        let mut waits = 0;
        // A dial that fails in no time is not followed by another one at once.
        let at_once = config.backoff().ceiling(1, Mode::Fresh) == Some(ms(0));
        let took = |waits| ms(u64::from(at_once && waits == 0));
        while let Some(wait) = driver.fail_after(took(waits)) {
            let want = backoff.next_delay(&config.backoff(), Mode::Fresh, Duration::ZERO, &mut rng);
            assert_eq!(Some(wait), want, "{}", vector.name);
            waits += 1;
            if waits == 40 {
                break;
            }
        }
        assert!(waits >= 2, "{}", vector.name);
    }
}

/// The peers' limits: how long an outage may be, counted from the loss of a session that held.
#[test]
fn limits_are_those_of_the_peers() {
    let limits = [
        ("signalr", 4, GiveUp::TableSpent, 42_000..=42_000),
        ("graphql-ws", 5, GiveUp::MaxAttempts, 32_500..=46_000),
        ("nats-js", 10, GiveUp::MaxAttempts, 20_000..=21_000),
        ("nats-go", 60, GiveUp::MaxAttempts, 120_000..=126_000),
        ("redis-rs", 6, GiveUp::MaxAttempts, 6300..=12_600),
        ("carbon", 5, GiveUp::MaxAttempts, 26_350..=35_650),
        ("zen-websocket", 3, GiveUp::MaxAttempts, 3000..=3000),
        ("backon", 3, GiveUp::MaxAttempts, 7000..=7000),
        ("polly", 3, GiveUp::MaxAttempts, 0..=42_000),
        ("polly-retry", 3, GiveUp::MaxAttempts, 6000..=6000),
    ];
    for (name, dials, reason, time) in limits {
        let mut driver = Driver::new(preset(name));
        let mut wait = driver.lose_after(ms(200_000));
        while wait.is_some() {
            wait = driver.fail();
        }
        assert_eq!((driver.gave_up, driver.dials), (Some(reason), dials + 1), "{name}");
        let took = driver.now.as_millis() - 200_000;
        assert!(time.contains(&took), "{name}: {took} ms");
    }
    for (name, _) in presets::ALL.iter().filter(|(name, _)| name.starts_with("aws") || *name == "recommended")
    {
        let mut driver = Driver::new(preset(name));
        assert!((0..2000).all(|_| driver.fail().is_some()), "{name}: no limit");
    }
}

/// F38, lifecycle 29: these peers retry a connection that was lost, not one that never was.
#[test]
fn first_connects_that_are_not_retried() {
    for (name, config) in presets::ALL {
        let once = ["signalr", "paho-java", "stubborn-io"].contains(name);
        let mut driver = Driver::new(config);
        assert_eq!(driver.fail().is_none(), once, "{name}");
        assert_eq!(driver.gave_up.is_some(), once, "{name}");
        let mut driver = Driver::new(config);
        assert!(driver.lose_after(ms(200_000)).is_some(), "{name}");
    }
}

/// Lifecycle 8: gRPC's wait begins with the dial, grpc-go's with its failure.
#[test]
fn grpc_waits_from_the_dial() {
    let wait = |name: &str, took: u64| {
        let mut driver = Driver::new(preset(name));
        driver.now = driver.now.saturating_add(ms(took));
        driver.fail().expect("a wait")
    };
    for (name, from_dial) in [("grpc", true), ("grpc-go", false)] {
        assert_eq!(
            wait(name, 700) + ms(700),
            wait(name, 0) + if from_dial { ms(0) } else { ms(700) },
            "{name}"
        );
    }
    assert_eq!(wait("grpc", 19_000), ms(0), "an attempt that took longer than its wait");
}

/// Lifecycle 94: Ably's SUSPENDED, two minutes into an outage.
#[test]
fn ably_is_suspended_after_two_minutes() {
    let mut driver = Driver::new(preset("ably"));
    let mut suspended = 0;
    while driver.now < Instant::from_millis(600_000) {
        let before = driver.now;
        let wait = driver.fail().expect("no limit");
        if before >= Instant::from_millis(120_000) {
            assert!(wait > ms(24_000) && wait <= ms(30_000), "{wait:?}");
            suspended += 1;
        }
    }
    assert!((15..=20).contains(&suspended), "{suspended}");
}

/// Pusher sends a heartbeat every 120 s, and a heartbeat is answered within 30 s or the connection is dead.
#[test]
fn pusher_answers_a_heartbeat_within_30_s() {
    for (answered_after, alive) in [(29_999, true), (30_000, false)] {
        let mut driver = Driver::new(preset("pusher"));
        let epoch = driver.epoch.unwrap();
        driver.tell(Event::Opened { epoch });
        driver.tell(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None });
        driver.pass_to(ms(120_000 + answered_after));
        assert_eq!((driver.beats, driver.policy.epoch().is_some()), (1, alive));
        driver.tell(Event::Received { epoch });
        driver.pass_to(ms(239_999));
        assert_eq!(driver.policy.stats().zombies, u32::from(!alive));
    }
}

/// Lifecycle 30: Pusher asks an open connection for a sign of life when the host says that it is offline, and
/// takes it for dead 30 s later.
#[test]
fn pusher_probes_when_offline() {
    let mut policy = Policy::new(preset("pusher"), SplitMix64::new(1));
    let now = Instant::ZERO;
    let opened = policy.handle_event(now, Event::Start);
    let epoch = policy.epoch().expect("dialling");
    assert_eq!(opened.len(), 1);
    for fact in [
        Event::Opened { epoch },
        Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None },
    ] {
        assert_eq!(policy.handle_event(now, fact).disposition(), Disposition::Applied);
    }
    let asked: Vec<_> = policy.handle_event(now, Event::NetworkDown).into_iter().collect();
    assert_eq!(asked, [Action::Heartbeat { epoch }]);
    assert!(policy.handle_timeout(Instant::from_millis(29_999)).is_empty());
    let lost = policy.handle_timeout(Instant::from_millis(30_000));
    assert!(lost.into_iter().any(|action| matches!(action, Action::Close { .. })), "unanswered");
}

/// Pusher's 42xx: at once where a driver reports it as a request to reconnect and the connection had held; as a close
/// code after the backoff's 1 s, which no verdict can shorten. A server that asks forever makes nobody spin.
#[test]
fn pusher_comes_back_at_once_when_asked() {
    let asked = |held| {
        let mut driver = Driver::new(preset("pusher"));
        driver.flap(Loss::Asked, held).expect("no limit")
    };
    assert_eq!(asked(ms(10_000)), ms(0));
    assert_eq!(asked(ms(9_999)), ms(1000));
    let mut driver = Driver::new(preset("pusher"));
    let closed = Loss::Closed(Cause::CloseFrame(4200));
    assert_eq!(driver.flap(closed, ms(10_000)), Some(ms(1000)));
}

/// ezsockets: its error path dials at once, then every 5 s; after a close frame it waits 5 s first.
#[test]
fn ezsockets_waits_after_a_close_frame() {
    let after = |cause| {
        let mut driver = Driver::new(preset("ezsockets"));
        let wait = driver.flap(Loss::Closed(cause), ms(10_000)).expect("no limit");
        assert_eq!(driver.fail(), Some(ms(5000)), "{cause}");
        wait
    };
    for error in [Cause::NoCloseFrame, Cause::CloseFrame(1006), Cause::Io(IoKind::ConnectionReset)] {
        assert_eq!(after(error), ms(0), "{error}");
    }
    for code in [1000, 1001, 1002, 1005, 1007, 1011, 1014, 2000, 4000, 4999] {
        assert_eq!(after(Cause::CloseFrame(code)), ms(5000), "{code}");
    }
    let (mine, table) = (preset("ezsockets").classifier(), redial::classify::tables::WEBSOCKET);
    for code in 0..=u16::MAX {
        let of_the_table =
            table.lookup(Cause::CloseFrame(code)).map_or(Class::Transient, |verdict| verdict.class);
        assert_eq!(mine.classify(Cause::CloseFrame(code)).class, of_the_table, "{code}");
    }
}

/// The rejoins of Phoenix's channels, 1 2 5 10 10 s.
#[test]
fn phoenix_rejoins() {
    let waits: Vec<_> = presets::PHOENIX_REJOIN.delays(Shared::default()).take(6).collect();
    assert_eq!(waits, [1000, 2000, 5000, 10_000, 10_000, 10_000].map(ms));
}

/// SignalR's 30 s of silence are found at the first heartbeat after them, 30 to 45 s after the last sign of life.
#[test]
fn signalr_finds_silence_after_30_to_45_s() {
    for heard_at in [0, 1, 7_500, 14_999, 15_000] {
        let mut driver = Driver::new(preset("signalr"));
        let epoch = driver.epoch.unwrap();
        driver.tell(Event::Opened { epoch });
        driver.tell(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None });
        let mut heard = false;
        while driver.policy.stats().zombies == 0 {
            let next = driver.policy.poll_timeout().expect("it beats");
            heard |= if !heard && next.as_millis() > heard_at {
                driver.now = Instant::from_millis(heard_at);
                driver.tell(Event::Received { epoch });
                true
            } else {
                driver.now = next;
                let actions = driver.policy.handle_timeout(next);
                driver.obey(actions);
                false
            };
        }
        let silence = driver.now.as_millis() - heard_at;
        assert!((30_000..=45_000).contains(&silence), "{silence} ms after {heard_at}");
    }
}

/// Ably waits 15 s after a first dial that failed; a config has one first wait, so that here the second dial comes 1 s
/// after the first, the least between two dials, and 15 s come second.
#[test]
fn ably_first_dials_that_fail() {
    let mut driver = Driver::new(preset("ably"));
    assert_eq!(driver.fail_after(ms(20)), Some(ms(980)));
    let second = driver.fail().expect("no limit");
    assert!(second > ms(12_000) && second <= ms(15_000), "{second:?}");
}

// Bugs of the peers that the presets do not have.

/// Flapping (twilight HEAD: 14,494 connections in 2.0 s): a first wait of 0 is for a session that held.
#[test]
fn a_first_wait_of_0_is_no_hot_loop() {
    for vector in
        VECTORS.iter().filter(|vector| preset(vector.name).backoff().ceiling(1, Mode::Fresh) == Some(ms(0)))
    {
        let mut driver = Driver::new(preset(vector.name));
        let mut waits = Vec::new();
        while let (Some(wait), true) = (driver.lose_after(ms(0)), waits.len() < 50) {
            waits.push(wait);
        }
        let fast = waits.iter().filter(|&&wait| wait < ms(1000)).count();
        assert!(fast <= 11, "{}: {waits:?}", vector.name);

        // Nor is the host asked again at once when it can't dial.
        let mut driver = Driver::new(preset(vector.name));
        driver.tell(Event::NotNow { epoch: driver.epoch.unwrap(), retry_after: None });
        assert!(driver.wait().unwrap() >= ms(1), "{}", vector.name);
    }
}

/// How many dials an hour of refusals takes, by the backoff alone: the mean of 16 clients.
fn dials_to_a_dead_server(config: &Config) -> u64 {
    let dials = |seed| {
        let mut end = ms(0);
        let waits = config.backoff().delays(SplitMix64::new(seed)).take_while(|wait| {
            end = end.saturating_add(*wait);
            end <= HOUR
        });
        1 + waits.count() as u64
    };
    (0..16).map(dials).sum::<u64>() / 16
}

const HOUR: Duration = Duration::from_secs(3600);

/// Lifecycle 13, F31, F33: a server that accepts and drops is dialled no more often than one that is dead, whatever the
/// preset and the drop. The bound of an hour is what the preset's own backoff takes against refusals, growing to its
/// cap, and an eighth for the luck of the draw. A cause with a limit ends it, at the first loss above the limit.
#[test]
fn flapping_backs_off_in_every_preset() {
    for (name, config) in presets::ALL {
        let bound = dials_to_a_dead_server(config);
        for held in [ms(0), ms(2000)] {
            for loss in [
                Loss::Unready,
                Loss::Closed(Cause::NoCloseFrame),
                Loss::Invalid,
                Loss::Asked,
                Loss::Closed(Cause::CloseFrame(1008)),
                Loss::Closed(Cause::CloseFrame(0x8E)),
            ] {
                let mut driver = Driver::new(config);
                while driver.gave_up.is_none() && driver.now.as_millis() < HOUR.as_millis() as u64 {
                    driver.flap(loss, held);
                }
                let (dials, end) = (u64::from(driver.dials), driver.gave_up);
                println!("{name}, {loss:?} after {held:?}: {dials} dials, at most {bound}; {end:?}");
                assert!(
                    dials <= bound + bound / 8 + 4,
                    "{name}, {loss:?} after {held:?}: {dials}, not {bound}"
                );
                let Loss::Closed(cause) = loss else { continue };
                let verdict = config.classifier().classify(cause);
                match (end, u64::from(verdict.limit)) {
                    (_, 0) if verdict.class != Class::Fatal => {}
                    (Some(GiveUp::Repeated), limit) => assert_eq!(dials, limit + 1, "{name}, {cause}"),
                    // The preset's own limit came first, or the cause is final.
                    (end, limit) => assert!(end.is_some() && dials <= limit + 1, "{name}, {cause}: {dials}"),
                }
            }
        }
    }
}

/// Discord allows 1000 identifies a day: a gateway that invalidates every session it made ready is not identified to as
/// often, however long it waits with that. carbon does it 1212 times an hour.
#[test]
fn no_gateway_preset_spends_the_identifies_of_a_day() {
    for name in ["discord-gateway", "carbon", "twilight"] {
        for held in [0, 2, 31, 61, 119, 121, 130] {
            let mut driver = Driver::new(preset(name));
            while driver.gave_up.is_none() && driver.now < Instant::from_millis(86_400_000) {
                driver.flap(Loss::Invalid, ms(held * 1000));
            }
            assert!(driver.dials < 800, "{name} after {held} s: {}", driver.dials);
        }
    }
}

/// omi #7675: the tenth close 1008 is final, though the socket opened before each.
#[test]
fn omi_gives_up_at_the_tenth_1008() {
    for held in [ms(0), ms(2000)] {
        let mut driver = Driver::new(preset("omi"));
        let mut waits = Vec::new();
        while let (Some(wait), ..20) = (driver.flap(Loss::Closed(Cause::CloseFrame(1008)), held), waits.len())
        {
            waits.push(wait);
        }
        assert_eq!((driver.gave_up, driver.dials), (Some(GiveUp::Repeated), 10));
        for (wait, step) in waits.iter().zip([15, 30, 60, 120, 300, 300, 300, 300, 300]) {
            assert!((ms(step * 1000)..=ms(step * 1000 + 1000)).contains(wait), "{waits:?}");
        }
    }
}

/// gRPC A6: `min(initial × mult^(n-1), max)` ±20 %, 0.1 s here, and never more than five attempts.
#[test]
fn grpc_a6_retries() {
    let ladder = BackoffConfig::exponential(ms(100), Ratio::TWO, ms(1000)).build().unwrap();
    let ladder = ladder.to_builder().jitter(Jitter::PlusMinus("0.2".parse().unwrap())).build().unwrap();
    let lows: Vec<_> = ladder.delays(Constant(0)).take(6).collect();
    assert_eq!(lows, [80, 160, 320, 640, 800, 800].map(ms));
    // A6 jitters what it capped and so waits up to 1.2 s; here the cap is the longest wait.
    let highs: Vec<_> = ladder.delays(Constant(u64::MAX)).take(6).collect();
    assert_near(&highs, &[120.0, 240.0, 480.0, 960.0, 1000.0, 1000.0], 2.0);
    for (asked, dials) in [(2, 2), (5, 5), (6, 5), (100, 5)] {
        // A6 cuts `maxAttempts` itself; here it is the caller who does.
        let config = Config::new(ladder).max_attempts(Some(5.min(asked))).build_const();
        let mut driver = Driver::new(Box::leak(Box::new(config)));
        while driver.fail().is_some() {}
        assert_eq!((driver.gave_up, driver.dials), (Some(GiveUp::MaxAttempts), dials), "{asked}");
    }
}

/// The formula of backo2 as JavaScript computes it, with socket.io's settings but for the cap.
fn backo2(r: f64, n: i32, max: f64) -> i64 {
    backo2_from(1000.0, 0.5, r, n, max)
}

/// The same with any settings; `| 0` takes what is no number for 0 and keeps 32 bits.
fn backo2_from(min: f64, jitter: f64, r: f64, n: i32, max: f64) -> i64 {
    let nominal = min * 2_f64.powi(n);
    let spread = (r * jitter * nominal).floor();
    let wait = if (r * 10.0) as u64 % 2 == 0 { nominal - spread } else { nominal + spread };
    if wait.is_nan() { 0 } else { i64::from(wait.min(max) as i64 as i32) }
}

/// socket.io's backo2: from the fifth wait on every client waits 5000 ms.
#[test]
fn backo2_at_the_cap_is_lockstep() {
    let r = [0.1, 0.9, 0.33, 0.72, 0.05, 0.58, 0.44, 0.99];
    let peer: Vec<_> = r.into_iter().zip(0..).map(|(r, n)| backo2(r, n, 5000.0)).collect();
    assert_eq!(peer, [1050, 2900, 4660, 5000, 5000, 5000, 5000, 5000]);
    assert!((0..100).all(|r| backo2(f64::from(r) / 100.0, 4, 5000.0) == 5000), "every client");

    let late = preset("socket-io").backoff().delays(SplitMix64::new(5)).skip(4).take(10_000);
    let mut buckets = [0; 10];
    for wait in late {
        assert!(wait >= ms(2500) && wait < ms(5000));
        buckets[((wait - ms(2500)).as_millis() / 250) as usize] += 1;
    }
    assert!(buckets.iter().all(|count| (900..1100).contains(count)), "{buckets:?}");
}

/// backo2's vectors for 100 ms to 10 s, and what ours is with the same draws: as wide, and spread at the cap.
#[test]
fn backo2_vectors() {
    let r = [0.1, 0.9, 0.33, 0.72, 0.05, 0.58, 0.44, 0.99];
    let peer = |jitter, (r, n)| backo2_from(100.0, jitter, r, n, 10_000.0);
    assert_eq!(
        r.map(|_| 0.0).into_iter().zip(0..).map(|draw| peer(0.0, draw)).collect::<Vec<_>>(),
        [100, 200, 400, 800, 1600, 3200, 6400, 10_000]
    );
    let jittered: Vec<_> = r.into_iter().zip(0..).map(|draw| peer(0.5, draw)).collect();
    assert_eq!(jittered, [105, 290, 466, 1088, 1560, 4127, 4992, 10_000]);

    let ladder = BackoffConfig::exponential(ms(100), Ratio::TWO, ms(10_000)).build().unwrap();
    let plain: Vec<_> = ladder.delays(Constant(0)).take(9).collect();
    assert_eq!(plain, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map(ms));
    let ours: Vec<_> = ladder
        .to_builder()
        .jitter(Jitter::PlusMinus("1/2".parse().unwrap()))
        .build()
        .unwrap()
        .delays(Shared::default())
        .take(8)
        .collect();
    assert_near(&ours, &[60.0, 280.0, 332.0, 976.0, 880.0, 3456.0, 6016.0, 9950.0], 2.0);

    let socket_io = BackoffConfig::exponential(ms(1000), Ratio::TWO, ms(5000)).build().unwrap();
    let plain: Vec<_> = socket_io.delays(Constant(0)).take(5).collect();
    assert_eq!(plain, [1000, 2000, 4000, 5000, 5000].map(ms));
}

/// backo2's ranges with socket.io's settings: the sign hangs on the draw's size, so that no first wait is below
/// 551 ms; from the third wait on the cap cuts them, and from the fifth there is one value. Ours reach all of ±50 %.
#[test]
fn backo2_ranges() {
    let ranges = [(551, 1499), (1101, 2999), (2201, 5000), (4401, 5000), (5000, 5000), (5000, 5000)];
    let ladder = preset("socket-io").backoff();
    for ((low, high), n) in ranges.into_iter().zip(0..) {
        let peer: Vec<_> = (0..200_000).map(|r| backo2(f64::from(r) / 200_000.0, n, 5000.0)).collect();
        assert_eq!((peer.iter().min(), peer.iter().max()), (Some(&low), Some(&high)), "{n}");
        let at_cap = peer.iter().filter(|&&wait| wait == 5000).count();
        if n == 3 {
            assert!((178_000..182_000).contains(&at_cap), "nine tenths, {at_cap}");
        }
        let ours = |draw| ladder.delays(Constant(draw)).nth(n as usize).unwrap().as_millis() as i64;
        let nominal = (1000 << n).min(5000);
        assert_eq!((ours(0), ours(u64::MAX)), (nominal / 2, (nominal * 3 / 2).min(5000) - 1), "{n}");
    }
}

/// backo2 after 1014 doublings: half of the waits are 0 ms; beyond a cap of 2^31 ms they are negative.
#[test]
fn backo2_overflow() {
    assert_eq!([0.0, 0.05, 0.25].map(|r| backo2(r, 1015, 5000.0)), [0; 3]);
    assert_eq!(backo2(0.0, 22, 1e10), -100_663_296);

    let socket_io = preset("socket-io").backoff();
    assert!(socket_io.delays(Constant(0)).skip(1000).take(1000).all(|wait| wait == ms(2500)));
    let long = BackoffConfig::exponential(ms(1000), Ratio::TWO, ms(10_000_000_000)).build().unwrap();
    assert_eq!(long.ceiling(23, Mode::Fresh), Some(ms(4_194_304_000)));
}

/// stubborn-io 0.3.6 panics at retry index 62, after 27 hours.
#[test]
fn stubborn_io_panics_after_27_hours() {
    assert!(Duration::try_from_secs_f64(4.0 * 2_f64.powi(61)).is_ok());
    assert!(Duration::try_from_secs_f64(4.0 * 2_f64.powi(62)).is_err(), "where the peer unwraps");
    let config = preset("stubborn-io").backoff();
    let mut late = config.delays(SplitMix64::new(1)).skip(62).take(1000);
    assert!(late.all(|wait| wait >= ms(1_710_000) && wait < ms(1_800_000)));

    // Its own seeded test (1 s, ±10 %), as far as the draws behind it can be told: within the window, in order.
    let seeded = [
        1.046222683,
        2.109384074,
        3.620675707,
        8.134654819,
        15.238946024,
        33.740716197,
        60.399320457,
        135.519064491,
        268.76612757,
    ];
    let ladder = BackoffConfig::exponential(ms(1000), Ratio::TWO, ms(1_800_000)).build().unwrap();
    let ladder = ladder.to_builder().jitter(Jitter::PlusMinus("0.1".parse().unwrap())).build().unwrap();
    for (n, want) in seeded.into_iter().enumerate() {
        let share = (want / 2_f64.powi(n as i32) - 0.9) / 0.2;
        let got = ladder.delays(Constant((share * 2_f64.powi(64)) as u64)).nth(n).unwrap();
        assert_near(&[got], &[want * 1000.0], 2.0);
    }
}

/// omi #5617: the power is taken before the minimum and is no integer from attempt 1024 on.
#[test]
fn omi_throws_from_attempt_1024_on() {
    assert!(2_f64.powi(1023).is_finite() && 2_f64.powf(1024.0).is_infinite(), "which `toInt` refuses");
    let config = preset("omi").backoff();
    let late: Vec<_> = config.delays(SplitMix64::new(2)).skip(1000).take(1000).collect();
    let mean = late.iter().sum::<Duration>() / 1000;
    assert!(late.iter().all(|&wait| wait < ms(120_000)) && mean > ms(50_000), "{mean:?}");
}

/// zen_websocket and the WebsockexAdapter guide: Erlang's floats raise at attempt 1015; the guide's first wait is none.
#[test]
fn erlang_floats_raise_at_attempt_1015() {
    assert!((1000.0 * 2_f64.powi(1015)).is_infinite());
    for (name, cap) in [("zen-websocket", 30_000), ("websockex-guide", 60_000)] {
        let mut late = preset(name).backoff().delays(Constant(0)).skip(1000).take(1000);
        assert!(late.all(|wait| wait == ms(cap)), "{name}");
    }
}

/// mulligan #31: the multiplication before the cap wraps to 0, and a release build spins.
#[test]
fn mulligan_31_waits_0_after_64_doublings() {
    assert_eq!(1000_u64.wrapping_mul(2_u64.wrapping_pow(64)).min(30_000), 0);
    for (name, config) in presets::ALL {
        for failure in [62, 63, 64, 65, 128, 256, 1024, u32::MAX] {
            let ceiling = config.backoff().ceiling(failure, Mode::Resume);
            assert!(ceiling.is_none_or(|ceiling| ceiling >= ms(1000)), "{name} after {failure}: {ceiling:?}");
        }
    }
}

/// twilight #2505: attempts counted in eight bits restart at 256.
#[test]
fn twilight_2505_wraps_at_256_attempts() {
    assert_eq!(255_u8.wrapping_add(1), 0);
    let late: Vec<_> = preset("twilight").backoff().delays(Constant(0)).skip(250).take(20).collect();
    assert_eq!(late, [ms(255_000); 20]);
}

/// paho.mqtt.java doubles while below its maximum, and so exceeds one that is no power of 2.
#[test]
fn paho_exceeds_a_maximum_of_100_s() {
    let mut peer = 1000;
    while peer < 100_000 {
        peer *= 2;
    }
    assert_eq!(peer, 128_000);
    let config = BackoffConfig::exponential(ms(1000), Ratio::TWO, ms(100_000)).build().unwrap();
    assert_eq!(config.delays(Constant(0)).nth(30), Some(ms(100_000)));
}

/// carbon 0.16 (34,491 ms at a cap of 30 s), grpc #2590 (127.89 s at 120 s), backoff (90 s at 60 s): jitter above the cap.
#[test]
fn jitter_on_top_of_the_cap_exceeds_it() {
    for (name, share, cap) in
        [("carbon", 0.15, 30_000), ("grpc", 0.2, 120_000), ("backoff-crate", 0.5, 60_000)]
    {
        assert!(cap as f64 * (1.0 + share) > cap as f64);
        let late: Vec<_> = preset(name).backoff().delays(SplitMix64::new(6)).skip(40).take(1000).collect();
        let low = (cap as f64 * (1.0 - share)) as u64;
        assert!(late.iter().all(|&wait| wait >= ms(low) && wait < ms(cap)), "{name}");
        let upper = late.iter().filter(|&&wait| wait > ms((low + cap) / 2)).count();
        assert!((400..600).contains(&upper), "{name}: {upper} of 1000 in the upper half");
    }
}

/// reconnecting-websocket: the ranges below the cap; at it the peer waits 10 s exactly, whatever was drawn.
#[test]
fn reconnecting_websocket_ends_in_lockstep() {
    let peer = |drawn: f64, n: i32| (drawn * 1.3_f64.powi(n)).min(10_000.0);
    assert_eq!(peer(1000.0, 9), peer(5000.0, 9));
    // The fourth of the peer's ranges begins at 2197 ms, that of its smallest first wait. Ours is drawn again over a
    // fifth to all of the capped 10 s.
    assert_eq!((peer(1000.0, 3).round(), peer(5000.0, 3)), (2197.0, 10_000.0));
    let config = preset("reconnecting-websocket").backoff();
    let lows: Vec<_> = config.delays(Constant(0)).take(4).collect();
    assert_eq!(lows, [1000, 1300, 1690, 2000].map(ms));
    let highs: Vec<_> = config.delays(Constant(u64::MAX)).take(4).collect();
    assert_near(&highs, &[5000.0, 6500.0, 8450.0, 10_000.0], 2.0);
}

/// client-go's `DelayWithReset` resets every 2 minutes of an outage: 46 attempts in 15 minutes, not 27.
#[test]
fn client_go_resets_in_the_midst_of_an_outage() {
    let mut driver = Driver::new(preset("k8s-reflector"));
    while driver.now < Instant::from_millis(900_000) {
        assert!(driver.fail().is_some());
    }
    assert!((22..=32).contains(&driver.dials), "{}", driver.dials);
}

/// tower (rust-peers 1b): whole seconds and nanoseconds are jittered apart, so that 3.2 s get at most 2.2 s.
#[test]
fn tower_jitters_seconds_and_nanoseconds_apart() {
    let peer = |secs: f64, nanos: f64, u: f64| (secs * u * 0.99).trunc() + (nanos * u * 0.99).trunc() / 1e9;
    assert!((0..1000).all(|u| peer(3.0, 200_000_000.0, f64::from(u) / 1000.0) < 2.2));
    let high = preset("tower").backoff().delays(Constant(u64::MAX)).nth(6).unwrap();
    assert_near(&[high], &[3200.0 * 1.99], 2.0);
}

/// rust_socketio: the end of the `backoff` crate's 15 minutes is no wait of 0 but the end.
#[test]
fn rust_socketio_takes_the_end_for_no_wait() {
    let mut driver = Driver::new(preset("backoff-crate"));
    while driver.fail().is_some() {}
    assert_eq!(driver.gave_up, Some(GiveUp::MaxElapsed));
    assert!(driver.now <= Instant::from_millis(900_000) && driver.now > Instant::from_millis(800_000));
    assert_eq!(driver.policy.poll_timeout(), None);
}
