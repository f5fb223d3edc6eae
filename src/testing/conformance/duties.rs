//! Dials, closes, timers and requests. `slack` is how late the runtime may be, and a hundredth of it how late its log.

use core::time::Duration;
use std::prelude::v1::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec;

use crate::driver::{CLOSE_TIMEOUT, Command, Outcome};
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::HoldReason;
use crate::testing::Writes;
use crate::{BackoffConfig, Cause, Config, Event, GiveUp, Instant, IoKind, Phase, Ratio};

use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, ready, refused};

/// Waits of 40, 80, 160, 320, 320 ms …
pub(super) const BACKOFF: Config =
    Config::new(BackoffConfig::exponential(ms(40), Ratio::TWO, ms(320)).build_const()).build_const();
/// A wait that no test survives.
pub(super) const LONG: Config = Config::new(BackoffConfig::constant(ms(60_000)).build_const()).build_const();
pub(super) const HEARTBEATS: HeartbeatConfig =
    HeartbeatConfig::new().first_jitter(false).interval(ms(100)).build_const();

pub(super) async fn nothing() {}

#[track_caller]
pub(super) fn assert_after(from: Instant, to: Instant, wait: Duration, slack: Duration) {
    let gap = to.saturating_duration_since(from);
    // What is logged is the moment at which a task noted it: on a loaded machine that is itself late by a little.
    assert!(gap + slack / 100 >= wait && gap <= wait + slack, "{gap:?} instead of {wait:?}");
}

pub(super) const fn please_reconnect(epoch: crate::Epoch) -> Fact {
    Event::ReconnectRequested { epoch, retry_after: None, deadline: None }
}

const fn received(epoch: crate::Epoch) -> Fact {
    Event::Received { epoch }
}

const fn acked(epoch: crate::Epoch) -> Fact {
    Event::HeartbeatAcked { epoch }
}

/// Duties 2 and 3: each dial comes when the backoff says, and the session ends it.
pub(super) async fn dials_come_when_the_backoff_says(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![refused(), refused(), refused(), refused()]);
    let mut driver = lab.subject(&BACKOFF);
    let handle = driver.requests();
    let script = async {
        lab.until_phase(Phase::Online).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_eq!(dials.len(), 5);
    for (pair, wait) in dials.windows(2).zip([40, 80, 160, 320]) {
        assert_after(pair[0], pair[1], ms(wait), slack);
    }
    assert_eq!(lab.closed(), [4000], "a stop that keeps the session");
    assert_eq!(driver.policy().session().sequence(), Some(1));
}

/// Duty 2: the sleep for a minute's wait must not outlive "reconnect now".
pub(super) async fn retry_now_cuts_a_backoff_wait(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![refused(), refused()]);
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let script = async {
        for dials in 1..=2 {
            // Counted from the dial, not from the moment at which it was asked for.
            lab.until_dialled(dials).await;
            lab.sleep(ms(50)).await;
            handle.retry_now();
        }
        lab.until_dialled(3).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_eq!(dials.len(), 3);
    assert_after(dials[0], dials[1], ms(50), slack);
    assert_after(dials[1], dials[2], ms(50), slack);
}

/// Duty 2: a greeting brings a heartbeat that is due long before the deadline the sleep is armed for.
pub(super) async fn a_deadline_that_moves_earlier_during_a_sleep(rt: Host, slack: Duration) {
    static CONFIG: Config = LONG
        .to_builder()
        .greeting(Some(ms(60_000)))
        .heartbeat(HeartbeatConfig::new().first_jitter(false).build_const())
        .build_const();
    let greeting: fn(_) -> Fact = |epoch| Event::Greeting { epoch, heartbeat: Some(ms(60)) };
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::wait(ms(50)), Say::events(vec![greeting])])]);
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_sent(3).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let sent = lab.log().sent;
    assert_eq!(sent[0].command, Command::Identify);
    assert_eq!(sent[1].command, Command::Heartbeat { sequence: Some(1) });
    assert_after(sent[0].at, sent[1].at, ms(60), slack);
    assert_after(sent[1].at, sent[2].at, ms(60), slack);
}

/// Duties 7 and 10: a stop during a dial drops the dial.
pub(super) async fn stop_during_a_dial(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![Answer::hang()]);
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let begun = lab.now();
    let script = async {
        lab.sleep(ms(50)).await;
        assert_eq!(lab.alive(), 1);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(begun, lab.now(), ms(50), slack);
    assert_eq!(lab.closed(), [] as [u16; 0], "nothing was open");
}

/// Duty 10: so does one during a wait.
pub(super) async fn stop_during_a_backoff_wait(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![refused()]);
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let begun = lab.now();
    let script = async {
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(begun, lab.now(), ms(50), slack);
    assert_eq!(lab.dials().len(), 1);
}

/// Duties 9 and 10.
pub(super) async fn stop_during_a_pending_send(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![]).set(|set| set.set_writes(Writes::block_at(0)));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let begun = lab.now();
    let script = async {
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(begun, lab.now(), ms(50), slack);
    assert_eq!(lab.closed(), [1000]);
}

/// Duties 7 and 10: a close that never ends holds up the return for its own time and no longer.
pub(super) async fn stop_during_a_close(rt: Host, slack: Duration) {
    let lab =
        Lab::new(rt, vec![Answer::accept(vec![Say::wait(ms(50)), Say::events(vec![please_reconnect])])])
            .set(|set| set.set_closes_hang(true));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let begun = lab.now();
    let script = async {
        lab.sleep(ms(100)).await;
        assert_eq!((lab.alive(), lab.closed()), (1, vec![4000]));
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(begun, lab.now(), ms(50) + CLOSE_TIMEOUT, slack);
}

/// A long wait doesn't keep the old socket.
pub(super) async fn a_close_ends_during_a_long_wait(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::events(vec![please_reconnect])])])
        .set(|set| set.set_closes_hang(true));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let script = async {
        lab.sleep(ms(200)).await;
        assert_eq!(lab.alive(), 1);
        lab.until_dead(CLOSE_TIMEOUT + slack).await;
        assert_eq!(lab.phases().last(), Some(&Phase::Waiting));
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// Duties 6 and 7: the next dial neither waits for a close nor stands beside it, but the close was
/// begun, even if the next dial is asked for in the same instant.
pub(super) async fn a_close_delays_no_dial(rt: Host, slack: Duration) {
    let retry_now: fn(_) -> Fact = |_| Event::RetryNow;
    let asked = || {
        let events = vec![please_reconnect, retry_now, please_reconnect];
        Answer::accept(vec![Say::wait(ms(20)), Say::events(events)])
    };
    let lab = Lab::new(rt, vec![asked(), asked()]).set(|set| set.set_closes_hang(true));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let script = async {
        lab.until_dialled(3).await;
        handle.network_down();
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(lab.dials()[0], lab.dials()[1], ms(20), slack);
    assert_after(lab.dials()[1], lab.dials()[2], ms(20), slack);
    assert_eq!(lab.closed()[..2], [4000, 4000]);
    assert!(driver.policy().stats().stale > 0, "what follows a loss is stale, and seen to be");
}

/// Duty 4: after a suspend the acknowledgement lies behind other messages in the socket, and the heartbeat is overdue.
pub(super) async fn events_before_timers(rt: Host, _: Duration) {
    static CONFIG: Config = LONG.to_builder().heartbeat(HEARTBEATS).build_const();
    let host = rt.clone();
    let script = vec![
        Say::events(vec![ready]),
        Say::wait(ms(150)),
        Say::call(move || host.suspend(ms(120))),
        Say::events(vec![received; 5]),
        Say::events(vec![received; 5]),
        Say::events(vec![acked]),
    ];
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| set.set_answering(false));
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_sent(3).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 0);
    assert_eq!(lab.dials().len(), 1);
}

/// Duty 4: messages without end starve neither the heartbeat nor the user's stop nor the executor.
pub(super) async fn a_flood_starves_nobody(rt: Host, _: Duration) {
    static CONFIG: Config = LONG
        .to_builder()
        .heartbeat(HEARTBEATS.to_builder().liveness(Liveness::AnyTraffic).build_const())
        .build_const();
    let lab = Lab::new(rt, vec![]);
    // A message after each millisecond of the host's clock, without end and without the reader ever being idle.
    let received = Arc::new(AtomicU32::new(0));
    let flood = core::iter::repeat_with({
        let (lab, received) = (lab.clone(), received.clone());
        move || {
            lab.host.suspend(ms(1));
            if received.fetch_add(1, Ordering::SeqCst) + 1 == 2_000 {
                lab.stop()();
            }
            Say::events(vec![])
        }
    });
    lab.server.answer(Answer::accept(core::iter::once(Say::events(vec![ready])).chain(flood)));
    let mut driver = lab.subject(&CONFIG);
    let turns = core::cell::Cell::new(0_u32);
    let script = core::future::poll_fn(|cx| {
        turns.set(turns.get() + 1);
        cx.waker().wake_by_ref();
        core::task::Poll::<()>::Pending
    });
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let log = lab.log();
    let received = received.load(Ordering::SeqCst);
    assert!(received < 2_070, "the stop came after {received} messages");
    let heartbeats: Vec<_> =
        log.sent.iter().filter(|sent| matches!(sent.command, Command::Heartbeat { .. })).collect();
    assert!(heartbeats.len() >= 12, "{} heartbeats in two seconds", heartbeats.len());
    for pair in heartbeats.windows(2) {
        assert!(
            pair[1].at.saturating_duration_since(pair[0].at) < ms(170),
            "a heartbeat waited for more than a burst"
        );
    }
    assert!(turns.get() > 20, "the executor had {} turns", turns.get());
}

/// Duty 9: a peer that doesn't read is found dead, and is read from meanwhile.
pub(super) async fn a_blocked_send_stops_no_heartbeat(rt: Host, slack: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let sequence: fn(_) -> Fact = |epoch| Event::Sequence { epoch, sequence: 9 };
    let script =
        vec![Say::wait(ms(20)), Say::events(vec![ready]), Say::wait(ms(150)), Say::events(vec![sequence])];
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| {
        set.set_writes(Writes::block_at(1));
        set.set_answering(false);
    });
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.sleep(ms(150)).await;
        handle.subscribe("late".into(), 0);
        lab.until_sent(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 1);
    assert_eq!(driver.policy().session().sequence(), Some(9));
    let sent = &lab.sent()[1];
    assert!(matches!(sent, Command::Resume(_)), "{sent:?} was meant for the old transport");
    let dials = lab.dials();
    assert_after(dials[0], dials[1], ms(20 + 100 + 100 + 40), slack);
}

/// A failed send ends the connection.
pub(super) async fn a_failed_send_is_a_loss(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![]).set(|set| set.set_writes(Writes::fail_at(0)));
    let mut driver = lab.subject(&BACKOFF);
    let handle = driver.requests();
    let script = async {
        lab.until_dialled(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_after(lab.dials()[0], lab.dials()[1], ms(40), slack);
    assert_eq!(lab.closed()[0], 4000);
}

/// A close frame that lies in the socket says more than the send that fails because of it.
pub(super) async fn a_close_frame_before_a_failed_send(rt: Host, _: Duration) {
    let cause = Cause::Http(404);
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::end(cause)])])
        .set(|set| set.set_writes(Writes::fail_at(0)));
    let mut driver = lab.subject(&LONG);
    let outcome = lab.drive(driver.run(), nothing()).await;
    assert_eq!(outcome, Outcome::GaveUp { reason: GiveUp::Fatal, cause });
}

/// Duty 7: a dial whose time is over doesn't live on during the wait.
pub(super) async fn a_dial_is_dropped_when_its_time_is_over(rt: Host, slack: Duration) {
    static CONFIG: Config = LONG.to_builder().connect_timeout(ms(60)).build_const();
    let lab = Lab::new(rt, vec![Answer::hang()]);
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_dialled(1).await;
        assert_eq!(lab.alive(), 1);
        lab.until_dead(ms(70) + slack).await;
        assert_eq!(lab.phases().last(), Some(&Phase::Waiting));
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// Duty 6: an attempt that takes too long is dropped before the next begins.
pub(super) async fn a_dial_that_hangs_is_dropped(rt: Host, slack: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().connect_timeout(ms(60)).build_const();
    let lab = Lab::new(rt, vec![Answer::hang(), Answer::hang()]);
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.until_dialled(3).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_after(dials[0], dials[1], ms(60 + 40), slack);
    assert_after(dials[1], dials[2], ms(60 + 80), slack);
}

/// Duty 12: giving up is a value, and a new run starts over.
pub(super) async fn giving_up_is_a_value(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().max_attempts(Some(2)).build_const();
    let lab = Lab::new(rt, vec![refused(), refused(), refused(), refused()]);
    let mut driver = lab.subject(&CONFIG);
    let cause = Cause::Io(IoKind::ConnectionRefused);
    for dials in [2, 4] {
        let outcome = lab.drive(driver.run(), nothing()).await;
        assert_eq!(outcome, Outcome::GaveUp { reason: GiveUp::MaxAttempts, cause });
        assert_eq!(lab.dials().len(), dials);
    }
}

/// Dropping the run drops the socket; the next run resumes.
pub(super) async fn a_dropped_run_leaves_nothing(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]).set(|set| set.set_closes_hang(true));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    assert_eq!(lab.drive_for(driver.run(), ms(50), nothing()).await, None);
    assert_eq!(lab.alive(), 0);
    assert_eq!(lab.closed(), [] as [u16; 0]);
    let script = async {
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let sent: Vec<_> = lab.sent();
    assert!(matches!(&sent[..], [Command::Identify, Command::Resume(_)]), "{sent:?}");
}

/// A driver without handles goes on; a handle without a driver says so.
pub(super) async fn handles_may_go_first_or_last(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().max_attempts(Some(2)).build_const();
    let lab = Lab::new(rt, vec![refused(), refused()]);
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    drop(handle.clone());
    assert!(matches!(lab.drive(driver.run(), nothing()).await, Outcome::GaveUp { .. }));
    assert!(handle.retry_now());
    drop(driver);
    assert!(!handle.retry_now());
    assert!(!handle.stop_keeping_session());
}

/// A stop that comes before the run is not lost, and dials nothing.
pub(super) async fn a_stop_before_the_run(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.subject(&LONG);
    driver.requests().stop_keeping_session();
    assert_eq!(lab.drive(driver.run(), nothing()).await, Outcome::Stopped);
    assert_eq!(lab.dials().len(), 0);
}

/// Duty 10: preconditions park it and let it go.
pub(super) async fn a_hold_parks(rt: Host, slack: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.subject(&BACKOFF);
    let handle = driver.requests();
    let reason = HoldReason::new(3).expect("below 32");
    let begun = lab.now();
    handle.hold(reason);
    handle.network_down();
    let script = async {
        lab.sleep(ms(200)).await;
        handle.release(reason);
        lab.sleep(ms(50)).await;
        handle.network_up();
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let dials = lab.dials();
    assert_after(begun, *dials.last().expect("dialled"), ms(250), slack);
}

/// Duty 11: however long the host slept, time passes once.
pub(super) async fn a_long_suspend_is_one_timeout(rt: Host, _: Duration) {
    static CONFIG: Config = LONG.to_builder().heartbeat(HEARTBEATS).build_const();
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let script = async {
        lab.sleep(ms(250)).await;
        let before = lab.timeouts();
        lab.host.suspend(Duration::from_secs(200));
        handle.visible();
        lab.sleep(ms(50)).await;
        assert_eq!(lab.timeouts(), before + 1);
        assert_eq!(lab.phases().last(), Some(&Phase::Online), "a late heartbeat asks");
        lab.host.suspend(Duration::from_secs(3_600));
        handle.visible();
        lab.sleep(ms(50)).await;
        assert_eq!(lab.timeouts(), before + 2, "the page's news was the first look");
        assert_eq!(lab.phases().last(), Some(&Phase::Online));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// Duty 6: whatever comes in whatever order, there are never two.
pub(super) async fn never_two_transports(rt: Host, _: Duration) {
    let mut dials = Vec::new();
    for round in 0..200 {
        dials.push(match round % 5 {
            0 => refused(),
            1 => Answer::accept(vec![Say::wait(ms(3)), Say::events(vec![please_reconnect])]),
            2 => Answer::accept(vec![Say::events(vec![ready]), Say::end(Cause::CloseFrame(1006))]),
            3 => Answer::hang(),
            _ => Answer::accept(vec![]),
        });
    }
    static CONFIG: Config = Config::new(BackoffConfig::constant(ms(2)).build_const())
        .connect_timeout(ms(5))
        .network(crate::policy::OnNetworkDown::Drop, Duration::ZERO)
        .build_const();
    let lab = Lab::new(rt, dials).set(|set| set.set_closes_hang(true));
    let mut driver = lab.subject(&CONFIG);
    let handle = driver.requests();
    let mut random = 1_u32;
    let script = async {
        for _ in 0..300 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let _ = match random >> 29 {
                0 | 1 => handle.retry_now(),
                2 => handle.network_down(),
                3 | 4 => handle.network_up(),
                5 => handle.host_resumed(Duration::from_secs(60)),
                _ => {
                    lab.sleep(ms(2)).await;
                    true
                }
            };
        }
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert!(lab.dials().len() > 20);
}
