//! A cause, as a log and an override name it.

// The examples read their logs with this file too, over the values of their own format.
#![allow(dead_code, reason = "each reader needs some of it")]

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::object::{Object, nearest, unknown};
use super::tree::{Cause, Class, IoKind, TlsKind};

/// A class by its word.
pub(crate) fn class(o: &Object<'_>, key: &str) -> Result<Option<Class>, String> {
    let words: Vec<_> = Class::ALL.iter().map(|class| (class.as_str(), *class)).collect();
    o.choice(key, &words)
}

/// The one cause in an object, beside these other keys: `{"ws": 4004}`, `{"io": "connection_refused"}` …
pub(crate) fn cause(o: &Object<'_>, beside: &[&str]) -> Result<Cause, String> {
    let kind = kind(o, beside)?;
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

/// The one key that names the cause.
pub(crate) fn kind<'a>(o: &Object<'a>, beside: &[&str]) -> Result<&'a str, String> {
    let mut kinds = o.entries().map(|(key, _)| key).filter(|key| !beside.contains(key));
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Ok(kind),
        _ => Err(format!(
            "\"{}\" must have exactly one of \"ws\", \"http\", \"io\", \"tls\", \"timeout\", \"class\" and \"kind\"",
            o.path()
        )),
    }
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
