//! Sessions: how long the server keeps them, what they are resumed with, and when they are forgotten.

use redial::heartbeat::HeartbeatConfig;
use redial::policy::{DropReason, Endpoint, Establish, ResumeConfig, WaitReason};
use redial::time::Widened;
use redial::{Event, Mode, Phase, presets};

use super::{BASE, dial, hear, keep, with_session};
use crate::harness::*;

fn token(rig: &Harness) -> Option<&'static str> {
    rig.policy.session().token().copied()
}

/// Report 09 (apache/zookeeper#2058, apache/curator#925, #1144): while the client could reach nobody its session died, and
/// the application was told only by the next server, minutes or days later. It is told when the time to live is over.
#[test]
fn report_09_a_session_that_ends_is_told_in_every_phase() {
    let lost = || {
        let mut rig = with_session(BASE, secs(15));
        rig.advance(secs(19));
        hear(&mut rig);
        rig.advance(secs(1));
        rig.lose();
        rig
    };
    // Parked.
    let mut rig = lost();
    rig.event(Event::NetworkDown);
    assert_eq!((rig.phase(), rig.due()), (Phase::Parked, Some((secs(14), WaitReason::SessionExpiry))));
    assert_eq!(dropped(&rig.advance(secs(14) - ms(1))), None);
    assert_eq!(dropped(&rig.advance(ms(1))), Some(DropReason::Expired));
    assert_eq!((token(&rig), rig.phase(), rig.due()), (None, Phase::Parked, None));
    rig.advance(secs(86_400));
    let (mode, ..) = dial(&mut rig, Event::NetworkUp);
    assert_eq!(mode, Mode::Fresh);
    // In a wait, with the next dials refused.
    let mut rig = lost();
    for _ in 0..3 {
        rig.redial();
        rig.fail(REFUSED);
    }
    assert_eq!(
        rig.due(),
        Some((secs(7) - ms(3), WaitReason::SessionExpiry)),
        "each dial took 1 ms; the wait has 8 s"
    );
    assert_eq!(dropped(&rig.advance(secs(7) - ms(3))), Some(DropReason::Expired));
    assert_eq!(rig.phase(), Phase::Waiting);
    // During a dial, before anything was sent: this dial goes on, as a fresh start.
    let mut rig = lost();
    rig.redial();
    rig.advance(secs(5));
    rig.fail(REFUSED);
    rig.redial();
    assert_eq!(rig.due(), Some((secs(6), WaitReason::SessionExpiry)));
    assert_eq!(dropped(&rig.advance(secs(6))), Some(DropReason::Expired));
    let actions = rig.opened();
    assert!(sent_fresh(&actions) && !sent_resume(&actions), "{actions:?}");
    // Stopped, to be resumed later.
    let mut rig = with_session(BASE, secs(15));
    rig.stop(true);
    assert_eq!(rig.due(), Some((secs(15), WaitReason::SessionExpiry)));
    assert_eq!(dropped(&rig.advance(secs(15))), Some(DropReason::Expired));
    // Silent for longer than that when the user ends the connection: it has ended in that call.
    for event in [Event::Redial, Event::Stop { keep: true }, Event::NetworkChanged] {
        let mut rig = with_session(BASE, secs(15));
        rig.advance(secs(16));
        let actions = rig.event(event);
        assert_eq!((dropped(&actions), token(&rig)), (Some(DropReason::Expired), None), "{actions:?}");
        assert!(rig.due().is_none_or(|(_, reason)| reason != WaitReason::SessionExpiry));
    }
    let mut rig = with_session(BASE, secs(15));
    rig.advance(secs(16));
    assert_eq!(dropped(&rig.stop(false)), Some(DropReason::Stop));
}

/// Report 09, where the session has an endpoint of its own. F62: a fresh start goes to the base, so that such a dial is begun anew,
/// and whoever counts fresh starts sees one.
#[test]
fn report_09_a_dial_to_the_endpoint_of_a_session_ends_with_it() {
    let mut rig = Harness::started(BASE);
    rig.opened();
    let epoch = rig.epoch();
    let (token, endpoint, ttl) = (Some("s1"), Some("its own"), Some(secs(15)));
    rig.event(Event::Ready { epoch, token, endpoint, sequence: None, ttl });
    rig.advance(secs(12));
    rig.lose();
    let (mode, endpoint, attempt) = open(&rig.advance(secs(1))).expect("a dial");
    assert_eq!((mode, endpoint), (Mode::Resume, Endpoint::Session));
    assert_eq!(rig.due(), Some((secs(2), WaitReason::SessionExpiry)));
    let actions = rig.advance(secs(2));
    assert_eq!(dropped(&actions), Some(DropReason::Expired));
    let again = open(&actions).or_else(|| open(&rig.advance(secs(1)))).expect("a dial");
    assert_eq!(again, (Mode::Fresh, Endpoint::Base, attempt), "the one before is not counted");
    assert!(sent_fresh(&rig.opened()));
}

/// Report 10 (apache/curator#980, etcd-io/etcd#19091): the time for which a server keeps a session was counted from the
/// moment at which the loss was noticed, and there were two leaders. It counts from the last thing heard.
#[test]
fn report_10_the_time_to_live_counts_from_the_last_thing_heard() {
    let heartbeat = HeartbeatConfig::new().first_jitter(false).interval(secs(30)).build_const();
    let silent = |ttl| {
        let mut rig = with_session(BASE.to_builder().heartbeat(heartbeat).build_const(), secs(ttl));
        assert_eq!(beats(&rig.advance(secs(30))), 1);
        rig.ack();
        assert_eq!(beats(&rig.advance(secs(30))), 1);
        let actions = rig.advance(secs(30));
        assert!(keeps_session(&actions), "the silence is noticed after 60 s");
        (rig, actions)
    };
    let (rig, actions) = silent(40);
    assert_eq!((dropped(&actions), rig.told().mode), (Some(DropReason::Expired), Mode::Fresh));
    let (mut rig, actions) = silent(75);
    assert_eq!((dropped(&actions), rig.told().mode), (None, Mode::Resume));
    rig.event(Event::NetworkDown);
    assert_eq!(rig.due(), Some((secs(15), WaitReason::SessionExpiry)));
    // While the connection is up nothing runs out.
    let mut rig = with_session(BASE, secs(40));
    assert_eq!(rig.advance(secs(86_400)), []);
    hear(&mut rig);
    rig.lose();
    assert_eq!((token(&rig), rig.told().mode), (Some("s1"), Mode::Resume));
}

/// Report 17 (horazont/aioxmpp#62): a stanza counter of 32 bits must wrap to 0, and the client went on above it or stood
/// still. Widened, it only grows; what the resume carries is its lower half.
#[test]
fn report_17_a_counter_of_32_bits_wraps() {
    let mut rig = Harness::started(BASE);
    rig.opened();
    let mut counter = Widened::new();
    let begin = counter.widen(u32::MAX - 5);
    rig.ready_as(Some("sm1"), None, Some(begin));
    for raw in [u32::MAX, 0, 3] {
        rig.sequence(counter.widen(raw));
        assert_eq!(rig.policy.session().sequence().map(|mark| mark as u32), Some(raw));
    }
    // A late copy of an older one moves nothing.
    rig.sequence(counter.widen(u32::MAX));
    rig.advance(secs(20));
    rig.lose();
    rig.redial();
    assert!(sent_resume(&rig.opened()));
    assert_eq!(rig.policy.session().sequence(), Some((1 << 32) + 3));
}

/// Report 22 (EventSource/eventsource#27, modelcontextprotocol/kotlin-sdk#590): the event id of the first connection was
/// sent forever, and the server's `retry:` was ignored. The newest id is what is resumed from, and `retry:` is the first
/// wait.
#[test]
fn report_22_the_newest_event_id_and_the_servers_wait() {
    let mut rig = Harness::started(BASE.to_builder().establish(Establish::OnOpen).build_const());
    rig.opened();
    let cursor = |rig: &mut Harness, token| {
        let epoch = rig.epoch();
        rig.event(Event::Cursor { epoch, token });
    };
    for id in ["evt-A", "evt-B"] {
        cursor(&mut rig, id);
    }
    rig.event(Event::BackoffHint { base: secs(3) });
    for id in ["evt-C", "evt-D"] {
        rig.advance(secs(20));
        rig.lose();
        assert_eq!(rig.redial(), secs(3));
        assert!(sent_resume(&rig.opened()));
        assert_ne!(token(&rig), Some(id));
        cursor(&mut rig, id);
        assert_eq!(token(&rig), Some(id));
    }
    // A server that hands out one event for each connection refuses nothing.
    for _ in 0..5 {
        assert_eq!(dropped(&rig.lose()), None);
        rig.redial();
        assert!(sent_resume(&rig.opened()));
        cursor(&mut rig, "evt-E");
    }
    rig.advance(secs(20));
    // It backs off from there, and ends with a stop.
    rig.lose();
    for wait in [3, 6, 12] {
        assert_eq!(rig.redial(), secs(wait));
        rig.fail(REFUSED);
    }
    rig.stop(false);
    rig.start();
    rig.fail(REFUSED);
    assert_eq!((rig.waits(), token(&rig)), (secs(1), None));
}

/// Report 25b, found beside 25: the preset of Kubernetes' reflector had Discord's wait of 1 to 5 s after a session that is
/// refused, a message that the protocol does not have. It waits as after any loss.
#[test]
fn report_25b_a_protocol_without_invalid_sessions_has_no_wait_for_them() {
    for seed in 0..40 {
        let mut rig = Harness::seeded(presets::K8S_REFLECTOR, seed);
        rig.start();
        rig.establish();
        rig.advance(secs(180));
        assert_eq!(dropped(&rig.invalid(false)), Some(DropReason::Invalid));
        let (wait, reason) = rig.due().expect("a wait");
        assert_eq!(reason, WaitReason::Backoff);
        assert!((ms(800)..=ms(1_600)).contains(&wait), "{wait:?}");
    }
}

/// Report 69, from 22: an opaque cursor, told on its own or by a second `Ready`, must not cost the session its endpoint and
/// its time to live.
#[test]
fn report_69_a_cursor_costs_neither_endpoint_nor_time_to_live() {
    let told = |news: fn(&mut Harness)| {
        let mut rig = Harness::started(BASE);
        rig.opened();
        let epoch = rig.epoch();
        let ttl = Some(secs(60));
        rig.event(Event::Ready { epoch, token: Some("x"), endpoint: Some("node7"), sequence: Some(7), ttl });
        rig.advance(secs(5));
        news(&mut rig);
        assert_eq!((token(&rig), rig.policy.session().endpoint()), (Some("x2"), Some(&"node7")));
        rig.advance(secs(15));
        rig.lose();
        rig.event(Event::NetworkDown);
        assert_eq!(rig.due(), Some((secs(45), WaitReason::SessionExpiry)), "60 s from the news on");
        rig.advance(secs(1));
        let (mode, endpoint, _) = dial(&mut rig, Event::NetworkUp);
        assert_eq!((mode, endpoint), (Mode::Resume, Endpoint::Session));
        rig
    };
    let rig = told(|rig| {
        let epoch = rig.epoch();
        rig.event(Event::Cursor { epoch, token: "x2" });
    });
    assert_eq!(rig.policy.session().sequence(), Some(7), "nothing but the id");
    let rig = told(|rig| {
        rig.ready_as(Some("x2"), None, None);
    });
    assert_eq!(rig.policy.session().sequence(), None, "another id has no sequence yet");
}

/// Report 70 (kubernetes/kubernetes#107457): the store was restored from a backup and its versions went back, and a client
/// that kept the higher one heard nothing any more. What a new `Ready` says counts.
#[test]
fn report_70_a_store_from_a_backup_counts_lower() {
    for id in ["token", "B"] {
        let mut rig = Harness::started(BASE);
        rig.opened();
        rig.ready_as(Some("token"), None, Some(0));
        rig.sequence(20);
        rig.advance(secs(5));
        rig.ready_as(Some(id), None, Some(0));
        assert_eq!(rig.policy.session().sequence(), Some(0), "of the session {id}");
        rig.sequence(3);
        rig.advance(secs(15));
        rig.lose();
        rig.redial();
        assert!(sent_resume(&rig.opened()));
        assert_eq!((token(&rig), rig.policy.session().sequence()), (Some(id), Some(3)));
    }
}

/// Report 96, from 22: established on opening, a session with a time to live, and a protocol in which nobody confirms a
/// resume: the session was taken for expired while its connection was up. What is heard there keeps it, and a connection
/// that held is no failed resume.
#[test]
fn report_96_nobody_confirms_the_resume() {
    for failures in [1, 3] {
        let resume = ResumeConfig::new().failures_max(failures).build_const();
        let mut rig =
            Harness::started(BASE.to_builder().establish(Establish::OnOpen).resume(resume).build_const());
        rig.opened();
        keep(&mut rig, "s", secs(120));
        rig.advance(secs(60));
        rig.lose();
        for _ in 0..5 {
            rig.redial();
            assert!(sent_resume(&rig.opened()));
            assert_eq!(rig.phase(), Phase::Online);
            let actions = rig.advance(secs(3_600));
            assert_eq!((dropped(&actions), token(&rig)), (None, Some("s")), "nobody says \"resumed\"");
            hear(&mut rig);
            rig.advance(secs(100));
            assert_eq!(dropped(&rig.lose()), None, "heard 100 s ago");
        }
        // And of a connection on which nothing was heard: it ended 120 s after the last sign of life.
        let mut silent = rig.clone();
        silent.now = rig.now;
        silent.redial();
        silent.opened();
        silent.advance(secs(60));
        assert_eq!(dropped(&silent.lose()), Some(DropReason::Expired));
        // One that closes at once on every resume refuses it; one that holds in between resets the count.
        for _ in 1..failures {
            rig.redial();
            rig.opened();
            assert_eq!(dropped(&rig.code(1011)), None);
        }
        rig.redial();
        rig.opened();
        rig.advance(secs(10));
        rig.code(1011);
        for nth in 1..=failures {
            rig.redial();
            rig.opened();
            hear(&mut rig);
            let refused = (nth == failures).then_some(DropReason::ResumeFailed);
            assert_eq!(dropped(&rig.code(1011)), refused, "resume {nth} of {failures}");
        }
    }
}
