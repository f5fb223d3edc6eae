//! Tables and causes by name.

use super::*;

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
    let codes = crate::harness::numbers().flat_map(|number| [Cause::CloseFrame(number), Cause::Http(number)]);
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
