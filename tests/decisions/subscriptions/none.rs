//! A set that can have no key.

use redial::Instant;
use redial::subscriptions::{NoSubscriptions, Subscriptions};

/// F99: nothing is desired, so that nothing is sent, and nothing is waited for.
#[test]
fn a_set_that_can_have_no_key_asks_for_nothing() {
    let mut none = NoSubscriptions;
    assert_eq!((none.len(), none.iter().count(), none.batch().count(), none.sends()), (0, 0, 0, 0));
    assert_eq!(none.take_batch(9, Instant::MAX), 0);
    assert_eq!(none.fail_unanswered(9, Instant::MAX, |_| None), 0);
    assert!(!none.has_pending(Instant::MAX));
    assert_eq!((none.next_retry(), none.oldest_unanswered()), (None, None));
}

/// Sets that show something else have another hash, or a map of them would be a list.
#[test]
fn sets_that_differ_have_other_hashes() {
    use redial::subscriptions::FixedSubscriptions;
    use std::hash::{BuildHasher, RandomState};
    let hasher = RandomState::new();
    let mut set = FixedSubscriptions::<u8, 4>::new();
    let mut hashes = vec![hasher.hash_one(&set)];
    for key in [1, 2] {
        set.subscribe(key, 0).expect("space");
        hashes.push(hasher.hash_one(&set));
    }
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
    assert_eq!(hasher.hash_one(set.clone()), hashes[2]);
}
