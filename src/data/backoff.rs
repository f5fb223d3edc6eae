//! A backoff, as it is read.

use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use super::classify::refused;
use super::object::{self, Object, one_of};
use super::tables::kept;
use super::tree::Value;
use crate::backoff::{AfterTable, BackoffConfig, Curve, Jitter};
use crate::error::ConfigError;
use crate::mode::Mode;
use crate::ratio::Ratio;

/// What the keys are laid over where no other config is named: 1 s, doubling to 30 s, without jitter.
pub(super) const PLAIN: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();

/// The scale of windows where none is given.
const SCALE: Duration = Duration::from_secs(40);

/// What they are laid over where the other config has windows, and they ask for another curve: that of
/// [`FEW`](crate::presets::FEW).
const BESIDE_WINDOWS: BackoffConfig =
    PLAIN.to_builder().jitter(Jitter::Window(Ratio::new_const(1, 4), Ratio::ONE)).build_const();

pub(super) const BACKOFF: &[&str] = &[
    "curve",
    "initial_ms",
    "factor",
    "step_ms",
    "scale_ms",
    "phase_bits",
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
    Windows,
}

pub(super) fn backoff(base: BackoffConfig, o: &Object<'_>) -> Result<BackoffConfig, String> {
    let refused = refused(o);
    let words = [
        ("exponential", Shape::Exponential),
        ("constant", Shape::Constant),
        ("linear", Shape::Linear),
        ("fibonacci", Shape::Fibonacci),
        ("quadratic", Shape::Quadratic),
        ("table", Shape::Table),
        ("elapsed", Shape::Elapsed),
        ("windows", Shape::Windows),
    ];
    // What windows do not have asks for another curve.
    let asked =
        o.get("factor").is_some() || o.get("jitter").is_some_and(|jitter| jitter.as_str() != Some("none"));
    let shape = o.choice("curve", &words)?.unwrap_or(match base.curve() {
        Curve::Windows(_) if asked => Shape::Exponential,
        Curve::Constant => Shape::Constant,
        Curve::Linear => Shape::Linear,
        Curve::Fibonacci => Shape::Fibonacci,
        Curve::Quadratic(_) => Shape::Quadratic,
        Curve::Table(..) => Shape::Table,
        Curve::Elapsed(_) => Shape::Elapsed,
        Curve::Windows(_) => Shape::Windows,
        _ => Shape::Exponential,
    });
    // Another curve can't begin where windows do.
    let base = if base.has_windows() && shape != Shape::Windows { BESIDE_WINDOWS } else { base };
    let (base_entries, base_after) = match base.curve() {
        Curve::Table(entries, after) => (entries, after),
        _ => (&[][..], AfterTable::RepeatLast),
    };
    // The ends of a table are its entries': no use to another curve.
    let ends = if base_entries.is_empty() { base } else { PLAIN };
    let initial = o.ms("initial_ms")?;
    let windows = shape == Shape::Windows;
    // Windows have no cap unless one is given.
    let (max, uncapped) = match o.get("max_ms") {
        Some(Value::Null) if windows => (None, true),
        _ => (o.ms("max_ms")?, false),
    };
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
    let base_cap = Some(ends.max_delay(Mode::Resume)).filter(|_| windows == base.has_windows() && !uncapped);
    let cap = max.or(base_cap);
    let base_scale = match base.curve() {
        Curve::Windows(scale) => scale,
        _ => SCALE,
    };
    let scale = o.ms("scale_ms")?.unwrap_or(base_scale);
    let phase_bits = o.u8("phase_bits")?.unwrap_or(base.phase_bits());
    let windowed = BackoffConfig::windows(first_wait, scale).phase_bits(phase_bits);
    let windowed = if let Some(cap) = cap { windowed.max_delay(cap) } else { windowed };
    let cap = cap.unwrap_or(PLAIN.max_delay(Mode::Resume));
    let factor = factor.unwrap_or(match base.curve() {
        Curve::Exponential(factor) | Curve::Elapsed(factor) => factor,
        _ => Ratio::TWO,
    });
    let step = o.ms("step_ms")?.unwrap_or(match base.curve() {
        Curve::Quadratic(step) => step,
        _ => first_wait,
    });
    let built = match shape {
        // A jitter may go up to `max_ms`.
        Shape::Constant if cap != first_wait => BackoffConfig::exponential(first_wait, Ratio::ONE, cap),
        Shape::Constant => BackoffConfig::constant(first_wait),
        Shape::Exponential => BackoffConfig::exponential(first_wait, factor, cap),
        Shape::Linear => BackoffConfig::linear(first_wait, cap),
        Shape::Fibonacci => BackoffConfig::fibonacci(first_wait, cap),
        Shape::Quadratic => BackoffConfig::quadratic(first_wait, step, cap),
        Shape::Elapsed => BackoffConfig::elapsed(factor, first_wait, cap),
        Shape::Windows => windowed,
        Shape::Table => {
            let entries = match (entries, max) {
                (None, None) => base_entries,
                (entries, max) => {
                    let mut entries = entries.unwrap_or_else(|| base_entries.to_vec());
                    if let Some(cap) = max {
                        entries.iter_mut().for_each(|entry| *entry = cap.min(*entry));
                    }
                    kept(entries, &o.name("table_ms"))?
                }
            };
            BackoffConfig::table(entries, after)
        }
    };
    let mut backoff = built;
    backoff.build().map_err(&refused)?;
    let jitter = match o.get("jitter") {
        Some(_) => jitter(o)?,
        None if windows => Jitter::None,
        None => base.jitter(),
    };
    backoff = backoff.jitter(jitter).floor(o.ms("floor_ms")?.unwrap_or(base.floor()));
    if let Some(first) = o.or_null("first_ms", Object::ms)?.unwrap_or(base.first_delay()) {
        backoff = backoff.first_delay(first);
    }
    if o.bool("exact_first")?.unwrap_or(base.exact_first()) {
        backoff = backoff.exact_first();
    }
    let fresh = base.max_delay(Mode::Fresh);
    let fresh = Some(fresh).filter(|fresh| *fresh != base.max_delay(Mode::Resume));
    if let Some(max_fresh) = o.or_null("max_fresh_ms", Object::ms)?.unwrap_or(fresh) {
        backoff = backoff.max_fresh(max_fresh);
    }
    backoff.build().map_err(refused)
}

fn table(o: &Object<'_>) -> Result<Option<Vec<Duration>>, String> {
    let Some(value) = o.get("table_ms") else { return Ok(None) };
    let entries = value.as_array().and_then(|list| list.iter().map(object::millis).collect());
    entries.map(Some).ok_or_else(|| o.wrong("table_ms", "a list of integers of at least 0"))
}

/// The jitters that have an extent, by example.
const OBJECTS: &str = "an object such as {\"plus_minus\": \"0.2\"} or {\"window\": [\"0.2\", \"1\"]}";

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
        Some(Value::String(given)) => {
            let found = words.iter().find(|(word, _)| given == word);
            let names = words.map(|(word, _)| word);
            let expected = || o.wrong("jitter", format_args!("{}, or {OBJECTS}", one_of(&names)));
            return found.map(|(_, jitter)| *jitter).ok_or_else(expected);
        }
        _ => return Err(o.wrong("jitter", format_args!("a word such as \"full\", or {OBJECTS}"))),
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
