//! Tests of your own client: a policy that is checked at every call, and a timeline that reads like a log.
//!
//! | you write | take |
//! | --- | --- |
//! | a property test, a fuzz target, a loop or driver of your own | [`Checked`], around the policy or the handover |
//! | whatever can happen: configs, events and times | [`Script`], from a fuzzer's bytes, from proptest or from a seed |
#![cfg_attr(
    feature = "alloc",
    doc = "| a test of one course of events: what is decided, when, and why | [`Timeline`] |"
)]
#![cfg_attr(
    not(feature = "alloc"),
    doc = "| a test of one course of events | `Timeline` (feature `alloc`) |"
)]
#![cfg_attr(
    feature = "driver",
    doc = "| a test of what stands on a driver, without sockets and without waiting | [`ScriptedTransport`] and [`VirtualClock`] |"
)]
#![cfg_attr(
    not(feature = "driver"),
    doc = "| a test of what stands on a driver | `ScriptedTransport` and `VirtualClock` (feature `driver`) |"
)]
#![cfg_attr(
    feature = "driver",
    doc = "| a runtime, or a driver of your own | [`conformance`], the suite that every driver of this crate passes |"
)]
#![cfg_attr(
    not(feature = "driver"),
    doc = "| a runtime, or a driver of your own | `conformance` (feature `driver`) |"
)]
//!
//! # A policy that is checked
//!
//! [`Checked`] has the methods of what it wraps, so that one line changes. Each call is then checked against what redial
//! promises; a promise that does not hold is a panic with the promise, the event, the time and what the policy says of itself.
//!
//! ```
//! use redial::testing::Checked;
//! use redial::{Cause, Event, Instant, Phase, Policy, SplitMix64, presets};
//!
//! // Without the checks: `let mut policy = Policy::new(…);`
//! let mut policy = Checked::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)));
//!
//! let actions = policy.handle_event(Instant::ZERO, Event::Start);
//! assert_eq!(actions.len(), 1);
//! let epoch = policy.epoch().expect("dialling");
//! let now = Instant::from_millis(20);
//! let _nothing = policy.handle_event(now, Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
//! assert_eq!(policy.phase(), Phase::Waiting);
//!
//! // Whatever happened: when the faults stop, it gets online.
//! policy.assert_recovers();
//! ```
//!
//! What your own loop owes the policy is checked as well, if you [ask for it](Checked::with_driver_rules).
//!
//! # Scripts
//!
//! A [`Script`] brings the configs, the events and the times, those that make sense and those that don't. Every byte string is one,
//! so that a fuzz target is four lines:
//!
//! ```
//! use redial::testing::{Checked, Script};
//! use redial::{Instant, Policy, SplitMix64};
//!
//! fn fuzz(bytes: &[u8]) {
//!     let mut script = Script::from_bytes(bytes);
//!     let config = script.config();
//!     let mut policy = Checked::new(Policy::new(config, SplitMix64::new(7)));
//!     let mut now = Instant::ZERO;
//!     while let Some(step) = script.next_step(&policy, now) {
//!         now = step.at;
//!         let _actions = step.apply(&mut policy);
//!     }
//! }
//! # fuzz(&[0; 400]);
//! ```
//!
#![cfg_attr(
    feature = "proptest",
    doc = "With proptest a script is an argument, and so are configs, events, causes and clocks: see [`strategies`].\n"
)]
#![cfg_attr(
    feature = "arbitrary",
    doc = "Fuzz targets with arguments of their own derive them: the types of the crate implement `Arbitrary`.\n"
)]
#![cfg_attr(feature = "alloc", doc = "# A timeline\n")]
#![cfg_attr(
    feature = "alloc",
    doc = "Events at explicit times, and every decision as a line of text. See [`Timeline`] for the words.\n"
)]
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use redial::testing::Timeline;
//! use redial::{Cause, IoKind, Phase, Policy, SplitMix64, presets};
//!
//! let mut t = Timeline::new(Policy::new(&presets::PHOENIX, SplitMix64::new(7)));
//! t.at(0).start().expect(&["open 1 fresh #1"]);
//! t.at(20).open_failed(1, Cause::Io(IoKind::ConnectionRefused)).expect(&[]).wake(30, "backoff");
//! t.fires(30, &["open 2 fresh #2"]).phase(Phase::Connecting);
//! t.at(55).opened(2).expect(&["send_fresh 2"]);
//! t.at(60).ready(2, None, None).expect(&[]).phase(Phase::Online);
//! ```

#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a promise that does not hold is a panic, and no program that ships calls this"
)]

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod bounds;
mod call;
mod checked;
mod checks;
mod choices;
// Its users are tests of their own; the library's unit tests need not compile it.
#[cfg(all(feature = "driver", not(test)))]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub mod conformance;
mod driver_rules;
#[cfg(all(test, feature = "std"))]
mod faults;
mod handover;
mod hash;
mod limits;
mod model;
mod normal_form;
mod recovery;
mod sample;
mod script;
#[cfg(feature = "driver")]
mod scripted_transport;
#[cfg(feature = "proptest")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
pub mod strategies;
mod tape;
#[cfg(feature = "alloc")]
mod timeline;
#[cfg(feature = "driver")]
mod virtual_clock;

#[cfg(feature = "arbitrary")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
pub use arbitrary::arbitrary_duration;
pub use bounds::longest_wait;
pub use checked::{Checkable, Checked};
pub use driver_rules::DriverRules;
pub use limits::Limits;
pub use normal_form::{Normal, normal_form};
pub use sample::Sample;
pub use script::{Script, Step};
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use scripted_transport::{
    Answer, Closed, Connection, Dialled, Log, Observed, Say, ScriptedReader, ScriptedTransport,
    ScriptedWriter, Sent, Writes,
};
#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
pub use timeline::Timeline;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use virtual_clock::{Hang, VirtualClock, VirtualSleep, VirtualTask};
