//! The whole of a policy as bytes: what is read is what was written, in every state, and nothing else is read.

mod handover;

use proptest::prelude::*;
use redial::endpoints::FixedEndpoints;
use redial::record::{CheckpointError, Names};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::testing::Script;
use redial::{Config, Event, Instant, Policy, SplitMix64, presets};

use crate::harness::{Lent, SmallPolicy};
use crate::read_back::sealed;

/// One with names of 64 bits, as hashing makes them, and more room.
type Hashed<'c> = Policy<SplitMix64, u64, FixedSubscriptions<u64, 6>, Lent<'c>, FixedEndpoints<5>>;

fn encoded(policy: &SmallPolicy<'_>, names: Names) -> Vec<u8> {
    let mut bytes = vec![0; 1_000];
    let length = policy.checkpoint(names, &mut bytes).expect("room");
    bytes.truncate(length);
    bytes
}

/// Lives through a story, which ends where its bytes do, and gives every policy on the way to `check`.
fn live(story: &[u8], mut check: impl for<'c> FnMut(&'c Config, &SmallPolicy<'c>)) {
    let mut script = Script::from_bytes(story);
    let config = script.config();
    let mut policy = crate::story::policy(&mut script, &config);
    let mut now = Instant::ZERO;
    for _ in 0..500 {
        check(&config, &policy);
        let Some(step) = script.next_step(&policy, now) else { return };
        now = step.at;
        let _actions = step.apply(&mut policy);
    }
    check(&config, &policy);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..1_200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::harness::cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_written(story in bytes()) {
        live(&story, |config, policy| {
            let bytes = encoded(policy, Names::Shown);
            let read = SmallPolicy::from_checkpoint(Lent(config), &bytes).expect("its own");
            assert!(read == *policy, "{read:?}\n{policy:?}");
            assert_eq!(encoded(&read, Names::Shown), bytes);
        });
    }

    /// Names are all that hashing changes.
    #[test]
    fn hashed_names_decide_the_same(story in bytes(), secret: u64) {
        live(&story, |config, policy| {
            let bytes = encoded(policy, Names::Hashed(secret));
            let hashed = Hashed::from_checkpoint(Lent(config), &bytes).expect("room for more");
            let (mut one, mut two) = (policy.clone(), hashed);
            let soon = one.poll_timeout().unwrap_or(Instant::from_millis(1)).max(Instant::from_millis(1));
            for _ in 0..4 {
                assert_eq!(one.handle_timeout(soon), two.handle_timeout(soon));
                assert_eq!(one.explain(), two.explain());
                assert_eq!(one.subscriptions().batch().count(), two.subscriptions().batch().count());
            }
        });
    }

    /// What is read of any bytes is written and read again, and a policy that was read lives on without a panic.
    #[test]
    fn no_bytes_do_harm(story in bytes(), changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        let mut last = None;
        live(&story, |config, policy| last = Some((*config, encoded(policy, Names::Shown))));
        let Some((config, mut bytes)) = last else { return Ok(()) };
        bytes.truncate(bytes.len() - 4);
        // Magic and version, generator and fingerprint are tested elsewhere.
        for (place, byte) in changes {
            let place = 15 + usize::from(place) % (bytes.len() - 15);
            bytes[place] = byte;
        }
        let _refused = crate::read_back::checkpoint(&config, &sealed(bytes), &story);
    }

    #[test]
    fn random_bytes_are_no_checkpoint(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let read = SmallPolicy::from_checkpoint(Lent(&presets::RECOMMENDED), &bytes);
        prop_assert!(read.is_err());
    }
}

fn dialling() -> Policy<SplitMix64> {
    let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    let _open = policy.handle_event(Instant::from_millis(5), Event::Start);
    policy
}

#[test]
fn each_error_says_what_is_wrong() {
    let mut bytes = [0; 400];
    let length = dialling().checkpoint(Names::Shown, &mut bytes).expect("room");
    let bytes = &bytes[..length];
    let read = |bytes: &[u8]| Policy::<SplitMix64>::from_checkpoint(&presets::RECOMMENDED, bytes).err();
    assert_eq!(read(bytes), None);
    assert_eq!(read(&[]), Some(CheckpointError::NotACheckpoint));
    assert_eq!(read(b"{}"), Some(CheckpointError::NotACheckpoint));
    assert_eq!(read(&[0xd2, 9, 0]), Some(CheckpointError::Version(9)));
    for cut in 2..length {
        assert_eq!(read(&bytes[..cut]), Some(CheckpointError::Corrupt), "{cut}");
    }
    for at in 2..length {
        let mut altered = bytes.to_vec();
        altered[at] ^= 4;
        assert_eq!(read(&altered), Some(CheckpointError::Corrupt), "{at}");
    }
    let other = Policy::<SplitMix64>::from_checkpoint(&presets::DISCORD_GATEWAY, bytes).err();
    assert_eq!(other, Some(CheckpointError::OtherConfig));
    let mut longer = bytes[..length - 4].to_vec();
    longer.push(0);
    assert_eq!(read(&sealed(longer)), Some(CheckpointError::Impossible("it goes on behind its end")));
    for room in 0..length {
        assert_eq!(
            dialling().checkpoint(Names::Shown, &mut vec![0; room]),
            Err(CheckpointError::Full),
            "{room}"
        );
    }
    for error in [
        CheckpointError::NotACheckpoint,
        CheckpointError::Version(9),
        CheckpointError::Unfit("it has subscriptions"),
    ] {
        assert!(!error.to_string().is_empty());
    }
}

/// What does not fit the other type is an error, not a loss.
#[test]
fn what_can_not_be_held_is_refused() {
    type Keys<const N: usize> = Policy<SplitMix64, (), FixedSubscriptions<u8, N>>;
    let mut policy: Keys<3> =
        Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_subscriptions(FixedSubscriptions::new());
    for key in [7, 8, 9] {
        let _actions = policy.handle_event(Instant::ZERO, Event::Subscribe { key, priority: 0 });
    }
    let mut bytes = [0; 400];
    let length = policy.checkpoint(Names::Shown, &mut bytes).expect("room");
    let bytes = &bytes[..length];
    let config = &presets::RECOMMENDED;
    assert!(Keys::<4>::from_checkpoint(config, bytes).is_ok());
    let unfit = |error: Option<CheckpointError>| {
        assert!(matches!(error, Some(CheckpointError::Unfit(_))), "{error:?}")
    };
    unfit(Keys::<2>::from_checkpoint(config, bytes).err());
    unfit(Policy::<SplitMix64>::from_checkpoint(config, bytes).err());
    #[cfg(feature = "chacha")]
    unfit(Policy::<redial::ChaCha8Rng, (), FixedSubscriptions<u8, 3>>::from_checkpoint(config, bytes).err());
}

/// The documented generator goes on where it was, also within a block.
#[cfg(feature = "chacha")]
#[test]
fn a_generator_goes_on() {
    use redial::ChaCha8Rng;
    use redial::rand_core::{Rng, SeedableRng};

    let mut rng = ChaCha8Rng::seed_from_u64(7);
    rng.set_stream(9);
    for _ in 0..150 {
        let policy: Policy<ChaCha8Rng> = Policy::new(&presets::RECOMMENDED, rng.clone());
        let mut bytes = [0; 400];
        let length = policy.checkpoint(Names::Shown, &mut bytes).expect("room");
        let read =
            Policy::<ChaCha8Rng>::from_checkpoint(&presets::RECOMMENDED, &bytes[..length]).expect("its own");
        assert!(read == policy);
        let _ = rng.next_u32();
    }
}

/// A set on the heap has no limit, also where it goes on; what does not fit in place is refused, and what does may grow.
#[cfg(feature = "alloc")]
#[test]
fn a_list_goes_on_without_a_limit() {
    use redial::subscriptions::SubscriptionList;
    type With<S> = Policy<SplitMix64, (), S>;
    type List = With<SubscriptionList<u8>>;

    let config = &presets::RECOMMENDED;
    let subscribed = |keys: u8| {
        let mut policy: List =
            Policy::new(config, SplitMix64::new(7)).with_subscriptions(SubscriptionList::new());
        for key in 0..keys {
            let _actions = policy.handle_event(Instant::ZERO, Event::Subscribe { key, priority: 0 });
        }
        let mut bytes = vec![0; 4_000];
        let length = policy.checkpoint(Names::Shown, &mut bytes).expect("space");
        bytes.truncate(length);
        (policy, bytes)
    };
    let more = Event::Subscribe { key: 200, priority: 0 };
    let (policy, bytes) = subscribed(100);
    let mut read = List::from_checkpoint(config, &bytes).expect("no limit");
    assert!(read == policy);
    let _actions = read.handle_event(Instant::ZERO, more.clone());
    assert_eq!(read.subscriptions().len(), 101);
    assert!(With::<FixedSubscriptions<u8, 99>>::from_checkpoint(config, &bytes).is_err());
    let (_, bytes) = subscribed(3);
    let mut read = With::<FixedSubscriptions<u8, 4>>::from_checkpoint(config, &bytes).expect("space for 4");
    let _actions = read.handle_event(Instant::ZERO, more);
    assert_eq!(read.subscriptions().len(), 4);
}
