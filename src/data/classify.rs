//! Classifiers and their overrides, as they are read.

use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::cause::{cause, class, kind};
use super::object::{Object, one_of};
use super::tables::kept;
use super::tree::{Cause, Value};
use crate::classify::{Classifier, Match, Rule, Scope, Verdict, tables};
use crate::error::ConfigError;

pub(super) const CLASSIFY: &[&str] = &["table", "default", "overrides"];

/// Another table leaves the base's overrides behind, since they were made for its own.
pub(super) fn classify(base: Classifier, o: &Object<'_>) -> Result<Classifier, String> {
    let mut builder = base.to_builder();
    if let Some(name) = o.str("table")? {
        let known: Vec<_> = tables::ALL.iter().map(|table| table.name()).collect();
        let table = tables::by_name(name).ok_or_else(|| o.wrong("table", one_of(&known)))?;
        builder = Classifier::new(table);
        builder = builder.default_class(base.default_class());
    }
    if let Some(default) = class(o, "default")? {
        builder = builder.default_class(default);
    }
    if let Some(overrides) = o.get("overrides") {
        let list = overrides.as_array().ok_or_else(|| o.wrong("overrides", "a list"))?;
        for (at, value) in list.iter().enumerate() {
            let path = format!("{}[{at}]", o.name("overrides"));
            builder = builder.rule(rule(&path, value)?);
            builder.build().map_err(|error| format!("\"{path}\": {error}"))?;
        }
    }
    builder.build().map_err(refused(o))
}

/// One override.
pub(super) fn rule(path: &str, value: &Value) -> Result<Rule, String> {
    let causes = ["ws", "http", "io", "tls", "timeout", "kind", "judged"];
    let known: Vec<_> = causes.iter().chain(VERDICT).copied().collect();
    let row = Object::new(path, value, &known)?;
    Ok(Rule::new(matches(&row)?, verdict(&row)?))
}

fn matches(row: &Object<'_>) -> Result<Match, String> {
    let kind = kind(row, VERDICT)?;
    Ok(match (kind, row.get(kind)) {
        ("ws", Some(Value::Array(_))) => {
            let (low, high) = row.required(kind, codes(row, kind)?)?;
            Match::CloseRange(low, high)
        }
        ("http", Some(Value::Array(_))) => {
            let (low, high) = row.required(kind, codes(row, kind)?)?;
            Match::HttpRange(low, high)
        }
        ("ws", Some(Value::String(word))) if word == "none" => Match::Is(Cause::NoCloseFrame),
        ("io", Some(Value::String(word))) if word == "any" => Match::AnyIo,
        ("tls", Some(Value::String(word))) if word == "any" => Match::AnyTls,
        ("judged", _) => Match::Is(Cause::Class(row.required(kind, class(row, kind)?)?)),
        _ => Match::Is(cause(row, VERDICT)?),
    })
}

/// The first and the last of a range of codes.
fn codes(row: &Object<'_>, key: &str) -> Result<Option<(u16, u16)>, String> {
    let code = |value: &Value| value.as_u64().and_then(|code| u16::try_from(code).ok());
    match row.get(key).and_then(Value::as_array).map(Vec::as_slice) {
        Some([low, high]) => match (code(low), code(high)) {
            (Some(low), Some(high)) => Ok(Some((low, high))),
            _ => Err(row.wrong(key, "two integers from 0 to 65535")),
        },
        _ => Err(row.wrong(key, "a code, or the first and the last of a range")),
    }
}

const VERDICT: &[&str] =
    &["class", "limit", "scope", "wait_ms", "steps_ms", "at_cap", "renew", "client_fault"];

/// What follows from a cause. Left out, each key is what belongs to the class.
fn verdict(row: &Object<'_>) -> Result<Verdict, String> {
    let mut verdict = Verdict::new(row.required("class", class(row, "class")?)?);
    if let Some(limit) = row.u8("limit")? {
        verdict = verdict.with_limit(limit);
    }
    let scopes = [Scope::Client, Scope::Endpoint, Scope::Service].map(|scope| (scope.as_str(), scope));
    if let Some(scope) = row.choice("scope", &scopes)? {
        verdict = verdict.with_scope(scope);
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
        verdict = verdict.with_steps_ms(kept(steps, &row.name("steps_ms"))?);
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

/// The message for what the config itself refuses, with the place.
pub(super) fn refused(o: &Object<'_>) -> impl Fn(ConfigError) -> String {
    let path = o.path().to_owned();
    move |error| if path.is_empty() { format!("{error}") } else { format!("\"{path}\": {error}") }
}
