//! Configs at the edge of what is allowed, and those that are refused.

use super::*;

/// P5: ended is ended, also for a caller who asks on. P3: the sum of the waits saturates.
#[test]
fn the_iterator_is_fused() {
    const TWO: &[Duration] = &[ms(1), ms(2)];
    let mut delays = BackoffConfig::table(TWO, AfterTable::GiveUp).build().unwrap().delays(Shared::default());
    assert_eq!(delays.by_ref().count(), 2);
    assert!((0..100).all(|_| delays.next().is_none()));
    // P3: the sum of the waits saturates.
    let endless = BackoffConfig::elapsed(Ratio::TWO, Duration::MAX, Duration::MAX).build().unwrap();
    assert!(waits(endless, 5).iter().all(|wait| *wait == us(u64::MAX)));
}

/// P4: what is shorter than the resolution is rounded up, never to nothing; a wait below a millisecond is a hot loop and
/// refused, or rounded up where it is asked for once.
#[test]
fn waits_below_a_millisecond_are_no_waits() {
    use ConfigError::InitialTooShort;
    let config = BackoffConfig::constant(ms(1) + Duration::from_nanos(1)).build().unwrap();
    assert_eq!(waits(config, 1), [us(1_001)]);
    let half = ratio("1/2");
    for short in [Duration::from_nanos(1), us(1), us(999)] {
        assert_eq!(BackoffConfig::exponential(short, Ratio::TWO, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::constant(short).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::linear(short, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::fibonacci(short, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::quadratic(short, ms(1), ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::elapsed(half, short, ms(9)).build(), Err(InitialTooShort));
        for after in [AfterTable::RepeatLast, AfterTable::GiveUp] {
            for entries in [[short, ms(5)], [ms(5), short], [Duration::ZERO, short]] {
                let table = BackoffConfig::table(Box::leak(Box::new(entries)), after).build();
                assert_eq!(table, Err(InitialTooShort), "{entries:?}");
            }
        }
        assert_eq!(exponential(1, "2", 9).to_builder().max_fresh(short).build(), Err(InitialTooShort));
        let asked_for = exponential(2, "2", 9).to_builder().first_delay(short).build_const();
        assert_eq!(waits(asked_for, 2), millis(&[1, 4]));
        assert_eq!(asked_for.first_delay(), Some(ms(1)));
    }
    // The last nanosecond is rounded up.
    assert!(BackoffConfig::constant(ms(1) - Duration::from_nanos(1)).build().is_ok());
    assert!(BackoffConfig::constant(ms(1)).build().is_ok());
}

/// A decorrelated jitter draws between the first wait and the cap: a constant has no such range.
#[test]
fn a_constant_has_no_decorrelated_jitter() {
    let constants = [
        BackoffConfig::constant(ms(1_000)).build().unwrap(),
        exponential(1_000, "1", 30_000),
        exponential(1_000, "1", 1_000),
    ];
    for constant in constants {
        for jitter in [Jitter::Decorrelated, Jitter::DecorrelatedV2] {
            assert_eq!(
                constant.to_builder().jitter(jitter).build(),
                Err(ConfigError::JitterNoRoom),
                "{jitter:?}"
            );
        }
        assert!(constant.to_builder().jitter(Jitter::Full).build().is_ok());
    }
    assert!(exponential(1_000, "1.01", 30_000).to_builder().jitter(Jitter::Decorrelated).build().is_ok());
}

// Refused configs

/// F40, P6, P7, P10, P12, P13, P17.
#[test]
fn configs_that_could_misbehave_are_refused() {
    use ConfigError::{
        FactorBelowOne, FloorAboveMax, InitialAboveMax, InitialZero, JitterAboveOne, JitterWindow,
        TableEmpty, TableRepeatsZero,
    };
    let (zero, one, two) = (Duration::ZERO, ms(1), ms(2));
    let half = ratio("1/2");
    assert_eq!(BackoffConfig::exponential(zero, Ratio::TWO, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::exponential(two, Ratio::TWO, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::exponential(one, half, two).build(), Err(FactorBelowOne));
    assert_eq!(BackoffConfig::exponential(one, Ratio::ZERO, two).build(), Err(FactorBelowOne));
    assert_eq!(BackoffConfig::constant(zero).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::linear(zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::linear(two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::fibonacci(zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::fibonacci(two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::elapsed(half, zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::elapsed(half, two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::table(&[], AfterTable::RepeatLast).build(), Err(TableEmpty));
    assert_eq!(BackoffConfig::table(&[], AfterTable::GiveUp).build(), Err(TableEmpty));
    const TO_ZERO: &[Duration] = &[ms(1), Duration::ZERO];
    assert_eq!(BackoffConfig::table(TO_ZERO, AfterTable::RepeatLast).build(), Err(TableRepeatsZero));
    assert!(BackoffConfig::table(TO_ZERO, AfterTable::GiveUp).build().is_ok());

    let ladder = exponential(2, "2", 8);
    assert_eq!(ladder.to_builder().jitter(Jitter::PlusMinus(ratio("1.01"))).build(), Err(JitterAboveOne));
    assert!(ladder.to_builder().jitter(Jitter::PlusMinus(Ratio::ONE)).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Window(Ratio::ONE, half)).build(), Err(JitterWindow));
    assert_eq!(ladder.to_builder().jitter(Jitter::Window(half, ratio("1.01"))).build(), Err(JitterWindow));
    assert_eq!(
        ladder.to_builder().jitter(Jitter::Window(Ratio::ZERO, Ratio::ZERO)).build(),
        Err(JitterWindow)
    );
    assert!(ladder.to_builder().jitter(Jitter::Window(half, half)).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Minus(ratio("1.01"))).build(), Err(JitterAboveOne));
    assert_eq!(
        ladder.to_builder().jitter(Jitter::PlusFixed(two, one)).build(),
        Err(ConfigError::RangeReversed)
    );
    assert_eq!(ladder.to_builder().jitter(Jitter::PlusFixed(one, ms(7))).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().jitter(Jitter::PlusFixed(one, ms(6))).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Plus(ratio("3.01"))).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().jitter(Jitter::Plus(ratio("3"))).build().is_ok());
    assert_eq!(BackoffConfig::quadratic(zero, one, two).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::quadratic(two, one, one).build(), Err(InitialAboveMax));
    const FROM_ZERO: &[Duration] = &[Duration::ZERO, ms(1)];
    let table = BackoffConfig::table(FROM_ZERO, AfterTable::RepeatLast).build().unwrap();
    assert_eq!(table.to_builder().jitter(Jitter::Decorrelated).build(), Err(InitialZero));
    assert_eq!(table.to_builder().jitter(Jitter::DecorrelatedV2).build(), Err(InitialZero));
    assert_eq!(table.to_builder().max_fresh(zero).build(), Err(InitialZero));
    assert_eq!(ladder.to_builder().floor(ms(9)).build(), Err(FloorAboveMax));
    assert!(ladder.to_builder().floor(ms(8)).build().is_ok());
    assert_eq!(ladder.to_builder().max_fresh(one).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().max_fresh(two).build().is_ok());
}

/// With the code of another config the same config is built, or none where it needs other code: there are four kinds.
#[test]
fn a_config_is_built_with_the_code_of_its_kind_alone() {
    let usual = BackoffConfig::exponential(ms(250), Ratio::TWO, ms(9_000));
    let windows = BackoffConfig::windows(ms(1_750), ms(40_000));
    let kinds: [&[redial::builder::Builder<BackoffConfig>]; 4] = [
        &[
            usual,
            usual.jitter(Jitter::Full),
            usual.jitter(Jitter::Decorrelated),
            BackoffConfig::constant(ms(5)),
        ],
        &[usual.jitter(Jitter::Plus(Ratio::ONE)), usual.jitter(Jitter::PlusFixed(ms(1), ms(9)))],
        &[usual.jitter(Jitter::DecorrelatedV2)],
        &[windows],
    ];
    for (kind, configs) in kinds.iter().enumerate() {
        for config in *configs {
            let built = config.build().expect("a config");
            for (other, code) in
                kinds.iter().enumerate().flat_map(|(kind, all)| all.iter().map(move |it| (kind, it)))
            {
                let like = config.build_like(&code.build().expect("a config"));
                let expected = if kind == other { Ok(built) } else { Err(ConfigError::BackoffKind) };
                assert_eq!(like, expected, "{built:?}");
            }
        }
    }
    // What is wrong with the config is said first.
    let wrong = BackoffConfig::exponential(ms(9), Ratio::TWO, ms(1));
    assert_eq!(wrong.build_like(&windows.build_const()), wrong.build());
}
