//! failsafe, a breaker by failures in a row.

pub mod after;
pub mod before;
