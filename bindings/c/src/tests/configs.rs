//! Settings and configs: what is read from a config builds it again, and every wrong number is refused with its place.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::string::String;

use core_policy::{Config, presets};

use crate::config::{redial_config_init, redial_config_storage, redial_preset, redial_settings_of};
use crate::settings::redial_settings;
use crate::status::{redial_error, redial_status};

fn settings(config: &Config) -> redial_settings {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: a config, and memory for settings.
    let status = unsafe { redial_settings_of(settings.as_mut_ptr(), core::ptr::from_ref(config).cast()) };
    assert_eq!(status, redial_status::REDIAL_OK);
    // SAFETY: they were written.
    unsafe { settings.assume_init() }
}

/// Builds, and gives the config, or the place and the message of the error.
fn build(
    storage: &mut MaybeUninit<redial_config_storage>,
    settings: &redial_settings,
) -> Result<&'static Config, (String, String)> {
    let mut config = null();
    let mut error = redial_error { setting: null(), message: null() };
    // SAFETY: memory for each.
    let status =
        unsafe { redial_config_init(storage.as_mut_ptr(), settings, &raw mut config, &raw mut error) };
    // SAFETY: both are strings.
    let text = |text| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    match status {
        // SAFETY: a config in the storage, which outlives the test's use of it.
        redial_status::REDIAL_OK => Ok(unsafe { &*config.cast::<Config>() }),
        redial_status::REDIAL_ERROR_CONFIG => Err((text(error.setting), text(error.message))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_preset_is_what_its_settings_build() {
    for (name, preset) in presets::ALL {
        let mut storage = MaybeUninit::uninit();
        let built = build(&mut storage, &settings(preset));
        assert!(built.as_ref() == Ok(preset), "{name}: {:?}", built.err());
    }
}

#[test]
fn every_preset_has_a_name() {
    for (name, preset) in presets::ALL {
        let name = std::ffi::CString::new(*name).unwrap();
        // SAFETY: a string.
        let found = unsafe { redial_preset(name.as_ptr()) };
        // SAFETY: a preset.
        assert!(unsafe { crate::config::config(found) }.is_ok_and(|found| found == *preset), "{name:?}");
    }
    for wrong in [c"", c"recommende", c"RECOMMENDED", c"\xff"] {
        // SAFETY: a string.
        assert!(unsafe { redial_preset(wrong.as_ptr()) }.is_null());
    }
    // SAFETY: null is allowed.
    assert!(unsafe { redial_preset(null()) }.is_null());
}

/// A change of the recommended settings, where it is refused, and a part of the message.
type Wrong = (fn(&mut redial_settings), &'static str, &'static str);

const WRONG: &[Wrong] = &[
    (|it| it.backoff.curve = 0, "backoff", "curve is no redial_curve"),
    (|it| it.backoff.jitter = 99, "backoff", "jitter is no redial_jitter"),
    (|it| it.backoff.initial_ms = 0, "backoff", "the initial delay is 0"),
    (|it| it.backoff.floor_ms = 400_000, "backoff", "the floor is above the maximum"),
    (
        |it| {
            it.backoff.curve = 5;
            it.backoff.table_count = 33;
        },
        "backoff",
        "more than REDIAL_MAX_TABLE",
    ),
    (|it| it.backoff.curve = 5, "backoff", "the table of delays is empty"),
    (
        |it| {
            it.backoff.curve = 2;
            it.backoff.factor.denominator = 0;
        },
        "backoff",
        "not a ratio",
    ),
    (
        |it| {
            it.long_outage_after_ms = 1;
            it.long_outage.initial_ms = 0;
        },
        "long_outage",
        "the initial delay is 0",
    ),
    (|it| it.min_interval_ms = 86_400_001, "min_interval_ms", "above a day"),
    (|it| it.connect_timeout_ms = 0, "connect_timeout_ms", "a timeout of 0"),
    (|it| it.greeting_timeout_ms = 0, "greeting_timeout_ms", "a timeout of 0"),
    (|it| it.ready_timeout_ms = 0, "ready_timeout_ms", "a timeout of 0"),
    (|it| it.hint_spread.denominator = 0, "hint_spread", "not a ratio"),
    (|it| it.establish = 3, "establish", "not a number of the enum"),
    (|it| it.network_on_down = 0, "network_on_down", "not a number of the enum"),
    (|it| it.network_on_change = 9, "network_on_change", "not a number of the enum"),
    (|it| it.on_visible = u32::MAX, "on_visible", "not a number of the enum"),
    (|it| it.on_wake = 0, "on_wake", "not a number of the enum"),
    (|it| it.max_age_ms = 0, "max_age_ms", "a timeout of 0"),
    (
        |it| {
            it.max_age_ms = 1;
            it.max_age_spread_ms = 2;
        },
        "max_age_spread_ms",
        "the lower end of a range",
    ),
    (|it| it.close_code = 1000, "close_code", "would end the session"),
    (|it| it.resume.max_failures = 0, "resume.max_failures", "at least once"),
    (|it| it.resume.invalid_wait_low_ms = 9_000_000, "resume.invalid_wait_low_ms", "the lower end"),
    (|it| it.heartbeat.liveness = 0, "heartbeat.liveness", "not a number of the enum"),
    (|it| it.heartbeat.missed = 0, "heartbeat.missed", "at least once"),
    (|it| it.heartbeat.interval_ms = 0, "heartbeat.interval_ms", "interval is 0"),
    (|it| it.heartbeat.answer_within_ms = 0, "heartbeat.answer_within_ms", "0"),
    (
        |it| {
            it.breaker.enabled = 1;
            it.breaker.failures = 0;
        },
        "breaker",
        "after 0 failures",
    ),
    (
        |it| {
            it.breaker.enabled = 1;
            it.breaker.factor.denominator = 0;
        },
        "breaker.factor",
        "not a ratio",
    ),
    (|it| it.restore.batch = 0, "restore.batch", "a batch of 0"),
    (|it| it.restore.confirm_timeout_ms = 0, "restore.confirm_timeout_ms", "a timeout of 0"),
    (|it| it.credential.refresh_on = 7, "credential.refresh_on", "not a number of the enum"),
    (|it| it.credential.max_rejections = 256, "credential.max_rejections", "more than 255"),
    (|it| it.credential.timeout_ms = 0, "credential.timeout_ms", "a timeout of 0"),
    (|it| it.endpoints.order = 0, "endpoints.order", "not a number of the enum"),
    (|it| it.endpoints.gap_low_ms = 9_000_000, "endpoints.gap_low_ms", "the lower end"),
    (|it| it.endpoints.half_life_ms = 0, "endpoints.half_life_ms", "half-life of 0"),
    (|it| it.classify.table = 8, "classify.table", "not a number of the enum"),
    (|it| it.classify.default_class = 0, "classify.default_class", "not a number of the enum"),
    (|it| it.classify.rule_count = 17, "classify.rules", "REDIAL_MAX_RULES"),
    (|it| it.classify.rule_count = 1, "classify.rules", "matches is no redial_match"),
    (
        |it| {
            it.classify.rule_count = 1;
            it.classify.rules[0].matches = 1;
        },
        "classify.rules",
        "cause is none",
    ),
    (
        |it| {
            it.classify.rule_count = 1;
            it.classify.rules[0].matches = 4;
            it.classify.rules[0].verdict = 9;
        },
        "classify.rules",
        "verdict is no redial_class",
    ),
    (
        |it| {
            it.classify.rule_count = 1;
            it.classify.rules[0].matches = 2;
            it.classify.rules[0].first = 2;
            (it.classify.rules[0].verdict, it.classify.rules[0].scope) = (1, 1);
        },
        "classify.rules",
        "the lower end of a range",
    ),
    (
        |it| {
            it.classify.rule_count = 1;
            it.classify.rules[0].matches = 4;
            (it.classify.rules[0].verdict, it.classify.rules[0].scope) = (1, 1);
            it.classify.rules[0].step_count = 9;
        },
        "classify.rules",
        "REDIAL_MAX_STEPS",
    ),
];

#[test]
fn every_wrong_setting_is_refused_with_its_place_and_reason() {
    for (change, place, why) in WRONG {
        let mut settings = settings(&presets::RECOMMENDED);
        change(&mut settings);
        let mut storage = MaybeUninit::uninit();
        let (setting, message) = build(&mut storage, &settings).err().unwrap();
        assert_eq!(setting, *place, "{message}");
        assert!(message.contains(why), "{place}: {message}");
    }
}

/// A table and the steps of a rule are kept beside the config.
#[test]
fn lists_are_copied() {
    use core::time::Duration;
    use core_policy::Cause;
    use core_policy::backoff::{AfterTable, Curve};
    let mut changed = settings(&presets::FEW);
    changed.backoff.curve = 5;
    changed.backoff.table_ms[..3].copy_from_slice(&[0, 2_000, 10_000]);
    changed.backoff.table_count = 3;
    changed.backoff.after_table = 2;
    changed.classify.rule_count = 2;
    for (at, code) in [4_400, 4_500].into_iter().enumerate() {
        let rule = &mut changed.classify.rules[at];
        (rule.matches, rule.first, rule.last) = (2, code, code + 9);
        (rule.verdict, rule.scope, rule.step_count) = (5, 2, 2);
        (rule.wait_low_ms, rule.wait_high_ms) = (100, 200);
        rule.steps_ms[..2].copy_from_slice(&[1_000 * u32::from(code), 7]);
    }
    let mut storage = MaybeUninit::uninit();
    let config = build(&mut storage, &changed).unwrap();
    const SECONDS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10)];
    assert_eq!(config.backoff().curve(), Curve::Table(&SECONDS, AfterTable::GiveUp));
    let wait = |code| config.classifier().classify(Cause::CloseFrame(code)).wait(1).0;
    assert_eq!(
        (wait(4_404), wait(4_509)),
        (Duration::from_millis(4_400_100), Duration::from_millis(4_500_100))
    );
    let again = settings(config);
    assert_eq!(again.backoff.table_ms[..3], [0, 2_000, 10_000]);
    let rule = &again.classify.rules[1];
    assert_eq!((rule.first, rule.wait_low_ms, rule.wait_high_ms), (4_500, 100, 200));
    assert_eq!((rule.step_count, rule.steps_ms[..3].to_vec()), (2, vec![4_500_000, 7, 0]));
    // Built again, it is the same table.
    let mut storage = MaybeUninit::uninit();
    assert_eq!(build(&mut storage, &again).unwrap().classifier(), config.classifier());
}

#[test]
fn wrong_pointers_are_errors() {
    let settings = settings(&presets::FEW);
    let mut storage = MaybeUninit::<redial_config_storage>::uninit();
    let mut config = null();
    // SAFETY: null, or memory for each.
    unsafe {
        let init = redial_config_init;
        assert_eq!(
            init(null_mut(), &settings, &raw mut config, null_mut()),
            redial_status::REDIAL_ERROR_NULL
        );
        assert_eq!(
            init(storage.as_mut_ptr(), null(), &raw mut config, null_mut()),
            redial_status::REDIAL_ERROR_NULL
        );
        assert_eq!(
            init(storage.as_mut_ptr(), &settings, null_mut(), null_mut()),
            redial_status::REDIAL_ERROR_NULL
        );
        let odd = storage.as_mut_ptr().cast::<u8>().add(1).cast();
        assert_eq!(init(odd, &settings, &raw mut config, null_mut()), redial_status::REDIAL_ERROR_ALIGNMENT);
        assert!(config.is_null());
        assert_eq!(
            redial_settings_of(null_mut(), redial_preset(c"few".as_ptr())),
            redial_status::REDIAL_ERROR_NULL
        );
        let mut settings = settings;
        assert_eq!(redial_settings_of(&raw mut settings, null()), redial_status::REDIAL_ERROR_NULL);
    }
}
