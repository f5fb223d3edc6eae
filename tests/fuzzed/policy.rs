//! Every byte string is a config and a script; no one of them may break a promise (S92 to S98), and from where it ends a policy
//! gets online when the faults stop.

#![allow(unreachable_pub, reason = "several crates include this file")]

use redial::testing::Script;

use crate::story;

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let config = script.config();
    let policy = story::policy(&mut script, &config);
    story::live(&mut script, policy);
}
