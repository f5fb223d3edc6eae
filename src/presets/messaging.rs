//! Clients of message brokers, stores, RPC and clusters.

use super::{NO_SESSION, RESUME, config, exponential, ms, ratio, secs};
use crate::backoff::{BackoffConfig, Jitter};
use crate::builder::Builder;
use crate::classify::{Cause, Class, Classifier, Match, Rule, Verdict, tables};
use crate::endpoints::{EndpointOrder, EndpointsConfig};
use crate::heartbeat::HeartbeatConfig;
use crate::policy::{Config, CredentialConfig, OnNetworkDown, RestoreConfig};
use crate::ratio::Ratio;

/// Everything at once.
const AT_ONCE: RestoreConfig = RestoreConfig::new().batches(u16::MAX, secs(0)).build_const();

/// A program without a view of the network, on a plain socket.
const fn service(backoff: Builder<BackoffConfig>) -> Builder<Config> {
    config(backoff)
        .classifier(Classifier::new(&tables::TRANSPORT).build_const())
        .network(OnNetworkDown::Ignore, secs(0))
        .resume(NO_SESSION)
}

/// MQTT.js 5.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 1 s, no jitter | `reconnectPeriod` |
/// | connect timeout | 30 s | `connectTimeout` |
/// | established | CONNACK | |
/// | session | found by the client's name, without numbers; the broker says whether it is present, and only if not everything is restored | its resubscribe rule |
/// | restore | all at once | one SUBSCRIBE for each topic |
/// | reason codes | `mqtt5` table | MQTT.js has none: it retries a refused CONNACK only with `reconnectOnConnackError` |
/// | session taken over (142) | the backoff climbs however long each connection held; the sixth within an hour of the one before is final | this project: two clients of one name throw each other out without end (espressif/esp-rainmaker-neo-firmware #1) |
///
/// Corrected: a connection counts as stable once it held 10 s, not at once. Without jitter a fleet stays in step
/// (its #561). Not covered: keep-alive, for its length goes into CONNECT, which the caller writes. MQTT.js has 60 s, pings
/// then and gives up at 90 s: here a heartbeat of 60 s with an answer within 30 s. A broker that wants another length
/// (MQTT 5's Server Keep Alive) is [`Event::KeepAlive`](crate::Event::KeepAlive).
pub const MQTT_JS: Config = service(BackoffConfig::constant(secs(1)))
    .connect_timeout(secs(30))
    .classifier(Classifier::new(&tables::MQTT5).build_const())
    .resume(RESUME)
    .restore(AT_ONCE)
    .build_const();

/// paho.mqtt.java with automatic reconnect.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 128 s, no jitter | `MqttConnectOptions` |
/// | first connect | not retried | automatic reconnect begins with the first connection |
/// | session | as for [`MQTT_JS`] | |
///
/// Corrected: it doubles while below its maximum and so exceeds one that is no 1 s × 2^k (100 s becomes 128 s); its
/// delay is one static of the process, which every client doubles and resets; it resets it at every connection, here
/// once one held 60 s.
pub const PAHO_JAVA: Config = service(exponential(secs(1), Ratio::TWO, secs(128), Jitter::None))
    .initial_limits(Some(1), None)
    .classifier(Classifier::new(&tables::MQTT5).build_const())
    .resume(RESUME)
    .restore(AT_ONCE)
    .build_const();

/// rumqttc 0.25, with a floor under its reconnects.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0, then 1 to 2 s | every call of `poll()` dials at once; the floor is this project's, MQTT.js's 1 s |
/// | connect timeout | 5 s | `NetworkOptions` |
/// | established | CONNACK | |
/// | session | as for [`MQTT_JS`] | `session_present` |
///
/// Corrected: it has no waits at all, so that only a pause in the user's loop keeps it from spinning; here the 0 is for
/// a connection that held 10 s, and the floor is jittered, or a fleet would be in step. It never resubscribes
/// where the session is gone (its #250), here everything at once. Not covered: it forgets its unacknowledged messages
/// then.
pub const RUMQTTC: Config =
    service(exponential(secs(2), Ratio::ONE, secs(2), Jitter::Equal).first_delay(secs(0)))
        .connect_timeout(secs(5))
        .classifier(Classifier::new(&tables::MQTT5).build_const())
        .resume(RESUME)
        .restore(AT_ONCE)
        .build_const();

/// nats.go, plain connections.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 2 s plus up to 100 ms | `ReconnectWait`, `ReconnectJitter` |
/// | attempts | 60 (about 2 min) | `MaxReconnect`, for each server |
/// | liveness | PING every 120 s, dead when 2 are unanswered | `PingInterval`, `MaxPingsOut` |
/// | rejected credential | one more try, then final | "same auth error twice" |
/// | restore | all subscriptions at once | |
///
/// Corrected: it resets its attempts at every connection, here once one held 10 s, so that a server which
/// accepts and drops is left after the last. One attempt here is one pass over the pool of servers, which is how
/// nats.go waits. Not covered: the pool's own counts, the buffer of pending messages.
pub const NATS_GO: Config = nats(ms(100), 60);

/// nats.go over TLS: the jitter is up to 1 s (`ReconnectJitterTLS`), all else as for [`NATS_GO`].
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 2 s plus up to 1 s | `ReconnectWait`, `ReconnectJitterTLS` |
pub const NATS_GO_TLS: Config = nats(secs(1), 60);

/// @nats-io/nats-core 3.4: 10 attempts (20 s), all else as for [`NATS_GO`].
///
/// | what | value | source |
/// | --- | --- | --- |
/// | attempts | 10 | `maxReconnectAttempts` |
pub const NATS_JS: Config = nats(ms(100), 10);

const fn nats(jitter: core::time::Duration, attempts: u32) -> Config {
    let wait =
        exponential(secs(2), Ratio::ONE, secs(2).saturating_add(jitter), Jitter::PlusFixed(secs(0), jitter));
    service(wait)
        .max_attempts(Some(attempts))
        .heartbeat(beat(secs(120), 2))
        .credential(CredentialConfig::new().rejections_max(Some(0)).build_const())
        .restore(AT_ONCE)
        .build_const()
}

const fn beat(interval: core::time::Duration, missed: u8) -> HeartbeatConfig {
    HeartbeatConfig::new().first_jitter(false).interval(interval).missed(missed).build_const()
}

/// async-nats of nats.rs.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 0, then 2 ms, ×2, 4 s, no jitter | its `reconnect_delay_callback_default`, by attempts over all servers |
/// | attempts | no limit | `max_reconnects` |
/// | connect timeout | 5 s | `connection_timeout` |
/// | liveness | PING every 60 s, dead when 2 are unanswered | `ping_interval`, `MAX_PENDING_PINGS` |
/// | several servers | least failed first; here the waits are between rounds of them | its pool |
/// | restore | all subscriptions at once | |
///
/// Corrected: its backoff starts over with its 0 at every connection, here once one held 10 s. It makes 13 dials
/// in the first 4.1 s, and without jitter a fleet stays in step.
pub const ASYNC_NATS: Config =
    service(exponential(ms(1), Ratio::TWO, secs(4), Jitter::None).first_delay(ms(0)))
        .connect_timeout(secs(5))
        .endpoints(EndpointsConfig::new().order(EndpointOrder::LeastFailed).build_const())
        .heartbeat(beat(secs(60), 2))
        .restore(AT_ONCE)
        .build_const();

/// redis-rs `ConnectionManager`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 100 ms, ×2, plus up to as much again | its `ExponentialBuilder` with jitter. Its documentation says full jitter, its code does not |
/// | longest wait | 120 s | backon's cap of 60 s, before the jitter |
/// | attempts | 6 (6.3 to 12.6 s) | `number_of_retries` |
///
/// Corrected: every cycle starts over, here once a connection held 60 s. Not covered: it dials on demand, when a
/// command fails, and starts over with the next command; its opt-in resubscription ignores failures, here they are
/// retried.
pub const REDIS_RS: Config = service(exponential(ms(100), Ratio::TWO, secs(120), Jitter::Plus(Ratio::ONE)))
    .max_attempts(Some(6))
    .build_const();

/// gRPC's connection backoff (`connection-backoff.md`, C core).
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×1.6, 120 s, ±20 % | INITIAL, MULTIPLIER, MAX, JITTER |
/// | connect timeout | 20 s, or the wait that would follow the dial, where that is longer | MIN_CONNECT_TIMEOUT |
/// | a wait begins | with the dial that failed | its pseudocode sets the deadline before the attempt |
/// | established | SETTINGS | the document: reset when they are received |
///
/// Corrected: at its cap the C core waits up to 144 s, here below 120 s; the first ten waits are the same. It starts
/// over at every SETTINGS, here once a connection held 60 s.
pub const GRPC: Config = grpc(exponential(secs(1), ratio(8, 5), secs(120), Jitter::PlusMinus(ratio(1, 5))))
    .wait_from_dial(true)
    .build_const();

/// grpc-go: the first wait is 1 s exactly (`retries == 0`), and waits count from the failure.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s without jitter, then as for [`GRPC`] | `backoff.Exponential` |
///
/// Not covered: after a loss it is idle until somebody calls.
pub const GRPC_GO: Config =
    grpc(exponential(secs(1), ratio(8, 5), secs(120), Jitter::PlusMinus(ratio(1, 5))).exact_first())
        .build_const();

const fn grpc(backoff: Builder<BackoffConfig>) -> Builder<Config> {
    service(backoff).connect_timeout(secs(20)).connect_timeout_growing(true).restore(RestoreConfig::DISABLED)
}

/// tonic's channel and tower's `reconnect`, with a floor under their dials.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0, then the second wait of [`GRPC`] and so on | the next call dials at once; the floor is what the gRPC document asks of a client |
/// | connect timeout | 20 s | as for [`GRPC`]; tonic has none unless told |
///
/// Corrected: a failed dial is the answer to the next call and the one after it dials again, as often as there are
/// calls (tower #60); here the 0 is for a connection that held 60 s. Not covered: it dials on demand only;
/// [`Event::Hold`](crate::Event::Hold) while there are no calls does that.
pub const TONIC: Config =
    grpc(exponential(secs(1), ratio(8, 5), secs(120), Jitter::PlusMinus(ratio(1, 5))).first_delay(secs(0)))
        .build_const();

/// fred 10.1.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 1 s plus up to 100 ms | `ReconnectPolicy`'s default, `Constant` |
/// | attempts | no limit | `max_attempts` of 0 |
///
/// Corrected: it resets its count at every connection, here once one held 10 s. Its exponential and linear policies
/// jitter first and cap then, so that at the cap a fleet is in step.
pub const FRED: Config =
    service(exponential(secs(1), Ratio::ONE, ms(1_100), Jitter::PlusFixed(ms(0), ms(100)))).build_const();

/// The reflector (list and watch) of Kubernetes' client-go.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 800 ms, ×2, 30 s, plus up to as much again | `NewExponentialBackoffManager` in the reflector |
/// | longest wait | 60 s | the 30 s are before the jitter |
/// | reset | once a watch held 2 min | the comment in its code |
/// | 410 Gone | a full list: the session is dropped | `isExpiredError` |
/// | resume | from the last `resourceVersion` | |
///
/// Corrected: the present `DelayWithReset` starts over every 2 minutes in the midst of an outage, 46 attempts in 15
/// minutes instead of 27. Not covered: the watch's own time-out of 5 to 10 minutes.
pub const K8S_REFLECTOR: Config =
    service(exponential(ms(800), Ratio::TWO, secs(60), Jitter::Plus(Ratio::ONE)))
        .reset_after_stable(secs(120))
        .classifier(
            Classifier::new(&tables::TRANSPORT)
                .rule(Rule::new(Match::Is(Cause::Http(410)), Verdict::new(Class::Fresh)))
                .build_const(),
        )
        .resume(RESUME)
        .restore(RestoreConfig::DISABLED)
        .build_const();

/// go-libp2p's dial backoff for one peer (an old layout of its swarm).
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 5 s, then 5 s + tries² × 1 s | `BackoffBase`, `BackoffCoef` |
/// | longest wait | 305 s | `BackoffMax` of 300 s on the second term |
/// | reset | at success | |
///
/// Corrected: a success forgets the waits, here a connection that held 60 s. Without jitter a fleet stays in
/// step. Not covered: a dial during the wait fails at once.
pub const LIBP2P_GO: Config = service(BackoffConfig::quadratic(secs(5), secs(1), secs(305)))
    .restore(RestoreConfig::DISABLED)
    .build_const();
