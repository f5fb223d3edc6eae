//! 6.1 and 6.2: close codes.

use super::*;

/// Section 6.1, F41-F44, F54.
#[test]
fn close_codes_of_the_registry() {
    check(&WEBSOCKET, "6.1 none", [(Cause::NoCloseFrame, RESUME)]);
    check(
        &WEBSOCKET,
        "6.1",
        closes([
            (0, FRESH_CF_LIMITED),
            (999, FRESH_CF_LIMITED),
            (1000, RESUME),
            (1001, RESUME),
            (1002, FRESH_CF_LIMITED),
            (1003, FRESH_CF_LIMITED),
            (1004, FRESH_CF_LIMITED),
            (1005, RESUME),
            (1006, RESUME),
            (1007, FRESH_CF_LIMITED),
            (1008, LADDER),
            (1009, FATAL_CF),
            (1010, FATAL),
            (1011, RESUME),
            (1012, LATER),
            (1013, LATER),
            (1014, RESUME),
            (1015, RESUME),
            (1016, RESUME),
            (2999, RESUME),
            (3000, AUTH_ONCE),
            (3001, RESUME),
            (3003, FATAL),
            (3008, RESUME),
            (3499, RESUME),
            (3500, RESUME),
            (3999, RESUME),
            (4000, RESUME),
            (4499, RESUME),
            (4500, RESUME),
            (4999, RESUME),
            (5000, FRESH_CF_LIMITED),
            (u16::MAX, FRESH_CF_LIMITED),
        ]),
    );
}

/// Section 6.1, F53, S48: unassigned, library and private codes follow the configured default, known ones don't.
#[test]
fn unknown_codes_follow_the_default() {
    for default in Class::ALL.iter().copied() {
        let classifier = WEBSOCKET.to_builder().default_class(default).build_const();
        let unknown = [1016, 2999, 3001, 3500, 4000, 4500, 4999].map(Cause::CloseFrame);
        let others = [Cause::Unknown, Cause::Io(IoKind::Other), Cause::Tls(TlsKind::Other), Cause::Http(600)];
        for cause in unknown.into_iter().chain(others) {
            assert_eq!(classifier.classify(cause), Verdict::new(default), "{cause}");
        }
        assert_eq!(classifier.classify(Cause::CloseFrame(1006)).class, Transient);
        assert_eq!(classifier.classify(Cause::HeartbeatMissed).class, Transient);
        assert_eq!(classifier.classify(Cause::NoCloseFrame).class, Transient);
    }
}

/// Section 6.1 rows 1012 and 1013, F45, S82; section 6.3 row 429.
#[test]
fn servers_that_restart_or_are_busy_get_time() {
    for classifier in [WEBSOCKET, DISCORD] {
        for nth in [0, 1, 2, u32::MAX] {
            assert_eq!(classifier.classify(Cause::CloseFrame(1012)).wait(nth), secs((5, 15)));
            assert_eq!(classifier.classify(Cause::CloseFrame(1013)).wait(nth), secs((30, 120)));
            assert_eq!(classifier.classify(Cause::Http(429)).wait(nth), secs((30, 120)));
            assert_eq!(classifier.classify(Cause::CloseFrame(1011)).wait(nth), NO_WAIT);
        }
    }
}

/// Section 6.1 row 1008, F48, S81: its own backoff, and the tenth in a row is the last.
#[test]
fn policy_violations_have_a_backoff_of_their_own() {
    let verdict = WEBSOCKET.classify(Cause::CloseFrame(1008));
    for (nth, low) in [(1, 15), (2, 30), (3, 60), (4, 120), (5, 300), (6, 300), (9, 300), (u32::MAX, 300)] {
        assert_eq!(verdict.wait(nth), secs((low, low + 1)), "number {nth}");
    }
    assert_eq!(verdict.limit, 9, "nine are retried, the tenth is fatal");
}

/// Section 6.2, F41, F42, F54.
#[test]
fn discord_close_codes() {
    check(
        &DISCORD,
        "6.2",
        closes([
            (4000, RESUME),
            (4001, FRESH_CF),
            (4002, RESUME_CF),
            (4003, FRESH),
            (4004, FATAL),
            (4005, FRESH_CF),
            (4006, FRESH),
            (4007, FRESH),
            (4008, RESUME_CF),
            (4009, FRESH),
            (4010, FATAL),
            (4011, FATAL),
            (4012, FATAL),
            (4013, FATAL),
            (4014, FATAL),
            (4015, RESUME),
            (4999, RESUME),
            // The base still holds, and 1000 is resumed.
            (1000, RESUME),
            (1001, RESUME),
            (1006, RESUME),
            (1009, FATAL_CF),
        ]),
    );
    check(
        &DISCORD,
        "6.2 control",
        [
            (Cause::ReconnectRequested, RESUME),
            (Cause::SessionInvalidResumable, RESUME),
            (Cause::SessionInvalid, FRESH),
            (Cause::HeartbeatMissed, RESUME),
            (Cause::NoCloseFrame, RESUME),
        ],
    );
    let (least, most) = DISCORD.classify(Cause::CloseFrame(4008)).wait(1);
    assert!(least >= Duration::from_secs(1) && most >= least, "4008 is never retried at once");
}
