//! What a script does to a policy or to a handover, with everything checked that must hold.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]

use core::fmt::Debug;
use core::hash::Hash;

use redial::Config;
use redial::record::Store;
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checkable, Checked, Script};

use crate::harness::{KEYS, SmallPolicy, small_policy};

/// A policy of the script's choice on this config: its seed, 1 to 3 endpoints, sometimes with a session of an earlier process.
pub fn policy<'c>(script: &mut Script<'_>, config: &'c Config) -> SmallPolicy<'c> {
    let (seed, endpoints) = (script.seed(), 1 + script.below(3) as u8);
    small_policy(config, seed, endpoints).with_session(script.session())
}

/// Tells the policy the rest of the script. Panics where a promise does not hold: S92 to S98, and that it gets online when the
/// faults stop. With `REDIAL_STORY` in the environment the script is printed on standard error, and
/// what is found is followed by a log for `replay`.
pub fn live<D>(script: &mut Script<'_>, policy: D)
where
    D: Checkable<Token = u8, Subscriptions = FixedSubscriptions<u8, KEYS>> + Hash + Store + Debug,
{
    let told = std::env::var_os("REDIAL_STORY").is_some();
    let mut again = policy.clone();
    let mut checked = Checked::new(policy).with_hashes();
    let mut log = Vec::new();
    if told {
        checked = checked.recording().expect("a small policy");
        eprintln!("{script:?}\n{:?} {:?}", checked.config(), checked.handover_config());
    }
    while let (Some(step), true) = (script.next_step(&*checked, checked.now()), log.len() < 2_000) {
        if told {
            eprintln!("{} {:?}", step.at.as_micros(), step.event);
        }
        log.push(step.clone());
        let actions = step.apply(&mut checked);
        if told {
            let actions = (actions.disposition(), actions.iter().collect::<Vec<_>>());
            eprintln!("    {actions:?} {}", checked.explain());
        }
    }
    // S96: the same events, told to a new policy, end in the same state.
    for step in log {
        let _actions = step.apply(&mut again);
    }
    assert_eq!(again, *checked, "S96: the replay ends elsewhere");
    checked.assert_recovers();
}
