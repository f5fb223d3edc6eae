//! Every byte string is a server's capacity and who asks it for appointments. None is in the past or too long, whatever the clock
//! does, and a window is as long as the server needs for all.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;

use redial::advise::{Book, Config};
use redial::testing::Script;
use redial::{Instant, Ratio};

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let overbooking = Ratio::new_const(script.below(8), 1 + script.below(3));
    let mut builder = Config::new(accepts(&mut script), script.duration());
    if script.flag() {
        builder = builder.overbooking(overbooking).round_trip(script.duration()).longest(script.duration());
    }
    let config = match builder.build() {
        Ok(config) => config,
        Err(error) => return assert_eq!(error.to_string().lines().count(), 1),
    };
    assert_eq!(config.to_builder().build(), Ok(config));
    assert!(config.overbooking().numerator() > 0 && config.round_trip() <= Duration::MAX);
    let (mut book, mut now) = (Book::new(config), Instant::ZERO);
    while !script.is_done() {
        now = if script.flag() { script.instant() } else { now.saturating_add(script.duration()) };
        match script.below(4) {
            0 => {
                let clients = accepts(&mut script);
                let window = book.window(clients);
                assert_eq!((window.subsec_nanos(), window.is_zero()), (0, clients == 0));
                assert!(window >= book.window(clients / 2), "fewer clients need no longer");
                let (accepts, per) = book.config().capacity();
                let most = per.as_micros() * u128::from(clients) / u128::from(accepts);
                assert!(window.as_micros() >= most.min(u128::from(u64::MAX / 1_000_000) * 1_000_000));
            }
            1 => {
                let before = book.clone();
                let changed = book.set_capacity(accepts(&mut script), script.duration());
                assert!(changed.is_ok() || book == before, "a refused capacity changes nothing");
            }
            _ => {
                let wait = book.appointment(now, accepts(&mut script));
                let longest = book.config().longest();
                assert!(wait >= Duration::from_secs(1).min(longest) && wait <= longest, "{wait:?}");
                assert_eq!(wait.subsec_nanos(), 0);
            }
        }
    }
}

/// A number of clients: none, few, many, or all that there can be.
fn accepts(script: &mut Script<'_>) -> u32 {
    match script.below(8) {
        0 => 0,
        1 => u32::MAX,
        2 => script.below(u32::MAX),
        _ => 1 + script.below(10_000),
    }
}
