//! Tests of your own client: scripts of whatever can happen to a policy.

mod bounds;
mod choices;
mod sample;
mod script;

pub use bounds::longest_wait;
pub use sample::Sample;
pub use script::{Script, Step};
