//! The waits that each peer publishes.

use super::*;

/// A preset's least and longest wait in ms, and its waits with the shared draws.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) floor: u64,
    pub(crate) cap: u64,
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

/// One phase, of the first draw, in windows of 1.75 s, 3.5, 10.5, 25.099, 40.422 s and so on; the sum of the waits is the time lost.
const WINDOWS_OF_40_S: &[f64] =
    &[175.0, 1925.0, 4200.0, 11_959.9, 26_631.3, 42_081.4, 58_751.7, 76_158.7, 94_050.3];

pub(crate) const VECTORS: &[Vector] = &[
    vector("recommended", 0, 300_000, WINDOWS_OF_40_S),
    vector("websocket", 0, 300_000, WINDOWS_OF_40_S),
    vector(
        "fleet",
        0,
        300_000,
        &[175.0, 1925.0, 4066.5, 9767.1, 15_843.6, 22_452.5, 29_378.6, 36_509.3, 43_782.9],
    ),
    vector(
        "eager",
        0,
        300_000,
        &[175.0, 1925.0, 3798.0, 6800.7, 10_027.2, 13_441.5, 16_974.8, 20_588.8, 24_261.1],
    ),
    vector("few", 250, 30_000, QUARTER_TO_30_S),
    vector(
        "battery",
        0,
        900_000,
        &[175.0, 1925.0, 4200.0, 12_600.0, 37_044.8, 92_906.4, 153_072.3, 218_817.5, 287_861.8],
    ),
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

pub(crate) fn preset(name: &str) -> &'static Config {
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
