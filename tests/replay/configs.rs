//! The config of a log: every key, what is refused, and what a preset leaves.

use std::time::Duration;

use redial::backoff::AfterTable;
use redial::breaker;
use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, IoKind, Jitter, Ratio, presets};

use super::*;

/// What the contract refuses, and how the message helps.
#[test]
fn bad_configs_are_refused() {
    for (json, reason) in [
        (r#"{"backoff": {"initial_ms": 0}}"#, "\"config.backoff\": the initial delay is 0"),
        (r#"{"backoff": {"initial_ms": 31000}}"#, "above the maximum"),
        (
            r#"{"backoff": {"curve": "constant", "jitter": "decorrelated"}}"#,
            "\"config.backoff\": a decorrelated jitter has no room on a constant curve; use full",
        ),
        (
            r#"{"min_interval_ms": 86400001}"#,
            "\"config.min_interval_ms\": the least interval between two dials is above a day; use at most 24 hours",
        ),
        (
            r#"{"heartbeat": {"interval_ms": 86400001}}"#,
            "\"config.heartbeat\": the heartbeat interval is above a day",
        ),
        (r#"{"backoff": {"factor": "0.9"}}"#, "the factor is below 1"),
        (r#"{"backoff": {"factor": "x"}}"#, "\"config.backoff.factor\" must be a ratio in quotes"),
        (r#"{"backoff": {"factor": 2}}"#, "must be a ratio in quotes"),
        (r#"{"backoff": {"factor": "1/0"}}"#, "must be a ratio in quotes"),
        (r#"{"backoff": {"jitter": {"plus_minus": "1.1"}}}"#, "more than ±1"),
        (r#"{"backoff": {"jitter": {"window": ["1", "0.5"]}}}"#, "ascending"),
        (r#"{"backoff": {"jitter": {"window": ["1"]}}}"#, "two ratios in quotes"),
        (r#"{"backoff": {"jitter": "some"}}"#, "\"decorrelated\", \"above_initial\" or \"decorrelated_v2\""),
        (r#"{"backoff": {"jitter": null}}"#, "\"config.backoff.jitter\" must be a word"),
        (
            r#"{"backoff": {"curve": "windows", "jitter": "full"}}"#,
            "\"config.backoff\": windows spread the clients by their phase",
        ),
        (r#"{"backoff": {"curve": "windows", "scale_ms": 0}}"#, "the scale of the windows is below 1 ms"),
        (r#"{"backoff": {"curve": "windows", "scales_ms": 1}}"#, "did you mean \"scale_ms\"?"),
        (r#"{"backoff": {"max_ms": null}}"#, "not null"),
        (r#"{"backoff": {"curve": "table"}}"#, "the table of delays is empty"),
        (r#"{"backoff": {"curve": "table", "table_ms": [-1]}}"#, "list of integers"),
        (r#"{"backoff": {"max_ms": -1}}"#, "not -1"),
        (r#"{"backoff": {"max_ms": 1e3}}"#, "not 1000.0"),
        (r#"{"bakoff": {}}"#, "unknown key \"config.bakoff\"; did you mean \"backoff\"?"),
        (
            r#"{"backoff": {"inital_ms": 1}}"#,
            "unknown key \"config.backoff.inital_ms\"; did you mean \"initial_ms\"?",
        ),
        (r#"{"backoff": null}"#, "\"config.backoff\" must be an object, not null"),
        (
            r#"{"breaker": {"probes": 0}}"#,
            "\"config.breaker\": the half-open breaker must admit 1 to 16 probes",
        ),
        (r#"{"breaker": {"open_ms": 5000, "open_max_ms": 4000}}"#, "open time is 0 or above its maximum"),
        (r#"{"breaker": {"factor": "1/2"}}"#, "\"config.breaker\": the factor is below 1"),
        (r#"{"breaker": {"jitter": "2"}}"#, "\"config.breaker\": "),
        (r#"{"breaker": {"lease_ms": 0}}"#, "\"config.breaker\": "),
        (r#"{"endpoint_half_life_ms": 0}"#, "\"config.endpoint_half_life_ms\": "),
        (r#"{"restore": {"batch": 0}}"#, "a batch of 0"),
        (
            r#"{"restore": {"confirm_timeout_ms": 0}}"#,
            "\"config.restore.confirm_timeout_ms\": a timeout of 0",
        ),
        (r#"{"connect_timeout_ms": 0}"#, "\"config.connect_timeout_ms\": a timeout of 0"),
        (r#"{"resume": {"invalid_wait_ms": [2, 1]}}"#, "the lower end of a range"),
        (r#"{"heartbeat": {"missed": 0}}"#, "missed at least once"),
        (r#"{"heartbeat": {"answer_within_ms": 0}}"#, "\"config.heartbeat\": a timeout of 0"),
        (r#"{"credential": {"timeout_ms": 0}}"#, "\"config.credential\": a timeout of 0"),
        (r#"{"credential": {"in_band": "yes"}}"#, "\"config.credential.in_band\" must be true or false"),
        (
            r#"{"network": {"on_change": "park"}}"#,
            "\"config.network.on_change\" must be \"probe\", \"drop\" or \"ignore\", not \"park\"",
        ),
        (r#"{"on_visible": true}"#, "\"config.on_visible\" must be \"nothing\" or \"probe\", not true"),
        (r#"{"max_age_ms": 0}"#, "\"config.max_age_ms\": a timeout of 0"),
        (
            r#"{"max_age_ms": 5, "max_age_spread_ms": 6}"#,
            "\"config.max_age_spread_ms\" must be at most \"max_age_ms\", not 6",
        ),
        (
            r#"{"redirect": {"max_hops": 256}}"#,
            "\"config.redirect.max_hops\" must be an integer from 0 to 255",
        ),
        (
            r#"{"resume": {"sequence_needed": "yes"}}"#,
            "\"config.resume.sequence_needed\" must be \"auto\", true or false, not \"yes\"",
        ),
        (r#"{"reset_after_stable_ms": "auto"}"#, "\"config.reset_after_stable_ms\" must be an integer"),
        (r#"{"handover": true}"#, "\"config.handover\" must be an object, not true"),
        (
            r#"{"handover": {"timeout": 10000}}"#,
            "unknown key \"config.handover.timeout\"; did you mean \"timeout_ms\"?",
        ),
        (r#"{"handover": {"timeout_ms": 0}}"#, "\"config.handover.timeout_ms\": a timeout of 0"),
        (
            r#"{"handover": {"drain_ms": "soon"}}"#,
            "\"config.handover.drain_ms\" must be an integer from 0 to 18446744073709551615, not \"soon\"",
        ),
        (r#"{"heartbeat": {"missed": 256}}"#, "an integer from 0 to 255, not 256"),
        (r#"{"endpoints": []}"#, "a list of names, not empty"),
        (r#"{"endpoints": [1]}"#, "a list of names, not empty"),
        (r#"{"endpoint_gap_ms": [2, 1]}"#, "the lower end of a range"),
        (r#"{"endpoint_gap_ms": 5}"#, "two integers of at least 0, not 5"),
        (r#"{"long_outage": {}}"#, "\"config.long_outage.after_ms\" is missing"),
        (r#"{"backoff": {"jitter": {"plus": "1", "minus": "1"}}}"#, "an object with one of \"plus_minus\""),
        (r#"{"backoff": {"jitter": {"plus_fixed_ms": [1, 29001]}}}"#, "above the maximum"),
        (r#"{"close_code": 1000}"#, "the close code would end the session"),
        (r#"{"classify": {"table": "discord"}}"#, "\"discord-gateway\""),
        (
            r#"{"classify": {"overrides": [{"ws": 4002}]}}"#,
            "\"config.classify.overrides[0].class\" is missing",
        ),
        (r#"{"classify": {"overrides": [{"class": "fatal"}]}}"#, "exactly one of"),
        (
            r#"{"classify": {"overrides": [{"ws": 1, "class": "fatal", "wait_ms": [2, 1]}]}}"#,
            "\"config.classify.overrides[0].wait_ms\": the lower end",
        ),
        (
            r#"{"classify": {"overrides": [{"ws": 1, "class": "fatal", "steps_ms": [4294967296]}]}}"#,
            "\"config.classify.overrides[0].steps_ms\" must be a list of integers",
        ),
    ] {
        let error = error(&format!("{{\"config\": {json}}}"));
        assert!(error.starts_with("line 1: ") && error.contains(reason), "{json}: {error}");
    }
    let names: Vec<_> = (0..17).map(|number| format!("\"{number}\"")).collect();
    let many = format!("{{\"config\": {{\"endpoints\": [{}]}}}}", names.join(", "));
    assert_eq!(error(&many), "line 1: \"config.endpoints\" has 17 names; at most 16");
    assert_eq!(
        error("{\"preset\": \"discord\"}").split(';').next(),
        Some("line 1: unknown preset \"discord\"")
    );
    for (name, _) in presets::ALL {
        assert!(error("{\"preset\": \"discord\"}").contains(name));
    }
}

/// Every key of the contract, and the values of keys left out.
#[test]
fn every_key_reaches_the_config() {
    let plain = Config::new(PLAIN).retry_after_spread(Ratio::ZERO).build_const();
    assert_eq!(config("{}"), plain);
    let documented = r#"{
        "backoff": {"curve": "exponential", "initial_ms": 1000, "factor": "2", "max_ms": 30000, "table_ms": [],
                    "after_table": "repeat_last", "jitter": "none", "floor_ms": 0, "first_ms": null,
                    "max_fresh_ms": null},
        "reset_after_stable_ms": null, "min_interval_ms": 0, "max_attempts": null, "max_elapsed_ms": null,
        "connect_timeout_ms": 10000, "connect_timeout_grows": false, "greeting_timeout_ms": null, "ready_timeout_ms": null, "greeting": false,
        "establish": "on_ready", "hint": {"max_ms": 300000, "spread": "0"},
        "resume": {"enabled": true, "max_failures": 3, "invalid_wait_ms": [1000, 5000],
                   "endpoint_fallback": {"failures": 1, "for_ms": 0}, "sequence_needed": "auto"},
        "heartbeat": {"interval_ms": null, "liveness": "ack", "missed": 1, "first_jitter": true, "required": false,
                      "answer_within_ms": null},
        "breaker": null, "restore": {"enabled": true, "batch": 50, "interval_ms": 0, "confirm_timeout_ms": null,
                    "authenticate": false},
        "credential": {"refresh_on": "auth", "max_rejections": null, "timeout_ms": 30000, "lead_ms": 0,
                       "lead_spread_ms": 0, "in_band": false},
        "network": {"on_down": "park", "on_change": "probe", "spread_up_ms": 0, "restart_on_up": false},
        "endpoints": ["primary"], "on_visible": "nothing", "max_age_ms": null, "max_age_spread_ms": 0, "handover": null,
        "redirect": {"max_hops": 5},
        "classify": {"table": "websocket", "default": "transient", "overrides": []},
        "please_reconnect": {"spread_ms": null}, "visibility": "defer", "close_code": 4000,
        "initial": {"max_attempts": null, "max_elapsed_ms": null}, "wait_from": "failure", "long_outage": null,
        "endpoint_order": "primary_first", "endpoint_gap_ms": [100, 400], "endpoint_sticky_ms": 600000,
        "endpoint_half_life_ms": 60000, "on_wake": "redial"
    }"#;
    assert_eq!(config(documented), plain, "the defaults are those that the help states");

    let other = r#"{
        "backoff": {"initial_ms": 500, "factor": "3/2", "max_ms": 9000, "jitter": {"plus_minus": "0.2"},
                    "floor_ms": 100, "first_ms": 0, "max_fresh_ms": 60000},
        "reset_after_stable_ms": 1, "min_interval_ms": 2, "max_attempts": 3, "max_elapsed_ms": 4,
        "connect_timeout_ms": 5, "connect_timeout_grows": true, "greeting_timeout_ms": 6, "ready_timeout_ms": 7, "greeting": true,
        "establish": "on_open", "hint": {"max_ms": 8, "spread": "1/2"},
        "resume": {"enabled": false, "max_failures": 9, "invalid_wait_ms": [10, 11],
                   "endpoint_fallback": {"failures": 12, "for_ms": 13}, "sequence_needed": true},
        "heartbeat": {"interval_ms": 14, "liveness": "any_traffic", "missed": 15, "first_jitter": false,
                      "required": true, "answer_within_ms": 33},
        "breaker": {"failures": 16, "open_ms": 17, "open_max_ms": 18, "factor": "3", "jitter": "1/2", "probes": 2,
                    "lease_ms": 31},
        "restore": {"enabled": false, "batch": 19, "interval_ms": 20, "confirm_timeout_ms": 40,
                    "authenticate": true},
        "credential": {"refresh_on": "never", "max_rejections": 21, "timeout_ms": 34, "lead_ms": 35,
                       "lead_spread_ms": 36, "in_band": true},
        "network": {"on_down": "ignore", "on_change": "drop", "spread_up_ms": 22, "restart_on_up": true},
        "on_visible": "probe", "max_age_ms": 38, "max_age_spread_ms": 37, "redirect": {"max_hops": 39},
        "classify": {"table": "pusher", "default": "fatal", "overrides": [
            {"ws": 4002, "class": "fatal"}, {"ws": null, "class": "fresh"}, {"http": 403, "class": "transient"},
            {"io": "name_not_found", "class": "auth"}, {"tls": "eof", "class": "rate_limited"},
            {"timeout": true, "class": "fatal"}, {"ws": 142, "class": "replaced"},
            {"ws": 4029, "class": "rate_limited", "limit": 4, "wait_ms": [5, 6], "steps_ms": [0, 7],
             "at_cap": true, "renew": true, "client_fault": true}]},
        "please_reconnect": {"spread_ms": 23}, "visibility": "ignore", "close_code": 4999,
        "initial": {"max_attempts": 24, "max_elapsed_ms": 25}, "wait_from": "dial",
        "long_outage": {"after_ms": 26, "backoff": {"initial_ms": 27, "jitter": "full"}},
        "endpoints": ["a", "b"], "endpoint_order": "least_failed", "endpoint_gap_ms": [28, 29],
        "endpoint_sticky_ms": 30, "endpoint_half_life_ms": 32, "on_wake": "probe"
    }"#;
    let ladder = BackoffConfig::exponential(ms(500), Ratio::new(3, 2).unwrap(), ms(9_000))
        .jitter(Jitter::PlusMinus(Ratio::new(1, 5).unwrap()))
        .floor(ms(100))
        .first_delay(ms(0))
        .max_fresh(ms(60_000))
        .build()
        .unwrap();
    let overrides = [
        (Cause::CloseFrame(4002), Class::Fatal),
        (Cause::NoCloseFrame, Class::Fresh),
        (Cause::Http(403), Class::Transient),
        (Cause::Io(IoKind::NameNotFound), Class::Auth),
        (Cause::Tls(TlsKind::Eof), Class::RateLimited),
        (Cause::Timeout, Class::Fatal),
        (Cause::CloseFrame(142), Class::Replaced),
    ];
    let classifier = overrides.into_iter().fold(
        Classifier::new(&tables::PUSHER).default_class(Class::Fatal).build_const(),
        |c, (cause, class)| {
            c.to_builder().rule(Rule::new(Match::Is(cause), Verdict::new(class))).build().unwrap()
        },
    );
    let limited = Verdict::new(Class::RateLimited).with_limit(4).with_wait(ms(5), ms(6)).unwrap();
    let limited = limited.with_steps_ms(&[0, 7]).with_at_cap().with_renewal().with_client_fault();
    let limited = Rule::new(Match::Is(Cause::CloseFrame(4029)), limited);
    let classifier = classifier.to_builder().rule(limited).build().unwrap();
    let slow = BackoffConfig::exponential(ms(27), Ratio::TWO, ms(30_000)).build().unwrap();
    let slow = slow.to_builder().jitter(Jitter::Full).build().unwrap();
    let expected = Config::new(ladder)
        .classifier(classifier)
        .reset_after_stable(ms(1))
        .min_interval(ms(2))
        .max_attempts(Some(3))
        .max_elapsed(Some(ms(4)))
        .connect_timeout(ms(5))
        .connect_timeout_growing(true)
        .greeting(Some(ms(6)))
        .ready_timeout(Some(ms(7)))
        .establish(Establish::OnOpen)
        .retry_after_max(ms(8))
        .retry_after_spread(Ratio::new(1, 2).unwrap())
        .resume(
            ResumeConfig::DISABLED
                .to_builder()
                .failures_max(9)
                .invalid_wait(ms(10), ms(11))
                .endpoint_fallback(12, ms(13))
                .sequence_needed(true)
                .build()
                .unwrap(),
        )
        .heartbeat(
            HeartbeatConfig::new()
                .interval(ms(14))
                .liveness(Liveness::AnyTraffic)
                .missed(15)
                .first_jitter(false)
                .required(true)
                .answer_within(Some(ms(33)))
                .build()
                .unwrap(),
        )
        .breaker(Some(
            breaker::Config::new(16, ms(17))
                .growth(Ratio::new(3, 1).unwrap(), ms(18))
                .jitter(Ratio::new(1, 2).unwrap())
                .probes(2)
                .lease(ms(31))
                .build()
                .unwrap(),
        ))
        .restore(
            RestoreConfig::DISABLED
                .to_builder()
                .batches(19, ms(20))
                .confirm_timeout(Some(ms(40)))
                .authentication(true)
                .build()
                .unwrap(),
        )
        .credential(
            CredentialConfig::new()
                .refresh_on(RefreshOn::Never)
                .rejections_max(Some(21))
                .timeout(ms(34))
                .lead(ms(35), ms(36))
                .in_band(true)
                .build()
                .unwrap(),
        )
        .network(OnNetworkDown::Ignore, ms(22))
        .on_network_change(OnNetworkChange::Drop)
        .on_visible(OnVisible::Probe)
        .max_age(Some(ms(38)), ms(37))
        .redirects(39)
        .requested_spread(Some(ms(23)))
        .defer_while_hidden(false)
        .close_code(4999)
        .restart_on_network_up(true)
        .initial_limits(Some(24), Some(ms(25)))
        .wait_from_dial(true)
        .long_outage(ms(26), slow)
        .endpoints(
            EndpointsConfig::new()
                .order(EndpointOrder::LeastFailed)
                .gap(ms(28), ms(29))
                .sticky(ms(30))
                .half_life(ms(32))
                .build()
                .unwrap(),
        )
        .on_wake(OnWake::Probe)
        .build()
        .unwrap();
    assert_eq!(config(other), expected);
}

/// Left out or null, a connection is stable when it has held as long as the longest wait, 10 to 60 s; 0 is 0, and a preset
/// keeps what it says.
#[test]
fn stability_follows_from_the_cap_unless_it_is_given() {
    let held = |json: &str| config(json).to_builder().backoff(PLAIN).build_const();
    let plain = Config::new(PLAIN).retry_after_spread(Ratio::ZERO);
    for json in ["{}", r#"{"reset_after_stable_ms": null}"#, r#"{"backoff": {"max_ms": 600000}}"#] {
        assert_eq!(held(json), plain.build_const(), "{json}");
    }
    let zero = plain.reset_after_stable(ms(0)).build_const();
    assert_eq!(held(r#"{"reset_after_stable_ms": 0}"#), zero);
    assert_ne!(zero, plain.build_const());
    let over = |json: &str| {
        set_up(&format!("{{\"preset\": \"discord-gateway\", \"config\": {json}}}")).unwrap().config
    };
    assert_eq!(over("{}"), presets::DISCORD_GATEWAY);
    let by_cap = presets::DISCORD_GATEWAY.to_builder().stability_by_cap().build_const();
    assert_eq!(over(r#"{"reset_after_stable_ms": null}"#), by_cap);
}

#[test]
fn every_curve_and_jitter() {
    let curve = |json: &str| config(&format!("{{\"backoff\": {json}}}")).backoff();
    let half = Ratio::new(1, 2).unwrap();
    let (initial, max) = (ms(1_000), ms(30_000));
    assert_eq!(Ok(curve(r#"{"curve": "linear"}"#)), BackoffConfig::linear(initial, max).build());
    assert_eq!(Ok(curve(r#"{"curve": "fibonacci"}"#)), BackoffConfig::fibonacci(initial, max).build());
    assert_eq!(
        Ok(curve(r#"{"curve": "quadratic", "step_ms": 500}"#)),
        BackoffConfig::quadratic(initial, ms(500), max).build()
    );
    assert_eq!(curve(r#"{"exact_first": true}"#), PLAIN.to_builder().exact_first().build_const());
    assert_eq!(
        Ok(curve(r#"{"curve": "constant"}"#)),
        BackoffConfig::exponential(initial, Ratio::ONE, max).build()
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "elapsed", "factor": "0.5"}"#)),
        BackoffConfig::elapsed(half, initial, max).build()
    );
    let windows = BackoffConfig::windows(ms(1_750), ms(40_000));
    assert_eq!(
        Ok(curve(r#"{"curve": "windows", "initial_ms": 1750, "scale_ms": 40000}"#)),
        windows.build(),
        "without a cap"
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "windows", "initial_ms": 1750, "max_ms": 60000, "floor_ms": 500}"#)),
        windows.max_delay(ms(60_000)).floor(ms(500)).build()
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "windows", "initial_ms": 1750, "phase_bits": 3}"#)),
        windows.phase_bits(3).build()
    );
    const TABLE: &[Duration] = &[ms(0), ms(60_000)];
    const CUT: &[Duration] = &[ms(0), ms(5_000)];
    assert_eq!(
        Ok(curve(r#"{"curve": "table", "table_ms": [0, 60000]}"#)),
        BackoffConfig::table(TABLE, AfterTable::RepeatLast).build()
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "table", "table_ms": [0, 60000], "max_ms": 5000, "after_table": "give_up"}"#)),
        BackoffConfig::table(CUT, AfterTable::GiveUp).build()
    );
    for (json, jitter) in [
        (r#""none""#, Jitter::None),
        (r#""full""#, Jitter::Full),
        (r#""equal""#, Jitter::Equal),
        (r#""decorrelated""#, Jitter::Decorrelated),
        (r#""above_initial""#, Jitter::AboveInitial),
        (r#""decorrelated_v2""#, Jitter::DecorrelatedV2),
        (r#"{"plus": "1/2"}"#, Jitter::Plus(half)),
        (r#"{"minus": "1/2"}"#, Jitter::Minus(half)),
        (r#"{"plus_fixed_ms": [300, 3000]}"#, Jitter::PlusFixed(ms(300), ms(3_000))),
        (r#"{"window": ["1/2", "1"]}"#, Jitter::Window(half, Ratio::ONE)),
    ] {
        assert_eq!(curve(&format!("{{\"jitter\": {json}}}")).jitter(), jitter);
    }
}

/// One key changes one value; whatever else the preset says stays.
#[test]
fn a_config_is_laid_over_its_preset() {
    let over = |config: &str| {
        let json = format!("{{\"preset\": \"discord-gateway\", \"config\": {config}}}");
        set_up(&json).unwrap_or_else(|error| panic!("{config}: {error}")).config
    };
    let preset = presets::DISCORD_GATEWAY;
    assert_eq!(over("{}"), preset);
    let nothing = r#"{"backoff": {}, "resume": {"endpoint_fallback": {}}, "heartbeat": {}, "restore": {}, "network": {},
        "classify": {}, "hint": {}, "credential": {}, "please_reconnect": {}, "greeting": true}"#;
    assert_eq!(over(nothing), preset);
    // Every curve, jitter and second ladder is taken over whole.
    for (name, preset) in presets::ALL {
        let laid = |config: &str| {
            set_up(&format!("{{\"preset\": \"{name}\", \"config\": {config}}}")).map(|set_up| set_up.config)
        };
        assert_eq!(laid("{\"backoff\": {}, \"initial\": {}}"), Ok(**preset), "{name}");
    }
    let ladder = BackoffConfig::exponential(ms(1_000), Ratio::TWO, ms(60_000)).build().unwrap();
    let ladder = ladder.to_builder().jitter(Jitter::Full).floor(ms(250)).build().unwrap();
    let ladder = ladder.to_builder().max_fresh(ms(600_000)).build().unwrap();
    assert_eq!(over(r#"{"backoff": {"max_ms": 60000}}"#), preset.to_builder().backoff(ladder).build_const());
    assert_eq!(
        over(r#"{"greeting_timeout_ms": 5000}"#),
        preset.to_builder().greeting(Some(ms(5_000))).build().unwrap(),
        "still greeted"
    );
    assert_eq!(over(r#"{"greeting": false}"#), preset.to_builder().without_greeting().build_const());
    let heartbeat = HeartbeatConfig::new().required(true).missed(2).build().unwrap();
    assert_eq!(
        over(r#"{"heartbeat": {"missed": 2}}"#),
        preset.to_builder().heartbeat(heartbeat).build_const()
    );
    let fatal = Rule::new(Match::Is(Cause::CloseFrame(4002)), Verdict::new(Class::Fatal));
    assert_eq!(
        over(r#"{"classify": {"overrides": [{"ws": 4002, "class": "fatal"}]}}"#),
        preset
            .to_builder()
            .classifier(preset.classifier().to_builder().rule(fatal).build().unwrap())
            .build_const()
    );
}
