//! What a connection brings by the thousand takes a short way through the driver. It ends where the long way does.

use core::time::Duration;
use std::prelude::v1::*;
use std::vec;

use crate::driver::{Command, Outcome};
use crate::heartbeat::Liveness;
use crate::{Cause, Config, Epoch, Event};

use super::duties::{BACKOFF, HEARTBEATS, assert_after};
use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, numbered, ready};

/// Duties 2 and 3: traffic moves the deadline while a sleep is armed for the one before. The heartbeat is answered by it, the
/// next one comes at its time, and the peer that then falls silent is found at its time.
pub(super) async fn traffic_moves_the_deadline(rt: Host, slack: Duration) {
    static CONFIG: Config = BACKOFF
        .to_builder()
        .heartbeat(
            HEARTBEATS.to_builder().liveness(Liveness::AnyTraffic).answer_within(Some(ms(40))).build_const(),
        )
        .build_const();
    let script = vec![Say::events(vec![ready]), Say::wait(ms(120)), Say::message(1)];
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| set.set_answering(false));
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_dialled(2).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let log = lab.log();
    let heartbeats: Vec<_> = log
        .sent
        .iter()
        .filter(|sent| matches!(sent.command, Command::Heartbeat { .. }))
        .map(|sent| sent.at)
        .collect();
    assert_eq!(heartbeats.len(), 2, "{heartbeats:?}");
    assert_after(lab.dials()[0], heartbeats[0], ms(100), slack);
    assert_after(lab.dials()[0], heartbeats[1], ms(200), slack);
    assert_eq!(driver.policy().stats().zombies, 1);
    assert_after(lab.dials()[0], lab.dials()[1], ms(240 + 40), slack);
}

/// A number keeps all of its 64 bits, and an event of another transport is stale, also where it comes alone.
pub(super) async fn numbers_and_epochs_arrive_whole(rt: Host, _: Duration) {
    const NUMBER: u64 = 0x0123_4567_89AB_CDEF;
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let number: fn(_) -> Fact = |epoch| Event::Sequence { epoch, sequence: NUMBER };
    let foreign_number: fn(_) -> Fact =
        |_| Event::Sequence { epoch: Epoch::from_raw(99).unwrap(), sequence: u64::MAX };
    let foreign_life: fn(_) -> Fact = |_| Event::Received { epoch: Epoch::from_raw(99).unwrap() };
    let script = [vec![ready as fn(_) -> _], vec![number], vec![foreign_number], vec![foreign_life]];
    let lab = Lab::new(rt, vec![Answer::accept(script.map(Say::events))]).set(|set| set.set_answering(false));
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_sent(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(lab.sent()[1], Command::Heartbeat { sequence: Some(NUMBER) });
    assert_eq!(driver.policy().session().sequence(), Some(NUMBER));
    assert_eq!(driver.policy().stats().stale, 2);
}

/// Numbers, messages and signs of life, alone and together, and the end right behind them: all of it arrives, in order.
pub(super) async fn all_that_came_before_the_end_arrives(rt: Host, _: Duration) {
    let life: fn(_) -> Fact = |epoch| Event::Received { epoch };
    let number: fn(_) -> Fact = |epoch| Event::Sequence { epoch, sequence: 5 };
    let mut script = vec![Say::events(vec![ready]), Say::message(1), Say::events(vec![]), numbered(2)];
    script.extend([numbered(3), Say::events(vec![life, life]), Say::message(4), Say::events(vec![number])]);
    script.extend([Say::message(5), Say::events(vec![life]), Say::end(Cause::NoCloseFrame)]);
    let lab = Lab::new(rt, vec![Answer::accept(script)]);
    let mut driver = lab.driver(&BACKOFF);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        lab.until_dialled(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let received: Vec<_> = core::iter::from_fn(|| messages.try_recv()).collect();
    assert_eq!(received, [1, 2, 3, 4, 5]);
    assert_eq!(driver.policy().session().sequence(), Some(5));
    assert_eq!(driver.policy().stats().stale, 0);
}
