//! What stands beside the policy in a log: budgets, health, processes that end and begin.

use redial::Ratio;
use redial::budget::{AdaptiveThrottleConfig, RetryBudgetConfig, StartBudgetConfig, ThrottleConfig};
use redial::health::HealthConfig;

use super::*;

/// A handover stands beside a policy: every key, with and without a preset, and nothing where none is named.
#[test]
fn a_handover_has_keys() {
    use redial::handover::Config;

    let handover = |set: &str| set_up(set).map(|set_up| set_up.handover);
    for json in
        ["{}", "{\"config\": {}}", "{\"config\": {\"handover\": null}}", "{\"preset\": \"recommended\"}"]
    {
        assert_eq!(handover(json), Ok(None), "{json}");
    }
    for json in ["{}", r#"{"timeout_ms": 10000, "drain_ms": 0}"#] {
        assert_eq!(
            handover(&format!("{{\"config\": {{\"handover\": {json}}}}}")),
            Ok(Some(Config::DEFAULT)),
            "{json}"
        );
    }
    let other = Config::new().timeout(ms(7)).drain(Duration::from_micros(1_500)).build_const();
    let json = r#"{"preset": "ably", "config": {"handover": {"timeout_ms": 7, "drain_ms": "1.5"}}}"#;
    assert_eq!(handover(json), Ok(Some(other)), "every key");
    assert_eq!(set_up(json).map(|set_up| set_up.config), Ok(*redial::presets::by_name("ably").unwrap()));
}

/// The policy knows nothing of alerts and budgets; the program that holds them does.
#[test]
fn what_stands_beside_the_policy_has_keys_too() {
    let health = |json: &str| {
        set_up(&format!("{{\"config\": {{\"health\": {json}}}}}")).map(|set_up| set_up.health.unwrap())
    };
    let documented =
        r#"{"window_ms": 300000, "failure_rate": "1/10", "min_attempts": 1, "average_recovery_ms": 30000}"#;
    for json in ["{}", documented] {
        assert_eq!(health(json), Ok(HealthConfig::DEFAULT), "{json}");
    }
    let other = r#"{"window_ms": 1000, "failure_rate": "1/2", "min_attempts": 7, "average_recovery_ms": 2}"#;
    let expected = HealthConfig::new()
        .window(ms(1_000))
        .failure_rate(Ratio::new(1, 2).unwrap(), 7)
        .build()
        .map(|health| health.to_builder().average_recovery(ms(2)).build_const());
    assert_eq!(health(other).map_err(|_| ()), expected.map_err(|_| ()));
    let budget = |json: &str| {
        set_up(&format!("{{\"start_budget\": {json}}}")).map(|set_up| set_up.budgets.starts.unwrap())
    };
    let discord = StartBudgetConfig::new(1, 1, ms(5_000)).build();
    let discord =
        discord.and_then(|budget| budget.to_builder().daily(u32::MAX, ms(86_400_000)).build()).unwrap();
    let documented = r#"{"per_window": 1, "window_ms": 5000, "per_day": null, "day_ms": 86400000}"#;
    for json in ["{}", documented] {
        assert_eq!(budget(json), Ok(discord), "{json}");
    }
    let other = StartBudgetConfig::new(1, 3, ms(4)).daily(5, ms(6)).build().unwrap();
    assert_eq!(
        budget(r#"{"per_window": 3, "window_ms": 4, "per_day": 5, "day_ms": 6}"#),
        Ok(other),
        "every key"
    );
    let budgets = |json: &str| set_up(json).expect(json).budgets;
    for (json, resumes) in
        [("{}", false), (r#"{"resumes": false}"#, false), (r#"{"resumes": true, "per_window": 3}"#, true)]
    {
        assert_eq!(budgets(&format!("{{\"start_budget\": {json}}}")).resumes, resumes, "{json}");
    }
    for json in ["{}", r#"{"ttl_ms": 10000, "per_second": 10, "share": "1/5"}"#] {
        let read = budgets(&format!("{{\"retry_budget\": {json}}}")).retries;
        assert_eq!(read, Some(RetryBudgetConfig::DEFAULT), "{json}");
    }
    let other = RetryBudgetConfig::new()
        .ttl(ms(2_000))
        .build()
        .map(|budget| budget.to_builder().reserve(3).build_const());
    assert_eq!(
        budgets(r#"{"retry_budget": {"ttl_ms": 2000, "per_second": 3, "share": "7"}}"#).retries,
        other.and_then(|budget| budget.to_builder().share(Ratio::new(7, 1).unwrap()).build()).ok(),
        "every key"
    );
    for json in ["{}", r#"{"tokens": 10, "per_success": "1/10"}"#] {
        let read = budgets(&format!("{{\"throttle\": {json}}}")).throttle;
        assert_eq!(read, ThrottleConfig::new(10, Ratio::new(1, 10).unwrap()).build().ok(), "{json}");
    }
    assert_eq!(
        budgets(r#"{"throttle": {"tokens": 4, "per_success": "1/2"}}"#).throttle,
        ThrottleConfig::new(4, Ratio::new(1, 2).unwrap()).build().ok(),
        "every key"
    );
    for json in ["{}", r#"{"window_ms": 120000, "multiplier": "2"}"#] {
        let read = budgets(&format!("{{\"adaptive_throttle\": {json}}}")).adaptive;
        assert_eq!(read, Some(AdaptiveThrottleConfig::DEFAULT), "{json}");
    }
    let other = AdaptiveThrottleConfig::new().window(ms(1_000)).build();
    assert_eq!(
        budgets(r#"{"adaptive_throttle": {"window_ms": 1000, "multiplier": "3/2"}}"#).adaptive,
        other.and_then(|throttle| throttle.to_builder().multiplier(Ratio::new(3, 2).unwrap()).build()).ok(),
        "every key"
    );
    for (json, reason) in [
        (r#"{"retry_budget": {"ttl_ms": 999}}"#, "\"retry_budget\": "),
        (r#"{"retry_budget": {"share": "1001"}}"#, "\"retry_budget\": "),
        (r#"{"retry_budget": {"reserve": 1}}"#, "unknown key \"retry_budget.reserve\""),
        (r#"{"throttle": {"tokens": 0}}"#, "\"throttle\": "),
        (r#"{"throttle": {"per_success": 0.1}}"#, "\"throttle.per_success\" must be"),
        (r#"{"adaptive_throttle": {"multiplier": "1/2"}}"#, "\"adaptive_throttle\": "),
        (r#"{"adaptive_throttle": {}}"#, "\"seed\" is required because an adaptive throttle draws"),
        (r#"{"config": {"health": {"window_ms": 0}}}"#, "\"config.health\": "),
        (r#"{"config": {"health": {"failure_rate": "3/2"}}}"#, "\"config.health\": "),
        (r#"{"config": {"health": {"faliure_rate": "1/2"}}}"#, "did you mean \"failure_rate\"?"),
        (r#"{"start_budget": {"per_window": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"per_window": 65}}"#, "\"start_budget.per_window\" must be at most 64"),
        (r#"{"start_budget": {"window_ms": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"per_day": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"resumes": 1}}"#, "\"start_budget.resumes\" must be true or false, not 1"),
        (r#"{"start_budget": 5}"#, "\"start_budget\" must be an object, not 5"),
    ] {
        let error = error(json);
        assert!(error.starts_with("line 1: ") && error.contains(reason), "{json}: {error}");
    }
}

/// A new process knows its user's wishes no more than its connections, and draws anew: the seed of the n-th one after the
/// first is the log's plus n.
#[test]
fn a_restart_begins_with_what_the_snapshot_holds() {
    let log = |seed: u64, restarts: &str| {
        let lines = [
            &format!("{{\"seed\": {seed}, \"config\": {{\"backoff\": {{\"jitter\": \"full\"}}}}}}"),
            r#"{"at": 0, "event": "subscribe", "key": "a"}"#,
            restarts,
            r#"{"at": 2, "event": "start"}"#,
            r#"{"at": 3, "event": "open_failed", "cause": {"timeout": true}}"#,
            r#"{"at": 900000}"#,
        ];
        let (out, result) = replay(&lines.join("\n"));
        assert_eq!(result, Ok(()));
        out
    };
    let restart = r#"{"at": 1, "event": "restart"}"#;
    let empty = "{\"at\": 1, \"restart\": \"empty\", \"bytes\": 0}\n";
    assert_eq!(log(7, restart), format!("{empty}{}", log(8, "")));
    assert_eq!(log(7, &[restart; 3].join("\n")), format!("{}{}", empty.repeat(3), log(10, "")));

    let lines = [
        "{}",
        r#"{"at": 0, "event": "subscribe", "key": "a"}"#,
        r#"{"at": 0, "event": "restart"}"#,
        r#"{"at": 0, "event": "subscribe", "key": "b"}"#,
        r#"{"at": 0, "event": "start"}"#,
        r#"{"at": 1, "event": "opened"}"#,
        r#"{"at": 2, "event": "ready"}"#,
    ];
    let (out, _) = replay(&lines.join("\n"));
    assert!(out.contains("\"keys\": [\"b\"]"), "{out}");
}

/// What is down hears nothing, and at the end of the log it stays down; facts at the instant of its return are heard.
#[test]
fn a_process_that_is_down_hears_nothing() {
    let log = |last: &str| {
        let (out, result) =
            replay(&format!("{{}}\n{{\"at\": 5, \"event\": \"restart\", \"down_ms\": 10}}\n{last}"));
        assert_eq!(result, Ok(()));
        out
    };
    let down = "{\"at\": 5, \"restart\": \"down\", \"bytes\": 0}\n";
    let up = "{\"at\": 15, \"restart\": \"empty\", \"bytes\": 0}\n";
    assert_eq!(log(""), down);
    assert_eq!(log("{\"at\": 14}"), down);
    assert_eq!(log("{\"at\": 15}"), format!("{down}{up}"));
    for event in ["restart", "explain", "start"] {
        let ignored = format!("{{\"at\": 14, \"ignored\": \"down\", \"event\": \"{event}\"}}\n");
        assert_eq!(log(&format!("{{\"at\": 14, \"event\": \"{event}\"}}")), format!("{down}{ignored}"));
    }
    let out = log("{\"at\": 15, \"event\": \"start\"}");
    assert!(out.starts_with(&format!("{down}{up}{{\"at\": 15, \"state\": \"connecting\"")), "{out}");
}

/// A token that no snapshot can hold: the next process starts fresh, and says why.
#[test]
fn a_snapshot_that_can_not_be_written_is_a_fresh_start() {
    let token = "x".repeat(65_536);
    let log = format!(
        "{{}}\n{{\"at\": 0, \"event\": \"start\"}}\n{{\"at\": 1, \"event\": \"opened\"}}\n\
         {{\"at\": 2, \"event\": \"ready\", \"id\": \"{token}\", \"seq\": 1}}\n{{\"at\": 3, \"event\": \"restart\"}}"
    );
    let (out, result) = replay(&log);
    assert_eq!(result, Ok(()));
    let refused =
        "{\"at\": 3, \"restart\": \"refused\", \"bytes\": 0, \"error\": \"no room for the snapshot\"}\n";
    assert!(out.contains(refused), "{out}");
}
