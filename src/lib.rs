#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(missing_debug_implementations, clippy::must_use_candidate)]
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
mod backoff;
mod breaker;
mod budget;
mod classify;
#[cfg(feature = "std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
pub mod driver;
mod endpoints;
mod error;
mod health;
mod heartbeat;
mod mode;
mod policy;
pub mod presets;
mod ratio;
mod rng;
mod session;
mod subscriptions;
mod time;
mod widened;
mod window;

pub use backoff::{AfterTable, Backoff, BackoffConfig, Curve, Delays, Jitter};
pub use breaker::{
    BreakerCause, BreakerConfig, BreakerPhase, BreakerState, CircuitBreaker, Consecutive, CountWindow,
    Metrics, Outcome, Permit, RateWindow, Rates, Rejected, TimeWindow, Transition, Window,
};
pub use budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Grant, Refused, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig, Throttle, ThrottleConfig,
};
pub use classify::{
    Cause, Class, Classifier, IoKind, MAX_OVERRIDES, Match, Rule, Scope, Table, TlsKind, Verdict, tables,
};
pub use endpoints::{EndpointOrder, Endpoints, EndpointsConfig, FixedEndpoints, SingleEndpoint};
pub use error::{ConfigError, valid};
pub use health::{Alerts, Health, HealthConfig, HealthReport, HealthStatus, RECOVERY_BOUNDS, Recoveries};
pub use heartbeat::{Heartbeat, HeartbeatConfig, Liveness, Tick};
pub use mode::Mode;
pub use policy::{
    Action, Actions, ActionsIter, Config, CredentialConfig, Disposition, DropReason, Endpoint, Epoch,
    Establish, Event, Explanation, GiveUp, HoldReason, Lean, Lend, MAX_ACTIONS, OnNetworkChange,
    OnNetworkDown, OnVisible, OnWake, POLICY_STATE_BYTES, Part, Phase, Policy, Reason, RefreshOn,
    RestoreConfig, ResumeConfig, SNAPSHOT_BYTES, Snapshot, SnapshotError, Stats, Why,
};
pub use ratio::Ratio;
pub use rng::SplitMix64;
pub use session::SessionState;
#[cfg(feature = "alloc")]
pub use subscriptions::SubscriptionList;
pub use subscriptions::{
    FixedSubscriptions, Full, NoSubscriptions, Pace, Subscribed, Subscription, SubscriptionSet,
    SubscriptionSlot, SubscriptionState, SubscriptionStorage, Subscriptions,
};
pub use time::Instant;
pub use widened::Widened;

#[cfg(feature = "chacha")]
pub use rand_chacha::ChaCha8Rng;
pub use rand_core;
