//! Time that does not count, time that does though the clock stood still, and ends that are known ahead.

use core::time::Duration;

use redial::breaker;
use redial::health::{Health, HealthConfig, HealthStatus};
use redial::policy::{CredentialConfig, DropReason, RefreshOn, ResumeConfig, WaitReason};
use redial::{Cause, Config, Event, GiveUp, Instant, IoKind, Mode, Phase};

use super::{BASE, NO_NAME, dial, keep, wake, with_session};
use crate::harness::*;

const HOUR: Duration = secs(3_600);

/// Report 11 (firezone/firezone#14143, freenet/freenet-core#2976, paullouisageneau/libjuice#352,
/// element-hq/element-web#12434): the clock stood still in the sleep, so a session, a rate limit or a cool-down that had
/// ended an hour ago still counted as running. The slept time is added to whatever is running.
#[test]
fn report_11_slept_time_is_added_to_what_runs() {
    // The session's time to live.
    let mut rig = with_session(BASE, secs(60));
    rig.advance(secs(30));
    let actions = wake(&mut rig, HOUR, false);
    assert_eq!((dropped(&actions), rig.told().mode), (Some(DropReason::Expired), Mode::Fresh));
    let mut counted = with_session(BASE, secs(60));
    counted.advance(secs(30));
    let actions = counted.event(Event::HostResumed { gap: secs(20), counted: true });
    assert_eq!((dropped(&actions), counted.told().mode), (None, Mode::Resume), "the clock says what is over");

    // What the server asked to wait for.
    let mut rig = Harness::started(BASE);
    rig.refuse(503, Some(secs(240)));
    assert_eq!(rig.due(), Some((secs(240), WaitReason::RetryAfter)));
    wake(&mut rig, secs(100), false);
    assert_eq!(rig.due(), Some((secs(140), WaitReason::RetryAfter)));
    assert_eq!(opens(&wake(&mut rig, secs(140), false)), 1);
    let mut rig = Harness::started(BASE);
    rig.refuse(503, Some(secs(240)));
    rig.event(Event::HostResumed { gap: secs(200), counted: true });
    assert_eq!(rig.due(), Some((secs(240), WaitReason::RetryAfter)), "that is in the clock already");

    // The breaker.
    let breaker = breaker::Config::new(1, secs(600)).build_const();
    let mut rig = Harness::failed_times(BASE.to_builder().breaker(Some(breaker)).build_const(), 1);
    assert_eq!(rig.due(), Some((secs(600), WaitReason::Breaker)));
    wake(&mut rig, secs(200), false);
    assert_eq!(rig.due(), Some((secs(400), WaitReason::Breaker)));
    assert_eq!(opens(&wake(&mut rig, HOUR, false)), 1);

    // A credential, and the age of the connection.
    let credential = CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const();
    let mut rig = Harness::started(BASE.to_builder().credential(credential).build_const());
    rig.event(Event::CredentialOk { request: None, ttl: Some(HOUR) });
    rig.establish();
    rig.advance(secs(20));
    wake(&mut rig, ms(5), false);
    assert_eq!(rig.due(), Some((HOUR - secs(20) - ms(5), WaitReason::CredentialLead)));
    let mut rig = Harness::online(BASE.to_builder().max_age(Some(HOUR), secs(0)).build_const());
    rig.advance(secs(20));
    wake(&mut rig, ms(5), false);
    assert_eq!(rig.due(), Some((HOUR - secs(20) - ms(5), WaitReason::MaxAge)));
}

/// Report 72 (VoltiusApp/voltius#283, SignalR/SignalR#4005): the time offline used up the window for reconnecting, and the
/// first failed try after the network's return was the last. Time in which nothing could be tried does not count.
#[test]
fn report_72_time_offline_uses_nothing_up() {
    let mut rig = Harness::online(BASE.to_builder().max_elapsed(Some(secs(900))).build_const());
    rig.advance(secs(60));
    rig.close(Cause::Io(IoKind::NetworkDown));
    rig.advance(ms(100));
    rig.event(Event::NetworkDown);
    assert_eq!(rig.phase(), Phase::Parked);
    rig.advance(secs(4_000));
    dial(&mut rig, Event::NetworkUp);
    let back = rig.now;
    rig.advance(ms(20));
    assert_eq!(gave_up(&rig.fail(NO_NAME)), None);
    // The window is the 900 s in which it could try.
    let last = loop {
        rig.redial();
        rig.advance(ms(20));
        if let Some(last) = gave_up(&rig.fail(NO_NAME)) {
            break last;
        }
    };
    assert_eq!(last, (GiveUp::MaxElapsed, NO_NAME));
    let tried = rig.now.saturating_duration_since(back);
    assert!((secs(860)..=secs(900)).contains(&tried), "{tried:?}");
}

/// Report 73, from 72: a night in a hidden tab looked like a recovery of eight hours. What counts is the time in which
/// something could be tried.
#[test]
fn report_73_a_night_in_a_hidden_tab_is_no_slow_recovery() {
    const WATCHED: HealthConfig = HealthConfig::DEFAULT;
    let mut health = Health::new();
    let mut rig = Harness::online(BASE);
    health.attempt_succeeded(&WATCHED, rig.now);
    rig.advance(secs(60));
    rig.event(Event::Hidden);
    health.paused(rig.now);
    rig.lose();
    health.lost(rig.now);
    assert_eq!((rig.phase(), rig.told().waiting_for), (Phase::Parked, Some(WaitReason::Hidden)));
    assert!(rig.advance(secs(8 * 3_600)).is_empty(), "nothing was tried");
    dial(&mut rig, Event::Visible);
    health.unpaused(rig.now);
    rig.advance(ms(110));
    rig.establish();
    health.attempt_succeeded(&WATCHED, rig.now);
    let seen = health.report(&WATCHED, rig.now);
    assert_eq!((seen.recoveries.count, seen.recoveries.max), (1, ms(110)));
    assert_eq!((seen.alerts.any(), seen.status), (false, HealthStatus::Ok));
}

/// How long after `fact` the connection was kept, with so many seeds.
fn kept(config: Config, seeds: u64, fact: impl Fn(&mut Harness)) -> Vec<Duration> {
    (0..seeds)
        .map(|seed| {
            let mut rig = Harness::seeded(config, seed);
            rig.start();
            rig.establish();
            rig.advance(secs(20));
            let begun: Instant = rig.now;
            fact(&mut rig);
            assert_eq!(rig.phase(), Phase::Online, "it is kept");
            while rig.phase() == Phase::Online {
                rig.now = rig.policy.poll_timeout().expect("it is not kept for ever");
                rig.tick();
            }
            let kept = rig.now.saturating_duration_since(begun);
            assert_eq!(opens(&rig.advance(secs(0))), 1, "dialled at once");
            assert_eq!((rig.told().failures, rig.policy.stats().losses), (0, 0), "no failure");
            kept
        })
        .collect()
}

/// Report 50 (slackapi/bolt-js#1061, slackapi/node-slack-sdk#2254): the server warns 10 s ahead, and the socket was left at
/// the warning, or only found out at the cut. It is kept until a time drawn in the first half of the warning, and then
/// replaced. With a handover the second socket is open before the first ends.
#[test]
fn report_50_a_warned_connection_is_kept_at_first() {
    let config = BASE.to_builder().resume(ResumeConfig::DISABLED).build_const();
    let mut kept = kept(config, 40, |rig| {
        let epoch = rig.epoch();
        rig.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(10)) });
        // A second warning does not put it off.
        rig.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(1_000)) });
    });
    assert!(kept.iter().all(|kept| *kept <= secs(5)), "{kept:?}");
    kept.sort_unstable();
    kept.dedup();
    assert!(kept.len() > 35 && kept[0] < secs(1) && kept[kept.len() - 1] > secs(4), "drawn: {kept:?}");
}

/// Report 98 (redis/go-redis#3666, envoyproxy/envoy#45101): connections of one age ended together, and their owners dialled
/// together. A connection is replaced before its greatest age, earlier by a time of its own.
#[test]
fn report_98_an_age_with_a_spread() {
    let config = BASE.to_builder().max_age(Some(secs(600)), secs(60)).build_const();
    let mut kept = kept(config, 40, |_| {});
    // They were 20 s old.
    assert!(kept.iter().all(|kept| (secs(520)..=secs(580)).contains(kept)), "{kept:?}");
    kept.sort_unstable();
    kept.dedup();
    assert!(kept.len() > 35 && kept[0] < secs(530) && kept[kept.len() - 1] > secs(570), "drawn: {kept:?}");
}

/// Report 97 (oliver-zehentleitner/unicorn-binance-websocket-api#15): the server cuts every stream after 24 hours, and what
/// came between the cut and the new stream was lost. The connection is replaced in good time, at a moment of its own, and
/// the subscriptions are sent again. With a handover the new stream is there before the old one goes.
#[test]
fn report_97_a_stream_is_replaced_before_the_servers_limit() {
    let (limit, lead) = (24 * HOUR, secs(600));
    let config =
        BASE.to_builder().resume(ResumeConfig::DISABLED).max_age(Some(limit - lead), lead).build_const();
    let mut rig = Harness::new(config);
    rig.subscribe("btcusdt@trade");
    rig.start();
    rig.establish();
    let begun = rig.now;
    while rig.opens() == 1 {
        rig.now = rig.policy.poll_timeout().expect("an age");
        rig.tick();
    }
    let held = rig.now.saturating_duration_since(begun);
    assert!((limit - 2 * lead..=limit - lead).contains(&held), "{held:?}");
    assert_eq!((rig.policy.stats().losses, rig.told().attempt), (0, 1));
    assert_eq!((restores(&rig.establish()), rig.batch()), (1, vec!["btcusdt@trade"]));
    // And by the user, who knows of a better moment.
    let actions = rig.event(Event::Redial);
    assert!(keeps_session(&actions), "{actions:?}");
    rig.advance(secs(1));
    assert_eq!((restores(&rig.establish()), rig.opens()), (1, 3));
}

/// Report 11, with a server that says its time again: only the newest time to live counts.
#[test]
fn report_11_a_session_told_again_is_aged_from_then() {
    let mut rig = with_session(BASE, secs(60));
    rig.advance(secs(30));
    keep(&mut rig, "s2", secs(7_200));
    let actions = wake(&mut rig, HOUR, false);
    assert_eq!((dropped(&actions), rig.told().mode), (None, Mode::Resume));
}
