//! From JSON to a cause, and to what causes mean.

use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::{Cause, ConfigError, IoKind};
use serde_json::Value;

use super::object::{Object, nearest, one_of, unknown};

/// Another table leaves the preset's overrides behind, since they were made for its own.
pub(super) fn classify(mut classifier: Classifier, o: &Object<'_>) -> Result<Classifier, String> {
    if let Some(name) = o.str("table")? {
        let known: Vec<_> = tables::ALL.iter().map(|table| table.name()).collect();
        let table = tables::by_name(name).ok_or_else(|| o.wrong("table", one_of(&known)))?;
        classifier = Classifier::new(table).build_const();
    }
    if let Some(default) = class(o, "default")? {
        classifier = classifier.to_builder().default_class(default).build_const();
    }
    let Some(overrides) = o.get("overrides") else { return Ok(classifier) };
    let list = overrides.as_array().ok_or_else(|| o.wrong("overrides", "a list"))?;
    for (at, value) in list.iter().enumerate() {
        let path = format!("{}[{at}]", o.name("overrides"));
        let known: Vec<_> = ["ws", "http", "io", "tls", "timeout"].iter().chain(VERDICT).copied().collect();
        let row = Object::new(&path, value, &known)?;
        let rule = Rule::new(Match::Is(cause(&row, VERDICT)?), verdict(&row)?);
        classifier =
            classifier.to_builder().rule(rule).build().map_err(|error| format!("\"{path}\": {error}"))?;
    }
    Ok(classifier)
}

const VERDICT: &[&str] = &["class", "limit", "wait_ms", "steps_ms", "at_cap", "renew", "client_fault"];

/// What follows from a cause. Left out, each key is what belongs to the class.
fn verdict(row: &Object<'_>) -> Result<Verdict, String> {
    let mut verdict = Verdict::new(row.required("class", class(row, "class")?)?);
    if let Some(limit) = row.u8("limit")? {
        verdict = verdict.with_limit(limit);
    }
    if let Some((low, high)) = row.range("wait_ms")? {
        verdict = verdict
            .with_wait(low, high)
            .map_err(|error: ConfigError| format!("\"{}\": {error}", row.name("wait_ms")))?;
    }
    if let Some(steps) = row.get("steps_ms") {
        let step = |step: &Value| step.as_u64().and_then(|step| u32::try_from(step).ok());
        let steps: Option<Vec<_>> = steps.as_array().and_then(|list| list.iter().map(step).collect());
        let steps = steps.ok_or_else(|| row.wrong("steps_ms", "a list of integers from 0 to 4294967295"))?;
        // As with the table of a ladder: it lives as long as the program.
        verdict = verdict.with_steps_ms(Box::leak(steps.into_boxed_slice()));
    }
    if row.bool("renew")? == Some(true) {
        verdict = verdict.with_renewal();
    }
    if row.bool("at_cap")? == Some(true) {
        verdict = verdict.with_at_cap();
    }
    if row.bool("client_fault")? == Some(true) {
        verdict = verdict.with_client_fault();
    }
    Ok(verdict)
}

fn class(o: &Object<'_>, key: &str) -> Result<Option<Class>, String> {
    let words: Vec<_> = Class::ALL.iter().map(|class| (class.as_str(), *class)).collect();
    o.choice(key, &words)
}

/// The one cause in an object, beside these other keys: `{"ws": 4004}`, `{"io": "connection_refused"}` …
pub(crate) fn cause(o: &Object<'_>, beside: &[&str]) -> Result<Cause, String> {
    let mut kinds = o.entries().map(|(key, _)| key).filter(|key| !beside.contains(key));
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return Err(format!(
            "\"{}\" must have exactly one of \"ws\", \"http\", \"io\", \"tls\", \"timeout\", \"class\" and \"kind\"",
            o.path()
        ));
    };
    let found = match kind {
        "ws" => o.or_null(kind, Object::u16)?.map(|code| code.map_or(Cause::NoCloseFrame, Cause::CloseFrame)),
        "http" => o.u16(kind)?.map(Cause::Http),
        "io" if o.str(kind)?.is_some_and(|name| IO_OTHER.contains(&name)) => Some(Cause::Io(IoKind::Other)),
        "io" => named(o, kind, IoKind::ALL, IoKind::as_str)?.map(Cause::Io),
        "tls" => named(o, kind, TlsKind::ALL, TlsKind::as_str)?.map(Cause::Tls),
        "timeout" => match o.bool(kind)? {
            Some(true) => Some(Cause::Timeout),
            _ => return Err(o.wrong(kind, "true")),
        },
        "kind" => {
            let names: Vec<_> = KINDS.iter().map(Cause::to_string).collect();
            let words: Vec<_> = names.iter().map(String::as_str).zip(KINDS.iter().copied()).collect();
            o.choice(kind, &words)?
        }
        _ => class(o, kind)?.map(Cause::Class),
    };
    o.required(kind, found)
}

/// The causes that a policy finds by itself, or that a driver may know of.
const KINDS: &[Cause] = &[
    Cause::ConnectTimeout,
    Cause::GreetingTimeout,
    Cause::ReadyTimeout,
    Cause::AuthTimeout,
    Cause::HeartbeatMissed,
    Cause::SendFailed,
    Cause::ReconnectRequested,
    Cause::SessionInvalid,
    Cause::SessionInvalidResumable,
    Cause::BadGreeting,
    Cause::NetworkDown,
    Cause::HostSuspended,
    Cause::AuthRejected,
    Cause::AuthDenied,
    Cause::RestoreFailed,
    Cause::Unknown,
];

/// Kinds of `std::io::ErrorKind` that concern no connection: the core lumps them together.
const IO_OTHER: &[&str] = &[
    "already_exists",
    "not_a_directory",
    "is_a_directory",
    "directory_not_empty",
    "read_only_filesystem",
    "stale_network_file_handle",
    "storage_full",
    "not_seekable",
    "quota_exceeded",
    "file_too_large",
    "executable_file_busy",
    "deadlock",
    "crosses_devices",
    "too_many_links",
    "invalid_filename",
    "argument_list_too_long",
];

fn named<T: Copy>(
    o: &Object<'_>,
    key: &str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(name) = o.str(key)? else { return Ok(None) };
    let found = all.iter().find(|kind| as_str(**kind) == name).copied();
    let names: Vec<_> = all.iter().map(|kind| as_str(*kind)).collect();
    found.map(Some).ok_or_else(|| {
        let error = unknown(&o.name(key), name, name, &names);
        format!("{error} The names, nearest first: {}", nearest(name, names).join(", "))
    })
}
