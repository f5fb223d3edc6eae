#![doc = include_str!("../README.md")]
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

#[cfg(feature = "serde")]
mod array;
pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod builder;
pub mod classify;
mod denied;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub mod driver;
pub mod endpoints;
mod error;
pub mod health;
pub mod heartbeat;
mod mode;
pub mod policy;
pub mod presets;
mod ratio;
mod rng;
pub mod session;
pub mod subscriptions;
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
