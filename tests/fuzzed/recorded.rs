//! Every byte string is a config, the rest of a checkpoint of a policy and of a handover, and that of a flight recorder's dump,
//! with right checksums. Reading them is an error, or gives a policy or a handover that lives on.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;

use redial::handover;
use redial::record::Names;
use redial::testing::Script;

use crate::harness::small_policy;
use crate::read_back::{self, sealed};

pub fn run(bytes: &[u8]) {
    let (settings, rest) = bytes.split_at(bytes.len().min(200));
    let config = Script::from_bytes(settings).config();
    // The head of what this config's policies write: magic, version, generator and fingerprint.
    let mut written = [0; 1_000];
    let length = small_policy(&config, 7, 1).checkpoint(Names::Shown, &mut written).expect("small");
    let checkpoint = |head: usize| sealed([&written[..head.min(length)], rest].concat());
    for head in [6, 15] {
        let _refused = read_back::checkpoint(&config, &checkpoint(head), rest);
    }
    let settings = handover::Config::new().drain(Duration::from_secs(5)).build_const();
    let mut written = [0; 1_000];
    let handover = small_policy(&config, 7, 1).with_handover(settings);
    let length = handover.checkpoint(Names::Shown, &mut written).expect("small");
    for head in [6, 15] {
        let checkpoint = sealed([&written[..head.min(length)], rest].concat());
        let _refused = read_back::handover(&config, Some(settings), &checkpoint, rest);
    }
    let _refused = read_back::flight(&config, &sealed([&[0xd3, 1], rest].concat()));
}
