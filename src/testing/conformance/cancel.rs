//! The future of a run, dropped wherever it may be.

use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::prelude::v1::*;
use std::vec;

use crate::driver::{Outbox, Outcome, Overflow, SendError};
use crate::handover;
use crate::heartbeat::HeartbeatConfig;
use crate::testing::virtual_clock::Called;
use crate::testing::{Log, Observed, Writes};
use crate::{BackoffConfig, Cause, Config, Event, Phase};

use super::driving::first;
use super::host::Host;
use super::lab::{Answer, Fact, HandoverDriver, Lab, Say, ms, numbered, ready, refused};

static CONFIG: Config = Config::new(BackoffConfig::constant(ms(4)).build_const())
    .heartbeat(HeartbeatConfig::new().first_jitter(false).interval(ms(5)).build_const())
    .build_const();

/// A server with everything in it that a run may wait for: refusals, a credential, a handover with a drain, a loss, writes that
/// take their time, messages that nobody takes, a close that hangs.
fn story(host: Host) -> (Lab, HandoverDriver) {
    let replaced: fn(_) -> Fact =
        |epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(ms(60)) };
    let mut first =
        vec![Say::events(vec![ready]), numbered(2), Say::wait(ms(12)), Say::events(vec![replaced])];
    first.extend([Say::wait(ms(4)), Say::message(3), Say::wait(ms(80)), Say::end(Cause::NoCloseFrame)]);
    let second = vec![Say::wait(ms(10)), Say::message(4), Say::message(5), Say::end(Cause::CloseFrame(1006))];
    let dials = vec![
        refused(),
        Answer::refuse(Cause::AuthRejected),
        Answer::accept(first).after(ms(2)),
        refused(),
        Answer::accept(second).after(ms(2)).with_writes(Writes::slow(ms(1))),
        Answer::accept(vec![]),
    ];
    let lab = Lab::new(host, dials).set(|set| set.set_closes_hang(true));
    let driver = lab.handover(&CONFIG, handover::Config::new().drain(ms(10)).build_const());
    let outbox = Outbox::new().with_offline_queue(Overflow::Refuse);
    (lab, driver.with_outbox(outbox).with_message_buffer(1))
}

/// Whether all of it has happened, so that the run may be stopped.
fn is_told<T, K, M>(log: &Log<T, K, M>) -> bool {
    log.dials.len() >= 6 && log.steps.last().is_some_and(is_online)
}

fn is_online<T, K>(step: &Observed<T, K>) -> bool {
    step.explanation.phase == Phase::Online
}

/// Dropped after any number of polls, and so at any await: no transport is left, no sleep, nobody who waits for it, and no message
/// whose sender does not learn what became of it. The next run resumes where it was.
pub(super) async fn a_run_dropped_at_any_await_leaves_nothing(host: Host, _: Duration) {
    let mut polls = 0;
    while !dropped_after(&host, polls).await {
        polls += 1;
    }
    assert!(polls > 25, "the run was polled {polls} times");
}

/// True if the run ended before.
async fn dropped_after(host: &Host, polls: u32) -> bool {
    let (lab, mut driver) = story(host.clone());
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let (online, changes) = (handle.online(), handle.changes());
    let receipts = [1, 2, 3].map(|number| handle.try_send(number).unwrap());
    handle.subscribe("a".into(), 0);
    let sleeping = host.sleeping();
    let ended = {
        let mut run = pin!(driver.run());
        let called = Called::new();
        let mut left = polls;
        poll_fn(|cx| {
            called.set_task(cx.waker());
            if lab.server.read_log(is_told) {
                handle.stop_keeping_session();
            }
            // The application takes a message now and then.
            if left % 4 == 0 {
                let _ = messages.try_recv();
            }
            if left == 0 {
                return Poll::Ready(None);
            }
            if !called.take() {
                return Poll::Pending;
            }
            left -= 1;
            if left == 0 {
                cx.waker().wake_by_ref();
            }
            run.as_mut().poll(&mut Context::from_waker(&called.waker())).map(Some)
        })
        .await
    };
    assert_eq!(lab.alive(), 0, "a transport is left after {polls} polls");
    assert_eq!(host.sleeping(), sleeping, "a sleep is left after {polls} polls");
    lab.server.assert_all_closed(2);
    if polls > 0 {
        assert_eq!(handle.closed().await.outcome, ended);
        let online = first(online, host.sleep(ms(1_000))).await;
        assert!(online.is_some(), "after {polls} polls");
        for receipt in receipts {
            let result = first(receipt, host.sleep(ms(1_000))).await.expect("it is told what became of it");
            assert!(matches!(result, Ok(()) | Err(SendError::InDoubt | SendError::Ended(_))), "{result:?}");
        }
    }
    drop(changes);
    if ended.is_some() {
        // All of it has happened.
        let (refreshes, stats) = (lab.server.read_log(|log| log.refreshes.len()), driver.policy().stats());
        assert_eq!((refreshes, driver.policy().handover_stats().handovers), (1, 1), "{stats:?}");
        assert!(stats.losses > 0 && lab.heartbeats() > 0, "{stats:?}");
    }
    let steps = lab.server.read_log(|log| log.steps.len());
    let script = async {
        lab.server.until(|log| log.steps[steps..].iter().any(is_online)).await;
        handle.stop();
    };
    lab.server.set_closes_hang(false);
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(host.sleeping(), sleeping);
    ended.is_some()
}
