//! One history of more than a million decisions: what all presets, handovers, random configs, breakers, budgets, heartbeats and
//! backoffs decide in scripts of seeded events. It needs no heap, no float and no operating system, and it is the same on every
//! machine, bit by bit.
//!
//! Each chapter has a hash of every decision with the event that it answers. Where two machines differ, the chapter is known, and
//! both can print its decisions as text.

#![no_std]
#![forbid(unsafe_code)]

mod chapters;
mod log;
mod parts;
mod policies;

pub use chapters::{chapters, name, play};
pub use log::Log;
