//! Subscriptions in a checkpoint.

use redial::record::Names;
use redial::{Event, Policy, SplitMix64, presets};

use super::*;

type Client = Policy<SplitMix64, (), FixedSubscriptions<u8, 6>>;

/// A key in every state is read as it was, and the policy goes on as the other does.
#[test]
fn a_key_in_every_state_survives_a_checkpoint() {
    let mut client: Client = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new());
    _ = client.handle_event(NOW, Event::Start);
    let epoch = client.epoch().expect("a dial");
    _ = client.handle_event(NOW, Event::Opened { epoch });
    for key in 0..5 {
        _ = client.handle_event(NOW, Event::Subscribe { key, priority: 0 });
    }
    _ = client.handle_event(NOW, Event::SubscriptionConfirmed { epoch, key: 0, send: None });
    _ = client.handle_event(NOW, Event::SubscriptionFailed { epoch, key: 1, send: None, retryable: true });
    _ = client.handle_event(NOW, Event::SubscriptionFailed { epoch, key: 2, send: None, retryable: false });
    let states: Vec<State> = client.subscriptions().iter().map(|entry| entry.state()).collect();
    let has = |wanted: fn(&State) -> bool| states.iter().any(wanted);
    assert!(has(|state| matches!(state, State::Waiting { .. })), "{states:?}");
    assert!(has(|state| *state == State::Rejected) && has(|state| *state == State::Confirmed), "{states:?}");
    assert!(has(|state| matches!(state, State::Sent | State::Pending)), "{states:?}");

    let mut bytes = [0; 1_024];
    let length = client.checkpoint(Names::Shown, &mut bytes).expect("room");
    let mut read = Client::from_checkpoint(&presets::WEBSOCKET, &bytes[..length]).expect("its own");
    assert_eq!(read, client);
    for _ in 0..20 {
        let Some(due) = client.poll_timeout() else { break };
        assert_eq!(read.handle_timeout(due), client.handle_timeout(due));
        assert_eq!(read, client);
    }
}
