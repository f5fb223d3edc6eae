//! Every byte string is a snapshot, as it is and behind a right head and checksum: an error, or a policy that goes on where it was
//! and gets online. A snapshot that was taken of a script is read as it was.

#![allow(unreachable_pub, reason = "several crates include this file")]

use redial::policy::Snapshot;
use redial::testing::{Checked, Script};
use redial::{Config, Event, Instant, Policy, SplitMix64};

use crate::read_back::sealed;
use crate::story;

const KEY: u32 = 7;

pub fn run(bytes: &[u8]) {
    let _refused = Snapshot::decode(bytes, KEY);
    let (settings, rest) = bytes.split_at(bytes.len().min(200));
    let mut script = Script::from_bytes(settings);
    let config = script.config();
    let head = [&[0xd1, 1], &KEY.to_le_bytes()[..]].concat();
    let now = script.instant();
    if let Ok(snapshot) = Snapshot::decode(&sealed([&head, rest].concat()), KEY) {
        go_on(&config, now, &snapshot);
    }

    // One that was taken.
    let mut script = Script::from_bytes(bytes);
    let config = script.config();
    let mut policy = story::policy(&mut script, &config);
    let mut now = Instant::ZERO;
    while let Some(step) = script.next_step(&policy, now) {
        now = step.at;
        let _actions = step.apply(&mut policy);
    }
    let Some(snapshot) = policy.snapshot(now) else { return };
    let named = |name: u8| Ok::<_, ()>(vec![name]);
    let snapshot = snapshot.try_map(named).expect("any name");
    let mut written = [0; 512];
    let length = snapshot.encode(KEY, &mut written).expect("short names");
    let read = Snapshot::decode(&written[..length], KEY).expect("its own");
    assert_eq!(read.clone().try_map(|name| Ok::<_, ()>(name.to_vec())), Ok(snapshot));
    go_on(&config, now, &read);
}

/// A policy with this snapshot keeps every promise and gets online.
fn go_on(config: &Config, now: Instant, snapshot: &Snapshot<&[u8]>) {
    let mut written = [0; 70_000];
    let length = snapshot.encode(KEY, &mut written).expect("it was read from no more");
    assert_eq!(Snapshot::decode(&written[..length], KEY).as_ref(), Ok(snapshot));
    let policy =
        Policy::new(*config, SplitMix64::new(7)).with_session_type().with_snapshot(now, snapshot.clone());
    let mut policy = Checked::new(policy);
    let _dial = policy.handle_event(now, Event::Start);
    policy.assert_recovers();
}
