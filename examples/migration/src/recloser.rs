//! recloser, a breaker by the rate of failures.

pub mod after;
pub mod before;
