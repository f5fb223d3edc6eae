//! Scripts reach every event and every cause: a new variant does not compile here until it is counted.

extern crate std;

use std::collections::BTreeSet;

use crate::classify::Cause;
use crate::policy::Event;

use super::Script;

const fn event(event: &Event<u8, u8>) -> u8 {
    match event {
        Event::Start => 0,
        Event::Stop { .. } => 1,
        Event::RetryNow => 2,
        Event::Hold(_) => 3,
        Event::Release(_) => 4,
        Event::NetworkDown => 5,
        Event::NetworkUp => 6,
        Event::Hidden => 7,
        Event::Visible => 8,
        Event::HostResumed { .. } => 9,
        Event::NetworkChanged => 10,
        Event::Redial => 11,
        Event::BackoffHint { .. } => 12,
        Event::Opened { .. } => 13,
        Event::OpenFailed { .. } => 14,
        Event::NotNow { .. } => 15,
        Event::Closed { .. } => 16,
        Event::SendFailed { .. } => 17,
        Event::Drained { .. } => 18,
        Event::Greeting { .. } => 19,
        Event::Ready { .. } => 20,
        Event::Resumed { .. } => 21,
        Event::Sequence { .. } => 22,
        Event::ReconnectRequested { .. } => 23,
        Event::Redirected { .. } => 24,
        Event::Cursor { .. } => 25,
        Event::KeepAlive { .. } => 26,
        Event::SessionInvalid { .. } => 27,
        Event::HeartbeatAcked { .. } => 28,
        Event::HeartbeatRequested { .. } => 29,
        Event::Received { .. } => 30,
        Event::CredentialOk { .. } => 31,
        Event::CredentialFailed { .. } => 32,
        Event::CredentialNew => 33,
        Event::CredentialLost => 34,
        Event::AuthOk { .. } => 35,
        Event::AuthFailed { .. } => 36,
        Event::Subscribe { .. } => 37,
        Event::Unsubscribe { .. } => 38,
        Event::SubscriptionConfirmed { .. } => 39,
        Event::SubscriptionFailed { .. } => 40,
        Event::SubscriptionLost { .. } => 41,
    }
}

/// How many events there are.
const EVENTS: usize = 42;

const fn cause(cause: Cause) -> u8 {
    match cause {
        Cause::CloseFrame(_) => 0,
        Cause::NoCloseFrame => 1,
        Cause::Http(_) => 2,
        Cause::Io(_) => 3,
        Cause::Tls(_) => 4,
        Cause::Timeout => 5,
        Cause::Class(_) => 6,
        Cause::ConnectTimeout => 7,
        Cause::GreetingTimeout => 8,
        Cause::ReadyTimeout => 9,
        Cause::AuthTimeout => 10,
        Cause::HeartbeatMissed => 11,
        Cause::SendFailed => 12,
        Cause::ReconnectRequested => 13,
        Cause::SessionInvalid => 14,
        Cause::SessionInvalidResumable => 15,
        Cause::BadGreeting => 16,
        Cause::NetworkDown => 17,
        Cause::HostSuspended => 18,
        Cause::AuthRejected => 19,
        Cause::AuthDenied => 20,
        Cause::RestoreFailed => 21,
        Cause::Unknown => 22,
    }
}

/// How many causes there are.
const CAUSES: usize = 23;

#[test]
fn every_event_and_every_cause_is_reached() {
    let mut script = Script::seeded(7);
    let events: BTreeSet<u8> = (0..5_000).map(|_| event(&script.any_event())).collect();
    assert_eq!(events.len(), EVENTS, "{events:?}");
    for mut script in [Script::seeded(7), Script::seeded(7).with_sensible_events()] {
        let causes: BTreeSet<u8> = (0..5_000).map(|_| cause(script.cause())).collect();
        assert_eq!(causes.len(), CAUSES, "{causes:?}");
    }
}

/// Of a handover that lives through all of it, sensible scripts reach every event as well.
#[test]
fn sensible_scripts_reach_every_event() {
    use crate::endpoints::SingleEndpoint;
    use crate::policy::Policy;
    use crate::rng::SplitMix64;
    use crate::subscriptions::FixedSubscriptions;
    use crate::time::Instant;

    let mut events = BTreeSet::new();
    for seed in 0..60 {
        let mut script = Script::seeded(seed).with_sensible_events().with_steady_clock();
        let (config, handover) = (script.config(), script.handover());
        let set = FixedSubscriptions::<u8, 4>::new();
        let policy = Policy::<_, u8, _, _, _>::from_parts(config, SplitMix64::new(seed), set, SingleEndpoint);
        let mut policy = policy.with_handover(handover);
        let mut now = Instant::ZERO;
        for _ in 0..400 {
            let step = script.next_step(&policy, now).unwrap();
            now = step.at;
            events.extend(step.event.as_ref().map(event));
            let _actions = step.apply(&mut policy);
        }
    }
    let missing: std::vec::Vec<_> = (0..EVENTS as u8).filter(|event| !events.contains(event)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
