//! Configs as data, in the form of the `config` object of a replay log: durations as integer milliseconds with the suffix `_ms`,
//! ratios as texts. Writing needs no heap; reading does, and a table that is read is kept for good, once.

#[cfg(feature = "std")]
mod backoff;
#[cfg(feature = "std")]
mod cause;
#[cfg(feature = "std")]
mod classify;
#[cfg(feature = "std")]
mod handover;
#[cfg(feature = "std")]
mod object;
#[cfg(feature = "std")]
mod over;
#[cfg(feature = "std")]
mod read;
#[cfg(feature = "std")]
mod tables;
#[cfg(feature = "std")]
mod tree;
mod write;

#[cfg(feature = "std")]
pub use over::ConfigOver;
