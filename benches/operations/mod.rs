//! Every operation that is measured, once: the counts of instructions, the times and the report all read this list.
//!
//! An operation is one closure, set up and ready, that is stepped n times in a loop. What is measured is the loop: the
//! operation, the loop itself and the `black_box`es that keep the compiler from knowing the state, the config and the
//! result. That is the same for this crate and for every peer; the row "nothing" is such a loop with no operation in it,
//! and what it takes is subtracted from a count.

#![allow(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "nobody but this package uses them")]

pub mod backoff;
mod bare_policy;
pub mod breaker;
pub mod driver;
pub mod policy;
mod telemetry;

use std::hint::black_box;

/// One operation of one crate.
pub struct Operation {
    pub group: &'static str,
    /// What is done. The operations of one name are compared.
    pub name: &'static str,
    /// Who does it.
    pub who: &'static str,
    pub kind: Kind,
    /// What a reader must know about this one.
    pub note: &'static str,
    /// At most so many instructions.
    pub goal: Option<u32>,
    /// The operation that does all but the work: its instructions are subtracted from a count.
    pub base: &'static str,
    pub prepare: fn() -> Steps,
}

/// The base of most operations: a loop of steps that do nothing.
pub const NOTHING: &str = "nothing";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// A crate that does the same.
    Peer,
    /// A crate that does less, so that no ratio to it says anything.
    Lesser,
    /// The least code that gives such a result: what the machine can do.
    Bare,
}

/// Does an operation so many times.
pub type Steps = Box<dyn FnMut(u64)>;

/// The step as a loop. A step is told how many went before.
pub fn repeat(mut step: impl FnMut(u64) + 'static) -> Steps {
    let mut done = 0;
    Box::new(move |times| {
        let end = done + times;
        for n in done..end {
            step(n);
        }
        done = end;
    })
}

impl Operation {
    const fn ours(
        group: &'static str,
        name: &'static str,
        who: &'static str,
        goal: Option<u32>,
        prepare: fn() -> Steps,
    ) -> Self {
        Self { group, name, who, kind: Kind::Ours, note: "", goal, base: NOTHING, prepare }
    }

    const fn other(
        group: &'static str,
        name: &'static str,
        who: &'static str,
        kind: Kind,
        note: &'static str,
        prepare: fn() -> Steps,
    ) -> Self {
        Self { group, name, who, kind, note, goal: None, base: NOTHING, prepare }
    }
}

/// All of them, the compared ones in a row and ours first.
pub fn operations() -> Vec<Operation> {
    let nothing = || {
        let mut state = 0_u64;
        repeat(move |_| {
            black_box(black_box(&mut state));
        })
    };
    let mut all = vec![Operation::other(
        "loop",
        NOTHING,
        "an empty step",
        Kind::Bare,
        "subtracted from every count",
        nothing,
    )];
    all.extend(backoff::operations());
    all.extend(breaker::operations());
    all.extend(policy::operations());
    all.extend(telemetry::operations());
    all.extend(driver::operations());
    all
}
