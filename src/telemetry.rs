//! What a client goes through, for logs, traces and dashboards.
//!
//! [`Observed`] puts a [`Sink`] beside a policy. The sink sees what each step changed, a [`Change`] at a time, and decides nothing. It
//! is one line, for every [driver](crate::driver) and for a loop of your own:
//!
#![cfg_attr(feature = "log", doc = "```")]
#![cfg_attr(not(feature = "log"), doc = "```ignore")]
//! use redial::telemetry::{Log, Observed};
//! use redial::{Policy, SplitMix64, presets};
//!
//! let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
//! let policy = Observed::new(policy, Log::new("feed")); // and everything else as before
//! # let _ = policy;
//! ```
//!
//! A WebSocket client has a method for it:
#![cfg_attr(
    feature = "websocket",
    doc = "[`Connect::observe`](crate::websocket::Connect::observe). Code whose policy is elsewhere tells an [`Observer`]."
)]
#![cfg_attr(
    not(feature = "websocket"),
    doc = "`Connect::observe`. Code whose policy is elsewhere tells an [`Observer`]."
)]
//!
//! | feature | sink | needs |
//! | --- | --- | --- |
//! | `tracing` | `Tracing`: a span for each outage and each attempt, an event for each change | `alloc` |
//! | `metrics` | `Metrics`: counters, gauges, histograms | `std` |
//! | `log` | `Log`: a line for each change | |
//! | `defmt` | `Defmt`: the same lines, for a microcontroller | a logger and the linker script of `defmt` |
//! | `telemetry` | one of your own | |
//!
//! Several at a time are a pair: `(Tracing::new("feed"), Metrics::new("feed"))`. Each has the name of its client, which is the first
//! thing in a line and the field or label `client`.
//!
//! # Changes and their levels
//!
//! | change | level | fields |
//! | --- | --- | --- |
//! | `gave_up` | error: the client is over, and somebody has to act | `reason`, `cause` |
//! | `outage_began` | warn: messages may be late, and the client sees to it; once an outage, not once an attempt. Info if `initial` | `trigger`, `initial` |
//! | `outage_ended` | info | `result`, `initial`, `attempts`, `duration_ms`, `parked_ms` |
//! | `connection_lost` | info, since the warning follows | `cause`, `duration_ms` (uptime) |
//! | `attempt_began` | info | `epoch`, `attempt`, `mode`, `endpoint`, `role` |
//! | `attempt_ended` | info | `epoch`, `attempt`, `result`, `cause`, `mode`, `duration_ms` |
//! | `breaker_changed` | warn if it opened, otherwise info | `from`, `to` |
//! | `session_dropped` | info | `reason` |
//! | `heartbeat_missed` | info: the next one may be answered | |
//! | `phase_changed` | debug | `from`, `to`, `trigger` |
//! | `wait_began` | debug | `reason`, `duration_ms` (planned) |
//! | `wait_ended` | debug | `reason`, `duration_ms` |
//! | `restored` | debug | `subscriptions` |
//! | `subscriptions_changed` | debug | `subscriptions` |
//! | `credential_requested` | debug | |
//! | `heartbeat_acked` | trace: all is well, again and again | `epoch`, `duration_ms` (round trip) |
//! | `event_ignored` | trace: harmless, see [`Disposition`](crate::Disposition) | `event`, `disposition` |
//!
//! # Fields
//!
//! Words and names are the same in all sinks; the words are those of the enums' `as_str`, which do not change between versions. No
//! field holds a token, an endpoint's address, a key of a subscription or a message.
//!
//! | field | type | unit, or what it says |
//! | --- | --- | --- |
//! | `client` | string | the name that you gave |
//! | `epoch` | u32 | the number of the transport |
//! | `attempt` | u32 | the number of the dial in its outage, from 1, as the policy counts it: on from the last outage, where the connection between them was not stable |
//! | `attempts` | u32 | how many attempts began in this outage |
//! | `mode` | string | `fresh` or `resume`: what is sent, and in `attempt_ended` what it came to |
//! | `endpoint` | string | `base`, `session` or `redirect` |
//! | `role` | string | `connection` or `successor`: see [`handover`](crate::handover) |
//! | `result` | string | of an attempt `established`, `failed` or `abandoned`; of an outage `recovered`, `stopped` or `gave_up` |
//! | `cause` | string | why, with the code or status: `close_1012`, `http_503`, `connection_refused` |
//! | `trigger` | string | what brought it about: a [`Trigger`](crate::policy::Trigger), a cause, or a reason of a wait |
//! | `reason` | string | a [`WaitReason`](crate::policy::WaitReason), [`GiveUp`](crate::GiveUp) or [`DropReason`](crate::policy::DropReason) |
//! | `from`, `to` | string | a [`Phase`](crate::Phase), or the breaker's |
//! | `event`, `disposition` | string | an event's word, and what became of it |
//! | `initial` | bool | the user has just asked for the connection, so that it is no recovery |
//! | `subscriptions` | u64 | how many are wanted |
//! | `duration_ms` | u64 | milliseconds, rounded down |
//! | `parked_ms` | u64 | milliseconds of the outage in which nothing could be tried: a hold, no network, a hidden page, a credential |
//!
//! `Tracing`'s events have the word of the change in the field `change`. Its span `outage` has `client`, `trigger`, `initial`, and at its
//! end `result`, `attempts`, `duration_ms` and `parked_ms`; its span `attempt` has `client` and the fields of `attempt_began`, and at
//! its end `result`, `cause` and `duration_ms`. Spans have the level info, and the target of everything is `redial`.
//!
//! # Metrics
//!
//! All have the label `client`. `METRICS` is this table as a constant. Units are seconds where the name says so; the others count.
//!
//! | name | kind | other labels | says |
//! | --- | --- | --- | --- |
//! | `redial_clients` | gauge | | clients that are observed |
//! | `redial_online` | gauge | | clients that are online: connected, with their subscriptions sent |
//! | `redial_subscriptions` | gauge | | subscriptions that are wanted |
//! | `redial_breaker_open` | gauge | | clients whose breaker is not closed |
//! | `redial_outages_total` | counter | `trigger` | outages that began, first connections included |
//! | `redial_attempts_total` | counter | `result` | attempts that ended |
//! | `redial_attempt_failures_total` | counter | `cause` | attempts that failed |
//! | `redial_losses_total` | counter | `cause` | established connections that were lost |
//! | `redial_sessions_total` | counter | `mode` | sessions that were established |
//! | `redial_heartbeats_missed_total` | counter | | heartbeats that were unanswered when the next one was due |
//! | `redial_breaker_transitions_total` | counter | `to` | changes of the breaker's state |
//! | `redial_give_ups_total` | counter | `reason` | how often a client gave up |
//! | `redial_events_ignored_total` | counter | `disposition` | events without effect |
//! | `redial_recovery_seconds` | histogram | | from a loss until online, without the time parked on a condition |
//! | `redial_outage_seconds` | histogram | `result` | from the beginning of an outage to its end, first connections included |
//! | `redial_attempt_seconds` | histogram | `result` | from a dial to its outcome |
//! | `redial_wait_seconds` | histogram | `reason` | how long was waited |
//! | `redial_heartbeat_round_trip_seconds` | histogram | | from the newest heartbeat to its acknowledgement |
//!
//! A label's values are the words of one enum, without codes: at most some thirty, of causes some sixty. Dashboard and alerts are in
//! `docs/operations` of the repository, and its `examples/beside/prometheus.rs` serves the page.
//!
//! # What it costs
//!
//! A message of a live connection ([`Event::Received`](crate::Event::Received), [`Event::Sequence`](crate::Event::Sequence)) changes nothing, and
//! no sink is called for it. Any other step is compared with the one before, and only if something changed the policy is asked to
//! explain itself; `Tracing` and `Log` look first whether anybody listens. With `Tracing` and no subscriber, on x86-64, a message takes
//! 46 instructions more than the policy alone, a heartbeat with its answer 408, a whole outage 2,703
//! (`benches/instructions.txt` of the repository).
//!
//! # What can go wrong in a sink
//!
//! It runs within the policy's call. A panic in it is caught (with `std`): that sink is not called again, and the client goes on
//! without it. A sink that blocks holds up the client, its heartbeats included, as long as it blocks; log through a channel where
//! the place that it goes to may be slow.

mod change;
#[cfg(feature = "defmt")]
mod defmt;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod observed;
mod observer;
mod sink;
#[cfg(feature = "tracing")]
mod tracing;

pub use change::{AttemptResult, Change, Level, OutageResult};
pub use observed::Observed;
pub use observer::Observer;
pub use sink::Sink;

#[cfg(feature = "defmt")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "defmt")))]
pub use defmt::Defmt;
#[cfg(feature = "log")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "log")))]
pub use log::Log;
#[cfg(feature = "metrics")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "metrics")))]
pub use metrics::{METRICS, Metric, MetricKind, Metrics};
#[cfg(feature = "tracing")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "tracing")))]
pub use tracing::Tracing;
