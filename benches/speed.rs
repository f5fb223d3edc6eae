//! Times every operation: `backoff`, `breaker`, `policy` and `driver` are this crate's alone, `peers` has the others beside it.
//!
//! ```text
//! cargo bench -p redial-benches --bench speed -- ^peers
//! ```

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use redial_benches::{Kind, Operation, operations};

#[expect(clippy::disallowed_methods, reason = "what is measured is the clock's time")]
fn time(bencher: &mut Bencher<'_>, operation: &Operation) {
    let mut steps = (operation.prepare)();
    bencher.iter_custom(|times| {
        let began = std::time::Instant::now();
        steps(times);
        began.elapsed()
    });
}

fn alone(c: &mut Criterion) {
    for name in ["backoff", "breaker", "policy", "driver"] {
        let mut group = c.benchmark_group(name);
        for operation in operations().iter().filter(|one| one.group == name && one.kind == Kind::Ours) {
            group.bench_function(format!("{}/{}", operation.name, operation.who), |b| time(b, operation));
        }
        group.finish();
    }
}

fn peers(c: &mut Criterion) {
    let mut group = c.benchmark_group("peers");
    for operation in operations().iter() {
        group.bench_function(format!("{}/{}", operation.name, operation.who), |b| time(b, operation));
    }
    group.finish();
}

criterion_group!(benches, alone, peers);
criterion_main!(benches);
