//! Feature `serde`: configs in the form of a log, over another config; what is not one is refused with its place.

#![cfg(feature = "serde")]

use redial::backoff::{AfterTable, Curve};
use redial::breaker;
use redial::classify::Classifier;
use redial::policy::ConfigOver;
use redial::{BackoffConfig, Cause, Config, IoKind, Jitter, Mode, Ratio, presets};
use serde::de::DeserializeSeed;
use serde_json::{Value, json};

use crate::draws::ms;

fn over(base: &Config, keys: Value) -> Result<Config, String> {
    ConfigOver::new(base).deserialize(keys).map_err(|error| error.to_string())
}

fn with(backoff: BackoffConfig) -> Config {
    presets::RECOMMENDED.to_builder().backoff(backoff).build().expect("a config")
}

/// F21: what is laid over a curve leaves it the curve that it is.
#[test]
fn a_cap_over_a_curve_leaves_the_curve() {
    const STEPS: &[std::time::Duration] = &[ms(100), ms(5_000)];
    let (first, max) = (ms(100), ms(5_000));
    for curve in [
        BackoffConfig::exponential(first, Ratio::TWO, max),
        BackoffConfig::constant(max),
        BackoffConfig::linear(first, max),
        BackoffConfig::fibonacci(first, max),
        BackoffConfig::quadratic(first, first, max),
        BackoffConfig::elapsed(Ratio::TWO, first, max),
        BackoffConfig::table(STEPS, AfterTable::GiveUp),
        BackoffConfig::windows(first, max),
    ] {
        let base = curve.build().expect("a curve");
        let read = over(&with(base), json!({"backoff": {"max_ms": 5_000}})).expect("a cap");
        let same = std::mem::discriminant(&read.backoff().curve()) == std::mem::discriminant(&base.curve());
        assert!(same, "{:?} of {:?}", read.backoff(), base);
        assert_eq!(read.backoff().max_delay(Mode::Resume), max);
    }
}

/// W04: windows have no cap where it is null, take no jitter of the curve below, and are written as they are read.
#[test]
fn windows_over_another_curve_have_neither_its_cap_nor_its_jitter() {
    let base = BackoffConfig::exponential(ms(100), Ratio::TWO, ms(5_000)).jitter(Jitter::Full);
    let base = with(base.build().expect("a curve"));
    let read = over(&base, json!({"backoff": {"curve": "windows", "max_ms": null}})).expect("windows");
    assert_eq!(read.backoff().jitter(), Jitter::None);
    assert!(matches!(read.backoff().curve(), Curve::Windows(_)));
    let written = serde_json::to_value(read).expect("plain data");
    assert!(written.pointer("/backoff/curve").is_some(), "{written}");
    assert_eq!(written.pointer("/backoff/max_ms"), None, "{written}");
    assert!(over(&base, json!({"backoff": {"max_ms": null}})).is_err(), "another curve has a cap");
}

/// P04: milliseconds with decimals are exact, and nothing else is taken for them.
#[test]
fn milliseconds_as_a_text_are_digits() {
    let read = |text: &str| {
        let config = over(&presets::FEW, json!({"backoff": {"initial_ms": text}}));
        config.map(|config| config.backoff().initial_delay())
    };
    assert_eq!(read("1.5"), Ok(ms(1) + std::time::Duration::from_micros(500)));
    assert_eq!(read("20."), Ok(ms(20)));
    for wrong in ["", ".5", "+1", "-1", "1.+5", "1.x", "x.5", "x", "1.1234567", "1.5.5", " 1"] {
        assert!(read(wrong).is_err(), "{wrong:?}: {:?}", read(wrong));
    }
}

/// A message shows the value that is wrong, cut where it is long.
#[test]
fn a_long_value_is_cut_in_a_message() {
    let message = |text: &str| {
        over(&presets::FEW, json!({"backoff": {"curve": text}})).map(|_| ()).expect_err("no curve")
    };
    let (fits, long) = ("x".repeat(58), "x".repeat(59));
    assert!(message(&fits).ends_with(&format!("not \"{fits}\"")), "{}", message(&fits));
    assert!(message(&long).ends_with(&format!("not \"{}...", "x".repeat(56))), "{}", message(&long));
}

/// The name of the document stands in a message where the whole of it is wrong, and not before its keys.
#[test]
fn a_message_names_the_place() {
    let named =
        |keys| ConfigOver::new(&presets::FEW).named("reconnect").deserialize(keys).expect_err("wrong");
    let bare = |keys| ConfigOver::new(&presets::FEW).deserialize(keys).expect_err("wrong");
    let (list, key) = (json!([1]), json!({"max_attempts": "many"}));
    assert_eq!(bare(list.clone()).to_string(), "\"config\" must be an object, not [1]");
    assert_eq!(named(list).to_string(), "\"reconnect\" must be an object, not [1]");
    assert!(bare(key.clone()).to_string().starts_with("\"max_attempts\" must be"));
    assert!(named(key).to_string().starts_with("\"reconnect.max_attempts\" must be"));
    assert!(format!("{:?}", ConfigOver::new(&presets::FEW)).starts_with("ConfigOver"));
}

/// A handover is no part of a config.
#[test]
fn a_handover_is_read_elsewhere() {
    assert!(over(&presets::FEW, json!({"handover": null})).is_ok());
    let message = over(&presets::FEW, json!({"handover": {}})).map(|_| ()).expect_err("a handover");
    assert!(message.contains("handover::Config"), "{message}");
}

/// S89, L87: an open time that does not grow has the factor 1, and one that grows has 2.
#[test]
fn a_breaker_grows_where_its_open_time_may() {
    let read = |keys: Value| serde_json::from_value::<breaker::Config>(keys).expect("a breaker");
    let new = breaker::Config::new(5, ms(60_000));
    assert_eq!(read(json!({"open_ms": 60_000})), new.growth(Ratio::ONE, ms(60_000)).build_const());
    assert_eq!(
        read(json!({"open_ms": 60_000, "open_max_ms": 60_001})),
        new.growth(Ratio::TWO, ms(60_001)).build_const()
    );
}

/// S48, F57: a rule says its cause in one of its forms, and a limit only where there is one.
#[test]
fn a_rule_is_read_and_written() {
    let read = |rule: Value| {
        let classify = serde_json::from_value::<Classifier>(json!({"overrides": [rule]}));
        classify.map_err(|error| error.to_string())
    };
    let verdict = |classifier: Classifier, cause| classifier.classify(cause).class.as_str();
    let none = read(json!({"ws": "none", "class": "fatal"})).expect("a rule");
    assert_eq!(verdict(none, Cause::NoCloseFrame), "fatal");
    assert!(read(json!({"ws": "some", "class": "fatal"})).is_err());
    let full = read(json!({"io": "storage_full", "class": "fatal"})).expect("a kind of the standard library");
    assert_eq!(verdict(full, Cause::Io(IoKind::Other)), "fatal");
    assert!(read(json!({"io": "storage_fool", "class": "fatal"})).is_err());

    let written = serde_json::to_string(&none).expect("plain data");
    assert!(!written.contains("limit"), "{written}");
    let limited = read(json!({"ws": "none", "class": "transient", "limit": 3})).expect("a rule");
    let written = serde_json::to_string(&limited).expect("plain data");
    assert!(written.contains("\"limit\":3"), "{written}");
}

/// Numbers of a format with signs only are the same numbers, and what is no config at all is told as such.
#[test]
fn any_format_of_serde_will_do() {
    use serde::de::value::{Error, MapDeserializer};
    let read = |attempts: i64| {
        let keys = MapDeserializer::<_, Error>::new([("max_attempts", attempts)].into_iter());
        ConfigOver::new(&presets::FEW).deserialize(keys).map(|config| config.max_attempts())
    };
    assert_eq!(read(7), Ok(Some(7)));
    assert!(read(-1).is_err());
    let bytes = serde::de::value::BytesDeserializer::<Error>::new(b"x");
    let error = ConfigOver::new(&presets::FEW).deserialize(bytes).expect_err("bytes are no config");
    assert!(error.to_string().contains("expected a config"), "{error}");
}
