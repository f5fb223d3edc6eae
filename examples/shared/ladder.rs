//! From JSON to a ladder of waits.

use std::time::Duration;

use redial::backoff::{AfterTable, Curve};
use redial::{BackoffConfig, ConfigError, Jitter, Mode, Ratio};
use serde_json::Value;

use super::PLAIN;
use super::object::{self, Object, one_of};

pub(super) const BACKOFF: &[&str] = &[
    "curve",
    "initial_ms",
    "factor",
    "step_ms",
    "max_ms",
    "table_ms",
    "after_table",
    "jitter",
    "floor_ms",
    "first_ms",
    "exact_first",
    "max_fresh_ms",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Constant,
    Exponential,
    Linear,
    Fibonacci,
    Quadratic,
    Table,
    Elapsed,
}

pub(super) fn backoff(base: BackoffConfig, o: &Object<'_>) -> Result<BackoffConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let words = [
        ("exponential", Shape::Exponential),
        ("constant", Shape::Constant),
        ("linear", Shape::Linear),
        ("fibonacci", Shape::Fibonacci),
        ("quadratic", Shape::Quadratic),
        ("table", Shape::Table),
        ("elapsed", Shape::Elapsed),
    ];
    let shape = o.choice("curve", &words)?.unwrap_or(match base.curve() {
        Curve::Constant => Shape::Constant,
        Curve::Linear => Shape::Linear,
        Curve::Fibonacci => Shape::Fibonacci,
        Curve::Quadratic(_) => Shape::Quadratic,
        Curve::Table(..) => Shape::Table,
        Curve::Elapsed(_) => Shape::Elapsed,
        _ => Shape::Exponential,
    });
    let (base_entries, base_after) = match base.curve() {
        Curve::Table(entries, after) => (entries, after),
        _ => (&[][..], AfterTable::RepeatLast),
    };
    // The ends of a table are its entries': no use to another curve.
    let ends = if base_entries.is_empty() { base } else { PLAIN };
    let initial = o.ms("initial_ms")?;
    let max = o.ms("max_ms")?;
    let factor = o.ratio("factor")?;
    if initial.is_some_and(|initial| initial.is_zero()) {
        return Err(refused(ConfigError::InitialZero));
    }
    if shape != Shape::Elapsed && factor.is_some_and(Ratio::is_below_one) {
        return Err(refused(ConfigError::FactorBelowOne));
    }
    let entries = table(o)?;
    let words = [("repeat_last", AfterTable::RepeatLast), ("give_up", AfterTable::GiveUp)];
    let after = o.choice("after_table", &words)?.unwrap_or(base_after);
    let first_wait = initial.unwrap_or(ends.initial_delay());
    let cap = max.unwrap_or(ends.max_delay(Mode::Resume));
    let factor = factor.unwrap_or(match base.curve() {
        Curve::Exponential(factor) | Curve::Elapsed(factor) => factor,
        _ => Ratio::TWO,
    });
    let step = o.ms("step_ms")?.unwrap_or(match base.curve() {
        Curve::Quadratic(step) => step,
        _ => first_wait,
    });
    let built = match shape {
        // Not `BackoffConfig::constant`: a jitter may go up to `max_ms`.
        Shape::Constant => BackoffConfig::exponential(first_wait, Ratio::ONE, cap).build(),
        Shape::Exponential => BackoffConfig::exponential(first_wait, factor, cap).build(),
        Shape::Linear => BackoffConfig::linear(first_wait, cap).build(),
        Shape::Fibonacci => BackoffConfig::fibonacci(first_wait, cap).build(),
        Shape::Quadratic => BackoffConfig::quadratic(first_wait, step, cap).build(),
        Shape::Elapsed => BackoffConfig::elapsed(factor, first_wait, cap).build(),
        Shape::Table => {
            let mut entries = entries.unwrap_or_else(|| base_entries.to_vec());
            if let Some(cap) = max {
                entries.iter_mut().for_each(|entry| *entry = cap.min(*entry));
            }
            // A config is a constant of the program elsewhere, so its table lives for ever. There is one a run.
            BackoffConfig::table(Box::leak(entries.into_boxed_slice()), after).build()
        }
    };
    let mut backoff = built.map_err(refused)?;
    let jitter = if o.get("jitter").is_some() { jitter(o)? } else { base.jitter() };
    backoff = backoff.to_builder().jitter(jitter).build().map_err(refused)?;
    backoff =
        backoff.to_builder().floor(o.ms("floor_ms")?.unwrap_or(base.floor())).build().map_err(refused)?;
    if let Some(first) = o.or_null("first_ms", Object::ms)?.unwrap_or(base.first_delay()) {
        backoff = backoff.to_builder().first_delay(first).build_const();
    }
    if o.bool("exact_first")?.unwrap_or(base.exact_first()) {
        backoff = backoff.to_builder().exact_first().build_const();
    }
    let fresh = base.max_delay(Mode::Fresh);
    let fresh = Some(fresh).filter(|fresh| *fresh != base.max_delay(Mode::Resume));
    if let Some(max_fresh) = o.or_null("max_fresh_ms", Object::ms)?.unwrap_or(fresh) {
        backoff = backoff.to_builder().max_fresh(max_fresh).build().map_err(refused)?;
    }
    Ok(backoff)
}

fn table(o: &Object<'_>) -> Result<Option<Vec<Duration>>, String> {
    let Some(value) = o.get("table_ms") else { return Ok(None) };
    let entries = value
        .as_array()
        .and_then(|list| list.iter().map(|entry| entry.as_u64().map(Duration::from_millis)).collect());
    entries.map(Some).ok_or_else(|| o.wrong("table_ms", "a list of integers of at least 0"))
}

fn jitter(o: &Object<'_>) -> Result<Jitter, String> {
    let words = [
        ("none", Jitter::None),
        ("full", Jitter::Full),
        ("equal", Jitter::Equal),
        ("decorrelated", Jitter::Decorrelated),
        ("above_initial", Jitter::AboveInitial),
        ("decorrelated_v2", Jitter::DecorrelatedV2),
    ];
    match o.get("jitter") {
        Some(Value::Object(_)) => {}
        Some(Value::String(_)) => return Ok(o.choice("jitter", &words)?.unwrap_or(Jitter::None)),
        _ => {
            return Err(
                o.wrong("jitter", "a word, {\"plus_minus\": \"0.2\"} or {\"window\": [\"0.2\", \"1\"]}")
            );
        }
    }
    const KINDS: &[&str] = &["plus_minus", "plus", "minus", "window", "plus_fixed_ms"];
    let share = o.object("jitter", KINDS)?;
    let share = o.required("jitter", share)?;
    let window = share.get("window").map(|window| match window.as_array().map(Vec::as_slice) {
        Some([low, high]) => object::ratio(low).zip(object::ratio(high)),
        _ => None,
    });
    if let Some(None) = window {
        return Err(share.wrong("window", "two ratios in quotes, like [\"0.2\", \"1\"]"));
    }
    let given = [
        share.ratio("plus_minus")?.map(Jitter::PlusMinus),
        share.ratio("plus")?.map(Jitter::Plus),
        share.ratio("minus")?.map(Jitter::Minus),
        window.flatten().map(|(low, high)| Jitter::Window(low, high)),
        share.range("plus_fixed_ms")?.map(|(low, high)| Jitter::PlusFixed(low, high)),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(jitter), None) => Ok(jitter),
        _ => Err(o.wrong("jitter", format_args!("an object with one of {}", one_of(KINDS)))),
    }
}
