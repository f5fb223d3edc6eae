//! Ends that are announced: the next connection is there before the last one goes.

use core::time::Duration;

use redial::handover::Config as Settings;
use redial::policy::{ResumeConfig, WaitReason};
use redial::subscriptions::FixedSubscriptions;
use redial::{Config, Event, Instant, Phase, Policy, SplitMix64};

use crate::handover::rig::{Rig, TestEvent, config, epoch};
use crate::harness::secs;

const DAY: u64 = 24 * 3_600 * 1_000;

fn none() -> [&'static str; 0] {
    []
}

/// A server that announces the end of the present connection.
fn announced(number: u32, deadline: u64) -> TestEvent {
    let deadline = Some(Duration::from_millis(deadline));
    Event::ReconnectRequested { epoch: epoch(number), retry_after: None, deadline }
}

/// Online since 0 with a subscription that was confirmed, with a seed of its own.
fn subscribed(seed: u64, config: Config, handover: Settings) -> Rig {
    let policy = Policy::new(config, SplitMix64::new(seed))
        .with_session_type::<&'static str>()
        .with_subscriptions(FixedSubscriptions::new())
        .with_handover(handover);
    let mut rig = Rig { policy, now: 0 };
    rig.at(0, Event::Subscribe { key: "follow", priority: 0 });
    assert_eq!(rig.at(0, Event::Start), ["open 1 fresh #1"]);
    rig.opened(0, 1);
    assert_eq!(rig.ready(0, 1, "a"), ["restore 1 follow"]);
    rig.at(0, Event::SubscriptionConfirmed { epoch: epoch(1), key: "follow", send: None });
    rig
}

/// When the next deadline is, which is for this reason; and what it brings.
fn next(rig: &mut Rig, reason: WaitReason) -> (u64, String) {
    let (at, found) = rig.wake().expect("a plan");
    assert_eq!(found, reason);
    // It was drawn to the microsecond.
    let mut lines = rig.until(at + 1);
    assert_eq!((lines.len(), rig.policy.phase()), (1, Phase::Online), "{lines:?}");
    (at, lines.pop().unwrap_or_default())
}

/// Report 21 (Teekeks/pyTwitchAPI#286, twitch-rs/twitch_api#501): the old socket must live until the new one is welcomed at
/// the URL that came with the request, or events are lost and the session is refused. Until then events of the old one count,
/// and what was subscribed is not sent again.
#[test]
fn report_21_the_old_socket_lives_until_the_new_one_is_welcomed() {
    for seed in 0..30 {
        let mut rig = subscribed(seed, config().build_const(), Settings::DEFAULT);
        rig.until(60_000);
        let named =
            Event::Redirected { epoch: epoch(1), endpoint: "wss://cell-a.example/ws", permanent: false };
        assert_eq!(rig.at(60_000, named), none());
        assert_eq!(rig.at(60_000, announced(1, 30_000)), none());
        let (at, dial) = next(&mut rig, WaitReason::Requested);
        assert!(at <= 75_000, "in the first half of the time that is left: {at}");
        assert_eq!(dial, format!("{at}: open 2 resume@redirect #1 successor"));
        assert_eq!(rig.policy.redirect(), Some(&"wss://cell-a.example/ws"));
        assert_eq!((rig.sequence(at + 1, 1, 5), rig.mark()), (vec![], Some(5)));
        assert_eq!(rig.opened(at + 2, 2), ["resume 2 a Some(5)"]);
        assert_eq!((rig.sequence(at + 3, 1, 6), rig.mark()), (vec![], Some(6)));
        assert_eq!(rig.resumed(at + 4, 2), ["promote 2", "close 1 4000"]);
        assert_eq!(rig.closed(at + 5, 1, 4_004), ["stale"]);
        assert_eq!((rig.policy.stats().losses, rig.policy.handover_stats().gap_ms), (0, 0));
    }
}

/// Report 50 (slackapi/bolt-js#1061, slackapi/node-slack-sdk#2254): the server warns 10 s ahead, and a second socket is to be
/// open before the first ends. A second warning changes nothing; a second socket that is not ready at the cut is the one dial
/// of that loss.
#[test]
fn report_50_the_second_socket_is_there_before_the_first_ends() {
    let config = config().resume(ResumeConfig::DISABLED).build_const();
    for seed in 0..30 {
        let mut rig = subscribed(seed, config, Settings::DEFAULT);
        rig.until(60_000);
        assert_eq!(rig.at(60_000, announced(1, 10_000)), none());
        assert_eq!(rig.at(60_000, announced(1, 1_000_000)), none());
        let (at, dial) = next(&mut rig, WaitReason::Requested);
        assert!(at <= 65_000, "{at}");
        assert_eq!(dial, format!("{at}: open 2 fresh #1 successor"));
        assert_eq!(rig.at(at + 1, announced(1, 1_000)), ["inapplicable"]);
        let mut late = Rig { policy: rig.policy.clone(), now: rig.now };
        assert_eq!(rig.opened(at + 10, 2), ["identify 2"]);
        assert_eq!(rig.ready(at + 20, 2, "b"), ["promote 2", "restore 2 follow", "close 1 4000"]);
        assert_eq!(rig.closed(70_000, 1, 1_001), ["stale"]);
        assert_eq!((rig.policy.stats().losses, rig.policy.handover_stats().handovers), (0, 1));

        assert_eq!(late.closed(70_000, 1, 1_001), none());
        assert_eq!((late.policy.phase(), late.policy.epoch()), (Phase::Connecting, Some(epoch(2))));
        assert_eq!(late.opened(70_100, 2), ["identify 2"]);
        assert_eq!(late.ready(70_200, 2, "b"), ["restore 2 follow"]);
        let stats = late.policy.handover_stats();
        assert_eq!((late.policy.stats().opens, stats.handovers_failed, stats.gap_ms), (2, 1, 200));
    }
}

/// Report 97 (oliver-zehentleitner/unicorn-binance-websocket-api#15): the server cuts every stream after 24 hours, and what
/// came between the cut and the new stream was lost. The new stream has its subscriptions before the old one goes, also where
/// the first dials of it fail.
#[test]
fn report_97_the_new_stream_is_there_before_the_old_one_goes() {
    let (limit, lead) = (secs(24 * 3_600), secs(600));
    let config = config().resume(ResumeConfig::DISABLED).max_age(Some(limit - lead), lead).build_const();
    for seed in 0..30 {
        let mut rig = subscribed(seed, config, Settings::DEFAULT);
        rig.until(60_000);
        let (at, dial) = next(&mut rig, WaitReason::MaxAge);
        assert!((DAY - 1_200_000..=DAY - 600_000).contains(&at), "{at}");
        assert_eq!(dial, format!("{at}: open 2 fresh #1 successor"));
        assert_eq!(rig.refused(at + 10, 2), none());
        assert_eq!(
            next(&mut rig, WaitReason::Backoff).1,
            format!("{}: open 3 fresh #2 successor", at + 1_010)
        );
        assert_eq!(rig.at(at + 1_011, Event::Received { epoch: epoch(1) }), none());
        assert_eq!(rig.opened(at + 1_020, 3), ["identify 3"]);
        assert_eq!(rig.ready(at + 1_030, 3, "b"), ["promote 3", "restore 3 follow", "close 1 4000"]);
        assert_eq!(rig.policy.stats().losses, 0);
        assert!(rig.wake().is_some(), "the age of the new one counts");
    }
}

/// Report 98 (redis/go-redis#3666, envoyproxy/envoy#45101): connections of one age ended together, and their owners dialled
/// together. With a spread their successors are dialled apart, and none of them is away.
#[test]
fn report_98_successors_are_dialled_apart() {
    let config = config().max_age(Some(secs(600)), secs(60)).build_const();
    let mut dialled: Vec<u64> = (0..40)
        .map(|seed| {
            let mut rig = subscribed(seed, config, Settings::DEFAULT);
            rig.until(60_000);
            let (at, dial) = next(&mut rig, WaitReason::MaxAge);
            assert!(dial.ends_with("successor") && rig.policy.epoch() == Some(epoch(1)), "{dial}");
            at
        })
        .collect();
    assert!(dialled.iter().all(|at| (540_000..=600_000).contains(at)), "{dialled:?}");
    dialled.sort_unstable();
    dialled.dedup();
    let (first, last) = (dialled[0], dialled[dialled.len() - 1]);
    assert!(dialled.len() > 35 && first < 550_000 && last > 590_000, "drawn: {dialled:?}");
}

/// Report 100 (restatedev/restate#5311, grpc/grpc-java#9903): after GOAWAY the streams that were begun were cut. They finish on
/// the old connection while the new one is up: until they have, or it ends, or for a time.
#[test]
fn report_100_old_streams_finish_on_the_old_connection() {
    let handover = Settings::new().drain(secs(30)).build_const();
    let mut rig = subscribed(7, config().build_const(), handover);
    rig.until(60_000);
    rig.at(60_000, announced(1, 0));
    assert_eq!(next(&mut rig, WaitReason::Requested).1, "60000: open 2 resume #1 successor");
    rig.opened(60_010, 2);
    assert_eq!(rig.resumed(60_020, 2), ["promote 2"], "new ones go there");
    assert_eq!((rig.policy.epoch(), rig.policy.draining()), (Some(epoch(2)), Some(epoch(1))));
    assert_eq!(rig.at(60_030, Event::HeartbeatRequested { epoch: epoch(1) }), ["beat 1"], "it is kept alive");
    let rig_at = |now| Rig { policy: rig.policy.clone(), now };
    assert_eq!(rig_at(60_030).at(65_000, Event::Drained { epoch: epoch(1) }), ["close 1 4000"]);
    let mut ended = rig_at(60_030);
    assert_eq!(ended.closed(65_000, 1, 1_001), none());
    assert_eq!((ended.policy.draining(), ended.policy.stats().losses), (None, 0));
    assert_eq!(rig_at(60_030).until(200_000), ["90020: close 1 4000"]);
    // Nothing else is dialled beside it.
    let mut lost = rig_at(60_030);
    assert_eq!(lost.closed(61_000, 2, 1_006), none());
    assert_eq!(lost.until(62_000), ["62000: close 1 4000", "62000: open 3 resume #2"]);
    assert!(lost.policy.poll_timeout() > Some(Instant::from_millis(62_000)));
}
