//! The course of an outage, change by change.

use super::*;
use redial::handover;
use redial::policy::HoldReason;

#[test]
fn an_outage_with_its_attempts_its_waits_and_the_breaker() {
    let mut story = Story::new(subject(config(), 7));
    story.at(0, Event::Subscribe { key: 1, priority: 0 }, &["subscriptions_changed subscriptions=1"]);
    story.at(
        0,
        Event::Start,
        &[
            "outage_began trigger=start initial=true",
            "attempt_began epoch=1 attempt=1 mode=fresh endpoint=base role=connection",
            "phase_changed from=idle to=connecting trigger=start",
        ],
    );
    story.at(
        10,
        Event::Opened { epoch: epoch(1) },
        &["phase_changed from=connecting to=establishing trigger=opened"],
    );
    story.at(
        30,
        ready(1),
        &[
            "attempt_ended epoch=1 attempt=1 result=established mode=fresh duration_ms=30",
            "phase_changed from=establishing to=online trigger=ready",
            "restored subscriptions=1",
            "outage_ended result=recovered initial=true attempts=1 duration_ms=30 parked_ms=0",
        ],
    );
    story.at(40, Event::Received { epoch: epoch(1) }, &[]);
    story.fires(30_030, &[]);
    story.at(30_075, Event::HeartbeatAcked { epoch: epoch(1) }, &["heartbeat_acked epoch=1 duration_ms=45"]);
    story.at(
        30_080,
        Event::HeartbeatAcked { epoch: epoch(9) },
        &["event_ignored event=beat_ack disposition=stale"],
    );
    let lost = Event::Closed { epoch: epoch(1), cause: Cause::NoCloseFrame };
    story.at(
        40_030,
        lost,
        &[
            "connection_lost cause=no_close_frame duration_ms=40000",
            "outage_began trigger=no_close_frame initial=false",
            "phase_changed from=online to=waiting trigger=no_close_frame",
            "wait_began reason=backoff duration_ms=1000",
        ],
    );
    story.fires(
        41_030,
        &[
            "wait_ended reason=backoff duration_ms=1000",
            "attempt_began epoch=2 attempt=2 mode=resume endpoint=base role=connection",
            "phase_changed from=waiting to=connecting trigger=backoff",
        ],
    );
    story.at(
        41_040,
        refused(2),
        &[
            "attempt_ended epoch=2 attempt=2 result=failed cause=connection_refused duration_ms=10",
            "phase_changed from=connecting to=waiting trigger=connection_refused",
            "wait_began reason=endpoint duration_ms=105",
        ],
    );
    story.fires(
        43_040,
        &[
            "wait_ended reason=endpoint duration_ms=2000",
            "attempt_began epoch=3 attempt=2 mode=resume endpoint=base role=connection",
            "phase_changed from=waiting to=connecting trigger=endpoint",
        ],
    );
    story.at(
        43_050,
        refused(3),
        &[
            "attempt_ended epoch=3 attempt=2 result=failed cause=connection_refused duration_ms=10",
            "breaker_changed from=closed to=open",
            "phase_changed from=connecting to=waiting trigger=connection_refused",
            "wait_began reason=breaker duration_ms=20000",
        ],
    );
    story.fires(
        63_050,
        &[
            "wait_ended reason=breaker duration_ms=20000",
            "attempt_began epoch=4 attempt=3 mode=resume endpoint=base role=connection",
            "breaker_changed from=open to=half_open",
            "phase_changed from=waiting to=connecting trigger=breaker",
        ],
    );
    story.at(
        63_060,
        Event::Opened { epoch: epoch(4) },
        &["phase_changed from=connecting to=establishing trigger=opened"],
    );
    story.at(
        63_070,
        Event::Resumed { epoch: epoch(4) },
        &[
            "attempt_ended epoch=4 attempt=3 result=established mode=resume duration_ms=20",
            "breaker_changed from=half_open to=closed",
            "phase_changed from=establishing to=online trigger=resumed",
            "restored subscriptions=1",
            "outage_ended result=recovered initial=false attempts=3 duration_ms=23040 parked_ms=0",
        ],
    );
    story.at(63_080, Event::Stop { keep: true }, &["phase_changed from=online to=stopped trigger=stop"]);
}

#[test]
fn the_time_parked_on_a_condition_is_told_apart() {
    let mut story = Story::new(subject(config(), 7));
    let reason = HoldReason::new(3).expect("below 32");
    story.at(0, Event::Hold(reason), &[]);
    story.at(
        0,
        Event::Start,
        &[
            "outage_began trigger=hold initial=true",
            "phase_changed from=idle to=parked trigger=hold",
            "wait_began reason=hold",
        ],
    );
    story.at(5_000, Event::NetworkDown, &[]);
    story.at(
        6_000,
        Event::Release(reason),
        &["wait_ended reason=hold duration_ms=6000", "wait_began reason=network"],
    );
    story.at(
        8_000,
        Event::NetworkUp,
        &[
            "wait_ended reason=network duration_ms=2000",
            "attempt_began epoch=1 attempt=1 mode=fresh endpoint=base role=connection",
            "phase_changed from=parked to=connecting trigger=network",
        ],
    );
    story.at(
        8_020,
        Event::OpenFailed { epoch: epoch(1), cause: Cause::AuthDenied, retry_after: None },
        &[
            "attempt_ended epoch=1 attempt=1 result=failed cause=auth_denied duration_ms=20",
            "gave_up reason=fatal cause=auth_denied",
            "phase_changed from=connecting to=failed trigger=fatal",
            "outage_ended result=gave_up initial=true attempts=1 duration_ms=8020 parked_ms=8000",
        ],
    );
}

#[test]
fn a_successor_is_an_attempt_without_an_outage() {
    let mut story = Story::new(subject(config(), 7).with_handover(handover::Config::DEFAULT));
    story.at(
        0,
        Event::Start,
        &[
            "outage_began trigger=start initial=true",
            "attempt_began epoch=1 attempt=1 mode=fresh endpoint=base role=connection",
            "phase_changed from=idle to=connecting trigger=start",
        ],
    );
    story.at(
        10,
        Event::Opened { epoch: epoch(1) },
        &["phase_changed from=connecting to=establishing trigger=opened"],
    );
    story.at(
        30,
        ready(1),
        &[
            "attempt_ended epoch=1 attempt=1 result=established mode=fresh duration_ms=30",
            "phase_changed from=establishing to=online trigger=ready",
            "outage_ended result=recovered initial=true attempts=1 duration_ms=30 parked_ms=0",
        ],
    );
    story.at(
        10_000,
        Event::Redial,
        &["attempt_began epoch=2 attempt=2 mode=resume endpoint=base role=successor"],
    );
    story.at(
        10_010,
        refused(2),
        &["attempt_ended epoch=2 attempt=2 result=failed cause=connection_refused duration_ms=10"],
    );
    story.fires(11_010, &["attempt_began epoch=3 attempt=2 mode=resume endpoint=base role=successor"]);
    story.at(11_020, Event::Opened { epoch: epoch(3) }, &[]);
    story.at(
        11_030,
        Event::Resumed { epoch: epoch(3) },
        &["attempt_ended epoch=3 attempt=2 result=established mode=resume duration_ms=20"],
    );
}
