//! Clients of realtime services, most of them for browsers.

use super::{NO_SESSION, RESUME, config, exponential, ms, ratio, secs};
use crate::backoff::{AfterTable, BackoffConfig, Jitter};
use crate::builder::Builder;
use crate::classify::{Classifier, tables};
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{Config, Establish, OnNetworkDown, RestoreConfig};
use crate::ratio::Ratio;

/// Everything at once.
const AT_ONCE: RestoreConfig = RestoreConfig::new().batches(u16::MAX, secs(0)).build_const();

/// centrifuge-js and Centrifugo's client specification.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0.5 s plus full jitter over 0.5 s × 2^n, cap 20 s | `backoff(step, 500, 20000)` |
/// | connect timeout | 5 s | `timeout` |
/// | reset | at the connect reply | its handler |
/// | offline, online | dropped; dialled at once | its window events |
/// | close codes | `centrifuge` table | 3000-3499 and 4000-4499 reconnect, others do not |
/// | restore | everything in one batch, with positions | optimistic subscribe |
///
/// Corrected: it starts over at every connect reply, here once a connection held 20 s, its cap. One draw in forty
/// is the cap itself, as with the peer. The refresh of a token (109) is
/// [`Cause::AuthRejected`](crate::Cause::AuthRejected). Not covered: the server's own pings (25 s and 10 s of grace),
/// the 5 to 10 s between refreshes, the fallback to other transports.
pub const CENTRIFUGE: Config = config(exponential(ms(500), Ratio::TWO, secs(20), Jitter::AboveInitial))
    .connect_timeout(secs(5))
    .classifier(Classifier::new(&tables::CENTRIFUGE).build_const())
    .network(OnNetworkDown::Drop, secs(0))
    .defer_while_hidden(false)
    .restore(AT_ONCE)
    .build_const();

/// Ably's specification and ably-js.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0, then 15, 20, 25, 30 s, each less up to 20 % | RTN15a; RTB1 with `disconnectedRetryTimeout` |
/// | between two dials | 1 s at least | ably-js: one immediate retry a second |
/// | reset | at CONNECTED | ably-js |
/// | connect timeout | 10 s | `realtimeRequestTimeout` |
/// | offline, online | dropped; dialled at once, and again where a dial is in progress | RTN20 |
/// | SUSPENDED | every 30 s from 120 s on, less up to 20 % | `suspendedRetryTimeout`, `connectionStateTtl` |
/// | fallback hosts | the primary first, the others at random, 10 min with one that worked | RTN17, RSC15f |
/// | resume | always tried | RTN14h |
/// | rejected token | one free renewal, then the backoff | RTN14b |
/// | restore | every channel at once | RTL3d |
///
/// Corrected: its SUSPENDED has no jitter, which brings a fleet back into step; it starts over at every CONNECTED, here
/// once a connection held 30 s, its cap. Not covered: liveness by the server's idle interval and 10 s; its check
/// of the internet before a fallback. After a first dial that failed it waits 15 s, here until 1 s after that dial: a
/// config has one first wait, whatever failed, and the later ones follow a step behind.
pub const ABLY: Config = config(
    BackoffConfig::table(&[secs(0), secs(15), secs(20), secs(25), secs(30)], AfterTable::RepeatLast)
        .jitter(Jitter::Minus(ratio(1, 5))),
)
.connect_timeout(secs(10))
.min_interval(secs(1))
.network(OnNetworkDown::Drop, secs(0))
.restart_on_network_up(true)
.long_outage(secs(120), exponential(secs(30), Ratio::ONE, secs(30), Jitter::Minus(ratio(1, 5))).build_const())
.defer_while_hidden(false)
.resume(RESUME.to_builder().failures_max(u8::MAX).build_const())
.restore(AT_ONCE)
.build_const();

/// Phoenix `Socket`, 1.8.16.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000 ms, no jitter | `reconnectAfterMs` |
/// | reset | when the socket is open | its `onConnOpen` |
/// | heartbeat | 30 s, dead at the first one unanswered | `heartbeatIntervalMs` |
/// | hidden page | no dial until it is visible | its visibility handler |
/// | restore | every channel at once | its `rejoin` |
///
/// Corrected: it starts over at every open socket, here once a connection held 10 s. Without jitter a fleet stays
/// in step: 118 dials a client in a modelled outage of 60 s. It tells no close code apart; here the `websocket` table
/// does (1000 reconnects, as in 1.8.16). Not covered: the rejoins' own waits, because a config has one backoff; a caller
/// that wants them reports a failed join as final and subscribes again after [`PHOENIX_REJOIN`]. The fallback to long
/// polling.
pub const PHOENIX: Config = config(BackoffConfig::table(
    &[ms(10), ms(50), ms(100), ms(150), ms(200), ms(250), ms(500), ms(1000), ms(2000), ms(5000)],
    AfterTable::RepeatLast,
))
.establish(Establish::OnOpen)
.heartbeat(HeartbeatConfig::new().first_jitter(false).interval(secs(30)).build_const())
.network(OnNetworkDown::Ignore, secs(0))
.resume(NO_SESSION)
.restore(AT_ONCE)
.build_const();

/// How long a Phoenix channel waits after a join that failed: 1, 2, 5, then 10 s (`rejoinAfterMs`). Not a preset, but
/// what [`PHOENIX`] can't say.
pub const PHOENIX_REJOIN: BackoffConfig =
    BackoffConfig::table(&[secs(1), secs(2), secs(5), secs(10)], AfterTable::RepeatLast).build_const();

/// SignalR `HubConnection` with automatic reconnect.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0, 2, 10, 30 s, then given up (42 s) | `DEFAULT_RETRY_DELAYS_IN_MILLISECONDS` |
/// | first connect | not retried | its `start()` fails |
/// | reset | at the handshake | each reconnect counts for itself |
/// | heartbeat | 15 s; dead at the first of them after 30 s of silence | `keepAliveInterval`, `serverTimeout` |
/// | restore | nothing: groups are the server's | |
///
/// Corrected: the table starts over with its 0 at every handshake, here once a connection held 30 s, its cap. Not
/// covered: death at 30 s of silence to the second, for a heartbeat looks when it beats, every 15 s, and so finds it at
/// 30 to 45 s (a driver that keeps the 30 s itself reports [`Cause::Timeout`](crate::Cause::Timeout));
/// `allowReconnect` of the close message; the opt-in stateful reconnect.
pub const SIGNALR: Config =
    config(BackoffConfig::table(&[secs(0), secs(2), secs(10), secs(30)], AfterTable::GiveUp))
        .initial_limits(Some(1), None)
        .heartbeat(
            HeartbeatConfig::new()
                .first_jitter(false)
                .liveness(Liveness::AnyTraffic)
                .interval(secs(15))
                .missed(2)
                .build_const(),
        )
        .network(OnNetworkDown::Ignore, secs(0))
        .defer_while_hidden(false)
        .resume(NO_SESSION)
        .restore(RestoreConfig::DISABLED)
        .build_const();

/// socket.io-client 4.8, with backo2's jitter corrected.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 5 s, ±50 % | `reconnectionDelay`, `reconnectionDelayMax`, `randomizationFactor` |
/// | attempts | no limit | `reconnectionAttempts` |
/// | connect timeout | 20 s | `timeout` |
/// | reset | when the socket is open | its `onreconnect` |
/// | resume | without numbers: private id and offset | connection state recovery |
/// | restore | nothing: rooms are the server's | |
///
/// Corrected: backo2 jitters first and caps then, so that from the fifth retry on every client waits 5000 ms exactly;
/// its power becomes infinite after 1014 doublings and half of the waits 0 ms; a cap above 2^31 ms makes them
/// negative. Here the jitter is the same ±50 %, inside the cap, and its sign not tied to its size. It starts over at
/// every open socket, here once a connection held 10 s. Not covered: "io server disconnect", which stays
/// disconnected; the server's pings.
pub const SOCKET_IO: Config =
    config(exponential(secs(1), Ratio::TWO, secs(5), Jitter::PlusMinus(ratio(1, 2))))
        .connect_timeout(secs(20))
        .establish(Establish::OnOpen)
        .defer_while_hidden(false)
        .restore(RestoreConfig::DISABLED)
        .build_const();

/// rust_socketio, a4e5287.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×1.5, 5 s, ±50 % | `reconnect_delay` and the rest of `ExponentialBackoff` |
/// | time | 15 min | the `backoff` crate's `max_elapsed_time` |
/// | restore | nothing: rooms are the server's | |
///
/// Corrected: after the 15 minutes it dials without a pause, here it has given up; its jitter goes above its cap; it
/// starts over at every open socket (the blocking client never), here once a connection held 10 s.
pub const RUST_SOCKETIO: Config =
    config(exponential(secs(1), ratio(3, 2), secs(5), Jitter::PlusMinus(ratio(1, 2))))
        .max_elapsed(Some(secs(900)))
        .establish(Establish::OnOpen)
        .resume(NO_SESSION)
        .restore(RestoreConfig::DISABLED)
        .build_const();

/// reconnecting-websocket 4.4.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 1 to 5 s, ×1.3, 10 s | `minReconnectionDelay` of 1000 + U(0, 4000), `reconnectionDelayGrowFactor`, `maxReconnectionDelay` |
/// | connect timeout | 4 s | `connectionTimeout` |
/// | stable after | 5 s | `minUptime` |
///
/// Corrected: the peer draws its first wait once for the life of the page and ends at 10 s exactly; here every wait is
/// drawn, over the same range below the cap and over 2 to 10 s at it. Not covered: its queue of messages.
pub const RECONNECTING_WEBSOCKET: Config =
    websocket(exponential(secs(5), ratio(13, 10), secs(10), Jitter::Window(ratio(1, 5), Ratio::ONE)));

/// partysocket 1.3, the heir of reconnecting-websocket.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 3 s, ×1.3, 10 s, no jitter | `minReconnectionDelay` of 3000 |
/// | connect timeout, stable after | 4 s, 5 s | as for [`RECONNECTING_WEBSOCKET`] |
///
/// Without jitter a fleet stays in step.
pub const PARTYSOCKET: Config = websocket(exponential(secs(3), ratio(13, 10), secs(10), Jitter::None));

const fn websocket(backoff: Builder<BackoffConfig>) -> Config {
    config(backoff)
        .connect_timeout(secs(4))
        .establish(Establish::OnOpen)
        .reset_after_stable(secs(5))
        .network(OnNetworkDown::Ignore, secs(0))
        .defer_while_hidden(false)
        .resume(NO_SESSION)
        .restore(RestoreConfig::DISABLED)
        .build_const()
}

/// graphql-ws 6.4.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 1 s × 2^n plus 300 to 3000 ms | `randomisedExponentialBackoff` |
/// | attempts | 5 (32.5 to 46 s) | `retryAttempts` |
/// | longest wait | 19 s | the fifth: 16 s and 3 s |
/// | reset | at `connection_ack` | |
/// | close codes | `graphql-ws` table | its fatal codes |
/// | restore | every live subscription at once | each repeats its `subscribe` |
///
/// Corrected: it resets its attempts at every `connection_ack`, here once a connection held 19 s, its longest wait.
/// Not covered: no dial while nobody is subscribed ([`Event::Stop`](crate::Event::Stop) and `Start` do that).
pub const GRAPHQL_WS: Config =
    config(exponential(secs(1), Ratio::TWO, secs(19), Jitter::PlusFixed(ms(300), ms(3000))))
        .max_attempts(Some(5))
        .classifier(Classifier::new(&tables::GRAPHQL_WS).build_const())
        .network(OnNetworkDown::Ignore, secs(0))
        .defer_while_hidden(false)
        .resume(NO_SESSION)
        .restore(AT_ONCE)
        .build_const();

/// pusher-js.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 1 s, no jitter | its connection manager's `retryIn` |
/// | connect timeout | 30 s | its strategy has 15 s, doubled to 60 s |
/// | close codes | `pusher` table | 40xx refused, 41xx after 1 s, 42xx retried |
/// | a request to reconnect | at once, after a connection that held 10 s | how a driver reports 42xx |
/// | offline, online | asked for a sign of life, within 30 s; dialled at once | its network events, `pongTimeout` |
/// | heartbeat | every 120 s, dead 30 s after one that nothing answers | `activityTimeout`, `pongTimeout` |
/// | restore | every channel at once, each authorised | `subscribeAll` |
///
/// Corrected: a connection counts as stable once it held 10 s, so that 42xx can't make a client spin. Without
/// jitter a fleet stays in step. Not covered: 42xx without a wait as a close code, for a verdict can raise a wait and
/// not shorten it (it waits 1 s); a driver that reports it as
/// [`Event::ReconnectRequested`](crate::Event::ReconnectRequested) is answered at once. A beat only after 120 s of silence: here
/// it comes every 120 s, whatever was received (the server's shorter `activity_timeout` is
/// [`Event::KeepAlive`](crate::Event::KeepAlive)). 4000 over TLS only; "unavailable" after 10 s.
pub const PUSHER: Config = config(BackoffConfig::constant(secs(1)))
    .connect_timeout(secs(30))
    .requested_spread(Some(secs(0)))
    .classifier(Classifier::new(&tables::PUSHER).build_const())
    .heartbeat(
        HeartbeatConfig::new()
            .first_jitter(false)
            .liveness(Liveness::AnyTraffic)
            .interval(secs(120))
            .answer_within(Some(secs(30)))
            .build_const(),
    )
    .network(OnNetworkDown::Probe, secs(0))
    .defer_while_hidden(false)
    .resume(NO_SESSION)
    .restore(AT_ONCE)
    .build_const();
