//! The whole of a handover: the same, with a successor, a drain, and an older connection than the newest dial.

use core::time::Duration;

use proptest::prelude::*;
use redial::handover::{Config as Settings, Handover};
use redial::record::{CheckpointError, Names};
use redial::testing::{self, Script};
use redial::{Config, Event, Instant, Phase, Policy, SplitMix64, presets};

use super::bytes;
use crate::harness::{Lent, cases};
use crate::read_back::{SmallHandover, sealed};

fn encoded(handover: &SmallHandover<'_>, names: Names) -> Vec<u8> {
    let mut bytes = vec![0; 1_200];
    let length = handover.checkpoint(names, &mut bytes).expect("room");
    bytes.truncate(length);
    bytes
}

fn read<'c>(
    config: &'c Config,
    like: &SmallHandover<'c>,
    bytes: &[u8],
) -> Result<SmallHandover<'c>, CheckpointError> {
    SmallHandover::from_checkpoint(Lent(config), like.handover_config().copied(), bytes)
}

/// What a step of a story did.
struct Step<'a, 'c> {
    config: &'c Config,
    before: &'a SmallHandover<'c>,
    now: Instant,
    event: Option<Event<u8, u8>>,
    after: &'a SmallHandover<'c>,
    actions: redial::Actions,
}

/// Lives through a story, which ends where its bytes do, and gives every step to `check`.
fn live(story: &[u8], mut check: impl for<'a, 'c> FnMut(Step<'a, 'c>)) {
    let mut script = Script::from_bytes(story);
    let config = script.config();
    if script.flag() {
        // Then it gets somewhere.
        script = script.with_sensible_events().with_steady_clock();
    }
    let settings = if script.below(12) == 11 { None } else { Some(script.handover()) };
    let mut handover = crate::story::policy(&mut script, &config).with_handover(settings);
    let mut now = Instant::ZERO;
    for _ in 0..500 {
        let Some(step) = script.next_step(&handover, now) else { return };
        now = step.at;
        let (before, event) = (handover.clone(), step.event.clone());
        let actions = step.apply(&mut handover);
        check(Step { config: &config, before: &before, now, event, after: &handover, actions });
    }
}

fn step(handover: &mut SmallHandover<'_>, now: Instant, event: Option<Event<u8, u8>>) -> redial::Actions {
    testing::Step { at: now, event }.apply(handover)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    /// At every step: what is read is what was written, and decides the same.
    #[test]
    fn a_handover_is_read_as_it_was_written_and_goes_on(story in bytes()) {
        live(&story, |Step { config, before, now, event, after, actions }| {
            let bytes = encoded(before, Names::Shown);
            let mut copy = read(config, before, &bytes).unwrap_or_else(|error| panic!("{error}\n{before:?}"));
            assert!(copy == *before, "{copy:?}\n{before:?}");
            assert_eq!(encoded(&copy, Names::Shown), bytes);
            assert_eq!(step(&mut copy, now, event), actions);
            assert!(copy == *after, "{copy:?}\n{after:?}");
            assert_eq!((copy.deadline(), copy.explain()), (after.deadline(), after.explain()));
            assert_eq!(copy.handover_stats(), after.handover_stats());
        });
    }

    /// What is read of any bytes is written and read again, and a handover that was read lives on without a panic.
    #[test]
    fn no_bytes_do_harm_to_a_handover(
        story in bytes(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4),
        from_the_end: bool,
    ) {
        let mut last = None;
        live(&story, |Step { config, after, .. }| {
            // The states that no policy alone has.
            if last.is_none() || after.is_under_way() || after.draining().is_some() {
                last = Some((*config, after.handover_config().copied(), encoded(after, Names::Shown)));
            }
        });
        let Some((config, settings, mut bytes)) = last else { return Ok(()) };
        bytes.truncate(bytes.len() - 4);
        // Magic and version, generator and fingerprint are tested elsewhere.
        let room = bytes.len() - 15;
        for (place, byte) in changes {
            // What stands beside the policy is at the end.
            let place = if from_the_end { room - 1 - usize::from(place) % room.min(70) } else { usize::from(place) % room };
            bytes[15 + place] = byte;
        }
        let _refused = crate::read_back::handover(&config, settings, &sealed(bytes), &story);
    }

    #[test]
    fn random_bytes_are_no_handover(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let read = SmallHandover::from_checkpoint(Lent(&presets::RECOMMENDED), Settings::DEFAULT, &bytes);
        prop_assert!(read.is_err());
    }
}

/// The stories come to where only a handover comes, and none of those states is left out of the tests above.
#[test]
fn the_stories_have_successors_and_drains() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config as Runs, TestRng, TestRunner};

    let mut runner = TestRunner::new_with_rng(
        Runs::default(),
        TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (mut dialled, mut waited, mut drained, mut handed, mut outlived, mut gap) = (0, 0, 0, 0, 0, 0);
    for _ in 0..1_500 {
        let story = bytes().new_tree(&mut runner).expect("any bytes").current();
        let mut promoted = 0;
        live(&story, |Step { after, .. }| {
            dialled += usize::from(after.successor().is_some());
            waited += usize::from(after.is_under_way() && after.successor().is_none());
            drained += usize::from(after.draining().is_some());
            promoted = after.handover_stats().handovers;
            let newest = after.epoch().map(redial::Epoch::get);
            outlived += usize::from(
                after.phase() == Phase::Online
                    && !after.is_under_way()
                    && newest.is_some_and(|newest| newest < after.stats().opens),
            );
            gap += usize::from(after.handover_stats().gap_ms > 0);
        });
        handed += promoted;
    }
    for (what, count) in
        [("dialled", dialled), ("waited", waited), ("drained", drained), ("outlived", outlived), ("gap", gap)]
    {
        assert!(count > 100, "{what}: {count}");
    }
    assert!(handed > 25, "promoted: {handed}");
}

type Plain = Handover<SplitMix64>;

fn online() -> Plain {
    let mut handover =
        Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_handover(Settings::DEFAULT);
    let _open = handover.handle_event(Instant::from_millis(5), Event::Start);
    let epoch = handover.epoch().expect("dialling");
    let _identify = handover.handle_event(Instant::from_millis(6), Event::Opened { epoch });
    let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
    let _online = handover.handle_event(Instant::from_millis(7), ready);
    handover
}

fn under_way() -> Plain {
    let mut handover = online();
    let _open = handover.handle_event(Instant::from_millis(60_000), Event::Redial);
    assert!(handover.is_under_way() && handover.successor().is_some());
    handover
}

fn bytes_of(handover: &Plain) -> Vec<u8> {
    let mut bytes = vec![0; 600];
    let length = handover.checkpoint(Names::Shown, &mut bytes).expect("room");
    bytes.truncate(length);
    bytes
}

#[test]
fn each_error_of_a_handover_says_what_is_wrong() {
    let bytes = bytes_of(&under_way());
    let read = |bytes: &[u8]| Plain::from_checkpoint(&presets::RECOMMENDED, Settings::DEFAULT, bytes).err();
    assert_eq!(read(&bytes), None);
    assert_eq!(read(&[]), Some(CheckpointError::NotACheckpoint));
    assert_eq!(read(&[0xd4, 9, 0]), Some(CheckpointError::Version(9)));
    for cut in 2..bytes.len() {
        assert_eq!(read(&bytes[..cut]), Some(CheckpointError::Corrupt), "{cut}");
        let mut altered = bytes.clone();
        altered[cut] ^= 4;
        assert_eq!(read(&altered), Some(CheckpointError::Corrupt), "{cut}");
        assert_eq!(
            under_way().checkpoint(Names::Shown, &mut vec![0; cut]),
            Err(CheckpointError::Full),
            "{cut}"
        );
    }
    let mut longer = bytes[..bytes.len() - 4].to_vec();
    longer.push(0);
    assert_eq!(read(&sealed(longer)), Some(CheckpointError::Impossible("it goes on behind its end")));
    // Both configs are its own.
    let other = Settings::new().drain(Duration::from_secs(1)).build_const();
    for (config, settings) in [
        (&presets::DISCORD_GATEWAY, Some(Settings::DEFAULT)),
        (&presets::RECOMMENDED, Some(other)),
        (&presets::RECOMMENDED, None),
    ] {
        assert_eq!(
            Plain::from_checkpoint(config, settings, &bytes).err(),
            Some(CheckpointError::OtherConfig)
        );
    }
}

/// Both kinds are told apart, also where nothing stands beside the policy.
#[test]
fn a_handover_is_no_policy() {
    for handover in [online(), Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_handover(None)] {
        let bytes = bytes_of(&handover);
        let policy = Policy::<SplitMix64>::from_checkpoint(&presets::RECOMMENDED, &bytes);
        assert_eq!(policy.err(), Some(CheckpointError::NotACheckpoint));
        let read = Plain::from_checkpoint(&presets::RECOMMENDED, handover.handover_config().copied(), &bytes);
        assert!(read.is_ok_and(|read| read == handover));
    }
    let mut bytes = [0; 400];
    let policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    let length = policy.checkpoint(Names::Shown, &mut bytes).expect("room");
    let read = Plain::from_checkpoint(&presets::RECOMMENDED, Settings::DEFAULT, &bytes[..length]);
    assert_eq!(read.err(), Some(CheckpointError::NotACheckpoint));
}

/// A successor in a new session that is not authenticated yet, one whose session was refused, and a drain: what a checkpoint
/// keeps of them shows when they go on.
#[test]
fn what_stands_beside_the_policy_goes_on() {
    use redial::policy::{DropReason, RestoreConfig};
    use redial::subscriptions::FixedSubscriptions;
    use redial::{Action, BackoffConfig, Cause};

    const BACKOFF: BackoffConfig = BackoffConfig::constant(Duration::from_secs(1)).build_const();
    static PROVING: Config =
        Config::new(BACKOFF).restore(RestoreConfig::new().authentication(true).build_const()).build_const();
    static PLAIN: Config = Config::new(BACKOFF).build_const();
    let settings =
        Settings::new().timeout(Duration::from_secs(30)).drain(Duration::from_secs(5)).build_const();
    let epoch = |number| redial::Epoch::from_raw(number).expect("not 0");
    let ready = |number, token| {
        let (endpoint, sequence, ttl) = (None, Some(1), None);
        Event::Ready { epoch: epoch(number), token: Some(token), endpoint, sequence, ttl }
    };
    let refused = || Event::SessionInvalid { epoch: epoch(2), resumable: false };
    let opened = |number| Event::Opened { epoch: epoch(number) };
    let lost = |number| Event::Closed { epoch: epoch(number), cause: Cause::CloseFrame(1_006) };
    let restored = Action::Restore { epoch: epoch(2), send: 2 };
    let promoted = Action::Promote { epoch: epoch(2) };
    for (config, told, last, expected) in [
        (&PROVING, vec![opened(2), ready(2, 8)], Event::AuthOk { epoch: epoch(2) }, vec![promoted, restored]),
        (
            &PLAIN,
            vec![opened(2), refused()],
            lost(1),
            vec![Action::DropSession { reason: DropReason::Invalid }],
        ),
        (
            &PLAIN,
            vec![opened(2), Event::Resumed { epoch: epoch(2) }],
            Event::Drained { epoch: epoch(1) },
            vec![Action::Close { epoch: epoch(1), code: Some(4_000) }],
        ),
    ] {
        let mut handover = Policy::new(config, SplitMix64::new(7))
            .with_session_type::<u8>()
            .with_subscriptions(FixedSubscriptions::<u8, 4>::new())
            .with_handover(settings);
        let begun = [Event::Subscribe { key: 3, priority: 0 }, Event::Start, opened(1), ready(1, 7)];
        let begun = begun.into_iter().chain([Event::AuthOk { epoch: epoch(1) }]);
        for (event, at) in begun.zip(0..).chain([Event::Redial].into_iter().chain(told).zip(60_000..)) {
            let _actions = handover.handle_event(Instant::from_millis(at), event);
        }
        let mut bytes = [0; 600];
        let length = handover.checkpoint(Names::Shown, &mut bytes).expect("room");
        let copy = Handover::from_checkpoint(config, settings, &bytes[..length]);
        let mut copy = copy.unwrap_or_else(|error| panic!("{error}: {handover:?}"));
        assert!(copy == handover);
        let now = Instant::from_millis(60_500);
        assert!(copy.handle_event(now, last.clone()).into_iter().eq(expected.clone()), "{copy:?}");
        assert!(handover.handle_event(now, last).into_iter().eq(expected));
        assert!(copy == handover);
    }
}
