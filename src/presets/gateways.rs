//! Clients of chat gateways and of the systems that this project grew out of.

use super::{NO_SESSION, config, exponential, ms, ratio, secs};
use crate::backoff::{AfterTable, BackoffConfig, Jitter};
use crate::breaker;
use crate::builder::Builder;
use crate::classify::{Cause, Class, Classifier, Match, Rule, Verdict, tables};
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{Config, Establish, RestoreConfig, ResumeConfig};
use crate::ratio::Ratio;

/// A session that is resumed with its token and the number of the newest event, never without (documentation, "Resume").
const SESSION: ResumeConfig = ResumeConfig::new().sequence_needed(true).build_const();

/// Discord's rules of hello, heartbeat and session, which its clients share; and when a connection counts as stable:
/// with 120 s a gateway that drops whatever it made ready is identified to 720 times a day at most, of 1000 allowed.
const fn discord(config: Builder<Config>) -> Builder<Config> {
    config
        .classifier(Classifier::new(&tables::DISCORD_GATEWAY).build_const())
        .heartbeat(HeartbeatConfig::new().required(true).build_const())
        .resume(SESSION)
        .reset_after_stable(secs(120))
        // A rate limit is the client's own.
        .retry_after_spread(Ratio::ZERO)
}

/// A Discord gateway: hello, heartbeat, identify or resume, READY or RESUMED.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | full jitter, 1 s, ×2, 30 s before a resume, 600 s before an identify | vellum-assistant: 86,400 s / (600 s / 2) stays below 1000 identifies a day |
/// | floor | 250 ms | this project: no burst of dials at 0 ms |
/// | stable after | 120 s | vellum-assistant; no more than 720 identifies a day however it flaps |
/// | reconnect request (op 7) | within 1 s when the session was stable | documentation: "immediately"; discord-api-docs #1369: with some jitter |
/// | connect timeout | 10 s | twilight |
/// | hello timeout | 30 s | vellum-assistant |
/// | heartbeat | from hello, first one jittered, dead at the first miss | documentation, "Heartbeat Interval" |
/// | invalid session | 1 to 5 s before the fresh start | documentation of 2018-2022; carbon, discordeno |
/// | resume | needs the sequence | documentation, "Resume": token, session id and the last sequence |
/// | failed resumes | 3, then fresh | carbon #364 |
/// | session endpoint | left after its first failed dial | twilight |
/// | close before a resume | 4000 | twilight, vellum-assistant |
/// | close codes | `discord-gateway` table | discord-api-docs, PR #7172 |
pub const DISCORD_GATEWAY: Config = discord(
    Config::new(
        exponential(secs(1), Ratio::TWO, secs(30), Jitter::Full)
            .max_fresh(secs(600))
            .floor(ms(250))
            .build_const(),
    )
    .greeting(Some(secs(30))),
)
.requested_spread(Some(secs(1)))
.build_const();

/// buape/carbon 0.16, `GatewayPlugin`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 30 s, ±15 % | `reconnect` defaults and `computeReconnectDelay`; 4 to 5 attempts never see the cap |
/// | attempts | 5 (31 s of outage, then given up for good) | `maxAttempts` |
/// | stable after | 120 s | as for [`DISCORD_GATEWAY`]; carbon's own reset is at READY or RESUMED (#345) |
/// | reconnect request (op 7) | at once, when the session was stable | `computeReconnectDelay` |
/// | heartbeat | from hello, first one jittered, dead at the first miss | bc092ea |
/// | invalid session, failed resumes | 1 to 5 s; 3 | 67d403b, #364 |
/// | close codes | `discord-gateway` table | `handleClose` agrees but for 4001, which it resumes |
///
/// Corrected: carbon identifies 1212 times an hour to a gateway that answers each READY with "session invalid"; here
/// the fifth is its last attempt, for only a stable session ends an outage. At the cap carbon waits up to 34.5 s,
/// here below 30 s; without hello it waits indefinitely, here as long as a dial may take; it closes with 1000 before a
/// resume, here with 4000. Not covered: its health metrics.
pub const CARBON: Config = discord(
    Config::new(exponential(secs(1), Ratio::TWO, secs(30), Jitter::PlusMinus(ratio(3, 20))).build_const())
        .greeting(None),
)
.max_attempts(Some(5))
.requested_spread(Some(ms(0)))
.build_const();

/// twilight-gateway, the state after its #2505.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 0, then 1 s doubling to 255 s, no jitter | the delay of its shard, a saturating u8 of seconds |
/// | attempts | no limit | |
/// | connect timeout | 10 s | #2448 |
/// | session endpoint | left after its first failed dial, the session kept | its connect |
/// | stable after | 120 s | as for [`DISCORD_GATEWAY`] |
/// | reconnect request (op 7), invalid session | at once (the request when the session was stable) | its `op` handler |
/// | heartbeat | from hello, first one jittered; anything received is a sign of life | its heartbeat |
/// | close before a resume | 4000 | `CloseFrame::RESUME` |
/// | close codes | `discord-gateway` table | it resumes 4003, 4007 and 4009 too, at the price of an invalid session |
///
/// Corrected: it starts over at every finished handshake and dials a server that accepts and closes 7000 times a
/// second; here at READY, and only once a connection held 120 s. The published 0.17.1 counts attempts in a u8
/// that wraps. Without jitter a fleet stays in step. Not covered: its identify queue.
pub const TWILIGHT: Config = discord(
    Config::new(BackoffConfig::table(TWILIGHT_WAITS, AfterTable::RepeatLast).build_const()).greeting(None),
)
.requested_spread(Some(ms(0)))
.heartbeat(HeartbeatConfig::new().required(true).liveness(Liveness::AnyTraffic).build_const())
.resume(SESSION.to_builder().invalid_wait(ms(0), ms(0)).build_const())
.build_const();

const TWILIGHT_WAITS: &[core::time::Duration] =
    &[secs(0), secs(1), secs(2), secs(4), secs(8), secs(16), secs(32), secs(64), secs(128), secs(255)];

/// BasedHardware/omi's capture client, as its #5617 and #5528 meant it.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | full jitter, 1 s, ×2, 120 s | #5527, #5617 |
/// | reset | when the socket is open and then held 60 s | #5617, `onConnected`; the rest is corrected |
/// | connect timeout | 15 s | `PureSocket` |
/// | close 1012, 1013 | 5 to 15 s, 30 to 120 s | #5528; in the `websocket` table |
/// | close 1008 | 15, 30, 60, 120, 300 s and up to 1 s, the tenth is final | #7675; in the `websocket` table |
/// | close 4001 | refresh the token | `recoverLiveListenAuthClose` |
/// | close 4002, 4004 | final: out of credits, session expired | #5528, `recoverLiveListenAuthClose` |
///
/// Corrected: #5617 multiplies before it caps and throws from attempt 1024 on, which with full jitter is 17 hours of
/// outage; it counts an error and the close that follows as two; it starts over at every open socket and so never comes
/// to its tenth 1008; its one-shot timer ends silently where a precondition is missing, which is what
/// [`Event::Hold`](crate::Event::Hold) is for. Not covered: sessions (it has none).
pub const OMI: Config = config(exponential(secs(1), Ratio::TWO, secs(120), Jitter::Full))
    .connect_timeout(secs(15))
    .establish(Establish::OnOpen)
    .classifier(
        Classifier::new(&tables::WEBSOCKET)
            .rule(close(4001, Class::Auth))
            .rule(close(4002, Class::Fatal))
            .rule(close(4004, Class::Fatal))
            .build_const(),
    )
    .resume(NO_SESSION)
    .build_const();

const fn close(code: u16, class: Class) -> Rule {
    Rule::new(Match::Is(Cause::CloseFrame(code)), Verdict::new(class))
}

/// The WebsockexAdapter guide "Troubleshooting Reconnection".
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1, 2, 4, 8, 16, 32, 60 s, no jitter | its step 5 |
/// | attempts | 10 | `max_attempts` |
/// | breaker | opens after 5 failures, for 60 s, one probe | its step 6 |
/// | health check | 5 s to be ready | its step 8 |
/// | restore | connect, then authenticate, then restore | its step 3 |
///
/// Corrected: the guide's delay is a float, which its timer refuses at the first retry; its exponent raises at a large
/// count; it never resets the count, here it does once a connection held 60 s (its cap); its half-open breaker never
/// closes. Not covered: its alerts.
pub const WEBSOCKEX_GUIDE: Config = config(exponential(secs(1), Ratio::TWO, secs(60), Jitter::None))
    .ready_timeout(Some(secs(5)))
    .max_attempts(Some(10))
    .breaker(Some(breaker::Config::new(5, secs(60)).build_const()))
    .restore(RestoreConfig::new().authentication(true).build_const())
    .resume(NO_SESSION)
    .build_const();

/// ZenHive/zen_websocket 0.7.1.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 0 after a drop, then 1 s, ×2, 30 s, no jitter | `handle_connection_error`, `calculate_backoff` |
/// | attempts | 3 | `retry_count` counts failures |
/// | connect timeout | 10 s | 5 s for the transport and 5 s for the upgrade |
/// | reset | at the upgrade | 0.7.1 |
/// | heartbeat | 30 s | `heartbeat_interval` |
/// | restore | all in one message | 0.7.1 |
/// | unknown causes | final | `ErrorHandler` |
///
/// Corrected: its power raises from attempt 1015 on; it starts over with a wait of 0 at every upgrade, here
/// once a connection held 30 s, its cap; close codes and upgrade statuses, which it never looks at, follow
/// the `websocket` table. After a failed first dial it waits 1 s, here 0: a config has one first wait, whatever failed.
pub const ZEN_WEBSOCKET: Config = config(BackoffConfig::table(
    &[secs(0), secs(1), secs(2), secs(4), secs(8), secs(16), secs(30)],
    AfterTable::RepeatLast,
))
.max_attempts(Some(3))
.establish(Establish::OnOpen)
.heartbeat(HeartbeatConfig::new().first_jitter(false).interval(secs(30)).build_const())
.classifier(Classifier::new(&tables::WEBSOCKET).default_class(Class::Fatal).build_const())
.restore(RestoreConfig::new().batches(u16::MAX, secs(0)).build_const())
.resume(NO_SESSION)
.build_const();
