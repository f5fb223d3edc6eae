//! Every byte string is a config, the rest of a checkpoint of a policy and of a handover, and that of a flight recorder's dump,
//! with right checksums. Reading them is an error, or gives a policy or a handover that lives on.

#![no_main]

#[path = "../../tests/common/handed.rs"]
mod handed;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/recorded.rs"]
mod recorded;
#[path = "../../tests/common/script.rs"]
mod script;

use arbitrary::Unstructured;
use redial::handover;
use redial::record::Names;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let Ok((config, _)) = script::config(&mut u) else { return };
    let rest = u.take_rest();
    // The head of what this config's policies write: magic, version, fingerprint.
    let mut head = [0; 1_000];
    let length = harness::small_policy(&config, 7, 1).checkpoint(Names::Shown, &mut head).expect("small");
    let head = &head[..length.min(6)];
    let settings = handover::Config::new().drain(core::time::Duration::from_secs(5)).build_const();
    let policy = harness::small_policy(&config, 7, 1);
    let mut head_of_handover = [0; 1_000];
    let handover = policy.with_handover(settings);
    let length = handover.checkpoint(Names::Shown, &mut head_of_handover).expect("small");
    let handed = recorded::sealed([&head_of_handover[..length.min(6)], rest].concat());
    let _ = recorded::handover(&config, Some(settings), &handed, rest);
    let checkpoint = recorded::sealed([head, rest].concat());
    let _ = recorded::checkpoint(&config, &checkpoint, rest);
    let _ = recorded::flight(&config, &recorded::sealed([&[0xd3, 1], rest].concat()));
});
