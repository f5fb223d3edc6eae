//! A loop that was written by hand.

pub mod after;
pub mod before;
