//! Every enum of the core is in the header, under its words.

use core::ffi::{CStr, c_char};
use std::collections::BTreeSet;
use std::string::String;

use crate::{action, cause, choices, event, vocabulary};

/// The words of an enum of the core, from its `words!` or `named!` in a file of the library.
fn words_of(file: &str, name: &str) -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let heads = [
        format!("words!({name} {{"),
        format!("words!(as_str {name} {{"),
        format!("{name}<T, K> {{"),
        format!("enum {name} {{"),
    ];
    let begin =
        heads.iter().find_map(|head| text.find(head.as_str())).unwrap_or_else(|| panic!("{name} in {file}"));
    let block = &text[begin..];
    let block = &block[..block.find("\n}").unwrap()];
    let quoted = block.lines().filter(|line| line.contains("=> \"") || line.contains(" = \""));
    quoted.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

/// The words of an enum of the header: from 1 on, until one is unknown.
fn words(name: extern "C" fn(u32) -> *const c_char) -> BTreeSet<String> {
    // SAFETY: a string.
    let word = |number| unsafe { CStr::from_ptr(name(number)) }.to_str().unwrap().to_owned();
    assert_eq!((word(0), word(u32::MAX)), ("unknown".to_owned(), "unknown".to_owned()));
    (1..200).map(word).take_while(|word| word != "unknown").collect()
}

#[test]
fn the_header_has_the_words_of_the_core() {
    type Row = (&'static str, &'static str, extern "C" fn(u32) -> *const c_char);
    let rows: &[Row] = &[
        ("policy/action.rs", "Disposition", vocabulary::redial_disposition_name),
        ("policy/explain.rs", "Phase", vocabulary::redial_phase_name),
        ("policy/explain.rs", "WaitReason", vocabulary::redial_wait_reason_name),
        ("mode.rs", "Mode", vocabulary::redial_mode_name),
        ("policy/action.rs", "Endpoint", vocabulary::redial_endpoint_name),
        ("policy/action.rs", "Role", vocabulary::redial_role_name),
        ("policy/action.rs", "DropReason", vocabulary::redial_drop_reason_name),
        ("policy/action.rs", "GiveUp", vocabulary::redial_give_up_name),
        ("policy/action.rs", "Action", action::redial_action_kind_name),
        ("policy/event.rs", "Event", event::redial_event_kind_name),
        ("breaker/state.rs", "Phase", vocabulary::redial_breaker_phase_name),
        ("classify/cause.rs", "Class", cause::redial_class_name),
        ("classify/cause.rs", "IoKind", cause::redial_io_kind_name),
        ("classify/cause.rs", "TlsKind", cause::redial_tls_kind_name),
        ("policy/options.rs", "Establish", choices::redial_establish_name),
        ("policy/options.rs", "RefreshOn", choices::redial_refresh_on_name),
        ("policy/options.rs", "OnNetworkDown", choices::redial_on_network_down_name),
        ("policy/options.rs", "OnNetworkChange", choices::redial_on_network_change_name),
        ("policy/options.rs", "OnVisible", choices::redial_on_visible_name),
        ("policy/options.rs", "OnWake", choices::redial_on_wake_name),
        ("heartbeat/config.rs", "Liveness", choices::redial_liveness_name),
        ("endpoints.rs", "EndpointOrder", choices::redial_endpoint_order_name),
        ("backoff/config.rs", "AfterTable", choices::redial_after_table_name),
        ("classify/table.rs", "Scope", choices::redial_scope_name),
    ];
    for (file, name, of) in rows {
        assert_eq!(words(*of), words_of(file, name), "{name}");
    }
}

#[test]
fn every_trigger_and_cause_of_the_core_is_in_the_header() {
    let header = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/redial.h")).unwrap();
    let count = |prefix: &str| header.lines().filter(|line| line.trim().starts_with(prefix)).count();
    assert_eq!(count("REDIAL_TRIGGER_"), words_of("policy/explain.rs", "Trigger").len());
    assert_eq!(count("REDIAL_CURVE_"), words_of("backoff/config.rs", "Curve").len());
    assert_eq!(count("REDIAL_JITTER_"), words_of("backoff/jitter.rs", "Jitter").len());
    assert_eq!(count("REDIAL_MATCH_"), words_of("classify/table.rs", "Match").len());
    assert_eq!(count("REDIAL_RETRY_AFTER_"), words_of("policy/retry_after.rs", "RetryAfter").len());
    assert_eq!(count("REDIAL_SUBSCRIPTION_"), words_of("subscriptions.rs", "SubscriptionState").len());
    assert_eq!(count("REDIAL_TABLE_"), core_policy::classify::tables::ALL.len());
    let causes =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/classify/cause.rs")).unwrap();
    let block = causes.split("pub enum Cause {").nth(1).unwrap().split("\n}").next().unwrap();
    let variants =
        block.lines().filter(|line| line.trim().starts_with(|c: char| c.is_ascii_uppercase())).count();
    assert_eq!(count("REDIAL_CAUSE_"), variants);
}
