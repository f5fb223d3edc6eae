//! How much a test tries of what it could. `cargo test` compiles without optimization and takes a part; `ci/proofs.sh` takes all.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]

/// How much deeper than what is quick: `REDIAL_DEEPER` in the environment, as `ci/proofs.sh` sets it.
pub fn deeper() -> usize {
    std::env::var("REDIAL_DEEPER").ok().and_then(|depth| depth.parse().ok()).unwrap_or(0)
}

/// How many random cases: so many in a proof, and an eighth of them otherwise.
pub fn cases(proof: u32) -> u32 {
    if deeper() == 0 { proof.div_ceil(8) } else { proof }
}

/// Codes and statuses: every number of 16 bits in a proof. Otherwise those that mean something anywhere, a few above, and the last.
pub fn numbers() -> impl Iterator<Item = u16> + Clone {
    const NAMED: u16 = 5_000;
    let above = (NAMED..=u16::MAX).rev().step_by(if deeper() == 0 { 97 } else { 1 });
    (0..NAMED).chain(above)
}
