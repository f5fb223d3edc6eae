//! What this project recommends.

use core::time::Duration;

use super::{config, exponential, ms, ratio, secs};
use crate::backoff::{BackoffConfig, Jitter};
use crate::builder::Builder;
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{Config, Establish, OnNetworkDown, OnVisible, OnWake};
use crate::ratio::Ratio;

/// Windows of this scale, and waits of at most so long; both in seconds.
const fn windows(scale: u64, longest: u64) -> Builder<BackoffConfig> {
    BackoffConfig::windows(FIRST, secs(scale)).max_delay(secs(longest))
}

/// The first window of all of them: its middle is what a lone client waits, as a median.
const FIRST: Duration = ms(1_750);

const fn ours(backoff: Builder<BackoffConfig>) -> Builder<Config> {
    config(backoff).retry_after_spread(Ratio::ONE).network(OnNetworkDown::Park, secs(3))
}

/// What this project recommends for a protocol that says when its session is ready; take [`WEBSOCKET`] for a plain
/// socket, which never says so and would be closed here after 10 s.
///
/// In three sets of 240 simulated storms, of 10,000 clients each, it takes 6.2 to 6.3 dials a client, and 99 % are back after 1.54
/// times the time that the servers need; full jitter doubling to 120 s takes 8.8 to 8.9 dials and 1.66 to 1.68 times that. A server whose
/// queue is longer than the patience of its clients drains it in 4 times the time that it needs. A lone client is back
/// 1 s after a drop, and 1.8 s after the end of a blip of 2 s, as medians. `STORMS.md` has the tables, and says when not to take it: for
/// few clients [`FEW`], where every second after a long outage counts [`EAGER`].
///
/// | choice | why |
/// | --- | --- |
/// | the first wait is up to 1.75 s, not 0 | a lone client must be back within a second, as the median is; a fleet must not arrive in one instant. It is a burst still: for a planned restart say so with a hint or a reconnect request |
/// | one dial in each of consecutive [windows](BackoffConfig::windows), at a phase that is drawn once an outage | what any exponential wastes: clients that draw again for every wait come twice in one stretch and leave the next one empty. For the same dials a fleet is back in a tenth less time |
/// | a scale of 40 s, and waits of at most 300 s | the waits grow with the square root of the time lost: a minute after one minute is too much, and half a minute after an hour too little. A server whose queue is longer than the patience of its clients recovers only if they come more rarely than it can serve all of them, which no cap of 30 s allows with more than 30 s of work |
/// | attempts and time without limit | the default limits in the field (3 to 10 attempts, most of them spent within a minute) leave clients offline for good after an ordinary outage: 94 to 100 % of a fleet after 30 s (measured). "Given up" is for the user to say |
/// | reset after 60 s of a session | a reset at "connected" is the most reported bug of all: a server that accepts and drops is dialled at the first wait without end. A minute of service proves more than a flapping server has to offer |
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
pub const RECOMMENDED: Config = ours(windows(40, 300)).build_const();

/// What this project recommends for a plain socket, which says nothing of its own; take [`RECOMMENDED`] for a protocol
/// that says when its session is ready.
///
/// Everything else is as there, the backoff included.
///
/// | choice | why |
/// | --- | --- |
/// | established when it is open | nothing else will come |
/// | reset after 60 s | an open socket alone proves nothing, it may be a proxy's |
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

/// [`RECOMMENDED`] with a scale of 16 s, for clients of a service whose operator would rather have them back soon than save dials.
///
/// In the storms of [`RECOMMENDED`]'s documentation it takes 7.9 to 8.1 dials a client, and 99 % are back after 1.32 to 1.35 times the
/// time that the servers need. A server whose queue is longer than the patience of its clients takes 7 times that.
pub const FLEET: Config = ours(windows(16, 300)).build_const();

/// [`RECOMMENDED`] with a scale of 8 s, for clients for whom every second counts, on servers that can refuse cheaply.
///
/// In the storms of [`RECOMMENDED`]'s documentation it takes 9.9 to 10.2 dials a client, and 99 % are back after 1.23 to 1.26 times the
/// time that the servers need. A server whose queue is longer than the patience of its clients takes 13 times that.
pub const EAGER: Config = ours(windows(8, 300)).build_const();

/// For few clients, which no storm concerns: bots, workers, a tool for one person. Otherwise [`RECOMMENDED`].
///
/// It doubles from 1 s to 30 s, with a jitter over a quarter to all of each wait, so that a client is back half a minute after
/// its server at worst, whatever the outage was; after a drop it is back after 0.7 s, as a median. In the storms of
/// [`RECOMMENDED`]'s documentation it takes 13.7 to 14.3 dials a client for 1.22 to 1.24 times the time that the servers
/// need, and a server with more than 30 s of work in its queue may never recover.
pub const FEW: Config =
    ours(exponential(secs(1), Ratio::TWO, secs(30), Jitter::Window(ratio(1, 4), Ratio::ONE))).build_const();

/// [`RECOMMENDED`] with a scale of 160 s and waits of at most 15 minutes, for devices on battery, where a dial costs more than a minute
/// of silence.
///
/// In the storms of [`RECOMMENDED`]'s documentation it takes 5.1 dials a client, and 99 % are back after twice the time that
/// the servers need.
pub const BATTERY: Config = ours(windows(160, 900)).build_const();
