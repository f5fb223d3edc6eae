//! A driver, its handles and what belongs to them under loom: every order of what several threads do at once, up to a number of
//! preemptions, under the memory model of the language. A wake-up that is lost leaves a thread asleep, which loom tells as a
//! deadlock. `ci/loom.sh` runs it.
//!
//! The clock stands still, so that nothing but a wake-up gets a run on.
#![cfg(all(test, redial_loom))]

mod ends;
mod messages;
mod requests;
mod scene;
mod supervised;
