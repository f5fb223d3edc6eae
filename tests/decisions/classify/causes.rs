//! 6.3 and 6.4: HTTP statuses, sockets, names, TLS and local causes.

use super::*;

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
    let statuses =
        crate::harness::numbers().flat_map(|number| [Cause::CloseFrame(number), Cause::Http(number)]);
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
