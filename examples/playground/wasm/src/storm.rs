//! A storm that the page asks for.

use std::time::Duration;

use redial::Ratio;
use redial::sim::{Failure, Hints, Report, Scenario, run as simulate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine::set_up::SetUp;

/// What a page may ask for, so that an answer takes seconds and not minutes.
const MOST_CLIENTS: u32 = 100_000;
const LONGEST: Duration = Duration::from_secs(3_600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    clients: u32,
    /// What the server takes a second, after the outage.
    per_second: u32,
    outage_ms: u64,
    /// What a dial meets that no server takes.
    failure: Answer,
    /// What an overloaded server says about when to come back.
    hints: Help,
    seed: u64,
    /// A preset and a config, as in the first line of a log.
    policy: Value,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Refused,
    Silent,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Help {
    None,
    Constant,
    Appointments,
    Window,
}

pub(crate) fn run(question: &[u8]) -> Result<Value, String> {
    let question: Question =
        serde_json::from_slice(question).map_err(|error| format!("the storm: {error}"))?;
    if !(1..=MOST_CLIENTS).contains(&question.clients) {
        return Err(format!("\"clients\" must be from 1 to {MOST_CLIENTS}, not {}", question.clients));
    }
    if question.per_second == 0 {
        return Err("\"per_second\" must be at least 1, or nobody ever comes back".to_owned());
    }
    let outage = Duration::from_millis(question.outage_ms);
    if outage > LONGEST / 2 {
        return Err(format!("\"outage_ms\" must be at most {}", (LONGEST / 2).as_millis()));
    }
    let config = SetUp::parse(&question.policy)?.config;
    let scenario = Scenario::new(question.clients, question.per_second)
        .outage(outage)
        .horizon(LONGEST)
        .failure(match question.failure {
            Answer::Refused => Failure::Refused,
            Answer::Silent => Failure::Silent,
        })
        .hints(match question.hints {
            Help::None => Hints::None,
            Help::Constant => Hints::Constant(Duration::from_secs(30)),
            Help::Appointments => Hints::Appointments(Ratio::ONE),
            Help::Window => Hints::Window,
        });
    let report = simulate(&scenario, &config, question.seed);
    Ok(shown(&report, scenario.ideal(question.clients)))
}

fn shown(report: &Report, ideal: Option<Duration>) -> Value {
    let from = report.measured_from();
    let back = |permille| report.back(permille).map(|at| at.saturating_sub(from).as_secs_f64());
    let seconds = report.seconds();
    json!({
        "dials": seconds.iter().map(|second| second.dials).collect::<Vec<_>>(),
        "online": seconds.iter().map(|second| second.online).collect::<Vec<_>>(),
        "clients": report.clients(),
        "online_at_end": report.online(),
        "gave_up": report.gave_up(),
        "dials_a_client": report.attempts_per_client(),
        "peak": report.peak(from),
        "back_half": back(500),
        "back_most": back(990),
        "times_ideal": report.ratio(),
        "ideal": ideal.map(|ideal| ideal.as_secs_f64()),
        "measured_from": from.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::run;

    fn question(change: Value) -> Vec<u8> {
        let mut question = json!({
            "clients": 500, "per_second": 50, "outage_ms": 10_000, "failure": "refused", "hints": "none", "seed": 1,
            "policy": {"preset": "recommended"},
        });
        for (key, value) in change.as_object().expect("an object") {
            question[key] = value.clone();
        }
        question.to_string().into_bytes()
    }

    #[test]
    fn everybody_comes_back_and_the_same_question_has_the_same_answer() {
        let report = run(&question(json!({}))).expect("a storm");
        assert_eq!((&report["online_at_end"], &report["ideal"]), (&json!(500), &json!(10.0)));
        assert!(report["times_ideal"].as_f64().expect("a ratio") > 1.0);
        assert_eq!(run(&question(json!({}))), Ok(report.clone()));
        assert_ne!(run(&question(json!({"seed": 2}))), Ok(report));
    }

    /// The tests of the page ask the same of WebAssembly in a browser.
    #[test]
    fn the_answer_is_the_same_on_every_machine() {
        let file: Value = serde_json::from_str(include_str!("../../tests/storm.json")).expect("JSON");
        let answer = run(file["question"].to_string().as_bytes()).expect("a storm");
        assert_eq!(answer, file["answer"]);
    }

    #[test]
    fn what_can_not_be_asked_is_refused_with_its_reason() {
        for (change, reason) in [
            (json!({"clients": 0}), "\"clients\" must be from 1 to 100000, not 0"),
            (json!({"clients": 100_001}), "\"clients\" must be from 1 to 100000, not 100001"),
            (json!({"per_second": 0}), "\"per_second\" must be at least 1, or nobody ever comes back"),
            (json!({"outage_ms": 1_800_001}), "\"outage_ms\" must be at most 1800000"),
            (json!({"policy": {"preset": "nobody"}}), "unknown preset \"nobody\""),
            (json!({"waves": 3}), "the storm: unknown field `waves`"),
        ] {
            let error = run(&question(change)).expect_err(reason);
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
