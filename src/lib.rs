//! Decides when a connection is dialled, waited for, resumed, re-authenticated, restored and given up.
//!
//! The core is `no_std`, allocates nothing and does no I/O: events, time and randomness come in, [`Action`]s go out. The same seed
//! with the same events gives the same actions on every machine, to the bit. [`driver`] runs it on tokio, smol, async-std and plain threads, and
//! [`websocket`] is a client on top of that. The core opens no socket, reads no clock, spawns nothing and does not panic.
//!
//! What is over when it has worked needs less: to retry an operation, take [backon](https://docs.rs/backon). This crate is for what is to
//! stay connected.
//!
//! # Where to start
//!
//! | you have | take |
//! | --- | --- |
//! | an operation that is retried until it works | [`BackoffConfig::delays`], an iterator of waits; with [backon](https://docs.rs/backon), or backon alone |
//! | a crate that owns its socket (Redis, MQTT, NATS, gRPC, Postgres) | [`driver::supervise`] |
//! | a WebSocket | [`websocket::connect`], and [`websocket::Protocol`] for subscriptions and a session |
//! | a protocol of your own, on a runtime | [`driver::Protocol`] and [`driver::Driver`] |
//! | sockets that block, on plain threads | [`driver::BlockingProtocol`] and [`driver::Driver`] |
//! | firmware, a browser, a loop of your own | [`Policy`], by its [contract](#the-contract) |
//! | logs, traces and metrics of a client | [`telemetry`], one line beside the policy |
//! | tests of your own client | [`testing`], a policy that is checked at every call |
//! | a fleet, and a policy to choose for it | [`sim`], reconnect storms with real policies |
//!
//! ```
//! use core::time::Duration;
//! use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
//!
//! const BACKOFF: BackoffConfig = BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
//!     .jitter(Jitter::Full)
//!     .build_const();
//! let mut delays = BACKOFF.delays(SplitMix64::new(7)); // with `std`, `SplitMix64::from_os()`
//! assert!(delays.next() <= Some(Duration::from_secs(1)));
//! ```
//!
//! # The contract
//!
//! **Execute every returned action in order before the next `handle_*` call, echo each epoch, never sleep past
//! [`poll_timeout()`](Policy::poll_timeout).** Nothing else is required. This is the loop, on any runtime, thread or interrupt handler; the
//! README has it whole, with sessions and subscriptions:
//!
//! ```
//! use redial::{Action, Event, Instant, Phase, Policy, SplitMix64, presets};
//!
//! # struct Host { now: Instant, answer: Option<Event> }
//! # impl Host {
//! #     fn now(&self) -> Instant { self.now }
//! #     fn dial(&mut self, epoch: redial::Epoch) { self.answer = Some(Event::Opened { epoch }); }
//! #     fn close(&mut self, _: redial::Epoch) {}
//! #     fn send(&mut self, _: redial::Epoch, _: &str) {}
//! #     fn wait(&mut self, until: Option<Instant>) -> Option<Event> {
//! #         let stop = self.now > Instant::from_millis(100_000);
//! #         self.answer.take().or(stop.then_some(Event::Stop { keep: false })).or_else(|| { self.now = until.expect("a deadline"); None })
//! #     }
//! # }
//! # let mut host = Host { now: Instant::ZERO, answer: None };
//! let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
//! let mut actions = policy.handle_event(host.now(), Event::Start);
//! while !matches!(policy.phase(), Phase::Stopped | Phase::Failed) {
//!     for action in actions {
//!         match action {
//!             Action::Open { epoch, .. } => host.dial(epoch), // then report `Opened` or `OpenFailed` with this epoch
//!             Action::Close { epoch, .. } => host.close(epoch),
//!             Action::Heartbeat { epoch } => host.send(epoch, "PING"),
//!             _ => {} // what this protocol has no use for
//!         }
//!     }
//!     actions = match host.wait(policy.poll_timeout()) {
//!         Some(event) => policy.handle_event(host.now(), event),
//!         None => policy.handle_timeout(host.now()),
//!     };
//! }
//! # assert!(policy.stats().established > 0 && policy.stats().zombies > 0);
//! ```
//!
//! - [`Policy::handle_event`] takes an [`Event`], [`Policy::handle_timeout`] the passing of time. Both return [`Actions`], each an
//!   [`Action`] that carries the [`Epoch`] of its transport, and a [`Disposition`] that says what became of the event.
//! - [`Policy::poll_timeout`] is the next deadline, an [`Instant`]: microseconds since an epoch of your choice. Nothing here reads a
//!   clock.
//! - [`Policy::phase`] is the [`Phase`], whose documentation has the picture of all of them. [`Policy::explain`] is an [`Explanation`] of what
//!   is waited for, until when and why, and [`Policy::stats`] the [`Stats`].
//! - The end is a value: [`Action::GaveUp`] with a [`GiveUp`] and the [`Cause`] that came last.
//!
//! With [`Establish::OnOpen`](policy::Establish::OnOpen) the policy still says [`Action::Identify`]; a protocol that has nothing to
//! say does nothing then. [`Event::OpenFailed`] after [`Event::Opened`] is the loss of an open transport.
//!
//! # The parts
//!
//! | type | alone it is | in a [`Policy`] it is |
//! | --- | --- | --- |
//! | [`Backoff`] with [`BackoffConfig`], [`Jitter`], [`Ratio`] | a curve of waits | the gate between two dials |
//! | [`CircuitBreaker`] | a breaker with bounded, leased probes | a gate |
//! | [`SessionState`] | token, sequence and endpoint as one value | what a resume needs; [`Mode`] says whether a dial resumes |
//! | [`heartbeat::Heartbeat`] | when to send a heartbeat, and when silence means death | the liveness of a connection |
//! | [`causes`] | from errors of `std`, HTTP, TLS, WebSockets, Redis, MQTT and gRPC to a [`Cause`] | outside it |
//! | [`classify::Classifier`] | tables from a [`Cause`] ([`IoKind`], close codes, HTTP statuses) to a verdict | what a loss means |
//! | [`subscriptions::SubscriptionSet`] | what is desired, with batches in priority order | what is restored |
//! | [`endpoints::FixedEndpoints`] | which endpoint to dial first, and next | one round of them is one attempt |
//! | [`budget`] | budgets that many connections share | outside it |
//! | [`fleet`] | the same, and a breaker, for many processes, through Redis | outside it |
//! | [`handover::Handover`] | a connection that is replaced before it ends, without a gap | above it |
//! | [`advise::Book`] | the server's half: when the next refused client should come back | on the other side |
//! | [`health::Health`] | failure rate, times to recover, alerts | beside it |
//! | [`Config`], built by a [`builder::Builder`] and checked once ([`ConfigError`]) | | what it is told |
//! | [`presets`] | what this project recommends, and the settings of the field's clients | a [`Config`] to start from |
//!
//! The generator is any [`rand_core::Rng`]; [`ChaCha8Rng`] is the documented one, and [`SplitMix64`] has 8 bytes. There is no default
//! seed: clients that share one wait in step.
//!
//! # Why it is as it is
//!
//! - **Events in, actions out.** A policy that owned its socket would serve one runtime and could not be tested without waiting. Actions are
//!   returned and bounded ([`MAX_ACTIONS`](policy::MAX_ACTIONS)), so that none can be forgotten in a queue.
//! - **A deadline is asked for and not told.** A timer that is set by an action can be lost or outlive its reason; a getter can't.
//! - **Epochs.** Whatever comes late, of a transport that is over, is told apart by its number, so that nobody has to cancel in time.
//! - **A loss never dials.** Between two dials stand gates, and each has a name and a time. The latest one is what
//!   [`explain`](Policy::explain) shows.
//! - **Stable, and not connected, ends an outage.** A backoff that is reset when the socket opens lets a server that accepts and drops be
//!   dialled without end.
//! - **No default seed.** Clients that share one come back together.
//!
//! # What it does not do
//!
//! - It repeats no request and knows nothing of what a message says: it tells whether the session was resumed or is new, and a
//!   [driver](driver#what-becomes-of-a-message) gives back what was not written.
//! - It looks up no name and races no addresses: a dial is yours, or that of [`websocket`]. Several [endpoints] of one service are dialled
//!   one after the other.
//! - It classifies no raw error: [`causes`] names the cause, and [tables](classify::tables) say what follows.
//! - It has no global state. What connections share, the caller [owns](budget).
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | `std` (default) | [`SplitMix64::from_os`], conversions from `std` types. Without it the crate is `no_std` |
//! | `chacha` (default) | [`ChaCha8Rng`] |
//! | `alloc` | [`subscriptions::SubscriptionList`] |
//! | `driver`, `driver-core` | [`driver`], for a runtime of your own; what any driver has in common, `no_std` |
//! | `tokio`, `smol`, `async-std`, `blocking` | the driver on that runtime, or on plain threads |
//! | `embassy` | [`driver::heapless`] on embassy: a loop without a heap |
//! | `stream` | `Stream` for what a driver receives and tells |
//! | `websocket` | [`websocket`] |
//! | `http`, `rustls`, `tungstenite`, `redis` | [`causes`] of the errors of these crates |
//! | `fleet` | [`fleet`] |
//! | `public-suffix` | the list by which [`driver::EndpointTrust`] tells the registrable domain of a host |
//! | `serde` | events, actions, configs, sessions and snapshots as data; a [file over a preset](policy::ConfigOver) |
//! | `telemetry`; `tracing`, `metrics`, `log`, `defmt` | [`telemetry`]; a sink each |
//! | `record` | [`record::Recorder`] |
//! | `testing`, `proptest`, `arbitrary` | [`testing`]; the same as strategies, and for fuzz targets |
//! | `sim` | [`sim`] |
//!
//! All are additive, and none changes what a policy decides. Without any the library depends on `rand_core` alone. Rust 1.85 or newer.
//!
//! # More
//!
//! The repository has a guide (`docs/guide`), chapter by chapter from a client in ten lines to what goes wrong in production, and in
//! `STORMS.md` the simulations behind the presets.

#![cfg_attr(
    not(all(
        feature = "websocket",
        feature = "chacha",
        feature = "telemetry",
        feature = "fleet",
        feature = "testing",
        feature = "sim",
        feature = "serde",
        feature = "record"
    )),
    allow(rustdoc::broken_intra_doc_links, reason = "the front page names what a feature brings")
)]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(missing_debug_implementations, clippy::missing_const_for_fn, clippy::must_use_candidate)]
#![deny(
    clippy::float_arithmetic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(redial_docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod advise;
#[cfg(feature = "serde")]
mod array;
pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod builder;
pub mod causes;
pub mod classify;
mod codec;
#[cfg(feature = "serde")]
mod data;
mod denied;
#[cfg(feature = "driver-core")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver-core")))]
pub mod driver;
pub mod endpoints;
mod error;
#[cfg(feature = "fleet")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "fleet")))]
pub mod fleet;
pub mod handover;
pub mod health;
pub mod heartbeat;
mod mode;
pub mod policy;
pub mod presets;
mod ratio;
pub mod record;
mod rng;
pub mod session;
#[cfg(feature = "sim")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
pub mod subscriptions;
#[cfg(feature = "telemetry")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "telemetry")))]
pub mod telemetry;
#[cfg(feature = "testing")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod time;
#[cfg(feature = "websocket")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "websocket")))]
pub mod websocket;
mod window;
mod words;

pub use backoff::{Backoff, BackoffConfig, Jitter};
pub use breaker::CircuitBreaker;
pub use classify::{Cause, IoKind};
pub use error::ConfigError;
pub use mode::Mode;
pub use policy::{
    Action, Actions, Config, Disposition, Epoch, Event, Explanation, GiveUp, Phase, Policy, Stats,
};
pub use ratio::Ratio;
pub use rng::SplitMix64;
pub use session::SessionState;
pub use time::Instant;

#[cfg(feature = "chacha")]
pub use rand_chacha::ChaCha8Rng;
pub use rand_core;

#[cfg(all(doctest, feature = "std", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The chapters of the guide, whose code runs as doc tests of this crate, with all features.
#[cfg(all(
    doctest,
    feature = "websocket",
    feature = "sim",
    feature = "serde",
    feature = "testing",
    feature = "record"
))]
mod guide {
    macro_rules! chapters {
        ($($name:ident $file:literal),+ $(,)?) => {$(
            #[doc = include_str!(concat!("../docs/guide/src/", $file))]
            struct $name;
        )+};
    }

    chapters! {
        Introduction "introduction.md",
        Policies "policy.md",
        Protocols "protocol.md",
        Sessions "resume.md",
        Credentials "credentials.md",
        Budgets "budgets.md",
        Restarts "restarts.md",
        Tests "testing.md",
        Incidents "incidents.md",
        Drivers "drivers.md",
        Firmware "embedded.md",
        Operations "operations.md",
        Questions "troubleshooting.md",
    }
}
