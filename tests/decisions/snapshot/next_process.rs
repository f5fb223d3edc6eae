//! What the next process does first.

use super::*;

/// A process that ends in the middle of each dial must not spin: the next one keeps the distance of the first wait.
#[test]
fn a_crash_within_a_dial_is_no_way_round_the_backoff() {
    let mut policy = climbing(&BASE);
    next(&mut policy);
    assert_eq!(policy.phase(), Phase::Connecting);
    let mut later = reborn(&policy, 7_010, 0);
    start(&mut later, 0);
    assert_eq!(later.poll_timeout(), Some(ms(990)));
    let (at, actions) = next(&mut later);
    assert_eq!(opened(&actions), Some((Mode::Fresh, Endpoint::Base, 5)));
    refuse(&mut later, at);
    assert_eq!(later.poll_timeout(), Some(ms(at + 8_000)), "an unknown outcome is no step");
}

/// F31: a connection that has not held leaves its backoff to the next process; one that has leaves none.
#[test]
fn stability_ends_the_exported_outage() {
    let mut policy = climbing(&STABLE);
    next(&mut policy);
    establish(&mut policy, 7_000, None);
    assert!(policy.snapshot(ms(126_999)).unwrap().has_outage());
    assert!(!policy.snapshot(ms(127_000)).unwrap().has_outage());
    let mut later = reborn(&policy, 60_000, 0);
    assert_eq!(opened(&start(&mut later, 0)), Some((Mode::Resume, Endpoint::Session, 5)));
}

/// A stricter or changed config in the next process holds: the backoff is its own, and no wait is longer than its cap.
#[test]
fn the_next_process_has_the_last_word() {
    static SHORT: Config = Config::new(
        BackoffConfig::exponential(Duration::from_millis(100), Ratio::TWO, secs(1)).build_const(),
    )
    .retry_after_max(secs(2))
    .resume(ResumeConfig::DISABLED)
    .build_const();
    let snapshot = climbing(&BASE).snapshot(ms(3_000)).expect("4 s are left");
    let mut later = new(&SHORT).with_snapshot(ms(0), snapshot);
    start(&mut later, 0);
    assert_eq!(later.poll_timeout(), Some(ms(1_000)));
    let (at, _) = next(&mut later);
    refuse(&mut later, at);
    assert_eq!(later.poll_timeout(), Some(ms(at + 800)), "the fourth wait of this ladder");
}

/// Lifecycle 64: where the backoff has no cap, a wait that another config left is no longer than the longest that a server may ask for.
#[test]
fn l64_a_wait_is_no_longer_than_a_servers_where_there_is_no_cap() {
    static DAYS: Config = Config::new(BackoffConfig::constant(secs(864_000)).build_const()).build_const();
    static UNCAPPED: Config = Config::new(BackoffConfig::windows(secs(1), secs(40)).build_const())
        .retry_after_max(secs(7))
        .build_const();
    let mut policy = new(&DAYS);
    start(&mut policy, 0);
    refuse(&mut policy, 0);
    let snapshot = read(&bytes(&policy, 0).expect("an outage"));
    let mut later = new(&UNCAPPED).with_snapshot(ms(0), snapshot);
    start(&mut later, 0);
    assert_eq!(later.deadline(), Some((ms(7_000), WaitReason::Backoff)));
}

/// The least time between two dials is kept across a restart, also by a clock that starts with the process.
#[test]
fn the_least_interval_outlives_the_process() {
    static SPACED: Config = Config::new(LADDER).min_interval(secs(5)).build_const();
    let mut policy = new(&SPACED);
    start(&mut policy, 10_000);
    establish(&mut policy, 10_000, None);
    let snapshot = policy.snapshot(ms(12_000)).expect("a session");
    for (clock, due) in [(100_000, Some(103_000)), (0, Some(5_000))] {
        let mut later = new(&SPACED).with_snapshot(ms(clock), snapshot.clone());
        start(&mut later, clock);
        assert_eq!(later.deadline(), due.map(|due| (ms(due), WaitReason::MinInterval)));
    }
    let mut later = new(&SPACED).with_snapshot(ms(0), snapshot.aged(secs(3)));
    assert!(opened(&start(&mut later, 0)).is_some(), "long enough ago");
}

/// S80: a rejected credential is renewed by the next process before it dials, and the rejection counts.
#[test]
fn a_rejected_credential_is_renewed_first() {
    static RENEWS: Config = Config::new(LADDER)
        .credential(CredentialConfig::new().refresh_on(RefreshOn::Auth).build_const())
        .build_const();
    let mut policy = new(&RENEWS);
    start(&mut policy, 0);
    let epoch = epoch(&policy);
    fact(&mut policy, 0, Event::OpenFailed { epoch, cause: Cause::AuthRejected, retry_after: None });
    let mut later = new(&RENEWS).with_snapshot(ms(0), policy.snapshot(ms(0)).expect("an outage"));
    assert_eq!(start(&mut later, 0), [Action::RefreshCredential { request: 1 }]);
}

/// F92: a session that was not authenticated is not taken for one that was.
#[test]
fn an_unauthenticated_session_is_authenticated_after_its_resume() {
    static AUTH: Config =
        Config::new(LADDER).restore(RestoreConfig::new().authentication(true).build_const()).build_const();
    for authenticated in [false, true] {
        let mut policy = new(&AUTH);
        start(&mut policy, 0);
        establish(&mut policy, 0, None);
        let old = epoch(&policy);
        if authenticated {
            fact(&mut policy, 0, Event::AuthOk { epoch: old });
        }
        let mut later = new(&AUTH).with_snapshot(ms(0), policy.snapshot(ms(5_000)).expect("a session"));
        start(&mut later, 0);
        let epoch = epoch(&later);
        fact(&mut later, 0, Event::Opened { epoch });
        let resumed = fact(&mut later, 0, Event::Resumed { epoch });
        assert_eq!(resumed.contains(&Action::Authenticate { epoch }), !authenticated);
    }
}

/// F38: the limits of a first connection are not those of a reconnect in a later process.
#[test]
fn an_established_service_is_not_dialled_for_the_first_time() {
    static ONCE: Config = Config::new(LADDER).initial_limits(Some(1), None).build_const();
    let mut policy = new(&ONCE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let old = epoch(&policy);
    fact(&mut policy, 0, Event::Closed { epoch: old, cause: REFUSED });
    let mut later = new(&ONCE).with_snapshot(ms(0), policy.snapshot(ms(0)).expect("an outage"));
    start(&mut later, 0);
    let (at, _) = next(&mut later);
    refuse(&mut later, at);
    assert_eq!(later.phase(), Phase::Waiting);
}

/// S95: a retry at once in the old process is no reason for another one in the new.
#[test]
fn retries_at_once_stay_apart_across_processes() {
    static EAGER: Config = Config::new(LADDER.to_builder().first_delay(Duration::ZERO).build_const())
        .reset_after_stable(Duration::ZERO)
        .build_const();
    let mut policy = new(&EAGER);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let old = epoch(&policy);
    fact(&mut policy, 5_000, Event::Closed { epoch: old, cause: REFUSED });
    let mut later = new(&EAGER).with_snapshot(ms(0), policy.snapshot(ms(5_000)).expect("an outage"));
    assert!(opened(&start(&mut later, 0)).is_some(), "at once");
    establish(&mut later, 1, None);
    let epoch = epoch(&later);
    fact(&mut later, 1, Event::Closed { epoch, cause: REFUSED });
    assert_eq!(later.poll_timeout(), Some(ms(1_000)));
}

/// F63: the failed dials of a session's endpoint are counted across processes, with their time.
#[test]
fn a_dead_session_endpoint_is_left_all_the_same() {
    static PATIENT: Config = Config::new(LADDER)
        .reset_after_stable(Duration::ZERO)
        .resume(ResumeConfig::new().endpoint_fallback(2, secs(10)).build_const())
        .build_const();
    for (down, endpoint) in [(8, Endpoint::Session), (9, Endpoint::Base)] {
        let mut policy = new(&PATIENT);
        start(&mut policy, 0);
        establish(&mut policy, 0, None);
        let old = epoch(&policy);
        fact(&mut policy, 0, Event::Closed { epoch: old, cause: REFUSED });
        let (at, _) = next(&mut policy);
        refuse(&mut policy, at);
        let snapshot = policy.snapshot(ms(at + 1_000)).expect("both").aged(secs(down));
        let mut later = new(&PATIENT).with_snapshot(ms(0), snapshot);
        assert_eq!(opened(&start(&mut later, 0)), Some((Mode::Resume, Endpoint::Session, 2)));
        refuse(&mut later, 0);
        assert_eq!(opened(&next(&mut later).1), Some((Mode::Resume, endpoint, 3)));
    }
}

/// A limit counts one cause in a row: the next process goes on counting the same, and begins anew with another.
#[test]
fn a_limit_counts_one_cause_across_processes() {
    const DENIED: Cause = Cause::Io(IoKind::PermissionDenied);
    const OTHER: Cause = Cause::Io(IoKind::Unsupported);
    /// Fails dials with this cause until the end, at most so many, and counts them.
    fn failures(policy: &mut Subject, cause: Cause, most: usize) -> usize {
        for failed in 0..most {
            if policy.phase() == Phase::Waiting {
                next(policy);
            }
            if policy.phase() == Phase::Failed {
                return failed;
            }
            let (at, epoch) = (policy.explain().since.as_millis(), epoch(policy));
            fact(policy, at, Event::OpenFailed { epoch, cause, retry_after: None });
        }
        most
    }
    let four = || {
        let mut policy = new(&BASE);
        start(&mut policy, 0);
        assert_eq!(failures(&mut policy, DENIED, 4), 4);
        policy
    };
    for cause in [DENIED, OTHER] {
        let now = four().explain().since.as_millis();
        let mut later = reborn(&four(), now, now);
        start(&mut later, now);
        let (left, expected) = (failures(&mut later, cause, 20), failures(&mut four(), cause, 20));
        assert_eq!(left, expected, "{cause}");
        assert!(expected < if cause == DENIED { 3 } else { 20 }, "{cause}: {expected}");
    }
}
