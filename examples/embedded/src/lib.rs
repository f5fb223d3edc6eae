//! A modem link in firmware: no heap, no operating system, a config that the compiler knows.
//!
//! - [`uplink`] is what a firmware writes: its config, the policy with its recorder, and one function that takes what happened and
//!   returns when it is to be called again.
//! - [`modem`] stands for the hardware and the network: a modem that is told what to do and reports what became of it, by a script.
//! - [`device`] is the device: the two of them on one 32-bit tick, which wraps.
//! - [`golden`] plays the golden log of this repository, `tests/golden/link.log`.
//!
//! The programs in `src/bin` run them on a Cortex-M3. `ci/embedded.sh` does so in QEMU and plays what the flight recorder kept with
//! `replay`, which must print the same decisions.

#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

#[cfg(feature = "print")]
#[allow(dead_code, reason = "the lines are those of `replay`, and a device prints some of them")]
#[path = "../../shared/decisions.rs"]
mod decisions;
pub mod device;
#[cfg(feature = "print")]
pub mod golden;
pub mod modem;
#[cfg(feature = "print")]
pub mod printer;
pub mod uplink;
