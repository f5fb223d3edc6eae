//! Decides when a connection is dialled, waited for, resumed, re-authenticated, restored and given up.
//!
//! The core is `no_std`, allocates nothing and does no I/O: events, time and randomness come in, [`Action`]s go out. The same seed
//! with the same events gives the same actions on every machine, to the bit. [`driver`] runs it on tokio, smol, async-std and plain threads, and
//! [`websocket`] is a client on top of that.
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
//! [`poll_timeout()`](Policy::poll_timeout).** Nothing else is required. The README has the whole loop in 50 lines, and
//! `examples/blocking.rs` runs it with one thread and blocking sockets.
//!
//! - [`Policy::handle_event`] takes an [`Event`], [`Policy::handle_timeout`] the passing of time. Both return [`Actions`], each an
//!   [`Action`] that carries the [`Epoch`] of its transport, and a [`Disposition`] that says what became of the event.
//! - [`Policy::poll_timeout`] is the next deadline, an [`Instant`]: microseconds since an epoch of your choice. Nothing here reads a
//!   clock.
//! - [`Policy::phase`] is the [`Phase`], [`Policy::explain`] an [`Explanation`] of what is waited for, until when and why,
//!   [`Policy::stats`] the [`Stats`].
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
//! # Features
//!
//! `std` and `chacha` are on by default. `driver`, `driver-core`, `tokio`, `smol`, `async-std`, `blocking`, `websocket`, `stream`, `serde`,
//! `record`, `alloc`, `sim`, `testing`, `proptest`, `arbitrary`, `public-suffix`, `http`, `rustls`, `tungstenite`, `redis`, `fleet`, `telemetry`,
//! `tracing`, `metrics`, `log` and `defmt` are described in the README. Without any the library is `no_std` and depends on `rand_core` alone.

#![cfg_attr(
    not(all(feature = "websocket", feature = "chacha", feature = "telemetry", feature = "fleet")),
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
