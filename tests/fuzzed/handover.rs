//! The same for a handover: every byte string is a handover's config, a config, and a script of two transports.

#![allow(unreachable_pub, reason = "several crates include this file")]

use redial::testing::Script;

use crate::story;

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let (handover, config) = (script.handover(), script.config());
    let policy = story::policy(&mut script, &config).with_handover(handover);
    story::live(&mut script, policy);
}
