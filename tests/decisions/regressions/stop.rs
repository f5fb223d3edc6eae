//! Stops that do not stop.

use redial::{Cause, Event, Phase};

use crate::harness::*;

fn nothing_for_a_day(mut rig: Harness) {
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.phase(), Phase::Stopped);
}

/// lukeed/sockette#46: a close by the user left the timer running, and the socket came back.
#[test]
fn sockette_46() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.stop(false);
    nothing_for_a_day(rig);
}

/// versatica/JsSIP#148: stopped between two attempts, it connected once more.
#[test]
fn jssip_148() {
    let mut rig = Harness::failed_times(PLAIN, 4);
    rig.advance(secs(7));
    rig.stop(false);
    nothing_for_a_day(rig);
}

/// buape/carbon e2b2c69: a disconnect while a timer was pending was followed by a new socket.
#[test]
fn carbon_e2b2c69() {
    let mut rig = Harness::online(GATEWAY);
    rig.reconnect_requested();
    rig.stop(false);
    nothing_for_a_day(rig);
}

/// socketio/socket.io-client#576: a manual reconnect during the wait left the old timer, which connected again.
#[test]
fn socket_io_client_576() {
    let mut rig = Harness::failed_times(PLAIN, 6);
    rig.event(Event::RetryNow);
    rig.establish();
    assert!(rig.advance(secs(3_600)).is_empty());
    assert_eq!(rig.opens(), 7);
}

/// Polymarket#46: the count of attempts survived a stop, and the next start gave up early.
#[test]
fn polymarket_46() {
    let mut rig = Harness::failed_times(PLAIN.to_builder().max_attempts(Some(5)).build_const(), 4);
    rig.stop(false);
    rig.start();
    assert_eq!((rig.told().attempt, rig.told().failures), (1, 0));
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(1));
}

/// pladaria/reconnecting-websocket#14: closed during the delay, it opened again.
#[test]
fn reconnecting_websocket_14() {
    let mut rig = Harness::failed_times(PLAIN, 2);
    rig.advance(ms(1_999));
    rig.stop(false);
    rig.advance(ms(1));
    nothing_for_a_day(rig);
}

/// 1c3t3a/rust-socketio#374: after a disconnect by the user it reconnected.
#[test]
fn rust_socketio_374() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.stop(false);
    rig.event(Event::Closed { epoch, cause: Cause::CloseFrame(1000) });
    nothing_for_a_day(rig);
}

/// 1c3t3a/rust-socketio#500: the same while a reconnect was under way.
#[test]
fn rust_socketio_500() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.redial();
    let epoch = rig.epoch();
    rig.stop(false);
    rig.event(Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
    nothing_for_a_day(rig);
}

/// phoenixframework/phoenix#6578: a page that became visible reconnected what the user had disconnected.
#[test]
fn phoenix_6578() {
    let mut rig = Harness::online(PLAIN);
    rig.event(Event::Hidden);
    rig.stop(false);
    rig.event(Event::Visible);
    nothing_for_a_day(rig);
}

/// buape/carbon 5c460ee: an intended disconnect was reported as "attempts exhausted" and crashed the process.
#[test]
fn carbon_5c460ee() {
    let mut rig = Harness::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    let actions = rig.stop(false);
    assert_eq!(gave_up(&actions), None);
    assert_eq!(rig.policy.stats().losses, 0);
    nothing_for_a_day(rig);
}

/// P26, stubborn-io 0.3.6: the user's own shutdown began a reconnect.
#[test]
fn stubborn_io_shutdown() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.stop(true);
    assert!(rig.event(Event::SendFailed { epoch }).is_empty());
    nothing_for_a_day(rig);
}
