//! A stream of numbered messages over many handovers: each once, in order, whatever becomes of the successor.

use core::time::Duration;
use std::prelude::v1::*;
use std::vec;

use crate::driver::{Outbox, Outcome, Overflow};
use crate::handover::Config as Handover;
use crate::{BackoffConfig, Config, Event, Phase};

use super::duties::LONG;
use super::handover::DRAIN;
use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, numbered, ready};
use super::station::{Station, Style};

static CONFIG: Config = Config::new(BackoffConfig::constant(ms(4)).build_const()).build_const();

/// How many handovers; fewer on a runtime that takes its time for them.
fn rounds(slack: Duration) -> u32 {
    if slack >= ms(1_000) { 3 } else { 12 }
}

/// What goes wrong in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// The first two dials are refused.
    Refusals,
    /// The successor is slower than the deadline.
    Slow,
    /// The connection is cut as soon as its successor is being dialled.
    CutFirst,
}

/// A server that warns and cuts 40 ms later, with a message each millisecond and one of the application's every fourth.
async fn stream(rt: Host, rounds: u32, style: Style, handover: Handover, fault: Fault) {
    let station = Station::new(rt, style);
    let outbox = Outbox::new().with_capacity(1_000).with_offline_queue(Overflow::Refuse);
    let mut driver = station.driver(&CONFIG, handover).with_outbox(outbox);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        let (mut expected, mut sent, mut receipts) = (1, 0, Vec::new());
        for _ in 0..rounds {
            let dials = station.dials();
            match fault {
                Fault::Refusals => station.state().refusals = 2,
                Fault::Slow => station.state().dial_takes = ms(50),
                Fault::CutFirst => station.state().dial_takes = ms(10),
                Fault::Nothing => {}
            }
            let warned = station.warn(ms(40));
            let mut cut = false;
            for step in 1..=90 {
                let now = fault == Fault::CutFirst && station.dials() > dials;
                if (now || step == 40) && !cut {
                    Station::cut(&warned);
                    cut = true;
                }
                station.publish();
                if step % 4 == 0 {
                    receipts.push(handle.try_send(sent).unwrap());
                    sent += 1;
                }
                station.sleep(ms(1)).await;
                while let Some(number) = messages.try_recv() {
                    assert_eq!(number, expected, "{style:?} {fault:?}");
                    expected += 1;
                }
                if fault == Fault::Nothing {
                    assert_eq!(handle.explain().await.unwrap().phase, Phase::Online);
                }
            }
            handle.online().await.unwrap();
        }
        while expected <= rounds * 90 {
            assert_eq!(messages.recv().await, Some(expected), "{style:?} {fault:?}");
            expected += 1;
        }
        for receipt in receipts {
            assert_eq!(receipt.await, Ok(()));
        }
        assert!(station.written().into_iter().eq(0..sent), "{:?}", station.written());
        handle.stop();
    };
    assert_eq!(station.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(messages.recv().await, None, "none twice");
    let (stats, losses) = (driver.policy().handover_stats(), driver.policy().stats().losses);
    assert_eq!(station.server.connections().len(), 0);
    assert_eq!(station.server.most_alive(), 2);
    match fault {
        Fault::Nothing => {
            assert_eq!((stats.handovers, losses, stats.gap_ms), (rounds, 0, 0));
            assert_eq!(station.dials(), 1 + rounds as usize);
        }
        Fault::Refusals => assert_eq!(station.dials(), 1 + 3 * rounds as usize),
        Fault::Slow | Fault::CutFirst => {
            // The time of each handover is drawn, and few rounds may all be lucky.
            assert!(rounds < 12 || losses > 0 && stats.gap_ms > 0, "{stats:?}");
            assert_eq!(station.dials(), 1 + rounds as usize, "the successor is the attempt");
        }
    }
}

/// A server that has one session on one socket: it moves with the resume.
pub(super) async fn nothing_is_lost_where_the_session_moves(rt: Host, slack: Duration) {
    for handover in [Handover::DEFAULT, DRAIN] {
        for fault in [Fault::Nothing, Fault::Refusals, Fault::Slow, Fault::CutFirst] {
            stream(rt.clone(), rounds(slack), Style::Moves, handover, fault).await;
        }
    }
}

/// A server that sends to both sockets: what both bring is delivered once.
pub(super) async fn nothing_comes_twice_where_both_get_everything(rt: Host, slack: Duration) {
    for handover in [Handover::DEFAULT, DRAIN] {
        for fault in [Fault::Nothing, Fault::Refusals, Fault::Slow, Fault::CutFirst] {
            stream(rt.clone(), rounds(slack), Style::Both, handover, fault).await;
        }
    }
}

/// What the old connection still says with a number, once its successor is promoted: of a session that was resumed the successor
/// has it; of one that was not, nobody else brings it.
pub(super) async fn numbers_of_a_draining_connection(rt: Host, _: Duration) {
    let resumed: fn(_) -> Fact = |epoch| Event::Resumed { epoch };
    for (answer, expected) in [(resumed, &[51, 2][..]), (ready as fn(_) -> Fact, &[50, 51, 2])] {
        let first = vec![Say::events(vec![ready]), Say::wait(ms(60)), numbered(50), Say::message(51)];
        let second = vec![Say::events(vec![answer]), Say::wait(ms(120)), numbered(2)];
        let lab = Lab::new(rt.clone(), vec![Answer::accept(first), Answer::accept(second)])
            .set(|set| set.set_answering(false));
        let mut driver = lab.handover(&LONG, DRAIN);
        let (handle, mut messages) = (driver.handle(), driver.messages());
        let script = async {
            handle.online().await.unwrap();
            handle.redial();
            for number in expected {
                assert_eq!(messages.recv().await, Some(*number));
            }
            assert_eq!(lab.alive(), 2);
            handle.stop_keeping_session();
        };
        assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
        assert_eq!(messages.recv().await, None);
        assert_eq!(driver.policy().session().sequence(), Some(2));
    }
}

/// A number goes for the messages of its receive alone: what comes later without one is delivered, though the number is not new.
pub(super) async fn what_has_no_number_is_no_repetition(rt: Host, _: Duration) {
    let resumed: fn(_) -> Fact = |epoch| Event::Resumed { epoch };
    let first = vec![Say::events(vec![ready]), numbered(5)];
    let mut second = vec![numbered(4), Say::message(100), Say::events(vec![resumed])];
    second.extend([numbered(5), Say::message(101), numbered(6), numbered(6)]);
    let lab =
        Lab::new(rt, vec![Answer::accept(first), Answer::accept(second)]).set(|set| set.set_answering(false));
    let mut driver = lab.handover(&LONG, Handover::DEFAULT);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        assert_eq!(messages.recv().await, Some(5));
        handle.redial();
        // The last one is as on any connection: the number is repeated, and the message is delivered.
        for number in [100, 101, 6, 6] {
            assert_eq!(messages.recv().await, Some(number));
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// A message whose number was taken from the old connection comes before what its successor held.
pub(super) async fn what_was_taken_comes_before_what_was_held(rt: Host, _: Duration) {
    for turns in 0..2 {
        let station = Station::new(rt.clone(), Style::Silent);
        let mut driver = station.driver(&LONG, Handover::DEFAULT);
        let (handle, mut messages) = (driver.handle(), driver.messages());
        let script = async {
            handle.online().await.unwrap();
            handle.redial();
            while !station.server.connections().get(1).is_some_and(|successor| station.serves(successor)) {
                station.sleep(ms(1)).await;
            }
            let open = station.server.connections();
            open[1].push_message(100);
            for _ in 0..turns {
                open[1].push([]);
            }
            station.sleep(ms(20)).await;
            // Both at once.
            open[0].push_numbered(1, 1);
            open[1].push_event(|epoch| Event::Resumed { epoch });
            assert_eq!((messages.recv().await, messages.recv().await), (Some(1), Some(100)));
            handle.stop();
        };
        assert_eq!(station.drive(driver.run(), script).await, Outcome::Stopped);
    }
}
