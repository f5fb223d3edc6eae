//! The server's half through its public API: each call against exact arithmetic, and whole storms.

mod storm;

use core::time::Duration;

use proptest::prelude::*;
use redial::advise::{Book, Config};
use redial::{ConfigError, Instant, Ratio};
use storm::{Hints, Outcome, Storm, run};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

const fn ratio(num: u32, den: u32) -> Ratio {
    Ratio::new_const(num, den)
}

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Every valid config, with its extremes.
fn configs() -> impl Strategy<Value = Config> {
    let number = || prop_oneof![1..100_u32, 1..1_000_000_u32, Just(u32::MAX)];
    let span = || prop_oneof![1..10_u64, 1..10_000_000_u64, Just(1_000_000), 1..u64::MAX];
    // At most 4.
    let overbooking = (1..=u32::MAX, 1..=u32::MAX)
        .prop_map(|(num, den)| Ratio::new(num, den.max(num / 4 + 1)).expect("above 0"));
    (number(), span(), overbooking, span(), span()).prop_map(|(accepts, per, overbooking, trip, longest)| {
        Config::new(accepts, micros(per))
            .overbooking(overbooking)
            .round_trip(micros(trip))
            .longest(micros(longest))
            .build()
            .expect("valid")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// W20: an appointment is one slot after the one before, or after the round trip, and is rounded only for the header: up, so
    /// that none is early, and in whatever order clients and times come.
    #[test]
    fn every_appointment_is_the_next_slot(
        accepts in 1..2_000_u32, num in 1..9_u32, den in 1..5_u32, trip in 0..2_000_000_u64,
        steps in prop::collection::vec((0..900_000_u64, 1..50_u32), 1..20),
    ) {
        // Overbooked by at most 4, and a book whose end is out of reach.
        let overbooking = ratio(num.min(den * 4), den);
        let config = Config::new(accepts, SECOND).overbooking(overbooking).round_trip(micros(trip)).longest(DAY);
        let mut book = Book::new(config.build_const());
        let rate = u64::from(accepts) * u64::from(overbooking.numerator());
        let step = (1_000_000 * u64::from(overbooking.denominator())).div_ceil(rate);
        let (mut now, mut slot) = (0, 0);
        for (later, clients) in steps {
            now += later;
            for _ in 0..clients {
                slot = slot.max(now + trip) + step;
                let wait = book.appointment(Instant::from_micros(now), u32::MAX);
                prop_assert_eq!(wait, Duration::from_secs((slot - now).div_ceil(1_000_000)));
            }
        }
    }

    /// W20: of those that are refused at one time, no more come back in one second than capacity and overbooking say, and
    /// until the last no fewer, but for a slot of rounding.
    #[test]
    fn a_second_has_as_many_appointments_as_the_overbooked_capacity(accepts in 1..1_000_u32, num in 1..9_u32, den in 1..5_u32) {
        let num = num.min(den * 4);
        let config = Config::new(accepts, SECOND).overbooking(ratio(num, den)).round_trip(Duration::ZERO).longest(DAY);
        let mut book = Book::new(config.build_const());
        let mut seconds = [0_u32; 7];
        for _ in 0..accepts * num * 5 / den {
            seconds[usize::try_from(book.appointment(Instant::ZERO, u32::MAX).as_secs()).expect("few")] += 1;
        }
        prop_assert_eq!(seconds[0], 0);
        let rate = accepts * num;
        let least = (rate / den).saturating_sub(1 + rate / den * rate / den / 1_000_000);
        for second in &seconds[1..5] {
            prop_assert!((least..=rate.div_ceil(den)).contains(second), "{:?}", seconds);
        }
    }

    /// W21: no appointment is after the time at which the last client could be accepted, nor after the longest; except that
    /// none is before the round trip.
    #[test]
    fn a_book_ends_with_the_backlog(config in configs(), calls in prop::collection::vec((any::<u64>(), any::<u32>()), 1..50)) {
        let mut book = Book::new(config);
        for (now, not_connected) in calls {
            let wait = book.appointment(Instant::from_micros(now), not_connected);
            let end = book.window(not_connected).max(config.round_trip() + SECOND);
            prop_assert!(wait <= end && wait <= config.longest(), "{:?}: {:?}, {:?}", config, wait, end);
        }
    }

    /// W20, S98: whatever the clock, the backlog and the capacity do, each answer is at least a second, whole and finite.
    #[test]
    fn nothing_is_too_large_and_no_order_is_wrong(
        config in configs(),
        calls in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u32>(), any::<u64>(), any::<bool>()), 1..50),
    ) {
        let mut book = Book::new(config);
        for (now, not_connected, accepts, per, change) in calls {
            if change {
                let valid = book.set_capacity(accepts, micros(per)).is_ok();
                prop_assert_eq!(valid, accepts > 0 && per > 0);
            }
            let wait = book.appointment(Instant::from_micros(now), not_connected);
            prop_assert!(wait >= SECOND && wait <= config.longest());
            prop_assert_eq!(wait.subsec_nanos(), 0);
            prop_assert_eq!(book.window(not_connected).subsec_nanos(), 0);
        }
    }

    /// W23: a window is as long as the server takes to accept the clients, and less than a second longer.
    #[test]
    fn a_window_is_as_long_as_accepting_takes(accepts in 1..=u32::MAX, per in 1..u64::MAX, clients: u32) {
        let book = Book::new(Config::new(accepts, micros(per)).build_const());
        let window = book.window(clients).as_micros() * u128::from(accepts);
        let needed = u128::from(clients) * u128::from(per);
        if needed / u128::from(accepts) < u128::from(u64::MAX - 1_000_000) {
            prop_assert!(needed <= window && window < needed + u128::from(accepts) * 1_000_000);
        } else {
            prop_assert_eq!(book.window(clients), Duration::from_secs(u64::MAX / 1_000_000));
        }
    }
}

fn seconds(book: &mut Book, now: u64, not_connected: u32) -> u64 {
    book.appointment(Instant::from_millis(now), not_connected).as_secs()
}

/// W21: when everybody who is missing has had an appointment, the book starts over, and again when fewer are missing than it
/// was made for.
#[test]
fn a_full_book_starts_over() {
    let mut book = Book::new(Config::new(1, SECOND).overbooking(Ratio::ONE).build_const());
    let given: Vec<u64> = (0..8).map(|_| seconds(&mut book, 0, 4)).collect();
    assert_eq!(given, [2, 3, 4, 1, 2, 3, 4, 1]);
    // Where nobody is said to be missing, this client is.
    assert_eq!(seconds(&mut book, 0, 0), 1);

    // The longest appointment ends it as well.
    let mut book =
        Book::new(Config::new(1, SECOND).overbooking(Ratio::ONE).longest(3 * SECOND).build_const());
    let given: Vec<u64> = (0..6).map(|_| seconds(&mut book, 0, 1_000)).collect();
    assert_eq!(given, [2, 3, 1, 2, 3, 1]);

    // The present is no appointment, even where the client needs no time to be back, or time has ended.
    let mut book = Book::new(Config::new(1_000, SECOND).round_trip(Duration::ZERO).build_const());
    assert_eq!([seconds(&mut book, 5, 1), seconds(&mut book, 5, 1), seconds(&mut book, 5, 1)], [1, 1, 1]);
    assert_eq!(seconds(&mut book, u64::MAX, 1_000_000), 1);
}

/// W20, S98: slots that nobody took are gone, and a clock that ran back costs no more than the backlog.
#[test]
fn time_goes_on_and_back() {
    let mut book = Book::new(Config::new(1, SECOND).overbooking(Ratio::ONE).build_const());
    assert_eq!((seconds(&mut book, 100_000, 50), seconds(&mut book, 100_000, 50)), (2, 3));
    assert_eq!(seconds(&mut book, 101_500, 50), 2);
    assert_eq!(seconds(&mut book, 500_000, 50), 2);
    assert_eq!((seconds(&mut book, 0, 50), seconds(&mut book, 0, 50)), (1, 2));
}

/// W20: another capacity holds from the next appointment on; a wrong one changes nothing.
#[test]
fn the_capacity_may_change() {
    let mut book = Book::new(Config::new(1, SECOND).overbooking(Ratio::ONE).build_const());
    assert_eq!((seconds(&mut book, 0, 1_000), seconds(&mut book, 0, 1_000)), (2, 3));
    for (accepts, per) in [(0, SECOND), (1, Duration::ZERO)] {
        assert_eq!(book.set_capacity(accepts, per), Err(ConfigError::CapacityZero));
    }
    assert_eq!((seconds(&mut book, 0, 1_000), book.window(9)), (4, 9 * SECOND));
    assert_eq!(book.set_capacity(1, 5 * SECOND), Ok(()));
    assert_eq!((seconds(&mut book, 0, 1_000), book.window(9)), (9, 45 * SECOND));
    assert_eq!(book.set_capacity(10, SECOND), Ok(()));
    assert_eq!((seconds(&mut book, 0, 1_000), book.window(9)), (9, SECOND));
    // With the new capacity the backlog takes 3 s, and the book ends there.
    assert_eq!((seconds(&mut book, 0, 30), seconds(&mut book, 0, 30)), (1, 1));
    assert_eq!(book.config().capacity(), (10, SECOND));
}

#[test]
fn every_setting_is_checked_and_can_be_read_back() {
    let new = || Config::new(500, SECOND);
    let config = new().overbooking(ratio(4, 1)).round_trip(2 * SECOND).longest(micros(1)).build_const();
    assert_eq!((config.capacity(), config.overbooking()), ((500, SECOND), ratio(4, 1)));
    assert_eq!((config.round_trip(), config.longest()), (2 * SECOND, SECOND));
    let default = new().build_const();
    assert_eq!((default.overbooking(), default.longest()), (ratio(3, 2), 300 * SECOND));
    assert_eq!(default.round_trip(), SECOND / 10);
    // As long as a client accepts by default.
    let client = redial::Config::new(redial::BackoffConfig::constant(SECOND).build_const()).build_const();
    assert_eq!(default.longest(), client.retry_after_max());

    assert_eq!(Config::new(0, SECOND).build(), Err(ConfigError::CapacityZero));
    assert_eq!(Config::new(1, Duration::ZERO).build(), Err(ConfigError::CapacityZero));
    assert_eq!(new().longest(Duration::ZERO).build(), Err(ConfigError::LimitZero));
    for wrong in [Ratio::ZERO, ratio(401, 100)] {
        assert_eq!(new().overbooking(wrong).build(), Err(ConfigError::ShareRange));
    }
    assert_eq!(new().longest(Duration::MAX).build_const().longest().subsec_nanos(), 0);
}

/// The geometric means over storms with every backlog and outage, of servers that believe in so many tenths of their
/// capacity and clients of which so many of ten heed hints.
fn storms(hints: Hints, believed: u32, heeded_by: u32) -> Outcome {
    const CLIENTS: u32 = 4_000;
    let (mut attempts, mut ratio, mut count) = (0.0, 0.0, 0.0);
    for ideal in [10, 30, 100, 300] {
        for (outage, seed) in [(0, 1), (0, 2), (20, 3), (60, 4), (60, 5), (300, 6)] {
            let capacity = CLIENTS / ideal;
            let storm = Storm {
                clients: CLIENTS,
                capacity,
                believed: capacity * believed / 10,
                outage,
                hints,
                heeded_by,
                seed: seed + 100 * u64::from(ideal),
            };
            let outcome = run(storm);
            attempts += outcome.attempts.ln();
            ratio += outcome.ratio.ln();
            count += 1.0;
        }
    }
    let mean = |sum: f64| (sum / count).exp();
    let outcome = Outcome { attempts: mean(attempts), ratio: mean(ratio) };
    println!("{hints:?}, {believed}, {heeded_by}: {:.2} -> {:.2}", outcome.attempts, outcome.ratio);
    outcome
}

/// The default.
const BOOK: Hints = Hints::Book(ratio(3, 2));

/// W22: appointments save attempts and time; a constant that is obeyed costs more of both than no hint.
#[test]
fn appointments_help_and_constants_harm() {
    let none = storms(Hints::None, 10, 10);
    let book = storms(BOOK, 10, 10);
    assert!(book.attempts < 0.85 * none.attempts && book.ratio < 0.92 * none.ratio);
    let constant = storms(Hints::Constant(30), 10, 10);
    assert!(constant.attempts > 1.3 * none.attempts && constant.ratio > 2.0 * none.ratio);
}

/// W22: overbooking costs few attempts, and saves the time that a server idles because clients don't come or its capacity was
/// underestimated.
#[test]
fn overbooking_is_cheap_where_it_is_wrong() {
    let [half, careful, usual, double] =
        [ratio(1, 2), ratio(19, 20), ratio(3, 2), ratio(9, 4)].map(|rate| storms(Hints::Book(rate), 10, 10));
    assert!(
        half.attempts < careful.attempts
            && careful.attempts < usual.attempts
            && usual.attempts < double.attempts
    );
    assert!(usual.attempts < 1.08 * careful.attempts && usual.ratio < 0.95 * careful.ratio);
    assert!(double.ratio > 0.99 * usual.ratio);

    let overestimated = storms(BOOK, 15, 10);
    assert!(overestimated.attempts < usual.attempts + 0.7 && overestimated.ratio < 1.01 * usual.ratio);
    let underestimated = storms(BOOK, 5, 10);
    let careful = storms(Hints::Book(ratio(19, 20)), 5, 10);
    assert!(underestimated.ratio < 0.9 * careful.ratio);
}

/// W21, W22: where only some clients heed hints, they are no worse than none, because the book ends with the backlog.
#[test]
fn partial_deployment_is_no_worse_than_none() {
    let none = storms(Hints::None, 10, 10);
    for heeded_by in [1, 3, 5, 7, 9] {
        let some = storms(BOOK, 10, heeded_by);
        assert!(some.attempts < none.attempts && some.ratio < 1.01 * none.ratio, "{heeded_by} of 10");
    }
    let endless = storms(Hints::Endless(ratio(3, 2)), 10, 3);
    assert!(endless.ratio > 1.1 * none.ratio);
}

/// W23: over the window of a planned restart each client dials once, and all of them take no longer than they must; over a
/// shorter one they don't.
#[test]
fn a_planned_restart_costs_one_attempt() {
    let restart = |ideal, tenths| {
        let (clients, capacity) = (4_000, 4_000_u32 / ideal);
        let hints = Hints::Window(tenths);
        run(Storm { clients, capacity, believed: capacity, outage: 0, hints, heeded_by: 10, seed: 5 })
    };
    for ideal in [10, 30, 100] {
        let whole = restart(ideal, 10);
        assert!(whole.attempts <= 1.05 && whole.ratio <= 1.05, "{ideal} s: {whole:?}");
    }
    let (short, shorter) = (restart(30, 9), restart(100, 9));
    assert!(short.attempts > 1.2 && shorter.attempts > 2.0);
    // Chance alone overloads a server that accepts 13 of 4,000 a second. Some time more is enough.
    let (slow, slower) = (restart(300, 10), restart(300, 11));
    assert!(slow.attempts < 1.4 && slower.attempts < 1.05 && slower.ratio < 1.1);
}

/// W20, W21: the last appointment of a book is exactly at its end; the next one starts over.
#[test]
fn the_last_appointment_is_at_the_end() {
    let config = Config::new(1, 2 * SECOND).overbooking(Ratio::ONE).round_trip(Duration::ZERO);
    let mut book = Book::new(config.build().expect("valid"));
    let now = Instant::from_millis(7_000);
    assert_eq!([(); 5].map(|()| book.appointment(now, 2)), [2, 4, 1, 2, 4].map(|seconds| seconds * SECOND));
}
