//! The same policy as in `policy`, without a breaker, a heartbeat and a session.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::{
    BackoffConfig, Classifier, Config, Event, Instant, Lean, NoSubscriptions, Policy, Ratio, ResumeConfig,
    Table, tables, valid,
};
use sizes::Counter;

static CONFIG: Config = Config::new(valid(BackoffConfig::exponential(
    Duration::from_secs(1),
    Ratio::TWO,
    Duration::from_secs(30),
)))
.with_classifier(Classifier::new(TABLE))
.with_resume(ResumeConfig::disabled());

const TABLE: &Table = &tables::TRANSPORT;

static LEAN: Lean<'static> = valid(Lean::new(&CONFIG));

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // Not known to the compiler: every choice in a config is compiled in.
    let lean: &'static Lean<'static> = black_box(&LEAN);
    let mut policy: Policy<Counter, (), NoSubscriptions, Lean<'static>> = Policy::new(*lean, Counter::new());
    loop {
        let now = Instant::from_micros(black_box(0));
        let fact: Option<Event> = black_box(None);
        let actions = match fact {
            Some(fact) => policy.handle_event(now, fact),
            None => policy.handle_timeout(now),
        };
        for action in actions {
            black_box(action);
        }
        black_box(policy.poll_timeout());
    }
}
