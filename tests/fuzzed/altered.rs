//! Every byte string is a config and what is changed in its JSON: values of another kind or size, keys that are gone, unknown or
//! there twice, a text that ends too early. It is refused in one line that names a place, or read as a config that is written and
//! read again. It is a log with a line changed, and the words that stand for ratios, causes and tables.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::fmt::Debug;
use core::str::FromStr;
use core::time::Duration;
use std::sync::OnceLock;

use redial::classify::{Class, Classifier, IoKind, Match, Rule, Table, TlsKind, Verdict, tables};
use redial::endpoints::EndpointsConfig;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{ConfigOver, CredentialConfig, RestoreConfig, ResumeConfig};
use redial::record::{RecordError, Recorder};
use redial::testing::Script;
use redial::{
    BackoffConfig, Cause, Config, Event, Instant, Ratio, SessionState, SplitMix64, breaker, handover, presets,
};
use serde::de::value::BytesDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Replay;
use crate::{alteration, story};

pub fn run(bytes: &[u8]) {
    words(bytes);
    let mut script = Script::from_bytes(bytes);
    let (kind, thin) = (script.below(6), script.flag());
    match kind {
        0 => others(&mut script),
        1 => log(&mut script),
        2 => own_table(&mut script),
        kind => {
            let config = script.config();
            alteration::too_long(&config, &mut script);
            let whole = serde_json::to_value(config).expect("its tables have names");
            let value = if thin { alteration::thinned(&whole, &mut script) } else { whole };
            match kind {
                3 => read::<Config>(&value, &mut script),
                4 => parts(&config, &value, &mut script),
                _ => over(&config, &value, &mut script),
            }
        }
    }
}

/// Reads it with something in it changed.
fn read<T>(value: &Value, script: &mut Script<'_>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = alteration::altered(value, script);
    match serde_json::from_str::<T>(&text) {
        Ok(read) => {
            let again = serde_json::to_string(&read).expect("it was read");
            assert_eq!(serde_json::from_str::<T>(&again).expect("its own"), read, "{text}");
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &serde_json::Error) {
    let text = error.to_string();
    assert!(text.lines().count() == 1 && !text.is_empty(), "{text}");
}

/// Of a config's parts, each with its own form.
fn parts(config: &Config, value: &Value, script: &mut Script<'_>) {
    match script.below(9) {
        0 => read::<BackoffConfig>(&value["backoff"], script),
        1 => read::<Classifier>(&value["classify"], script),
        2 => read::<CredentialConfig>(&value["credential"], script),
        3 => read::<EndpointsConfig>(&serde_json::to_value(config.endpoints()).expect("plain data"), script),
        4 => read::<HeartbeatConfig>(&value["heartbeat"], script),
        5 => read::<RestoreConfig>(&value["restore"], script),
        6 => read::<ResumeConfig>(&value["resume"], script),
        7 => read::<breaker::Config>(&value["breaker"], script),
        _ => {
            let rules = value["classify"]["overrides"].as_array().cloned().unwrap_or_default();
            for rule in rules.iter().take(3) {
                read::<Rule>(rule, script);
            }
        }
    }
}

/// What stands beside a config.
fn others(script: &mut Script<'_>) {
    match script.below(4) {
        0 => {
            let value = serde_json::to_value(script.handover()).expect("plain data");
            read::<handover::Config>(&value, script);
        }
        1 => {
            let value = serde_json::to_value(script.any_event::<u8, u8>()).expect("plain data");
            read::<Event<u8, u8>>(&value, script);
        }
        2 => {
            let value = serde_json::to_value(script.cause()).expect("plain data");
            read::<Cause>(&value, script);
        }
        _ => {
            let value = serde_json::to_value(script.session::<u8>()).expect("plain data");
            let text = alteration::altered(&value, script);
            if let Err(error) = serde_json::from_str::<SessionState<u8>>(&text) {
                refused(&error);
            }
        }
    }
}

/// Over each preset and over the config itself, as a file or as a table of it.
fn over(config: &Config, value: &Value, script: &mut Script<'_>) {
    let (_, preset) = presets::ALL[script.below(presets::ALL.len() as u32) as usize];
    let text = alteration::altered(value, script);
    let named = script.flag();
    for base in [preset, config] {
        let mut json = serde_json::Deserializer::from_str(&text);
        let seed = ConfigOver::new(base);
        let seed = if named { seed.named("reconnect") } else { seed };
        assert!(format!("{seed:?} {base:?}").contains("ConfigOver"));
        match seed.deserialize(&mut json) {
            Ok(config) => assert_eq!(config.to_builder().build(), Ok(config)),
            Err(error) => refused(&error),
        }
    }
}

/// A log of what happens to a policy, a line of which is changed.
fn log(script: &mut Script<'_>) {
    let config = script.config();
    let mut policy = story::policy(script, &config);
    let mut recorder = Recorder::showing_names();
    let mut lines = vec![recorder.set_up(&policy).expect("few names").to_owned()];
    let mut now = Instant::ZERO;
    for _ in 0..script.below(30) {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        lines.push(recorder.step(now, step.event.as_ref()).expect("few names").to_owned());
        let _actions = step.apply(&mut policy);
    }
    let at = script.below(lines.len() as u32) as usize;
    let line: Value = serde_json::from_str(&lines[at]).expect("a line is JSON");
    lines[at] = alteration::altered(&line, script);
    let (mut replay, mut out) = (Replay::default(), String::new());
    for (number, line) in (1..).zip(&lines) {
        if let Err(error) = replay.line(line.as_bytes(), &mut out) {
            assert!(number > at && error.starts_with(&format!("line {number}: ")), "{error}");
            return assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}

/// A table of the program's own works, and has no form.
fn own_table(script: &mut Script<'_>) {
    static RULES: [Rule; 2] = [
        Rule::new(Match::CloseRange(4000, 4099), Verdict::new(Class::Fatal)),
        Rule::new(Match::AnyTls, Verdict::new(Class::Fresh)),
    ];
    static BASE: &Table = &tables::TRANSPORT;
    // A program has it as a constant, which outlives this.
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| Table::new("own", &RULES).with_base(BASE));
    assert_eq!((table.name(), table.rules().len(), table.base()), ("own", 2, Some(BASE)));
    let cause = script.cause();
    let found = table.lookup(cause);
    assert!(found.is_some() || BASE.lookup(cause).is_none());
    let (low, high) = found.map_or((Duration::ZERO, Duration::ZERO), |verdict| verdict.wait(script.below(9)));
    assert!(low <= high);
    let config = presets::FEW.to_builder().classifier(Classifier::new(table).build_const()).build_const();
    let error = serde_json::to_string(&config).expect_err("it has no name");
    assert!(error.to_string().contains("\"own\""), "{error}");
    let policy = redial::Policy::new(&config, SplitMix64::new(7)).with_session_type::<u8>();
    let error = Recorder::new().set_up(&policy).expect_err("it has no name");
    assert_eq!((error, error.to_string().lines().count()), (RecordError::OwnTable, 1));
}

/// The bytes as words.
fn words(bytes: &[u8]) {
    let other = BytesDeserializer::<serde::de::value::Error>::new(bytes);
    assert!(Config::deserialize(other).is_err_and(|error| error.to_string().ends_with("expected a config")));
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    for word in text.split_whitespace().take(64) {
        match Ratio::from_str(word) {
            Ok(ratio) => assert_eq!(Ratio::from_str(&ratio.to_string()), Ok(ratio)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        assert!(IoKind::from_name(word).is_none_or(|kind| kind.as_str() == word));
        assert!(TlsKind::from_name(word).is_none_or(|kind| kind.as_str() == word));
        assert!(Class::from_name(word).is_none_or(|class| class.as_str() == word));
        assert!(tables::by_name(word).is_none_or(|table| table.name() == word));
    }
}
