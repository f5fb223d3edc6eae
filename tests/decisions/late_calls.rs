//! S98: a call that comes late. Up to five minutes after a deadline its time is believed, to the microsecond; after that it is doubted for
//! one call, since the clock may have jumped.

use core::time::Duration;

use redial::handover;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::WaitReason;
use redial::{BackoffConfig, Cause, Config, Event, Instant, IoKind};

use crate::handover::rig::{Rig, config, epoch};

const SECOND: Duration = Duration::from_secs(1);

/// The longest lateness that is believed.
const LATE: Duration = Duration::from_secs(300);
const MICROSECOND: Duration = Duration::from_micros(1);

fn secs(secs: u64) -> Instant {
    Instant::from_millis(1_000 * secs)
}

/// What a call at that time does, on a copy; and whether it asks to be called again for what is past.
fn called(rig: &Rig, at: Instant) -> (usize, bool) {
    let mut policy = rig.policy.clone();
    let actions = policy.handle_timeout(at).len();
    (actions, policy.poll_timeout().is_some_and(|due| due < at))
}

/// A call at `last` is believed and does something; one that is a microsecond later is doubted.
#[track_caller]
fn believed_until(rig: &Rig, last: Instant) {
    assert_eq!(called(rig, last), (1, false), "the last that is believed");
    assert_eq!(called(rig, last.saturating_add(MICROSECOND)), (0, true), "the first that is doubted");
}

/// The first dial was refused, and the next one is due after ten seconds.
fn waiting() -> Rig {
    let mut rig = Rig::new(
        Config::new(BackoffConfig::constant(10 * SECOND).build_const()).build_const(),
        handover::Config::DEFAULT,
    );
    rig.at(0, Event::Start);
    refuse(&mut rig);
    assert_eq!(rig.wake(), Some((10_000, WaitReason::Backoff)));
    rig
}

fn refuse(rig: &mut Rig) {
    let cause = Cause::Io(IoKind::ConnectionRefused);
    rig.at(0, Event::OpenFailed { epoch: epoch(1), cause, retry_after: None });
}

#[test]
fn a_deadline_that_is_missed_by_more_than_five_minutes_is_doubted() {
    believed_until(&waiting(), secs(10).saturating_add(LATE));
}

/// The deadline was missed before; what counts then is how long nobody called.
#[test]
fn a_silence_of_more_than_five_minutes_is_doubted() {
    let mut rig = waiting();
    let stale = rig.policy.handle_event(secs(11), Event::Received { epoch: epoch(1) });
    assert!(stale.is_empty());
    believed_until(&rig, secs(11).saturating_add(LATE));
}

/// The same for the connection, while its successor has all the time that it wants.
fn beating() -> Rig {
    let heartbeat = HeartbeatConfig::new().interval(10 * SECOND).first_jitter(false).build_const();
    let config = config().heartbeat(heartbeat).connect_timeout(3_600 * SECOND);
    let mut rig =
        Rig::online(config.build_const(), handover::Config::new().timeout(3_600 * SECOND).build_const());
    rig.at(1_000, Event::Redial);
    assert_eq!(rig.wake(), Some((10_000, WaitReason::Heartbeat)));
    rig
}

#[test]
fn a_deadline_of_the_connection_that_is_missed_beside_a_successor_is_doubted() {
    believed_until(&beating(), secs(10).saturating_add(LATE));
}

#[test]
fn a_silence_beside_a_successor_is_doubted() {
    let mut rig = beating();
    let stale = rig.policy.handle_event(secs(11), Event::Received { epoch: epoch(9) });
    assert!(stale.is_empty());
    believed_until(&rig, secs(11).saturating_add(LATE));
}

/// A parked policy has no deadline to miss. Where its clock has run back before, a gate that would have opened meanwhile is doubted, and
/// one that was open already is not.
#[test]
fn the_end_of_a_long_park_is_doubted_where_a_gate_opened_meanwhile() {
    for (last, dials) in [(Instant::from_micros(9_500_000), 1), (Instant::from_micros(9_499_999), 0)] {
        let mut rig = waiting();
        rig.at(1_000, Event::NetworkDown);
        // The clock runs back by half a second, and the gate with it.
        let at = rig.policy.handle_timeout(Instant::from_millis(500));
        assert!(at.is_empty());
        let parked = rig.policy.handle_timeout(last);
        assert!(parked.is_empty());
        let now = last.saturating_add(LATE + MICROSECOND);
        assert_eq!(rig.policy.handle_event(now, Event::NetworkUp).len(), dials, "{last:?}");
    }
}

/// A deadline of zero is over at once. What is due at the same instant for another reason keeps that reason.
#[test]
fn a_replacement_that_is_due_already_keeps_its_reason() {
    let mut rig = Rig::online(
        config().max_age(Some(60 * SECOND), Duration::ZERO).build_const(),
        handover::Config::DEFAULT,
    );
    let asked =
        |deadline| Event::ReconnectRequested { epoch: epoch(1), retry_after: None, deadline: Some(deadline) };
    rig.until(59_999);
    let asked = rig.policy.handle_event(secs(60), asked(Duration::ZERO));
    assert!(asked.is_empty());
    assert_eq!(rig.wake(), Some((60_000, WaitReason::MaxAge)));
}
