//! Ready configs, with the source of every number.
//!
//! A preset is a plain constant: take it as it is, or change it with its [`to_builder`](Config::to_builder).
//!
//! [`WEBSOCKET`] and [`RECOMMENDED`] are what this project argues for. The others behave like the client they are named
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
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{Config, Establish, OnNetworkDown, OnVisible, OnWake, ResumeConfig};
use crate::ratio::Ratio;

pub mod breakers;
mod gateways;
mod libraries;
mod messaging;
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

/// What this project recommends for a protocol that says when its session is ready; take [`WEBSOCKET`] for a plain
/// socket, which never says so and would be closed here after 10 s.
///
/// | choice | why |
/// | --- | --- |
/// | the first wait is up to 1 s, not 0 | a lone client must be back within a second; a fleet must not arrive in one instant. It is a burst still: for a planned restart say so with a hint or a reconnect request |
/// | doubling | the form hardly matters: waits in proportion, exponential and decorrelated ones, each tuned, lie within 8 % (measured); doubling is what operators expect |
/// | cap 30 s | a client is back half a minute after its server at worst. Measured over 480 storms, full jitter needs 16.3 attempts a client and 1.25 times the ideal time with 30 s, 11.3 and 1.46 with 60 s, 8.9 and 1.74 with 120 s. A cap below clients / (accepts a second) can keep a server with a long queue down: raise it for such a fleet |
/// | jitter over a quarter to all of the wait, inside the cap | in the same 480 storms 14.0 attempts a client and 1.24 times the ideal time, where full jitter with the same floor needs 16.1 and 1.25: a draw near 0 is a dial too soon. It still spreads at the cap, where "jitter, then minimum" puts everybody in step |
/// | floor 250 ms | where a server sets the first wait ([`Event::BackoffHint`](crate::Event::BackoffHint)); RFC 8305 recommends 250 ms between connection attempts |
/// | attempts and time without limit | the default limits in the field (3 to 10 attempts, most of them spent within a minute) leave clients offline for good after an ordinary outage: 94 to 100 % of a fleet after 30 s (measured). "Given up" is for the user to say |
/// | reset after 30 s of a session | a reset at "connected" is the most reported bug of all: a server that accepts and drops is dialled at the first wait without end. As long as the cap, so that a flapping connection is never dialled more often than a dead one |
/// | established when the protocol says so | an open socket proves a proxy, not a session ([`Establish::OnReady`]; gRPC's SETTINGS rule). Without a greeting that starts a heartbeat, the server has as long to say it as a dial may take |
/// | 10 s to connect | twilight, Ably, python websockets; peers lie between 4 and 30 s |
/// | a wait the server asks for is spread over once its length | a constant `Retry-After` that a fleet obeys to the second brings it back as one: 28 to 41 attempts a client against 5.5 to 11 |
/// | hints up to 300 s | a broken header must not switch a client off for a day |
/// | network down: no dials, connections stay | an attempt without a network is lost, and a change of network often spares the connection (Pusher probes, Ably's drop costs a resume) |
/// | network up: within 3 s | at once would be a burst of dials, because a whole site comes back together |
/// | a hidden page waits | browsers throttle its timers to one a minute, and nobody looks (Phoenix) |
/// | network changed: a sign of life, or a new connection | a socket bound to the old route looks open until its keep-alive (MQTT.js #702, tailscale #276); where no heartbeat runs there is nothing to ask with (simplex-chat #7384) |
/// | sessions are resumed, three failures start fresh | a resume spares the server the state; carbon #364 shows what an endless one does |
/// | a session with a sequence resumes with it, one without by its token alone | which of the two a protocol has shows in what it sends |
/// | a refused session: no pause beside the wait | 1 to 5 s are Discord's alone |
/// | one renewal of a rejected credential is free, more climb | Ably's rule: a stale token costs no wait, a wrong one no storm |
/// | subscriptions in batches of 50, without pause | the strictest server seen takes 50 requests in 5 s; a larger set needs a pause |
/// | no heartbeat of its own | what to send and how often is the protocol's to say; a greeting that brings an interval starts one. Without one a half-open peer is found by TCP alone |
/// | no breaker | one connection has its backoff; a breaker is for many that share an endpoint |
pub const RECOMMENDED: Config =
    config(BACKOFF).retry_after_spread(Ratio::ONE).network(OnNetworkDown::Park, secs(3)).build_const();

/// What this project recommends for a plain socket, which says nothing of its own; take [`RECOMMENDED`] for a protocol
/// that says when its session is ready.
///
/// Everything else is as there, the backoff included.
///
/// | choice | why |
/// | --- | --- |
/// | established when it is open | nothing else will come |
/// | reset after 30 s | as long as the cap: an open socket alone proves nothing, it may be a proxy's |
/// | a heartbeat every 30 s | idle connections are cut after 55 s (Heroku's router) or 60 s (nginx, `proxy_read_timeout`), so one beat may come late; Phoenix, tRPC and zen_websocket beat every 30 s, python `websockets` every 20 s |
/// | answered within 10 s | a dead peer is found within 40 s of its last sign of life. Between tRPC's 5 s and python's 20 s; Ably and Centrifugo allow 10 s beyond the silence that they expect |
/// | any traffic answers | a busy server's pong waits behind its messages, and they prove as much |
/// | the first beat is jittered | a fleet that connects together must not beat together (Discord) |
/// | woken, visible again, network changed: a sign of life | there is a heartbeat to ask with, a lost one is found after 10 s, and a connection that lived through it is spared a dial. "It looks open and is dead" is what is reported (block/buzz #4470, Starscream #865) |
/// | sessions are resumed where something on top has one | a plain socket never reports a token, so it never resumes; a protocol on top that does wants it back |
///
/// A beat is a ping frame. A page in a browser can't send one: send a message that the server answers there. Where nothing
/// is answered, lay [`without_interval`](crate::builder::Builder::without_interval) over it, and [`OnVisible::Nothing`]: what can't be asked is dialled
/// again, which is too much for every return of a page.
pub const WEBSOCKET: Config = RECOMMENDED
    .to_builder()
    .establish(Establish::OnOpen)
    .heartbeat(
        HeartbeatConfig::new()
            .interval(secs(30))
            .liveness(Liveness::AnyTraffic)
            .answer_within(Some(secs(10)))
            .build_const(),
    )
    .on_wake(OnWake::Probe)
    .on_visible(OnVisible::Probe)
    .build_const();

/// The backoff of both.
const BACKOFF: Builder<BackoffConfig> = exponential(secs(1), Ratio::TWO, secs(30), JITTER).floor(ms(250));
const JITTER: Jitter = Jitter::Window(ratio(1, 4), Ratio::ONE);

/// Every preset with its name, as `replay` and the examples know it.
pub const ALL: &[(&str, &Config)] = &[
    ("recommended", &RECOMMENDED),
    ("websocket", &WEBSOCKET),
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
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Config> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, config)| *config)
}
