//! Which of the mutants in a copy of the core is on. The environment says it, so that one build has them all.
//!
//! With `REDIAL_MUTANT=7` the seventh is on. With `REDIAL_REACHED=FILE` none is, and at the end of the process `FILE.PID` has a
//! byte for each mutant: 1 if anything asked for it.

#![feature(const_eval_select, core_intrinsics)]
#![allow(internal_features, reason = "a function that differs at compile time has no stable form")]

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

/// More mutants than any copy has.
const MOST: usize = 1 << 14;
const UNKNOWN: u32 = u32::MAX;
const RECORDING: u32 = u32::MAX - 1;

static ON: AtomicU32 = AtomicU32::new(UNKNOWN);
static REACHED: [AtomicU8; MOST] = [const { AtomicU8::new(0) }; MOST];

/// Whether this mutant is on. While a constant is computed, none is.
#[inline]
pub const fn on(mutant: u32) -> bool {
    core::intrinsics::const_eval_select((mutant,), in_a_constant, now)
}

const fn in_a_constant(_: u32) -> bool {
    false
}

#[inline]
fn now(mutant: u32) -> bool {
    let on = ON.load(Relaxed);
    if on >= RECORDING { ask(mutant) } else { on == mutant }
}

#[cold]
fn ask(mutant: u32) -> bool {
    if ON.load(Relaxed) == UNKNOWN {
        ON.store(from_the_environment(), Relaxed);
        return now(mutant);
    }
    if let Some(reached) = REACHED.get(mutant as usize) {
        reached.store(1, Relaxed);
    }
    false
}

fn from_the_environment() -> u32 {
    if std::env::var_os("REDIAL_REACHED").is_some() {
        // SAFETY: `write` is a function of this program, and touches nothing that ends before it.
        unsafe { atexit(write) };
        return RECORDING;
    }
    match std::env::var("REDIAL_MUTANT") {
        Ok(number) => number.parse().expect("REDIAL_MUTANT is a number"),
        Err(_) => 0,
    }
}

unsafe extern "C" {
    fn atexit(call: extern "C" fn()) -> i32;
}

extern "C" fn write() {
    let Ok(file) = std::env::var("REDIAL_REACHED") else { return };
    let bytes: Vec<u8> = REACHED.iter().map(|reached| reached.load(Relaxed)).collect();
    if let Err(error) = std::fs::write(format!("{file}.{}", std::process::id()), bytes) {
        eprintln!("{file}: {error}");
    }
}

/// What a function returns that returns an iterator of a type without a name.
pub enum Either<A, B> {
    /// A mutant's.
    This(A),
    /// Another's, or the original's.
    That(B),
}

impl<A: Iterator, B: Iterator<Item = A::Item>> Iterator for Either<A, B> {
    type Item = A::Item;

    fn next(&mut self) -> Option<A::Item> {
        match self {
            Self::This(this) => this.next(),
            Self::That(that) => that.next(),
        }
    }
}
