//! How subscriptions are restored after a loss: `cargo run --example subscriptions`.
//!
//! The policy remembers what is desired, in which order, and what the server has confirmed. You send what it lists.

use redial::subscriptions::{SubscriptionList, Subscriptions};
use redial::{Action, Actions, Cause, Epoch, Event, Instant, Policy, SplitMix64, presets};

type Chat = Policy<SplitMix64, String, SubscriptionList<&'static str>>;

/// The keys that are to be sent now.
fn restored(policy: &Chat, actions: Actions) -> Vec<&'static str> {
    let restores = actions.iter().any(|action| matches!(action, Action::Restore { .. }));
    if restores { policy.subscriptions().batch().copied().collect() } else { Vec::new() }
}

/// Waits as long as the policy says and opens the next transport.
fn dial(policy: &mut Chat) -> (Instant, Epoch) {
    let now = policy.poll_timeout().expect("a wait");
    let _opens = policy.handle_timeout(now);
    let epoch = policy.epoch().expect("a dial");
    let _identifies_or_resumes = policy.handle_event(now, Event::Opened { epoch });
    (now, epoch)
}

fn ready(policy: &mut Chat, now: Instant, epoch: Epoch) -> Vec<&'static str> {
    let ready =
        Event::Ready { epoch, token: Some("token".to_owned()), endpoint: None, sequence: None, ttl: None };
    let actions = policy.handle_event(now, ready);
    restored(policy, actions)
}

fn main() {
    let mut policy: Chat = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(SubscriptionList::new());
    let mut now = Instant::ZERO;

    // Desired before there is a connection, and after every reconnect, until `Unsubscribe`. Higher priorities go first.
    for (key, priority) in [("lobby", 0), ("orders", 9), ("news", 0)] {
        assert!(policy.handle_event(now, Event::Subscribe { key, priority }).is_empty());
    }
    let _opens = policy.handle_event(now, Event::Start);
    let mut epoch = policy.epoch().expect("a dial");
    let _identifies = policy.handle_event(now, Event::Opened { epoch });
    println!("a new session: send {:?}", ready(&mut policy, now, epoch));

    // The server answers two of them, and the connection is lost.
    for key in ["orders", "lobby"] {
        assert!(policy.handle_event(now, Event::SubscriptionConfirmed { epoch, key, send: None }).is_empty());
    }
    assert!(policy.handle_event(now, Event::Closed { epoch, cause: Cause::NoCloseFrame }).is_empty());

    // Resumed, the server still has what it confirmed: only the third is sent again.
    (now, epoch) = dial(&mut policy);
    let actions = policy.handle_event(now, Event::Resumed { epoch });
    println!("resumed: send {:?}", restored(&policy, actions));
    assert!(policy.handle_event(now, Event::Closed { epoch, cause: Cause::NoCloseFrame }).is_empty());

    // Where the server has forgotten the session, everything is sent again.
    (now, epoch) = dial(&mut policy);
    println!("a new session: send {:?}", ready(&mut policy, now, epoch));
}
