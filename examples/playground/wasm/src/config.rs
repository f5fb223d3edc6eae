//! Presets and configs, as the page shows them.

use redial::presets;
use serde_json::{Value, json};

use super::engine::json::parse;
use super::engine::set_up::SetUp;

pub(crate) fn presets() -> Value {
    let names: Vec<_> = presets::ALL.iter().map(|(name, _)| *name).collect();
    json!({ "presets": names })
}

/// Every key of the config that a set-up line amounts to, and whether its waits are drawn.
pub(crate) fn of_set_up(line: &[u8]) -> Result<Value, String> {
    let set_up = SetUp::parse(&parse(line)?)?;
    let value = |value: Result<Value, serde_json::Error>| value.map_err(|error| error.to_string());
    Ok(json!({
        "config": value(serde_json::to_value(set_up.config))?,
        "handover": value(serde_json::to_value(set_up.handover))?,
        "jittered": set_up.is_jittered(),
    }))
}

#[cfg(test)]
mod tests {
    use super::{of_set_up, presets};

    #[test]
    fn every_preset_is_shown_with_its_keys() {
        for name in presets()["presets"].as_array().expect("a list") {
            let shown = of_set_up(format!("{{\"preset\": {name}}}").as_bytes()).expect("a preset");
            assert!(shown["config"]["backoff"]["curve"].is_string(), "{name}: {shown}");
        }
    }

    #[test]
    fn a_key_that_is_wrong_is_named_with_the_way_out() {
        let error =
            of_set_up(br#"{"preset": "few", "config": {"backoff": {"max": 60000}}}"#).expect_err("a slip");
        assert_eq!(error, "unknown key \"config.backoff.max\"; did you mean \"max_ms\"?");
    }
}
