//! What lies beside the reported faults: the same kinds, at places that no report named.

use core::time::Duration;

use redial::{
    Cause, EndpointsConfig, Event, FixedEndpoints, GiveUp, Instant, OnNetworkDown, Policy, Reason, SplitMix64,
    TlsKind, valid,
};

use crate::rig::*;

/// Report 46: a cause that comes with an endpoint is not judged, whatever harmless call comes between the two: a timeout
/// that finds nothing due, or a fact that does not apply.
#[test]
fn nothing_harmless_makes_a_redirecting_loss_a_verdict() {
    let fatal = Cause::Class(redial::Class::Fatal);
    for between in [None, Some(Event::Release(redial::HoldReason::new(3).expect("below 32")))] {
        let mut rig = Rig::online(PLAIN);
        rig.fact(Event::Redirected { epoch: rig.epoch(), endpoint: "wss://other", permanent: false });
        match between {
            Some(fact) => _ = rig.fact(fact),
            None => _ = rig.tick(),
        }
        assert_eq!(gave_up(&rig.close(fatal)), None);
        rig.redial();
        assert_eq!(rig.told().endpoint, redial::Endpoint::Redirect);
    }
    // A dial that ends otherwise takes what was said with it.
    let mut rig = Rig::started(PLAIN);
    rig.fact(Event::Redirected { epoch: rig.epoch(), endpoint: "wss://other", permanent: false });
    rig.advance(secs(10));
    assert_eq!(rig.told().last_cause, Some(Cause::ConnectTimeout));
    rig.redial();
    assert_eq!(gave_up(&rig.fail(fatal)), Some((GiveUp::Fatal, fatal)));
}
