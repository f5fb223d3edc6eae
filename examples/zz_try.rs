use redial::sim::*;
use redial::*;
use std::time::*;
fn main() {
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let name = std::env::args().nth(2).unwrap();
    let d: u64 = std::env::args().nth(3).unwrap().parse().unwrap();
    let ideal: u32 = std::env::args().nth(4).unwrap().parse().unwrap();
    let c = presets::by_name(&name).unwrap();
    let s = Scenario::new(n, n / ideal).outage(Duration::from_secs(d));
    let t = std::time::Instant::now();
    let r = run(&s, c, 1);
    eprintln!("{:?}", t.elapsed());
    println!(
        "{name}: lost {} online {} attempts {:.2} down {:.2} full {:.2} ratio {:?} peak {} t50 {:?} gave_up {}",
        r.lost(),
        r.online(),
        r.attempts_per_client(),
        r.failed_down_per_client(),
        r.failed_full_per_client(),
        r.ratio(),
        r.peak(Duration::ZERO),
        r.back(500),
        r.gave_up()
    );
}
