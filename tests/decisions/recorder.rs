//! Feature `record`: the lines of a recording, and what is too much for one.

#![cfg(feature = "record")]

use redial::record::{RecordError, Recorder};
use redial::subscriptions::SubscriptionList;
use redial::{Event, Instant, Policy, SplitMix64, presets};

use crate::draws::{ms, us};

type List<K> = Policy<SplitMix64, (), SubscriptionList<K>>;

fn policy<K: Clone + Ord + std::fmt::Debug>(keys: impl IntoIterator<Item = K>) -> List<K> {
    let mut policy: List<K> =
        Policy::new(&presets::FEW, SplitMix64::new(7)).with_subscriptions(SubscriptionList::new());
    for key in keys {
        let _actions = policy.handle_event(Instant::ZERO, Event::Subscribe { key, priority: 0 });
    }
    policy
}

/// S96: the set-up line holds the whole state, however large, and says which generator goes on.
#[test]
fn a_set_up_line_holds_the_whole_state() {
    for keys in [0, 3, 400_u64] {
        let policy = policy(0..keys);
        for mut recorder in [Recorder::new(), Recorder::showing_names()] {
            let line = recorder.set_up(&policy).expect("a line");
            assert!(line.contains("\"generator\": \"splitmix64\""), "{line}");
            assert!(line.len() as u64 > keys * 2);
        }
    }
}

/// A recorder that numbers names keeps 16 MiB of them and no more; one that shows them keeps none.
#[test]
fn too_many_names_are_told() {
    let policy = policy([" ".repeat((16 << 20) + 1)]);
    assert_eq!(Recorder::new().set_up(&policy).map(|_| ()), Err(RecordError::TooManyNames));
    assert!(Recorder::showing_names().set_up(&policy).is_ok());
    assert!(RecordError::TooManyNames.to_string().contains("too many different names"));
}

/// P04: a span is an integer of milliseconds where it is one, and exact where it is none.
#[test]
fn a_span_is_written_exactly() {
    let line = |gap| {
        let event = Event::<u8, u8>::HostResumed { gap, counted: false };
        Recorder::new().event(Instant::ZERO, &event).expect("no names").to_owned()
    };
    assert!(line(ms(20)).contains(": 20,") || line(ms(20)).contains(": 20}"), "{}", line(ms(20)));
    assert!(line(us(20_500)).contains(": \"20.5\""), "{}", line(us(20_500)));
}
