//! Every byte string is a config, the rest of a checkpoint of a policy and of a handover, and that of a flight recorder's dump,
//! with right checksums; and it is what happened before a checkpoint, some bytes of which are altered. Reading them is an error,
//! or gives a policy or a handover that lives on; what was not altered is read.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;

use redial::Instant;
use redial::handover::{self, Decider};
use redial::record::{CheckpointError, Names};
use redial::subscriptions::FixedSubscriptions;
use redial::testing::Script;

use crate::harness::{KEYS, SmallPolicy, small_policy};
use crate::read_back::{self, SmallHandover, sealed};

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
    altered(rest, |bytes| read_back::checkpoint(&config, bytes, rest), || small_policy(&config, 7, 1));
    let handover = || small_policy(&config, 7, 1).with_handover(settings);
    altered(rest, |bytes| read_back::handover(&config, Some(settings), bytes, rest), handover);
}

/// Reads the checkpoint of a policy to which something has happened, with up to three bytes of it altered.
fn altered<D: Recorded>(
    rest: &[u8],
    read: impl Fn(&[u8]) -> Result<(), CheckpointError>,
    policy: impl Fn() -> D,
) {
    let (mut policy, mut script, mut now) = (policy(), Script::from_bytes(rest), Instant::ZERO);
    let changes = script.below(4);
    for _ in 0..script.below(40) {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        let _actions = step.apply(&mut policy);
    }
    let mut written = vec![0; 2_000];
    let length = policy.write(&mut written);
    // The checksum is made anew.
    written.truncate(length - 4);
    for _ in 0..changes {
        let place = script.below(written.len() as u32) as usize;
        written[place] ^= script.below(256) as u8;
    }
    let read = read(&sealed(written));
    assert!(changes > 0 || read.is_ok(), "{read:?}");
}

trait Recorded: Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, KEYS>> {
    fn write(&self, to: &mut [u8]) -> usize;
}

impl Recorded for SmallPolicy<'_> {
    fn write(&self, to: &mut [u8]) -> usize {
        self.checkpoint(Names::Shown, to).expect("small")
    }
}

impl Recorded for SmallHandover<'_> {
    fn write(&self, to: &mut [u8]) -> usize {
        self.checkpoint(Names::Shown, to).expect("small")
    }
}
