//! Counts the instructions of every operation under callgrind. `ci/instructions.sh` runs it and compares.
//!
//! A count is that of the loop of 1,000 steps alone: what is set up before is not counted, nor is anything the kernel
//! does. Divided by 1,000, the call of the loop itself is a few hundredths of an instruction.

use gungraun::prelude::*;
use redial_benches::{Steps, operations};

const STEPS: u64 = 1_000;

fn prepare(index: usize) -> Steps {
    (operations()[index].prepare)()
}

#[library_benchmark]
#[benches::of(iter = 0..operations().len(), setup = prepare)]
fn count(mut steps: Steps) -> Steps {
    steps(std::hint::black_box(STEPS));
    steps // dropped outside
}

library_benchmark_group!(name = all, benchmarks = count);
main!(library_benchmark_groups = all);
