//! Ready configs, with the source of every number.
//!
//! A preset is a plain constant: take it as it is, or change it with its [`to_builder`](Config::to_builder).
//!
//! [`RECOMMENDED`] and [`WEBSOCKET`], and beside them [`FLEET`], [`EAGER`], [`FEW`] and [`BATTERY`], are what this project argues
//! for. The others behave like the client they are named
//! after: its waits to the millisecond, its limits, its time-outs, as far as a [`Config`] can say them. What a preset's
//! table does not list has the default of [`Config::new`]; what it can't say stands under "not covered". Where the peer's
//! own formula is faulty (jitter that the cap swallows, waits above the cap, overflow, no guard against a server that
//! accepts and drops), the preset is the corrected one and says so.
//!
//! **Stable after.** Most peers reset their backoff the moment they are connected, so a server that accepts and drops is
//! dialled at their first wait without end: the most reported bug of all. A preset whose peer has no guard keeps the
//! default of [`Config::reset_after_stable`], the cap of its backoff, 10 s at least and 60 s at most. As long as the
//! cap, as the storm model suggests, for then a server that flaps is dialled no more often than one that is dead. 10 s at
//! least, which is what a dial may take: a cap of 1 s proves nothing about a server. 60 s at most, or a backoff without a
//! cap would never reset (ThetaDataDx #540 has 60 s; Discord's clients are argued apart). The waits after failed dials
//! stay as they are. A limit of attempts or time counts drops of unstable connections too.
//!
//! **A refused session.** Only Discord asks for a pause of 1 to 5 s before the fresh start, so only the presets of its
//! clients have one. Everywhere else the next dial waits as after any loss.
//!
//! **A move of the default route.** No peer hears of one; a caller that reports it
//! ([`Event::NetworkChanged`](crate::Event::NetworkChanged)) gets the default, a sign of life or a new connection, from
//! every preset. A preset that ignores the network ignores that it went and came back.
//!
//! The presets of brokers, stores, RPC and clusters read the `transport` table (MQTT's the `mqtt5` table), keep no
//! session and ignore that the network went and came back, unless theirs says otherwise.
//!
//! Versions read: centrifuge-js 5.8.0, Ably specification 6.1.0 with ably-js 2.28, Phoenix 1.8.16, @microsoft/signalr
//! 10.0.11, socket.io-client 4.8.4, reconnecting-websocket 4.4.0, partysocket 1.3.0, graphql-ws 6.4.2, pusher-js
//! f53faf9, MQTT.js 5 (aa03369), paho.mqtt.java 9c742c1, nats.go 850f889, nats-core 3.4.0, nats.rs d00e6b5, redis-rs
//! 88fb4d6, rumqttc 0.25.1, fred 10.1, rust_socketio a4e5287, gRPC's connection-backoff.md with grpc-go 4793ad0, tonic
//! with tower 8358ee7, client-go 32ce75a, Polly 173d6d1, resilience4j af9e7c9, aws-arch-backoff-simulator 66cb169,
//! ezsockets e253cf5, stubborn-io 0.3.6, tower 0.5, backon 1.6, backoff 0.4, carbon 0.16, omi #5617, twilight-gateway
//! after #2505, zen_websocket 0.7.1.

use core::time::Duration;

use crate::backoff::{BackoffConfig, Jitter};
use crate::builder::Builder;
use crate::policy::{Config, ResumeConfig};
use crate::ratio::Ratio;

pub mod breakers;
mod gateways;
mod libraries;
mod messaging;
mod ours;
mod realtime;

pub use gateways::{CARBON, DISCORD_GATEWAY, OMI, TWILIGHT, WEBSOCKEX_GUIDE, ZEN_WEBSOCKET};
pub use libraries::{
    AWS_DECORRELATED, AWS_EQUAL, AWS_FULL, BACKOFF_CRATE, BACKON, EZSOCKETS, POLLY, POLLY_RETRY, STUBBORN_IO,
    TOWER,
};
pub use messaging::{
    ASYNC_NATS, FRED, GRPC, GRPC_GO, K8S_REFLECTOR, LIBP2P_GO, MQTT_JS, NATS_GO, NATS_GO_TLS, NATS_JS,
    PAHO_JAVA, REDIS_RS, RUMQTTC, TONIC,
};
pub use ours::{BATTERY, EAGER, FEW, FLEET, RECOMMENDED, WEBSOCKET};
pub use realtime::{
    ABLY, CENTRIFUGE, GRAPHQL_WS, PARTYSOCKET, PHOENIX, PHOENIX_REJOIN, PUSHER, RECONNECTING_WEBSOCKET,
    RUST_SOCKETIO, SIGNALR, SOCKET_IO,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ratio(num: u32, den: u32) -> Ratio {
    Ratio::new_const(num, den)
}

/// `initial × factor^(n - 1)` up to `max`, with this jitter.
const fn exponential(
    initial: Duration,
    factor: Ratio,
    max: Duration,
    jitter: Jitter,
) -> Builder<BackoffConfig> {
    BackoffConfig::exponential(initial, factor, max).jitter(jitter)
}

/// A session that is refused without a pause before the fresh start.
const RESUME: ResumeConfig = ResumeConfig::new().invalid_wait(ms(0), ms(0)).build_const();
/// No session, and no pause where a caller reports a refused one all the same.
const NO_SESSION: ResumeConfig = RESUME.to_builder().enabled(false).build_const();

/// The defaults, but for a pause that only Discord asks for, and for a server's wait, which the peers keep exactly.
const fn config(backoff: Builder<BackoffConfig>) -> Builder<Config> {
    Config::new(backoff.build_const()).resume(RESUME).retry_after_spread(Ratio::ZERO)
}

/// Every preset with its name, as `replay` and the examples know it.
pub const ALL: &[(&str, &Config)] = &[
    ("recommended", &RECOMMENDED),
    ("websocket", &WEBSOCKET),
    ("fleet", &FLEET),
    ("eager", &EAGER),
    ("few", &FEW),
    ("battery", &BATTERY),
    ("discord-gateway", &DISCORD_GATEWAY),
    ("carbon", &CARBON),
    ("twilight", &TWILIGHT),
    ("omi", &OMI),
    ("websockex-guide", &WEBSOCKEX_GUIDE),
    ("zen-websocket", &ZEN_WEBSOCKET),
    ("centrifuge", &CENTRIFUGE),
    ("ably", &ABLY),
    ("phoenix", &PHOENIX),
    ("signalr", &SIGNALR),
    ("socket-io", &SOCKET_IO),
    ("rust-socketio", &RUST_SOCKETIO),
    ("reconnecting-websocket", &RECONNECTING_WEBSOCKET),
    ("partysocket", &PARTYSOCKET),
    ("graphql-ws", &GRAPHQL_WS),
    ("pusher", &PUSHER),
    ("mqtt-js", &MQTT_JS),
    ("paho-java", &PAHO_JAVA),
    ("rumqttc", &RUMQTTC),
    ("nats-go", &NATS_GO),
    ("nats-go-tls", &NATS_GO_TLS),
    ("nats-js", &NATS_JS),
    ("async-nats", &ASYNC_NATS),
    ("redis-rs", &REDIS_RS),
    ("fred", &FRED),
    ("grpc", &GRPC),
    ("grpc-go", &GRPC_GO),
    ("tonic", &TONIC),
    ("k8s-reflector", &K8S_REFLECTOR),
    ("libp2p-go", &LIBP2P_GO),
    ("aws-full", &AWS_FULL),
    ("aws-equal", &AWS_EQUAL),
    ("aws-decorrelated", &AWS_DECORRELATED),
    ("stubborn-io", &STUBBORN_IO),
    ("tower", &TOWER),
    ("backon", &BACKON),
    ("backoff-crate", &BACKOFF_CRATE),
    ("polly", &POLLY),
    ("polly-retry", &POLLY_RETRY),
    ("ezsockets", &EZSOCKETS),
];

/// The preset of this name.
///
/// ```
/// use redial::presets;
///
/// // From a command line, or a file.
/// let config = presets::by_name("discord-gateway").expect("a preset");
/// assert_eq!(config, &presets::DISCORD_GATEWAY);
/// assert!(presets::by_name("dicsord").is_none());
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Config> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, config)| *config)
}
