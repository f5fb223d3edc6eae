//! A connection that is replaced while it serves: two transports at most, and nothing of what was under way is lost.

use core::time::Duration;
use std::prelude::v1::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec;

use super::driving::join3;
use crate::driver::{CLOSE_TIMEOUT, Command, Outcome, SendError};
use crate::handover::Config as Handover;
use crate::testing::Writes;
use crate::{Cause, Config, Event, Phase};

use super::duties::{BACKOFF, HEARTBEATS, LONG, assert_after};
use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, numbered, ready, refused};

pub(super) const DRAIN: Handover = Handover::new().drain(ms(5_000)).build_const();

fn messages_on(lab: &Lab, epoch: u32) -> Vec<u32> {
    let message = |sent| match sent {
        Command::Message(number) => Some(number),
        _ => None,
    };
    lab.sent_on(epoch).into_iter().filter_map(message).collect()
}

async fn until_closed(lab: &Lab, epoch: u32) {
    lab.server.until(|log| log.closes.iter().any(|close| close.epoch.get() == epoch)).await;
}

/// What is not written yet goes out on the promoted transport, in order and once. A peer that takes nothing of the write that is
/// under way on the old one holds up nobody, and not for longer than a close.
pub(super) async fn unsent_messages_go_out_on_the_successor(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![Answer::accept([]).with_writes(Writes::block_at(1))]);
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let first = handle.try_send(1).unwrap();
        lab.sleep(ms(20)).await;
        let (second, third) = (handle.send(2), handle.send(3));
        handle.unsubscribe("nothing".into());
        handle.redial();
        let promoted = lab.now();
        let (second, third, ()) = join3(second, third, lab.sleep(ms(20))).await;
        assert_eq!((second, third), (Ok(()), Ok(())));
        assert_eq!(first.await, Err(SendError::InDoubt));
        assert_after(promoted, lab.now(), CLOSE_TIMEOUT, slack);
        assert_eq!(lab.alive(), 1);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((messages_on(&lab, 1), messages_on(&lab, 2)), (vec![], vec![2, 3]));
    assert_eq!(driver.policy().handover_stats().handovers, 1);
    assert_eq!(lab.server.most_alive(), 2);
}

/// A write that is under way on the old connection ends before that is closed, and its sender learns so.
pub(super) async fn a_write_under_way_ends_before_the_close(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        lab.clone().set(|set| set.set_writes(Writes::slow(ms(200))));
        // The resume takes 200 ms as well, and this begins later.
        lab.until_dialled(2).await;
        lab.sleep(ms(100)).await;
        let first = handle.try_send(1).unwrap();
        lab.sleep(ms(50)).await;
        let second = handle.try_send(2).unwrap();
        assert_eq!((first.await, second.await), (Ok(()), Ok(())));
        until_closed(&lab, 1).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((messages_on(&lab, 1), messages_on(&lab, 2)), (vec![1], vec![2]));
    assert_eq!((lab.closed(), lab.closed_on()), (vec![4000, 1000], vec![1, 2]));
}

/// A subscription that was given up and not yet told to the server is given up on the promoted transport, which has the session.
pub(super) async fn what_was_given_up_is_given_up_on_the_successor(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let handle = driver.handle();
    handle.subscribe("a".into(), 0);
    let script = async {
        lab.until_sent(2).await;
        lab.sleep(ms(20)).await;
        // The third command, a message, is never taken, and what is behind it waits.
        lab.block_writes(1, 2);
        let _stuck = handle.try_send(1).unwrap();
        lab.sleep(ms(20)).await;
        handle.unsubscribe("a".into());
        handle.redial();
        lab.until_dialled(2).await;
        lab.until_sent(4).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let sent = lab.sent_on(2);
    assert!(matches!(&sent[..], [Command::Resume(_), Command::Unsubscribe(key)] if key == "a"), "{sent:?}");
}

/// Successors that fail are dialled again while the connection serves; it reads, writes and sends heartbeats.
pub(super) async fn a_failing_successor_disturbs_nothing(rt: Host, slack: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let mut first = vec![Say::events(vec![ready])];
    first.extend((0..10).flat_map(|number| [Say::wait(ms(10)), Say::message(number)]));
    let lost = Answer::accept(vec![Say::end(Cause::NoCloseFrame)]);
    let lab = Lab::new(rt, vec![Answer::accept(first), refused(), lost, refused()]);
    let mut driver = lab.handover(&CONFIG, Handover::DEFAULT);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        for number in 0..10 {
            assert_eq!(messages.recv().await, Some(number));
            assert_eq!(handle.send(number).await, Ok(()));
        }
        until_closed(&lab, 1).await;
        assert_eq!(handle.explain().await.unwrap().phase, Phase::Online);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_eq!(dials.len(), 5);
    for (pair, wait) in dials[1..].windows(2).zip([40, 80, 160]) {
        assert_after(pair[0], pair[1], ms(wait), slack);
    }
    let stats = driver.policy().stats();
    assert_eq!((stats.losses, stats.zombies, stats.heartbeats_missed), (0, 0, 0));
    assert!(lab.phases().iter().skip(8).all(|phase| *phase != Phase::Waiting));
    assert_eq!(messages_on(&lab, 1).len() + messages_on(&lab, 5).len(), 10);
}

/// The server cuts before the successor is ready: that is the attempt of the outage, and nothing else is dialled.
pub(super) async fn a_successor_too_slow_for_the_deadline_is_the_attempt(rt: Host, _: Duration) {
    let warning: fn(_) -> Fact =
        |epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(ms(200)) };
    let first = vec![
        Say::events(vec![ready, warning]),
        Say::wait(ms(200)),
        Say::message(1),
        Say::end(Cause::CloseFrame(1012)),
    ];
    // What it receives before the other one ends, and before it is ready.
    let resumed: fn(_) -> Fact = |epoch| Event::Resumed { epoch };
    let second = vec![numbered(2), Say::wait(ms(400)), numbered(3), Say::events(vec![resumed])];
    let lab =
        Lab::new(rt, vec![Answer::accept(first), Answer::accept(second)]).set(|set| set.set_answering(false));
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        for number in 1..=3 {
            assert_eq!(messages.recv().await, Some(number));
            if number == 2 {
                assert_ne!(handle.explain().await.unwrap().phase, Phase::Online);
            }
        }
        handle.online().await.unwrap();
        assert_eq!(handle.send(4).await, Ok(()));
        // While it runs, too.
        let counted = handle.handover_stats().await.unwrap();
        assert_eq!((counted.handovers, counted.handovers_failed), (0, 1));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((lab.dials().len(), lab.server.most_alive()), (2, 2));
    assert_eq!(messages_on(&lab, 2), [4]);
    let stats = driver.policy().handover_stats();
    assert_eq!((stats.handovers, stats.handovers_failed), (0, 1));
}

/// The connection ends while its successor waits for its dial: an ordinary loss.
pub(super) async fn a_connection_that_ends_while_its_successor_waits_is_lost(rt: Host, slack: Duration) {
    let first = vec![Say::events(vec![ready]), Say::wait(ms(100)), Say::end(Cause::NoCloseFrame)];
    let lab = Lab::new(rt, vec![Answer::accept(first), refused()]);
    static CONFIG: Config = Config::new(crate::BackoffConfig::constant(ms(200)).build_const()).build_const();
    let mut driver = lab.handover(&CONFIG, Handover::DEFAULT);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        lab.until_dialled(3).await;
        handle.online().await.unwrap();
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_after(dials[0], dials[2], ms(300), slack);
    assert_eq!((dials.len(), driver.policy().stats().losses), (3, 1));
}

/// While the old connection drains its messages still come, heartbeats that it asks for are sent, and it ends by a word of the
/// application or after its time.
pub(super) async fn a_draining_connection_is_heard_to_its_end(rt: Host, slack: Duration) {
    let asked: fn(_) -> Fact = |epoch| Event::HeartbeatRequested { epoch };
    let first = || {
        let mut first = vec![Say::events(vec![ready]), Say::wait(ms(100)), Say::events(vec![asked])];
        first.extend((0..5).flat_map(|number| [Say::wait(ms(10)), Say::message(number)]));
        vec![Answer::accept(first)]
    };
    let lab = Lab::new(rt, first());
    let mut driver = lab.handover(&BACKOFF, DRAIN);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        assert!(handle.drained(), "nothing drains, and nothing happens");
        handle.redial();
        for number in 0..5 {
            assert_eq!(messages.recv().await, Some(number));
        }
        assert_eq!(handle.send(6).await, Ok(()));
        assert_eq!((lab.alive(), lab.closed().len()), (2, 0));
        handle.drained();
        until_closed(&lab, 1).await;
        // The same again, with the next two.
        handle.redial();
        lab.until_sent(5).await;
        lab.sleep(ms(20)).await;
        assert_eq!((lab.alive(), lab.closed().len()), (2, 1));
        let said = lab.now();
        handle.drained();
        until_closed(&lab, 2).await;
        assert_after(said, lab.now(), ms(0), slack);
        assert_eq!(handle.send(7).await, Ok(()));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert!(matches!(&lab.sent_on(1)[..], [Command::Identify, Command::Heartbeat { .. }]));
    assert_eq!((messages_on(&lab, 2), messages_on(&lab, 3)), (vec![6], vec![7]));
    assert_eq!(lab.closed(), [4000, 4000, 1000]);

    static SHORT: Handover = Handover::new().drain(ms(300)).build_const();
    let lab = Lab::new(lab.host.clone(), first());
    let mut driver = lab.handover(&LONG, SHORT);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let begun = lab.now();
        handle.redial();
        lab.sleep(ms(30)).await;
        // What the connection does not take is not written on the one that drains.
        lab.block_writes(2, 1);
        let _waiting = (handle.try_send(8).unwrap(), handle.try_send(9).unwrap());
        until_closed(&lab, 1).await;
        assert_after(begun, lab.now(), ms(300), slack);
        assert!(messages_on(&lab, 1).is_empty());
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// A stop in the middle closes both, and each close is begun.
pub(super) async fn a_stop_in_the_middle_closes_both(rt: Host, slack: Duration) {
    for drains in [false, true] {
        // Without an answer the second is never ready.
        let dials = vec![Answer::accept(vec![Say::events(vec![ready])])];
        let lab = Lab::new(rt.clone(), dials).set(|set| {
            set.set_answering(drains);
            set.set_closes_hang(true);
        });
        let mut driver = lab.handover(&LONG, DRAIN);
        let handle = driver.handle();
        let mut begun = lab.now();
        let script = async {
            handle.online().await.unwrap();
            handle.redial();
            lab.until_sent(2).await;
            lab.sleep(ms(20)).await;
            assert_eq!(lab.alive(), 2);
            begun = lab.now();
            handle.stop();
        };
        assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
        assert_after(begun, lab.now(), CLOSE_TIMEOUT, slack);
        assert_eq!(lab.closed_on(), [1, 2]);
    }
}

/// Dropping the run drops both; the next run resumes.
pub(super) async fn a_dropped_run_leaves_neither(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![Answer::accept(vec![]), Answer::hang()]);
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        lab.sleep(ms(50)).await;
        assert_eq!(lab.alive(), 2);
    };
    assert_eq!(lab.drive_for(driver.run(), ms(200), script).await, None);
    assert_eq!(lab.alive(), 0);
    let script = async {
        lab.until_sent(2).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let sent: Vec<_> = lab.sent();
    assert!(matches!(&sent[..], [Command::Identify, Command::Resume(_)]), "{sent:?}");
}

/// A successor that floods before it is ready is read no further than the buffer allows, and nothing of it is lost.
pub(super) async fn a_successor_that_floods_is_paused(rt: Host, _: Duration) {
    let resumed: fn(_) -> Fact = |epoch| Event::Resumed { epoch };
    let mut second: Vec<_> = (2..7).map(numbered).collect();
    second.extend([Say::events(vec![resumed])]);
    second.extend((7..100).map(numbered));
    let first = || Answer::accept(vec![Say::events(vec![ready])]);
    let lab = Lab::new(rt, vec![first(), Answer::accept(second)]).set(|set| set.set_answering(false));
    let mut driver = lab.handover(&LONG, Handover::DEFAULT).with_message_buffer(8);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        until_closed(&lab, 1).await;
        lab.sleep(ms(20)).await;
        assert!(messages.waiting() < 16, "{} wait", messages.waiting());
        for number in 2..100 {
            assert_eq!(messages.recv().await, Some(number));
        }
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.policy().session().sequence(), Some(99));

    // More than fits before it is ready: it is never heard to be, and its hold goes with it.
    let read = Arc::new(AtomicU32::new(0));
    let second = (2..200).map({
        let read = read.clone();
        move |number| {
            read.fetch_add(1, Ordering::SeqCst);
            numbered(number)
        }
    });
    let third = vec![numbered(2), Say::events(vec![resumed])];
    let lab = Lab::new(lab.host.clone(), vec![first(), Answer::accept(second), Answer::accept(third)])
        .set(|set| set.set_answering(false));
    static SHORT: Handover = Handover::new().timeout(ms(100)).build_const();
    let mut driver = lab.handover(&BACKOFF, SHORT).with_message_buffer(8);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        until_closed(&lab, 2).await;
        assert_eq!(read.load(Ordering::SeqCst), 16, "as many as twice the buffer");
        assert_eq!(messages.recv().await, Some(2));
        until_closed(&lab, 1).await;
        assert_eq!(messages.waiting(), 0);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// Those who watch see the other transport, and never that there is none.
pub(super) async fn a_handover_is_seen_as_one_transition(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let handle = driver.handle();
    let mut changes = handle.changes();
    let script = async {
        handle.online().await.unwrap();
        let first = loop {
            let change = changes.recv().await.unwrap();
            if change.phase == Phase::Online {
                break change.epoch;
            }
        };
        handle.redial();
        let change = loop {
            let change = changes.recv().await.unwrap();
            assert_eq!(change.phase, Phase::Online);
            if change.epoch != first {
                break change;
            }
        };
        assert_eq!(change.epoch.map(crate::Epoch::get), Some(2));
        handle.online().await.unwrap();
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// Whatever comes in whatever order: never three transports.
pub(super) async fn never_three_transports(rt: Host, _: Duration) {
    let asked: fn(_) -> Fact = |epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: None };
    let warned: fn(_) -> Fact =
        |epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(ms(4)) };
    let dials = (0..300).map(|round| match round % 6 {
        0 => refused(),
        1 => Answer::accept(vec![Say::wait(ms(3)), Say::events(vec![asked])]),
        2 => Answer::accept(vec![Say::events(vec![ready]), Say::end(Cause::CloseFrame(1006))]),
        3 => Answer::accept(vec![
            Say::events(vec![ready, warned]),
            Say::wait(ms(4)),
            Say::end(Cause::NoCloseFrame),
        ]),
        4 => Answer::hang(),
        _ => Answer::accept(vec![]),
    });
    static CONFIG: Config = Config::new(crate::BackoffConfig::constant(ms(2)).build_const())
        .connect_timeout(ms(5))
        .network(crate::policy::OnNetworkDown::Drop, Duration::ZERO)
        .build_const();
    let lab = Lab::new(rt, dials.collect()).set(|set| set.set_closes_hang(true));
    let mut driver = lab.handover(&CONFIG, Handover::new().drain(ms(3)).build_const());
    let handle = driver.handle();
    let mut random = 1_u32;
    let script = async {
        for number in 0..1_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let _ = match random >> 28 {
                0..=1 => handle.redial(),
                2 => handle.retry_now(),
                3 => handle.network_down(),
                4..=6 => handle.network_up(),
                7 => handle.drained(),
                8 => handle.host_resumed(Duration::from_secs(60)),
                9 => handle.try_send(number).is_ok(),
                _ => {
                    lab.sleep(ms(3)).await;
                    true
                }
            };
        }
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert!(lab.dials().len() > 20);
    assert_eq!(lab.server.most_alive(), 2);
    assert!(driver.policy().handover_stats().handovers > 3, "{:?}", driver.policy().handover_stats());
    let mut written: Vec<_> = lab.sent();
    written.retain(|sent| matches!(sent, Command::Message(_)));
    let all = written.len();
    written.dedup();
    assert_eq!(written.len(), all, "none twice");
}
