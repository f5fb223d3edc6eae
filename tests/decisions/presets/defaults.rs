//! What every preset keeps, whatever its peer does: section 2 of what people report.

use super::*;

/// Those that count as established when the transport is open.
const ON_OPEN: &[&str] = &[
    "websocket",
    "omi",
    "zen-websocket",
    "phoenix",
    "socket-io",
    "rust-socketio",
    "reconnecting-websocket",
    "partysocket",
    "stubborn-io",
    "ezsockets",
];

/// Those of Discord's clients: a greeting, a session that needs its sequence, an answer to every heartbeat.
const GATEWAYS: &[&str] = &["discord-gateway", "carbon", "twilight"];

/// Those of brokers that say "session taken over".
const MQTT: &[&str] = &["mqtt-js", "paho-java", "rumqttc"];

impl Driver {
    /// Opens the transport, and greets where that is awaited.
    fn open(&mut self) -> Epoch {
        let epoch = self.epoch.expect("dialling");
        self.tell(Event::Opened { epoch });
        epoch
    }

    /// That connection is still there.
    fn is_up(&self, epoch: Epoch) -> bool {
        self.policy.epoch() == Some(epoch)
    }

    /// Opens a connection and says that it is ready, with this session.
    fn ready(&mut self, token: Option<()>, sequence: Option<u64>) -> Epoch {
        let epoch = self.open();
        self.tell(Event::Greeting { epoch, heartbeat: Some(ms(41_250)) });
        self.tell(Event::Ready { epoch, token, endpoint: None, sequence, ttl: None });
        epoch
    }

    /// Lets time pass, and answers every heartbeat as soon as it is sent.
    fn live_to(&mut self, time: Duration) {
        let end = Instant::ZERO.saturating_add(time);
        while let (Some(due), Some(epoch)) = (self.policy.poll_timeout(), self.policy.epoch()) {
            if due > end {
                break;
            }
            self.beats = 0;
            self.pass_to(due.saturating_duration_since(Instant::ZERO));
            if self.beats > 0 {
                self.tell(Event::HeartbeatAcked { epoch });
            }
        }
        self.now = end;
    }
}

/// A connection that held as long as the cap of its backoff, at least 10 s and at most 60 s, ends its outage, and none that
/// held a millisecond less. So does no preset restart its outage at once. Others have a time of their own: Discord's
/// clients and client-go 120 s, reconnecting-websocket and its heir 5 s.
#[test]
fn every_preset_has_a_stability() {
    for vector in VECTORS {
        let stable = match vector.name {
            "discord-gateway" | "carbon" | "twilight" | "k8s-reflector" => 120_000,
            "reconnecting-websocket" | "partysocket" => 5_000,
            _ => vector.cap.clamp(10_000, 60_000),
        };
        for (held, attempt) in [(stable - 1, 2), (stable, 1)] {
            let mut driver = Driver::new(preset(vector.name));
            driver.ready(None, None);
            driver.lose_after(ms(200_000));
            assert_eq!(driver.attempt, 1, "{}", vector.name);
            driver.ready(None, None);
            driver.lose_after(ms(held));
            assert_eq!(driver.attempt, attempt, "{} after {held} ms", vector.name);
        }
    }
}

/// Who never hears "session invalid" has no wait for it: the next dial comes after the first wait of the backoff. Discord's
/// own time and carbon's is 1 to 5 s (report 25).
#[test]
fn only_gateways_wait_after_a_refused_session() {
    for (name, config) in presets::ALL {
        let mut driver = Driver::new(config);
        let Some(wait) = driver.flap(Loss::Invalid, ms(200_000)) else {
            // What it does not know is final.
            assert_eq!((*name, driver.gave_up), ("zen-websocket", Some(GiveUp::Fatal)));
            continue;
        };
        if ["discord-gateway", "carbon"].contains(name) {
            assert!((ms(1000)..ms(5000)).contains(&wait), "{name}: {wait:?}");
        } else {
            let first = config.backoff().delays(Constant(u64::MAX)).next().expect("a first wait");
            assert!(wait <= first, "{name}: {wait:?}, not {first:?}");
        }
    }
}

/// A session with a token alone is resumed, but by the clients of a gateway that wants the sequence too; and by none that
/// knows no sessions.
#[test]
fn who_needs_a_sequence_and_who_has_sessions() {
    let mut with_sessions = Vec::new();
    for (name, config) in presets::ALL {
        let mode = |sequence| {
            let mut driver = Driver::new(config);
            let epoch = driver.ready(Some(()), sequence);
            driver.now = Instant::from_millis(200_000);
            driver.tell(Event::Closed { epoch, cause: Cause::NoCloseFrame });
            driver.wait().expect("no limit");
            driver.mode
        };
        let (alone, numbered) = (mode(None), mode(Some(0)));
        assert_eq!(alone != numbered, GATEWAYS.contains(name), "{name}");
        if numbered == Mode::Resume {
            with_sessions.push(*name);
        }
    }
    let libraries = ["aws-full", "aws-equal", "aws-decorrelated", "stubborn-io", "tower", "backon"];
    let libraries = libraries.into_iter().chain(["backoff-crate", "polly", "polly-retry", "ezsockets"]);
    let ours = ["recommended", "websocket", "fleet", "eager", "few", "battery"];
    let protocols = ["centrifuge", "ably", "socket-io", "k8s-reflector"];
    let mut expected: Vec<_> = libraries.chain(ours).chain(protocols).collect();
    expected.extend(GATEWAYS);
    expected.extend(MQTT);
    expected.sort_unstable();
    with_sessions.sort_unstable();
    assert_eq!(with_sessions, expected);
}

/// A plain socket that only opens stays open for a day with each preset that says so, the one for plain sockets among them;
/// the others close it, which is why the first sentence of both recommended ones says which to take.
#[test]
fn a_plain_socket_is_not_closed() {
    let mut open = Vec::new();
    for (name, config) in presets::ALL {
        let mut driver = Driver::new(config);
        let epoch = driver.open();
        driver.live_to(ms(86_400_000));
        if driver.is_up(epoch) {
            assert_eq!(driver.policy.stats().zombies, 0, "{name}");
            open.push(*name);
        }
    }
    assert_eq!(open, ON_OPEN);
    let source = include_str!("../../../src/presets/ours.rs");
    for (preset, other) in [("RECOMMENDED", "WEBSOCKET"), ("WEBSOCKET", "RECOMMENDED")] {
        let (docs, _) = source.split_once(&format!("pub const {preset}:")).expect("the preset");
        let docs = &docs[docs.rfind("\n\n").expect("a blank line before its docs")..];
        let docs = docs.replace("\n/// ", " ");
        let (first, _) = docs.split_once('.').expect("a sentence");
        assert!(first.contains(&format!("take [`{other}`] for a p")), "{preset}: {first}");
    }
}

/// Silence is found, and an answer in the last millisecond keeps the connection, heartbeat after heartbeat. Interval,
/// allowed heartbeats and time for the answer are the peers'.
#[test]
fn heartbeats_find_silence_and_take_late_answers() {
    let beats = [
        ("websocket", 30_000, 10_000, false),
        ("zen-websocket", 30_000, 30_000, true),
        ("phoenix", 30_000, 30_000, true),
        ("signalr", 15_000, 30_000, false),
        ("pusher", 120_000, 30_000, false),
        ("nats-go", 120_000, 240_000, true),
        ("nats-go-tls", 120_000, 240_000, true),
        ("nats-js", 120_000, 240_000, true),
        ("async-nats", 60_000, 120_000, true),
    ];
    for (name, config) in presets::ALL {
        // The draw of the first heartbeat is another test's.
        let regular = config
            .to_builder()
            .heartbeat(config.heartbeat().to_builder().first_jitter(false).build_const())
            .build_const();
        let mut driver = Driver::new(Box::leak(Box::new(regular)));
        let epoch = driver.open();
        driver.tell(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None });
        let Some((_, interval, answer, acks)) = beats.iter().find(|(beating, ..)| beating == name) else {
            driver.pass_to(ms(86_400_000));
            assert_eq!((driver.beats, driver.policy.stats().zombies), (0, 0), "{name}");
            continue;
        };
        let sign_of_life = if *acks { Event::HeartbeatAcked { epoch } } else { Event::Received { epoch } };
        let mut beat_at = 0;
        for _ in 0..5 {
            driver.beats = 0;
            while driver.beats == 0 {
                let next = driver.policy.poll_timeout().expect("it beats");
                driver.pass_to(next.saturating_duration_since(Instant::ZERO));
            }
            assert_eq!(driver.now.as_millis() - beat_at, *interval, "{name}");
            beat_at = driver.now.as_millis();
            driver.pass_to(ms(beat_at + answer - 1));
            assert!(driver.is_up(epoch), "{name}: dead before its time");
            // The heartbeats that were missed meanwhile were sent in their time.
            beat_at = driver.now.as_millis() - (answer - 1) % interval;
            driver.tell(sign_of_life.clone());
        }
        // Silence from here on.
        driver.pass_to(ms(beat_at + interval + answer - 1));
        assert!(driver.is_up(epoch), "{name}: dead before its time");
        driver.pass_to(ms(beat_at + interval + answer));
        assert_eq!((driver.is_up(epoch), driver.policy.stats().zombies), (false, 1), "{name}");
    }
}

/// The first heartbeat of a plain socket is drawn, or a fleet that connects together would send heartbeats together; and
/// whatever the draw, a dead peer is found within 40 s.
#[test]
fn a_plain_socket_finds_a_dead_peer_within_40_s() {
    let mut first = Vec::new();
    for seed in 0..100 {
        let mut driver = Driver::seeded(preset("websocket"), seed);
        let epoch = driver.open();
        first.push(driver.policy.poll_timeout().expect("it beats").as_millis() / 10_000);
        driver.pass_to(ms(40_000));
        assert_eq!((driver.is_up(epoch), driver.policy.stats().zombies), (false, 1));
    }
    for third in 0..3 {
        let share = first.iter().filter(|&&beat| beat == third).count();
        assert!((20..=47).contains(&share), "{share} of 100 in third {third}");
    }
}

/// Reports 12, 65, 94: a plain socket that may have died unnoticed is asked at once, and is dead 10 s later unless anything
/// comes. The recommended preset without a heartbeat has nothing to ask with: a changed network dials again.
#[test]
fn host_events_ask_a_plain_socket_for_a_sign_of_life() {
    let asks: [(&str, &[Event]); 4] = [
        ("changed", &[Event::NetworkChanged]),
        ("back", &[Event::NetworkDown, Event::NetworkUp]),
        ("visible", &[Event::Hidden, Event::Visible]),
        ("woken", &[Event::HostResumed { gap: ms(3_600_000), counted: true }]),
    ];
    for (news, facts) in asks {
        for answered in [false, true] {
            let mut driver = Driver::new(preset("websocket"));
            let epoch = driver.open();
            driver.live_to(ms(100_000));
            driver.beats = 0;
            facts.iter().for_each(|fact| driver.tell(fact.clone()));
            assert_eq!((driver.beats, driver.is_up(epoch)), (1, true), "{news}");
            driver.pass_to(ms(109_999));
            assert!(driver.is_up(epoch), "{news}");
            if answered {
                driver.tell(Event::Received { epoch });
            }
            driver.pass_to(ms(110_000));
            assert_eq!(driver.is_up(epoch), answered, "{news}");
        }
        let mut driver = Driver::new(preset("recommended"));
        let epoch = driver.open();
        driver.tell(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None });
        driver.now = Instant::from_millis(100_000);
        facts.iter().for_each(|fact| driver.tell(fact.clone()));
        assert_eq!(driver.is_up(epoch), news == "visible", "{news}");
    }
}

/// An hour of refusals in no time, and of connections that end as they open: no preset dials twice at one instant (the
/// report's "spins at zero time").
#[test]
fn no_preset_dials_twice_at_one_instant() {
    for (name, config) in presets::ALL {
        for turns in [[false, false], [true, true], [false, true]] {
            let mut driver = Driver::new(config);
            let mut dialled = vec![driver.now];
            for opens in turns.into_iter().cycle() {
                let wait = if opens { driver.flap(Loss::Unready, ms(0)) } else { driver.fail() };
                if wait.is_none() || driver.now.as_millis() > HOUR.as_millis() as u64 {
                    break;
                }
                dialled.push(driver.now);
            }
            assert!(dialled.windows(2).all(|pair| pair[0] < pair[1]), "{name}, {turns:?}: {dialled:?}");
        }
    }
}

/// Reports 62, 75: two clients of one name, each held as long as the other waits, past any stability. With every preset
/// of a broker it ends at the sixth takeover, its waits grow until then, and takeovers an hour apart don't count
/// together.
#[test]
fn repeated_takeovers_end_after_six() {
    let taken_over = Loss::Closed(Cause::CloseFrame(142));
    for name in MQTT {
        for held in [0, 2_000, 61_000, 128_000, 500_000] {
            let mut driver = Driver::new(preset(name));
            let waits: Vec<_> = (0..5).map(|_| driver.flap(taken_over, ms(held)).expect("a dial")).collect();
            let climbs = waits.windows(2).all(|pair| pair[0] * 3 / 2 < pair[1]);
            assert_eq!(climbs, *name == "paho-java", "{name} after {held}: {waits:?}");
            assert_eq!((driver.flap(taken_over, ms(held)), driver.gave_up), (None, Some(GiveUp::Repeated)));
            assert_eq!(driver.dials, 6, "{name} after {held}");
        }
        let mut driver = Driver::new(preset(name));
        let first = driver.flap(taken_over, ms(3_601_000)).expect("a dial");
        for _ in 0..20 {
            assert_eq!(
                driver.flap(taken_over, ms(3_601_000)).map(|wait| wait <= first.max(ms(2000))),
                Some(true)
            );
        }
    }
}
