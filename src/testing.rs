//! Tests of your own client: scripts of whatever can happen to a policy.

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod bounds;
mod choices;
mod sample;
mod script;
#[cfg(feature = "proptest")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
pub mod strategies;

#[cfg(feature = "arbitrary")]
pub use arbitrary::arbitrary_duration;
pub use bounds::longest_wait;
pub use sample::Sample;
pub use script::{Script, Step};
