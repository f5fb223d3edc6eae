//! A naive policy, written from the rules alone, against which the core is compared call by call.
//!
//! The rules are those of `docs/rules.md`, with `docs/decisions.md` where they are silent. The [model] is written to be read:
//! times are floats, everything is in vectors that are searched from the front, nothing is packed or fast. It shares the
//! vocabulary of the crate (events, actions, causes, configs) and no code but one function: [`Classifier::classify`], because what
//! a cause means is a table, which `tests/decisions/classify` checks row by row, while what follows from it is what is compared here.
//!
//! After every event and every timeout [`compare`] compares the list of actions, the disposition, the phase, the condition that is
//! parked on, the numbers of attempts and of failures in a row, the last cause, the session, the batch and the state of every
//! subscription, twelve counters, and the next deadline with its reason. Half of the configs draw nothing, and there all times are
//! equal to the microsecond. What the others draw has to lie in the range that the rule gives, and is then taken over.
//!
//! # What it knows
//!
//! Start, stop, stop with the session kept, "reconnect now"; the dial, the greeting, the session and the authentication with
//! their deadlines; the loss and its causes (transient, fresh, fatal, credential, rate limit, repeated causes, a refused session,
//! a requested reconnect, a failed send); all curves but two with five jitters, windows with a phase that is given, a floor, another first wait and another cap; the
//! reset after a stable connection; a server's wait; holds, network and visibility; "not now"; resume and fresh start by token
//! and sequence, the session's endpoint and when it is left; heartbeats, missed, requested and by traffic; batches, answers and
//! failures of subscriptions; credentials that are asked for, refused, late or never given; the breaker; the limits.
//!
//! # What it leaves out
//!
//! | left out | proven by |
//! | --- | --- |
//! | handovers | `tests/explorations/handover_invariants.rs`, `tests/decisions/reports/handover.rs` |
//! | a connection that is established when it opens | `tests/decisions/scenarios/d_session.rs` |
//! | several endpoints, redirects, verdicts about the service, takeovers | `tests/decisions/endpoints.rs`, `tests/decisions/rules/endpoints.rs`, `tests/decisions/reports` |
//! | sessions with a time to live, cursors | `tests/decisions/reports/sessions.rs` |
//! | sleep, another network, probes, an age, a planned reconnect, a redial | `tests/decisions/reports/host.rs`, `tests/decisions/reports/time.rs` |
//! | a server's first wait or interval, the time for an answer or a confirmation | `tests/decisions/reports` |
//! | credentials with a time to live, given unasked, or sent in band | `tests/decisions/reports/credentials.rs` |
//! | long outages, waits from the dial, growing dials, limits of the first connection | `tests/decisions/rules/limits.rs` |
//! | the other jitters, the quadratic and the elapsed curve | `tests/decisions/curves.rs`, `tests/decisions/backoff` |
//! | clocks that jump or run back, timers that are late | `tests/decisions/scenarios/j_clock.rs` |
//! | snapshots, checkpoints, budgets, health | their own tests |
//!
//! [`Classifier::classify`]: redial::classify::Classifier::classify

#![allow(
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "nothing but tests uses it, and it is not published"
)]

pub mod compare;
pub mod configs;
pub mod dice;
pub mod model;
pub mod parts;
pub mod steps;

pub use compare::{Pair, run, story};
pub use configs::Case;
pub use model::Model;
pub use steps::Step;
