//! backon, around the connect of a loop.

pub mod after;
pub mod before;
