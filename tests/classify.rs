//! Classification, row by row, in sections: 6.1 close codes, 6.2 Discord, 6.3 HTTP, 6.4 socket, DNS, TLS and local
//! causes.

use std::time::Duration;

use redial::builder::Builder;
use redial::classify::{
    Class, Classifier, MAX_OVERRIDES, Match, Rule, Scope, Table, TlsKind, Verdict, tables,
};
use redial::{Cause, ConfigError, IoKind};

use Class::{Auth, Fatal, Fresh, RateLimited, Replaced, Transient};

const WEBSOCKET: Classifier = Classifier::new(&tables::WEBSOCKET).build_const();
const DISCORD: Classifier = Classifier::new(&tables::DISCORD_GATEWAY).build_const();

/// What a row says, written down a second time and by hand: class, client fault, limited, at cap.
type Row = (Class, bool, bool, bool);

const RESUME: Row = (Transient, false, false, false);
const FRESH: Row = (Fresh, false, false, false);
const FATAL: Row = (Fatal, false, false, false);
const FATAL_CF: Row = (Fatal, true, false, false);
const AUTH_ONCE: Row = (Auth, false, true, false);
const LATER: Row = (RateLimited, false, false, false);
const LADDER: Row = (RateLimited, false, true, false);
const FRESH_CF: Row = (Fresh, true, false, false);
const FRESH_CF_LIMITED: Row = (Fresh, true, true, false);
const RESUME_CF: Row = (Transient, true, false, false);
const RESUME_LIMITED: Row = (Transient, false, true, false);
const RESUME_AT_CAP: Row = (Transient, false, false, true);
const RESUME_AT_CAP_LIMITED: Row = (Transient, false, true, true);
const REPLACED: Row = (Replaced, false, false, false);

fn row(verdict: Verdict) -> Row {
    (verdict.class, verdict.client_fault, verdict.limit > 0, verdict.at_cap)
}

fn check(classifier: &Classifier, section: &str, rows: impl IntoIterator<Item = (Cause, Row)>) {
    for (cause, expected) in rows {
        assert_eq!(row(classifier.classify(cause)), expected, "section {section}, {cause} {cause:?}");
    }
}

fn closes<const N: usize>(rows: [(u16, Row); N]) -> impl Iterator<Item = (Cause, Row)> {
    rows.into_iter().map(|(code, row)| (Cause::CloseFrame(code), row))
}

fn secs(range: (u64, u64)) -> (Duration, Duration) {
    (Duration::from_secs(range.0), Duration::from_secs(range.1))
}

const NO_WAIT: (Duration, Duration) = (Duration::ZERO, Duration::ZERO);

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

/// Section 6.3, F49, F50, S86.
#[test]
fn http_statuses() {
    for classifier in [
        WEBSOCKET,
        DISCORD,
        Classifier::new(&tables::TRANSPORT).build_const(),
        Classifier::new(&tables::MQTT5).build_const(),
    ] {
        let all =
            |statuses: &[u16], row| statuses.iter().map(move |s| (Cause::Http(*s), row)).collect::<Vec<_>>();
        check(&classifier, "6.3 bad 101", all(&[101, 100, 199], FATAL_CF));
        check(&classifier, "6.3 2xx", all(&[200, 204, 299], FATAL));
        check(&classifier, "6.3 redirects", all(&[301, 302, 303, 307, 308], FATAL));
        check(&classifier, "6.3, S86 fatal", all(&[400, 403, 404], FATAL));
        check(&classifier, "6.3 method and headers", all(&[405, 406, 410, 426, 431], FATAL));
        check(&classifier, "6.3, S86 401", all(&[401], AUTH_ONCE));
        check(&classifier, "6.3 407", all(&[407], FATAL));
        check(&classifier, "6.3 408, 425", all(&[408, 425], RESUME));
        check(&classifier, "6.3, S86 429", all(&[429], LATER));
        check(&classifier, "6.3, S86 ladder", all(&[500, 502, 503, 504], RESUME));
        check(&classifier, "6.3 501, 505", all(&[501, 505], FATAL));
        check(&classifier, "6.3 CDN", (520..=530).map(|s| (Cause::Http(s), RESUME)));
        check(&classifier, "6.3 other 4xx", all(&[402, 418, 451, 499], FATAL));
        check(&classifier, "6.3 other 5xx", all(&[506, 519, 531, 599], RESUME));
        assert_eq!(classifier.classify(Cause::Http(401)).limit, 1, "refreshed once, then fatal");
        assert_eq!(classifier.classify(Cause::Http(503)).wait(1), NO_WAIT);
    }
}

/// Section 6.4, F52, S88.
#[test]
fn socket_and_name_errors() {
    use IoKind as K;
    for classifier in [WEBSOCKET, DISCORD] {
        let all = |kinds: &[K], row| kinds.iter().map(move |k| (Cause::Io(*k), row)).collect::<Vec<_>>();
        check(
            &classifier,
            "6.4 network",
            all(
                &[
                    K::ConnectionRefused,
                    K::ConnectionReset,
                    K::ConnectionAborted,
                    K::BrokenPipe,
                    K::TimedOut,
                    K::HostUnreachable,
                    K::NetworkUnreachable,
                    K::NetworkDown,
                    K::UnexpectedEof,
                    K::HostDown,
                    K::NetworkReset,
                    K::NotConnected,
                    K::WriteZero,
                    K::ResourceBusy,
                    K::NotFound,
                ],
                RESUME,
            ),
        );
        check(&classifier, "6.5 no loss in itself", all(&[K::WouldBlock, K::Interrupted], RESUME));
        check(
            &classifier,
            "6.4 exhausted",
            all(
                &[K::AddrNotAvailable, K::AddrInUse, K::TooManyOpenFiles, K::NoBufferSpace, K::OutOfMemory],
                RESUME_AT_CAP,
            ),
        );
        check(&classifier, "6.4 EACCES", all(&[K::PermissionDenied, K::Unsupported], RESUME_LIMITED));
        check(&classifier, "6.4 bad data", all(&[K::InvalidData], RESUME_LIMITED));
        check(&classifier, "6.4 invalid URL", all(&[K::InvalidInput], FATAL));
        check(&classifier, "6.4 DNS, S88", all(&[K::NameNotFound], RESUME));
    }
}

/// Section 6.4, F51, S87.
#[test]
fn tls_errors() {
    use TlsKind as K;
    let all = |kinds: &[K], row| kinds.iter().map(move |k| (Cause::Tls(*k), row)).collect::<Vec<_>>();
    let verdicts = [K::CertificateExpired, K::NameMismatch, K::UnknownIssuer, K::Revoked, K::BadCertificate];
    check(&WEBSOCKET, "6.4 certificate, S87", all(&verdicts, FATAL));
    // Report 48: a clock that is not set at boot is waited for, at cap speed and not without end.
    check(&WEBSOCKET, "report 48", all(&[K::CertificateNotYetValid], RESUME_AT_CAP_LIMITED));
    assert_eq!(WEBSOCKET.classify(Cause::Tls(K::CertificateNotYetValid)).limit, tables::TRIES);
    check(&WEBSOCKET, "6.4 client certificate", all(&[K::ClientCertificate], FATAL));
    check(&WEBSOCKET, "6.4 handshake_failure", all(&[K::HandshakeFailure], RESUME_LIMITED));
    check(&WEBSOCKET, "6.4 internal_error, EOF", all(&[K::InternalAlert, K::Eof, K::Other], RESUME));

    // S87, the option: at cap speed.
    let trusting = WEBSOCKET
        .to_builder()
        .rule(Rule::new(Match::Is(Cause::Tls(K::CertificateExpired)), Verdict::new(Transient).with_at_cap()))
        .build()
        .unwrap();
    check(&trusting, "6.4 option", all(&[K::CertificateExpired], RESUME_AT_CAP));
    check(&trusting, "6.4 option", all(&[K::NameMismatch], FATAL));
}

/// Reports 46, 47, 48 and 58: a final verdict says whether the client, this address or the service behind it has to
/// change. Nothing but the rows of the transport has a scope, and an override has none that it doesn't ask for.
#[test]
fn verdicts_about_an_endpoint_or_the_service_say_so() {
    use TlsKind as K;
    let service = |cause| match cause {
        Cause::Http(status) => matches!(status, 200..=399 | 404 | 405 | 410 | 426),
        Cause::Tls(kind) => matches!(
            kind,
            K::CertificateExpired
                | K::CertificateNotYetValid
                | K::NameMismatch
                | K::UnknownIssuer
                | K::Revoked
                | K::BadCertificate
        ),
        _ => false,
    };
    let endpoint = |cause| matches!(cause, Cause::Http(403) | Cause::Io(IoKind::InvalidInput));
    let statuses = (0..=u16::MAX).flat_map(|number| [Cause::CloseFrame(number), Cause::Http(number)]);
    let kinds = IoKind::ALL.iter().map(|kind| Cause::Io(*kind));
    let tls = K::ALL.iter().map(|kind| Cause::Tls(*kind));
    let local =
        [Cause::AuthDenied, Cause::AuthRejected, Cause::SessionInvalid, Cause::Class(Fatal), Cause::Unknown];
    for cause in statuses.chain(kinds).chain(tls).chain(local) {
        for table in tables::ALL {
            let expected = match cause {
                _ if service(cause) => Scope::Service,
                _ if endpoint(cause) => Scope::Endpoint,
                _ => Scope::Client,
            };
            assert_eq!(
                Classifier::new(table).build_const().classify(cause).scope,
                expected,
                "{}: {cause}",
                table.name()
            );
        }
    }
    let mine = Rule::new(Match::HttpRange(400, 499), Verdict::new(Fatal));
    assert_eq!(
        WEBSOCKET.to_builder().rule(mine).build().unwrap().classify(Cause::Http(404)).scope,
        Scope::Client
    );
    let gone = Verdict::new(Fatal).with_scope(Scope::Endpoint);
    let mine = Rule::new(Match::Is(Cause::Http(404)), gone);
    assert_eq!(WEBSOCKET.to_builder().rule(mine).build().unwrap().classify(Cause::Http(404)), gone);
}

/// Section 6.4, local causes, F55; a rejected credential (S80) is refreshed.
#[test]
fn local_causes() {
    let losses = [
        Cause::Timeout,
        Cause::ConnectTimeout,
        Cause::GreetingTimeout,
        Cause::ReadyTimeout,
        Cause::AuthTimeout,
        Cause::HeartbeatMissed,
        Cause::SendFailed,
        Cause::BadGreeting,
        Cause::NetworkDown,
        Cause::HostSuspended,
        Cause::RestoreFailed,
        Cause::Unknown,
    ];
    for table in tables::ALL {
        let classifier = Classifier::new(table).build_const();
        check(&classifier, "6.4", losses.map(|cause| (cause, RESUME)));
        check(&classifier, "6.4 credential", [(Cause::AuthRejected, (Auth, false, false, false))]);
    }
}

/// The caller's own class is final, with what belongs to it.
#[test]
fn a_classified_cause_is_its_class() {
    for table in tables::ALL {
        for class in Class::ALL.iter().copied() {
            let verdict =
                Classifier::new(table).default_class(Fatal).build_const().classify(Cause::Class(class));
            assert_eq!(verdict, Verdict::new(class));
        }
    }
    assert_eq!(Verdict::new(RateLimited).wait(1), secs((30, 120)));
    for class in [Transient, Fresh, Fatal, Auth, Replaced] {
        assert_eq!((Verdict::new(class).limit, Verdict::new(class).wait(1)), (0, NO_WAIT));
    }
}

/// S99: every code and every status, in every table, has one verdict; only the known classes of a default occur where
/// nothing is listed.
#[test]
fn every_code_and_status_has_exactly_one_class() {
    for table in tables::ALL {
        let by_default = Classifier::new(table).build_const();
        for number in 0..=u16::MAX {
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

/// Lifecycle scenario 43 and 44: terminal ranges stop, "drop state" drops.
#[test]
fn centrifuge_ranges() {
    let classifier = Classifier::new(&tables::CENTRIFUGE).build_const();
    check(
        &classifier,
        "centrifuge",
        closes([
            (1000, RESUME),
            (1002, RESUME),
            (1009, FATAL_CF),
            (1012, LATER),
            (2999, RESUME),
            (3000, RESUME),
            (3012, RESUME),
            (3014, FRESH),
            (3499, RESUME),
            (3500, FATAL),
            (3999, FATAL),
            (4000, RESUME),
            (4001, RESUME),
            (4499, RESUME),
            (4500, FATAL),
            (4999, FATAL),
            (5000, FRESH_CF_LIMITED),
        ]),
    );
    assert_eq!(classifier.classify(Cause::CloseFrame(1012)).wait(1), secs((5, 15)));
}

/// Section 6.1, rows 4000-4999, profile `graphql-ws`; 1002 is never fatal at once.
#[test]
fn graphql_ws_codes() {
    let classifier = Classifier::new(&tables::GRAPHQL_WS).build_const();
    for code in
        [4004, 4005, 4400, 4401, 4406, 4409, 4429, 4500, 1003, 1007, 1008, 1009, 1010, 1011, 1015, 1999]
    {
        assert_eq!(classifier.classify(Cause::CloseFrame(code)).class, Fatal, "{code}");
    }
    for code in [1000, 1001, 1005, 1006, 1014, 2000, 4403, 4408, 4499, 4504, 4002, 4402] {
        assert_eq!(row(classifier.classify(Cause::CloseFrame(code))), RESUME, "{code}");
    }
    check(&classifier, "6.1", closes([(1002, FRESH_CF_LIMITED), (1012, LATER), (1013, LATER)]));
}

/// Lifecycle scenario 43: Pusher's ranges.
#[test]
fn pusher_ranges() {
    let classifier = Classifier::new(&tables::PUSHER).build_const();
    let rows = [(4000, FATAL), (4099, FATAL), (4100, RESUME), (4199, RESUME), (4200, RESUME), (4299, RESUME)];
    check(&classifier, "pusher", closes(rows));
    check(&classifier, "pusher", closes([(4300, FATAL), (4999, FATAL), (1002, RESUME), (1004, RESUME)]));
    assert_eq!(classifier.classify(Cause::CloseFrame(4100)).wait(1), secs((1, 1)));
    assert_eq!(classifier.classify(Cause::CloseFrame(4200)).wait(1), NO_WAIT);
}

/// Lifecycle 48: MQTT 5 reason codes; two clients with one identifier never displace each other in turns.
#[test]
fn mqtt5_reason_codes() {
    check(
        &Classifier::new(&tables::MQTT5).build_const(),
        "mqtt5",
        closes([
            (0x00, RESUME),
            (0x80, RESUME),
            (0x81, FRESH_CF_LIMITED),
            (0x82, FRESH_CF_LIMITED),
            (0x84, FATAL),
            (0x85, FATAL),
            (0x86, AUTH_ONCE),
            (0x87, AUTH_ONCE),
            (0x88, RESUME),
            (0x89, LATER),
            (0x8A, FATAL),
            (0x8B, LATER),
            (0x8C, AUTH_ONCE),
            (0x8D, RESUME),
            (0x8E, REPLACED),
            (0x8F, FRESH_CF_LIMITED),
            (0x90, FRESH_CF_LIMITED),
            (0x93, FRESH_CF_LIMITED),
            (0x94, FRESH_CF_LIMITED),
            (0x95, FATAL_CF),
            (0x96, LATER),
            (0x97, LATER),
            (0x99, FRESH_CF_LIMITED),
            (0x9A, FRESH_CF_LIMITED),
            (0x9B, FRESH_CF_LIMITED),
            (0x9C, RESUME),
            (0x9D, RESUME_LIMITED),
            (0x9E, FRESH_CF_LIMITED),
            (0x9F, LATER),
            (0xA0, RESUME),
            (0xA1, FRESH_CF_LIMITED),
            (0xA2, FRESH_CF_LIMITED),
            // No WebSocket rules below it: the default class decides.
            (0xFF, RESUME),
            (1009, RESUME),
        ]),
    );
}

/// A table of one's own: its rows first, then the base; a circle of statics ends.
#[test]
fn tables_fall_through_and_circles_end() {
    static RULES: [Rule; 2] = [
        Rule::new(Match::Is(Cause::CloseFrame(4001)), Verdict::new(Fatal)),
        Rule::new(Match::CloseRange(4000, 4001), Verdict::new(Auth)),
    ];
    static MINE: Table = Table::new("mine", &RULES).with_base(&tables::WEBSOCKET);
    static LEFT: Table = Table::new("left", &RULES).with_base(&RIGHT);
    static RIGHT: Table = Table::new("right", &[]).with_base(&LEFT);

    let mine = Classifier::new(&MINE).build_const();
    let classes = [4001, 4000, 1010, 4002].map(|code| mine.classify(Cause::CloseFrame(code)).class);
    assert_eq!(classes, [Fatal, Auth, Fatal, Transient]);
    assert_eq!(RIGHT.lookup(Cause::CloseFrame(4001)), Some(Verdict::new(Fatal)));
    assert_eq!(RIGHT.lookup(Cause::CloseFrame(1000)), None);
}

#[test]
fn tables_are_found_by_name() {
    let names = tables::ALL.map(Table::name);
    let expected =
        ["transport", "websocket", "discord-gateway", "centrifuge", "graphql-ws", "pusher", "mqtt5"];
    assert_eq!(names, expected);
    for table in tables::ALL {
        assert_eq!(tables::by_name(table.name()), Some(table));
    }
    assert_eq!(tables::by_name("Websocket"), None);
}

/// No row of a table can be reached by nobody: each one decides at least one cause (S99).
#[test]
fn every_row_decides_something() {
    let codes = (0..=u16::MAX).flat_map(|number| [Cause::CloseFrame(number), Cause::Http(number)]);
    let kinds = IoKind::ALL.iter().map(|kind| Cause::Io(*kind));
    let tls = TlsKind::ALL.iter().map(|kind| Cause::Tls(*kind));
    let causes: Vec<Cause> = codes.chain(kinds).chain(tls).collect();
    for table in tables::ALL {
        let rules = table.rules();
        let mut decides = vec![false; rules.len()];
        for cause in &causes {
            if let Some(index) = rules.iter().position(|rule| rule.matches.covers(*cause)) {
                decides[index] = true;
            }
        }
        for (rule, decides) in rules.iter().zip(decides) {
            assert!(decides, "{}: {:?} is shadowed", table.name(), rule.matches);
        }
    }
}

/// The names are part of the replay contract.
#[test]
fn names_round_trip() {
    for kind in IoKind::ALL.iter().copied() {
        assert_eq!(IoKind::from_name(kind.as_str()), Some(kind));
        assert_eq!(Cause::Io(kind).to_string(), kind.as_str());
    }
    for kind in TlsKind::ALL.iter().copied() {
        assert_eq!(TlsKind::from_name(kind.as_str()), Some(kind));
        assert_eq!(Cause::Tls(kind).to_string(), kind.as_str());
    }
    for class in Class::ALL.iter().copied() {
        assert_eq!(Class::from_name(class.as_str()), Some(class));
        assert_eq!(Cause::Class(class).to_string(), class.to_string());
    }
    let classes = ["transient", "fresh", "fatal", "auth", "rate_limited", "replaced"].map(Class::from_name);
    assert_eq!(classes, [Transient, Fresh, Fatal, Auth, RateLimited, Replaced].map(Some));
    assert_eq!(IoKind::from_name("connection_refused"), Some(IoKind::ConnectionRefused));
    assert_eq!(IoKind::from_name("name_not_found"), Some(IoKind::NameNotFound));
    assert_eq!(TlsKind::from_name("certificate_expired"), Some(TlsKind::CertificateExpired));
    for wrong in ["", "Transient", "connection refused"] {
        assert_eq!(
            (Class::from_name(wrong), IoKind::from_name(wrong), TlsKind::from_name(wrong)),
            (None, None, None)
        );
    }
    let shown = [
        (Cause::CloseFrame(4004), "close_4004"),
        (Cause::NoCloseFrame, "no_close_frame"),
        (Cause::Http(503), "http_503"),
        (Cause::Timeout, "timeout"),
        (Cause::ConnectTimeout, "connect_timeout"),
        (Cause::GreetingTimeout, "greeting_timeout"),
        (Cause::ReadyTimeout, "ready_timeout"),
        (Cause::AuthTimeout, "auth_timeout"),
        (Cause::HeartbeatMissed, "missed_beat"),
        (Cause::SessionInvalid, "session_invalid"),
        (Cause::Unknown, "unknown"),
    ];
    for (cause, text) in shown {
        assert_eq!(cause.to_string(), text);
    }
    assert!(size_of::<Cause>() <= 4);
}

/// Section 6: `std` kinds keep their name; what `std` can't tell apart is `other`, never lost.
#[cfg(feature = "std")]
#[test]
fn std_error_kinds_map_by_name() {
    use std::io::ErrorKind as Std;
    let kinds = [
        (Std::ConnectionRefused, "connection_refused"),
        (Std::ConnectionReset, "connection_reset"),
        (Std::ConnectionAborted, "connection_aborted"),
        (Std::UnexpectedEof, "unexpected_eof"),
        (Std::BrokenPipe, "broken_pipe"),
        (Std::TimedOut, "timed_out"),
        (Std::HostUnreachable, "host_unreachable"),
        (Std::NetworkUnreachable, "network_unreachable"),
        (Std::NetworkDown, "network_down"),
        (Std::NotConnected, "not_connected"),
        (Std::WriteZero, "write_zero"),
        (Std::Interrupted, "interrupted"),
        (Std::WouldBlock, "would_block"),
        (Std::ResourceBusy, "resource_busy"),
        (Std::NotFound, "not_found"),
        (Std::AddrInUse, "addr_in_use"),
        (Std::AddrNotAvailable, "addr_not_available"),
        (Std::OutOfMemory, "out_of_memory"),
        (Std::PermissionDenied, "permission_denied"),
        (Std::Unsupported, "unsupported"),
        (Std::InvalidData, "invalid_data"),
        (Std::InvalidInput, "invalid_input"),
        (Std::Other, "other"),
        (Std::NotADirectory, "other"),
    ];
    for (kind, name) in kinds {
        assert_eq!(IoKind::from(kind).as_str(), name);
    }
    let not_of_std =
        ["name_not_found", "host_down", "network_reset", "too_many_open_files", "no_buffer_space"];
    for kind in IoKind::ALL {
        let mapped = kinds.iter().any(|(_, name)| *name == kind.as_str());
        assert!(mapped || not_of_std.contains(&kind.as_str()), "{kind} is reached from no kind of std");
    }
}

/// With feature `serde` the names are the same as in a log.
#[cfg(feature = "serde")]
#[test]
fn serde_uses_the_same_names() {
    for kind in IoKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    for kind in TlsKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    for class in Class::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
    }
    for cause in [Cause::CloseFrame(4004), Cause::NoCloseFrame, Cause::Io(IoKind::Other), Cause::Class(Auth)]
    {
        let text = serde_json::to_string(&cause).unwrap();
        assert_eq!(serde_json::from_str::<Cause>(&text).unwrap(), cause, "{text}");
    }
}
