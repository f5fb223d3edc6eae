//! Protocols whose errors are numbers or words.

use redial::classify::{Class, Classifier, tables};
use redial::{Cause, causes};

/// The reason code in the DISCONNECT or CONNACK that a server sent, of MQTT 5 (`version` 5) or 3.1.1 (4).
fn refused(packet: &[u8], version: u8) -> Cause {
    match (packet, version) {
        ([0x20, _, _, code, ..], 4) => causes::mqtt3(*code),
        ([0x20, _, _, code, ..], 5) | ([0xE0, _, code, ..], 5) => causes::mqtt5(*code),
        _ => panic!("{packet:?}"),
    }
}

/// Packets as section 3.2 of both specifications, and section 3.14 of MQTT 5, lay them out.
#[test]
fn a_refusal_of_an_mqtt_server_is_judged_by_its_table() {
    const MQTT: Classifier = Classifier::new(&tables::MQTT5).build_const();
    for (packet, version, class) in [
        (&[0x20, 2, 0, 1][..], 4, Class::Fatal), // Unacceptable protocol version.
        (&[0x20, 2, 0, 2], 4, Class::Fatal),     // Identifier rejected.
        (&[0x20, 2, 0, 3], 4, Class::Transient), // Server unavailable.
        (&[0x20, 2, 0, 4], 4, Class::Auth),      // Bad user name or password.
        (&[0x20, 2, 0, 5], 4, Class::Auth),      // Not authorized.
        (&[0x20, 2, 0, 77], 4, Class::Fresh),    // Reserved.
        (&[0x20, 3, 0, 0x84, 0], 5, Class::Fatal), // Unsupported protocol version.
        (&[0x20, 3, 0, 0x87, 0], 5, Class::Auth), // Not authorized.
        (&[0x20, 3, 0, 0x89, 0], 5, Class::RateLimited), // Server busy.
        (&[0x20, 3, 0, 0x8A, 0], 5, Class::Fatal), // Banned.
        (&[0x20, 3, 0, 0x9C, 0], 5, Class::Transient), // Use another server.
        (&[0xE0, 2, 0x8B, 0], 5, Class::RateLimited), // Server shutting down.
        (&[0xE0, 2, 0x8D, 0], 5, Class::Transient), // Keep alive timeout.
        (&[0xE0, 2, 0x8E, 0], 5, Class::Replaced), // Session taken over.
        (&[0xE0, 2, 0x98, 0], 5, Class::Transient), // Administrative action.
    ] {
        let cause = refused(packet, version);
        assert_eq!(MQTT.classify(cause).class, class, "{cause} of {packet:02X?}");
    }
    for code in 0..=u8::MAX {
        assert_eq!(causes::mqtt5(code), Cause::CloseFrame(code.into()));
    }
}

/// The statuses are those of `google/rpc/code.proto`; the classes follow from them by the table of every config.
#[test]
fn a_status_of_grpc_is_judged_like_its_equal_of_http() {
    const HTTP: Classifier = Classifier::new(&tables::TRANSPORT).build_const();
    for (code, cause, class) in [
        (0, Cause::NoCloseFrame, Class::Transient),
        (1, Cause::Class(Class::Transient), Class::Transient),
        (2, Cause::Http(500), Class::Transient),
        (3, Cause::Http(400), Class::Fatal),
        (4, Cause::Http(504), Class::Transient),
        (5, Cause::Http(404), Class::Fatal),
        (6, Cause::Http(409), Class::Fatal),
        (7, Cause::Http(403), Class::Fatal),
        (8, Cause::Http(429), Class::RateLimited),
        (9, Cause::Http(400), Class::Fatal),
        (10, Cause::Class(Class::Transient), Class::Transient),
        (11, Cause::Http(400), Class::Fatal),
        (12, Cause::Http(501), Class::Fatal),
        (13, Cause::Http(500), Class::Transient),
        (14, Cause::Http(503), Class::Transient),
        (15, Cause::Http(500), Class::Transient),
        (16, Cause::Http(401), Class::Auth),
        (17, Cause::Unknown, Class::Transient),
        (u32::MAX, Cause::Unknown, Class::Transient),
    ] {
        assert_eq!(causes::grpc(code), cause, "{code}");
        assert_eq!(HTTP.classify(cause).class, class, "{code}");
    }
}

/// The texts of a Redis 7.0; `examples/beside/tests/causes.rs` makes one say most of them.
#[test]
fn an_error_of_a_redis_server_is_read_by_its_first_word() {
    let transient = Cause::Class(Class::Transient);
    for (text, cause) in [
        ("LOADING Redis is loading the dataset in memory", transient),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", transient),
        ("CLUSTERDOWN Hash slot not served", transient),
        ("TRYAGAIN Multiple keys request during rehashing of slot", transient),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", transient),
        ("NOREPLICAS Not enough good replicas to write.", transient),
        ("MISCONF Redis is configured to save RDB snapshots, but …", transient),
        ("READONLY You can't write against a read only replica.", transient),
        ("MOVED 3999 127.0.0.1:6381", transient),
        ("ASK 3999 127.0.0.1:6381", transient),
        ("OOM command not allowed when used memory > 'maxmemory'.", Cause::Class(Class::RateLimited)),
        ("ERR max number of clients reached", Cause::Class(Class::RateLimited)),
        ("ERR max number of clients + cluster connections reached", Cause::Class(Class::RateLimited)),
        ("-NOAUTH Authentication required.", Cause::AuthRejected),
        ("WRONGPASS invalid username-password pair or user is disabled.", Cause::AuthRejected),
        ("ERR invalid password", Cause::AuthRejected),
        ("NOPERM this user has no permissions to run the 'get' command", Cause::AuthDenied),
        ("DENIED Redis is running in protected mode because …", Cause::Class(Class::Fatal)),
        ("NOPROTO unsupported protocol version", Cause::Class(Class::Fatal)),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", Cause::Unknown),
        ("ERR unknown command 'x', with args beginning with: ", Cause::Unknown),
        ("LOADINGS", Cause::Unknown),
        ("OOM", Cause::Class(Class::RateLimited)),
        ("", Cause::Unknown),
        ("-", Cause::Unknown),
    ] {
        assert_eq!(causes::redis_error(text), cause, "{text}");
    }
}
