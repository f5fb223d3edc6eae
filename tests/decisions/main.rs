//! What the core decides: one module for each subject, and the same harness for all. `cargo test --test decisions`, and
//! `cargo test --test decisions rules::` for one of them.

mod draws;
#[path = "../harness/mod.rs"]
mod harness;

mod advise;
mod backoff;
mod backoff_base;
mod breaker;
mod breaker_windows;
mod budget;
mod builder;
mod classify;
mod curves;
mod data;
mod endpoints;
mod flight;
mod handover;
mod health;
mod hostile_clock;
mod late_calls;
mod presets;
mod recorder;
mod regressions;
mod reports;
mod retry_after;
mod rules;
mod scenarios;
mod scripts;
mod serial;
mod settings;
mod snapshot;
mod subscriptions;
mod subscriptions_growth;
mod testing;
mod transitions;
mod widened;
mod windows;
