//! Known faults of the peers that the presets do not have.

use super::*;

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
