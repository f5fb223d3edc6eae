//! Events that come at a bad time: what the other transport, the host or the clock says while a handover is under way.

use core::time::Duration;

use redial::handover::Config;
use redial::policy::{CredentialConfig, RefreshOn, WaitReason};
use redial::{Event, Phase};

use super::rig::{Rig, config, epoch};

const SECOND: Duration = Duration::from_secs(1);

fn none() -> [&'static str; 0] {
    []
}

#[test]
fn a_redial_while_the_last_connection_drains_is_a_handover_too() {
    let handover = Config::new().drain(50 * SECOND).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2"]);
    assert_eq!(rig.at(65_000, Event::Redial), ["close 1 4000", "open 3 resume #2 successor"]);
    assert_eq!(rig.policy.phase(), Phase::Online);
}

#[test]
fn a_server_that_names_an_endpoint_while_the_last_connection_drains_is_followed_without_a_gap() {
    let handover = Config::new().drain(50 * SECOND).build_const();
    let mut rig = Rig::online(config().build_const(), handover);
    rig.at(60_000, Event::Redial);
    rig.opened(60_010, 2);
    rig.resumed(60_020, 2);
    rig.at(65_000, Event::Redirected { epoch: epoch(2), endpoint: "b", permanent: false });
    let asked = Event::ReconnectRequested { epoch: epoch(2), retry_after: None, deadline: None };
    assert_eq!(rig.at(65_000, asked), ["close 1 4000", "open 3 resume@redirect #2 successor"]);
}

/// A credential that each dial needs anew is asked for once.
#[test]
fn a_successor_that_needs_a_credential_is_parked_until_it_comes() {
    let credential = CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const();
    let mut rig = Rig::new(config().credential(credential).build_const(), Config::DEFAULT);
    let ok = Event::CredentialOk { request: None, ttl: None };
    assert_eq!(rig.at(0, Event::Start), ["refresh"]);
    assert_eq!(rig.at(0, ok.clone()), ["open 1 fresh #1"]);
    rig.opened(0, 1);
    rig.ready(0, 1, "a");
    assert_eq!(rig.at(60_000, Event::Redial), ["refresh"]);
    assert_eq!((rig.policy.phase(), rig.policy.successor()), (Phase::Online, None));
    assert_eq!(rig.wake(), Some((90_000, WaitReason::CredentialTimeout)));
    assert_eq!(rig.at(60_000, Event::Redial), ["inapplicable"]);
    assert_eq!(rig.at(60_500, ok), ["open 2 resume #1 successor"]);
}
