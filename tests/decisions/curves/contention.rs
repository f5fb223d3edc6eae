//! Clients that contend for one resource, as AWS simulates them.

use super::*;

/// The simulator of AWS's article: clients that change one row, each once, over a network of N(10, 2) ms; a client
/// that another one was faster than reads again after a wait of 5 ms × 2^n, at most 2 s. When the last is done, and how
/// many writes it took, are those of the published algorithms. Only the article's decorrelated waits pile up at the cap
/// where ours are spread below it: as many writes, and done sooner.
#[test]
fn aws_simulator_table() {
    let plain = ladder(10, "2", 2000);
    let ours = |config: BackoffConfig| {
        move |seed| {
            let mut delays = config.delays(SplitMix64::new(seed));
            Box::new(move || delays.next().unwrap().as_secs_f64() * 1000.0) as Waits
        }
    };
    let none = |_| Box::new(|| 0.0) as Waits;
    let article = |seed| {
        let (mut rng, mut last) = (SplitMix64::new(seed), 5.0);
        Box::new(move || {
            last = (5.0 + unit(&mut rng) * (last * 3.0 - 5.0)).min(2000.0);
            last
        }) as Waits
    };
    let jittered = |jitter| ours(plain.to_builder().jitter(jitter).build().unwrap());
    let decorrelated = ours(ladder(5, "2", 2000).to_builder().jitter(Jitter::Decorrelated).build().unwrap());
    let algorithms: [(&str, &dyn Fn(u64) -> Waits); 5] = [
        ("none", &none),
        ("exponential", &ours(plain)),
        ("the article's decorrelated", &article),
        ("equal", &jittered(Jitter::Equal)),
        ("full", &jittered(Jitter::Full)),
    ];
    let mean = |clients, waits: &dyn Fn(u64) -> Waits| {
        let runs = (0..100).map(|seed| contend(clients, waits, seed));
        runs.fold((0.0, 0.0), |sum, run| (sum.0 + run.0 / 100.0, sum.1 + run.1 / 100.0))
    };
    let table = [
        (10, [(377.0, 50.0), (3590.0, 51.0), (448.0, 38.0), (719.0, 42.0), (477.0, 39.0)]),
        (50, [(1138.0, 686.0), (36_443.0, 623.0), (2164.0, 374.0), (4230.0, 347.0), (2890.0, 333.0)]),
        (100, [(2029.0, 2424.0), (62_984.0, 1851.0), (4480.0, 999.0), (6562.0, 813.0), (4843.0, 795.0)]),
        (150, [(2876.0, 5138.0), (85_687.0, 3551.0), (6575.0, 1754.0), (8339.0, 1324.0), (6392.0, 1319.0)]),
        (190, [(3538.0, 8009.0), (101_540.0, 5170.0), (7898.0, 2442.0), (9363.0, 1759.0), (7337.0, 1772.0)]),
    ];
    // The work grows with the square of the clients.
    let rows = if crate::harness::deeper() == 0 { 2 } else { table.len() };
    for (clients, row) in table.into_iter().take(rows) {
        for ((name, algorithm), (time, writes)) in algorithms.into_iter().zip(row) {
            let (ms, calls) = mean(clients, algorithm);
            println!("{clients} clients, {name}: {ms:.0} ms of {time}, {calls:.0} writes of {writes}");
            // Two means of 100 runs each; few clients leave more to chance.
            let near = if clients == 10 { 0.12 } else { 0.06 };
            assert!(
                (calls / writes - 1.0).abs() < near / 2.0,
                "{clients}, {name}: {calls} writes, not {writes}"
            );
            assert!((ms / time - 1.0).abs() < near, "{clients}, {name}: {ms} ms, not {time}");
        }
        let (ms, calls) = mean(clients, &decorrelated);
        let (time, writes) = row[2];
        println!("{clients} clients, decorrelated: {ms:.0} ms of {time}, {calls:.0} writes of {writes}");
        assert!((calls / writes - 1.0).abs() < 0.03, "{clients}: {calls} writes, not {writes}");
        assert!(ms < time * 1.06 && (clients < 150 || ms < time * 0.94), "{clients}: {ms} ms, not {time}");
    }
}

/// The waits of one client, in ms.
type Waits = Box<dyn FnMut() -> f64>;

fn unit(rng: &mut SplitMix64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// One run of the simulator: when the last client is done, in ms, and the writes it took.
fn contend(clients: u32, waits: &dyn Fn(u64) -> Waits, seed: u64) -> (f64, f64) {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum At {
        Read,
        Write { version: u32 },
    }
    let mut rng = SplitMix64::new(seed);
    let mut network = || {
        let (radius, turn) = (1.0 - unit(&mut rng), unit(&mut rng));
        (10.0 + 2.0 * (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()).abs()
    };
    let nanos = |ms: f64| (ms * 1e6) as u64;
    let mut waits: Vec<_> = (0..clients).map(|client| waits((seed << 20) | u64::from(client))).collect();
    let mut queue: BinaryHeap<_> =
        (0..waits.len()).map(|client| Reverse((nanos(network()), client, At::Read))).collect();
    let (mut row, mut writes, mut end) = (0, 0.0, 0);
    while let Some(Reverse((now, client, at))) = queue.pop() {
        // What was read comes back, and the write sets out; a refusal comes back, and after the wait a read sets out.
        let (later, next) = match at {
            At::Read => (network() + network(), At::Write { version: row }),
            At::Write { version } if version != row => {
                writes += 1.0;
                (network() + network() + waits[client](), At::Read)
            }
            At::Write { .. } => {
                (writes, row) = (writes + 1.0, row + 1);
                end = end.max(now + nanos(network()));
                continue;
            }
        };
        queue.push(Reverse((now + nanos(later), client, next)));
    }
    (end as f64 / 1e6, writes)
}
