//! One verdict for each number, and rules of the user's own.

use super::*;

/// S99: every code and every status, in every table, has one verdict; only the known classes of a default occur where
/// nothing is listed.
#[test]
fn every_code_and_status_has_exactly_one_class() {
    for table in tables::ALL {
        let by_default = Classifier::new(table).build_const();
        for number in crate::harness::numbers() {
            for cause in [Cause::CloseFrame(number), Cause::Http(number)] {
                let verdict = by_default.classify(cause);
                match table.lookup(cause) {
                    Some(listed) => assert_eq!(verdict, listed, "{cause}"),
                    None => assert_eq!(verdict, Verdict::new(Transient), "{cause}"),
                }
                let (low, high) = verdict.wait(1);
                assert!(low <= high, "{cause}");
            }
            let listed = table.lookup(Cause::Http(number)).is_some();
            assert_eq!(listed, (100..600).contains(&number), "{}: status {number}", table.name());
        }
    }
}

/// F57, S48: overrides win over tables, exactly or by range; the last one given wins.
#[test]
fn overrides_win_over_tables() {
    let fatal = Verdict::new(Fatal);
    let overrides = [
        Rule::new(Match::CloseRange(4000, 4999), Verdict::new(Fresh)),
        Rule::new(Match::Is(Cause::CloseFrame(4004)), Verdict::new(Auth)),
        Rule::new(Match::Is(Cause::CloseFrame(4004)), Verdict::new(RateLimited)),
        Rule::new(Match::HttpRange(500, 599), fatal),
        Rule::new(Match::AnyIo, fatal),
        Rule::new(Match::AnyTls, Verdict::new(Transient)),
        Rule::new(Match::Is(Cause::HeartbeatMissed), Verdict::new(Fresh)),
        Rule::new(Match::Is(Cause::Class(Auth)), fatal),
    ];
    let classifier =
        overrides.into_iter().fold(DISCORD.to_builder(), Builder::<Classifier>::rule).build().unwrap();
    let expected = [
        (Cause::CloseFrame(3999), Transient),
        (Cause::CloseFrame(4000), Fresh),
        (Cause::CloseFrame(4999), Fresh),
        (Cause::CloseFrame(5000), Fresh),
        (Cause::CloseFrame(4004), RateLimited),
        (Cause::Http(499), Fatal),
        (Cause::Http(503), Fatal),
        (Cause::Http(600), Transient),
        (Cause::Io(IoKind::ConnectionRefused), Fatal),
        (Cause::Io(IoKind::Other), Fatal),
        (Cause::Tls(TlsKind::Revoked), Transient),
        (Cause::HeartbeatMissed, Fresh),
        (Cause::Class(Auth), Fatal),
        (Cause::Class(Fresh), Fresh),
    ];
    for (cause, class) in expected {
        assert_eq!(classifier.classify(cause).class, class, "{cause:?}");
    }
    // Given the other way round, the range covers the single code.
    let reversed =
        overrides.into_iter().rev().fold(DISCORD.to_builder(), Builder::<Classifier>::rule).build().unwrap();
    assert_eq!(reversed.classify(Cause::CloseFrame(4004)).class, Fresh);
}

/// F57: what can't work is refused, also in a `const`.
#[test]
fn overrides_are_validated() {
    const ONE: Classifier = DISCORD
        .to_builder()
        .rule(Rule::new(Match::Is(Cause::CloseFrame(4004)), Verdict::new(Fresh)))
        .build_const();
    assert_eq!(ONE.classify(Cause::CloseFrame(4004)).class, Fresh);

    let verdict = Verdict::new(Fatal);
    for reversed in [Match::CloseRange(2, 1), Match::HttpRange(500, 499)] {
        assert_eq!(
            WEBSOCKET.to_builder().rule(Rule::new(reversed, verdict)).build(),
            Err(ConfigError::RangeReversed)
        );
    }
    let rule = |code| Rule::new(Match::CloseRange(code, code), verdict);
    let codes = 4000..4000 + u16::try_from(MAX_OVERRIDES).unwrap();
    let full =
        codes.clone().map(rule).fold(WEBSOCKET.to_builder(), Builder::<Classifier>::rule).build().unwrap();
    for code in codes {
        assert_eq!(full.classify(Cause::CloseFrame(code)).class, Fatal);
    }
    assert_eq!(full.to_builder().rule(rule(4100)).build(), Err(ConfigError::TooManyOverrides));
}

#[test]
fn waits_are_validated_and_rounded_up() {
    let verdict = Verdict::new(Transient);
    let (ms, max) = (Duration::from_millis, Duration::from_millis(u64::from(u32::MAX)));
    assert_eq!(verdict.with_wait(ms(2), ms(1)), Err(ConfigError::RangeReversed));
    assert_eq!(verdict.with_wait(Duration::from_nanos(1), ms(1)).unwrap().wait(1), (ms(1), ms(1)));
    assert_eq!(verdict.with_wait(Duration::MAX, Duration::MAX).unwrap().wait(1), (max, max));
    let steep = verdict.with_wait(Duration::MAX, Duration::MAX).unwrap().with_steps_ms(&[u32::MAX]);
    assert_eq!(steep.wait(u32::MAX), (max * 2, max * 2));
}
