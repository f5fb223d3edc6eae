//! The codes of protocols on top of a WebSocket, and of MQTT.

use super::*;

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
