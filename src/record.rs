//! What happened, written down so that it can be played again.
//!
#![cfg_attr(feature = "record", doc = "- [`Recorder`] (feature `record`)")]
#![cfg_attr(not(feature = "record"), doc = "- `Recorder` (feature `record`)")]
//!   writes every event as a line of text, for the `replay` program of this repository.
//! - [`FlightRecorder`] keeps the last events in a fixed ring of bytes, without a heap; [`Flight`] reads its dump.
//! - [`Policy::checkpoint`](crate::Policy::checkpoint) writes the whole state of a policy: what a recording begins with.
//!
//! A policy is a function of its config, its state and what it is told, so this is enough to take the same decisions again.

mod event;
mod flight;
#[cfg(feature = "record")]
mod log;

pub use crate::codec::{CheckpointError, FromName, Load, Name, Named, Names, Reader, Store, Writer};
pub use flight::{Flight, FlightRecorder, Steps};
#[cfg(feature = "record")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "record")))]
pub use log::{RecordError, Recorder};
