//! What each preset does in a policy: its limits, its deadlines, its first dials.

use super::*;

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
        let (mut waits, mut lost) = (0, Duration::ZERO);
        // A dial that fails in no time is not followed by another one at once.
        let at_once = config.backoff().ceiling(1, Mode::Fresh) == Some(ms(0));
        let took = |waits| ms(u64::from(at_once && waits == 0));
        while let Some(wait) = driver.fail_after(took(waits)) {
            let elapsed = lost.saturating_add(took(waits));
            let want = backoff.next_delay(&config.backoff(), Mode::Fresh, elapsed, &mut rng);
            lost = elapsed.saturating_add(wait);
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
