//! A policy carried to a later process: what goes on, what starts over, and what bytes are refused.

use core::time::Duration;

use proptest::prelude::*;
use redial::breaker;
use redial::policy::{
    CredentialConfig, DropReason, Endpoint, RefreshOn, RestoreConfig, ResumeConfig, SNAPSHOT_BYTES, Snapshot,
    SnapshotError, WaitReason,
};
use redial::{
    Action, BackoffConfig, Cause, Config, Epoch, Event, GiveUp, Instant, IoKind, Jitter, Mode, Phase, Policy,
    Ratio, SplitMix64,
};

type Subject = Policy<SplitMix64, String>;
type Fact = Event<String, core::convert::Infallible>;

const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);
const KEY: u32 = 0x5eed_0001;

/// 1, 2, 4, 8, 16, 30, 30 … s.
const LADDER: BackoffConfig = BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30)).build_const();
static BASE: Config = Config::new(LADDER).reset_after_stable(Duration::ZERO).build_const();
/// An outage is over when its connection has held for two minutes.
static STABLE: Config = Config::new(LADDER).reset_after_stable(secs(120)).build_const();

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn new(config: &'static Config) -> Subject {
    Policy::new(config, SplitMix64::new(7)).with_session_type()
}

fn fact(policy: &mut Subject, at: u64, event: Fact) -> Vec<Action> {
    policy.handle_event(ms(at), event).into_iter().collect()
}

fn start(policy: &mut Subject, at: u64) -> Vec<Action> {
    fact(policy, at, Event::Start)
}

fn epoch(policy: &Subject) -> Epoch {
    policy.epoch().expect("a transport")
}

fn refuse(policy: &mut Subject, at: u64) -> Vec<Action> {
    let epoch = epoch(policy);
    fact(policy, at, Event::OpenFailed { epoch, cause: REFUSED, retry_after: None })
}

fn establish(policy: &mut Subject, at: u64, ttl: Option<Duration>) {
    let epoch = epoch(policy);
    fact(policy, at, Event::Opened { epoch });
    let (token, endpoint) = (Some("token".into()), Some("wss://resume".into()));
    fact(policy, at, Event::Ready { epoch, token, endpoint, sequence: Some(41), ttl });
    fact(policy, at, Event::Sequence { epoch, sequence: 42 });
}

/// Lets the next timer fire.
fn next(policy: &mut Subject) -> (u64, Vec<Action>) {
    let at = policy.poll_timeout().expect("a deadline");
    (at.as_millis(), policy.handle_timeout(at).into_iter().collect())
}

/// What was opened: mode, endpoint, attempt.
fn opened(actions: &[Action]) -> Option<(Mode, Endpoint, u32)> {
    actions.iter().find_map(|action| match *action {
        Action::Open { mode, endpoint, attempt, .. } => Some((mode, endpoint, attempt)),
        _ => None,
    })
}

fn bytes(policy: &Subject, at: u64) -> Option<Vec<u8>> {
    let mut bytes = [0; 512];
    let length = policy.snapshot(ms(at))?.encode(KEY, &mut bytes).expect("room");
    Some(bytes[..length].to_vec())
}

fn read(bytes: &[u8]) -> Snapshot<String> {
    let text = |text: &[u8]| std::str::from_utf8(text).map(String::from);
    Snapshot::decode(bytes, KEY).expect("well formed").try_map(text).expect("text")
}

/// The same policy in the next process, through bytes, on a clock that says `at`.
fn reborn(policy: &Subject, exported_at: u64, at: u64) -> Subject {
    let snapshot = read(&bytes(policy, exported_at).expect("something to keep"));
    Policy::new(policy_config(policy), SplitMix64::new(99))
        .with_session_type()
        .with_snapshot(ms(at), snapshot)
}

/// The configs of these tests are static ones.
fn policy_config(policy: &Subject) -> &'static Config {
    [&BASE, &STABLE].into_iter().find(|config| *config == policy.config()).expect("one of these")
}

/// Three refused dials: the third wait, of 4 s, begins at 3 s.
fn climbing(config: &'static Config) -> Subject {
    let mut policy = new(config);
    assert_eq!(opened(&start(&mut policy, 0)), Some((Mode::Fresh, Endpoint::Base, 1)));
    for at in [0, 1_000, 3_000] {
        if at > 0 {
            assert_eq!(next(&mut policy).0, at);
        }
        refuse(&mut policy, at);
    }
    assert_eq!(policy.poll_timeout(), Some(ms(7_000)));
    policy
}

/// S56, F72, lifecycle 64: what is exported online is resumed by another instance, whose first dial goes to the
/// session's endpoint with the newest sequence.
#[test]
fn an_online_session_is_resumed_by_the_next_process() {
    let mut policy = new(&BASE);
    start(&mut policy, 5_000);
    establish(&mut policy, 5_010, None);
    assert_eq!(policy.phase(), Phase::Online);
    let mut later = reborn(&policy, 60_000, 0);
    assert_eq!(opened(&start(&mut later, 0)), Some((Mode::Resume, Endpoint::Session, 1)));
    let session = later.session();
    assert_eq!(session.token().map(String::as_str), Some("token"));
    assert_eq!(session.endpoint().map(String::as_str), Some("wss://resume"));
    assert_eq!(session.sequence(), Some(42));
    let epoch = epoch(&later);
    assert_eq!(fact(&mut later, 10, Event::Opened { epoch }), [Action::Resume { epoch }]);
}

/// F72: a restart in the middle of a wait keeps what is left of it, the number of the next attempt and the backoff, on a
/// clock that starts at zero or is far ahead.
#[test]
fn a_restart_within_the_backoff_goes_on_with_it() {
    let policy = climbing(&BASE);
    for origin in [0, 1_000_000_000] {
        let mut later = reborn(&policy, 4_500, origin);
        assert_eq!((later.phase(), later.poll_timeout()), (Phase::Idle, None), "nothing before the start");
        assert!(start(&mut later, origin + 100).is_empty());
        assert_eq!(later.deadline(), Some((ms(origin + 2_500), WaitReason::Backoff)));
        let explained = later.explain();
        assert_eq!((explained.phase, explained.attempt, explained.failures), (Phase::Waiting, 3, 3));
        let (at, actions) = next(&mut later);
        assert_eq!((at, opened(&actions)), (origin + 2_500, Some((Mode::Fresh, Endpoint::Base, 4))));
        refuse(&mut later, at);
        assert_eq!(later.poll_timeout(), Some(ms(at + 8_000)), "the fourth wait");
    }
}

/// F72: a process that starts late does not wait for what has passed; one that knows for how long it was down says so.
#[test]
fn a_wait_that_has_passed_is_not_waited_for_again() {
    let policy = climbing(&BASE);
    let mut later = reborn(&policy, 4_500, 0);
    assert_eq!(opened(&start(&mut later, 2_500)), Some((Mode::Fresh, Endpoint::Base, 4)));

    let snapshot = policy.snapshot(ms(4_500)).expect("an outage");
    let mut later = new(&BASE).with_snapshot(ms(0), snapshot.clone().aged(secs(2)));
    start(&mut later, 0);
    assert_eq!(later.poll_timeout(), Some(ms(500)));
    let mut later = new(&BASE).with_snapshot(ms(0), snapshot.aged(Duration::MAX));
    assert_eq!(opened(&start(&mut later, 0)), Some((Mode::Fresh, Endpoint::Base, 4)));
}

/// S56: what the server asked for is kept, with its name.
#[test]
fn a_hint_outlives_the_process() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    let failed =
        Event::OpenFailed { epoch: epoch(&policy), cause: Cause::Http(503), retry_after: Some(secs(60)) };
    fact(&mut policy, 0, failed);
    let mut later = reborn(&policy, 10_000, 0);
    start(&mut later, 0);
    assert_eq!(later.deadline(), Some((ms(50_000), WaitReason::RetryAfter)));
}

/// F72, lifecycle 87: what an open breaker forbids, a process that crashes and comes back does not do.
#[test]
fn an_open_breaker_outlives_the_process() {
    static GUARDED: Config =
        Config::new(LADDER).breaker(Some(breaker::Config::new(2, secs(600)).build_const())).build_const();
    let mut policy = new(&GUARDED);
    start(&mut policy, 0);
    refuse(&mut policy, 0);
    next(&mut policy);
    refuse(&mut policy, 1_000);
    assert_eq!(policy.poll_timeout(), Some(ms(601_000)));
    let snapshot = read(&bytes(&policy, 101_000).expect("an outage"));
    let mut later = new(&GUARDED).with_snapshot(ms(0), snapshot.clone());
    start(&mut later, 0);
    assert_eq!(later.deadline(), Some((ms(500_000), WaitReason::Breaker)));

    // Of a config without one it is a wait like any other: no longer than the config could have made it.
    let mut other = new(&BASE).with_snapshot(ms(0), snapshot);
    start(&mut other, 0);
    // That of a verdict on a policy violation, 300 s and up to 1 s on top.
    assert_eq!(other.poll_timeout(), Some(ms(301_000)));

    // The probe of a dial under way ends with its process.
    next(&mut policy);
    let mut later = new(&GUARDED).with_snapshot(ms(0), policy.snapshot(ms(602_000)).expect("an outage"));
    assert!(opened(&start(&mut later, 0)).is_some(), "and not at the end of its lease");
}

/// F72: the limits of an outage count what earlier processes tried and how long they took.
#[test]
fn limits_count_across_processes() {
    static FOUR: Config = Config::new(LADDER).max_attempts(Some(4)).build_const();
    let snapshot = climbing(&BASE).snapshot(ms(3_000)).expect("an outage");
    let mut later = new(&FOUR).with_snapshot(ms(0), snapshot.clone());
    start(&mut later, 0);
    next(&mut later);
    assert_eq!(
        refuse(&mut later, 4_000),
        [Action::GaveUp { reason: GiveUp::MaxAttempts, cause: REFUSED }],
        "the fourth of four"
    );

    // 3 s + 4 s + 8 s: the next dial would be 15 s after the outage began, on a clock that began 3 s after it.
    static SPAN: Config = Config::new(LADDER).max_elapsed(Some(secs(15))).build_const();
    static SHORT: Config = Config::new(LADDER).max_elapsed(Some(Duration::from_millis(14_999))).build_const();
    for (config, phase) in [(&SPAN, Phase::Waiting), (&SHORT, Phase::Failed)] {
        let mut later = new(config).with_snapshot(ms(0), snapshot.clone());
        start(&mut later, 0);
        next(&mut later);
        refuse(&mut later, 4_000);
        assert_eq!(later.phase(), phase);
    }
}

/// Lifecycle 64, F72: nothing before the first start; no session before the first ready; nothing after a stop that kept
/// nothing or a fatal end; after a stop that kept it, the session and no outage.
#[test]
fn l64_what_there_is_to_export() {
    let mut policy = new(&BASE);
    assert_eq!(policy.snapshot(ms(0)), None);
    start(&mut policy, 0);
    let snapshot = policy.snapshot(ms(0)).expect("an attempt was made");
    assert!(snapshot.has_outage() && !snapshot.has_session());
    establish(&mut policy, 0, None);
    let snapshot = policy.snapshot(ms(0)).expect("a session");
    assert!(snapshot.has_session() && !snapshot.has_outage());

    let mut kept = policy.clone();
    fact(&mut kept, 1_000, Event::Stop { keep: true });
    let snapshot = kept.snapshot(ms(1_000)).expect("it was kept");
    assert!(snapshot.has_session() && !snapshot.has_outage());
    let mut later = reborn(&kept, 1_000, 0);
    assert_eq!(opened(&start(&mut later, 0)), Some((Mode::Resume, Endpoint::Session, 1)));

    let mut stopped = policy.clone();
    fact(&mut stopped, 1_000, Event::Stop { keep: false });
    assert_eq!(stopped.snapshot(ms(1_000)), None);
    let mut waiting = climbing(&BASE);
    fact(&mut waiting, 3_000, Event::Stop { keep: true });
    assert_eq!(waiting.snapshot(ms(3_000)), None, "a start begins anew");

    let epoch = epoch(&policy);
    fact(&mut policy, 1_000, Event::Closed { epoch, cause: Cause::Class(redial::classify::Class::Fatal) });
    assert_eq!(policy.phase(), Phase::Failed);
    assert_eq!(policy.snapshot(ms(1_000)), None);
}

/// Lifecycle 64: an imported session is used once. Refused, it is gone from the next export as well.
#[test]
fn l64_a_refused_import_is_gone() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let mut later = reborn(&policy, 0, 0);
    start(&mut later, 0);
    let epoch = epoch(&later);
    fact(&mut later, 0, Event::Opened { epoch });
    let refused = fact(&mut later, 0, Event::SessionInvalid { epoch, resumable: false });
    assert!(refused.contains(&Action::DropSession { reason: DropReason::Invalid }), "{refused:?}");
    assert!(!later.snapshot(ms(0)).expect("an outage").has_session());
    assert_eq!(opened(&next(&mut later).1), Some((Mode::Fresh, Endpoint::Base, 2)));
}

/// Lifecycle 64: resumes that fail for no stated reason are counted across processes.
#[test]
fn l64_failed_resumes_are_counted_across_processes() {
    static TWICE: Config =
        Config::new(LADDER).resume(ResumeConfig::new().failures_max(2).build_const()).build_const();
    let mut policy = new(&TWICE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let mut now = 0;
    for expected in [Mode::Resume, Mode::Resume, Mode::Fresh] {
        let snapshot = policy.snapshot(ms(now)).expect("something");
        policy = new(&TWICE).with_snapshot(ms(0), snapshot.aged(secs(60)));
        now = 0;
        assert_eq!(opened(&start(&mut policy, now)).map(|open| open.0), Some(expected));
        let epoch = epoch(&policy);
        fact(&mut policy, now, Event::Opened { epoch });
        fact(&mut policy, now, Event::Closed { epoch, cause: Cause::NoCloseFrame });
    }
}

/// S56: a session whose time to live has passed while nobody ran is not asked for.
#[test]
fn a_time_to_live_goes_on_between_processes() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, Some(secs(60)));
    let epoch = epoch(&policy);
    fact(&mut policy, 500_000, Event::Received { epoch });
    let snapshot = policy.snapshot(ms(500_000)).expect("a session");
    for (down, mode) in [(59, Mode::Resume), (60, Mode::Fresh)] {
        let mut later = new(&BASE).with_snapshot(ms(0), snapshot.clone().aged(secs(down)));
        assert_eq!(opened(&start(&mut later, 0)).map(|open| open.0), Some(mode), "{down} s");
    }
    let mut later = new(&BASE).with_snapshot(ms(77_000), snapshot);
    assert_eq!(opened(&start(&mut later, 136_999)).map(|open| open.0), Some(Mode::Resume));
}

/// S56: a foreign blob (another tenant, another shard) is refused, and the fresh start works.
#[test]
fn s56_a_foreign_snapshot_is_ignored() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let blob = bytes(&policy, 0).expect("a session");
    assert_eq!(Snapshot::decode(&blob, KEY + 1), Err(SnapshotError::WrongKey));
    let mut fresh = new(&BASE);
    assert_eq!(opened(&start(&mut fresh, 0)), Some((Mode::Fresh, Endpoint::Base, 1)));
}

/// Lifecycle 64: every malformed blob is told by its kind, and none panics.
#[test]
fn l64_malformed_bytes_are_typed_errors() {
    let mut policy = new(&STABLE);
    start(&mut policy, 0);
    establish(&mut policy, 0, Some(secs(60)));
    let blob = bytes(&policy, 10).expect("a session");
    assert_eq!(blob.len(), SNAPSHOT_BYTES + "token".len() + "wss://resume".len());
    let error = |blob: &[u8]| Snapshot::decode(blob, KEY).expect_err("malformed");
    assert_eq!(error(&[]), SnapshotError::TooSmall);
    assert_eq!(error(&[0; 1000]), SnapshotError::NotASnapshot);
    for length in 0..blob.len() {
        let expected = if length < SNAPSHOT_BYTES { SnapshotError::TooSmall } else { SnapshotError::Corrupt };
        assert_eq!(error(&blob[..length]), expected, "cut to {length}");
    }
    assert_eq!(error(&[&blob[..], &[0]].concat()), SnapshotError::Corrupt, "one byte more");
    for bit in 0..blob.len() * 8 {
        let mut altered = blob.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => SnapshotError::NotASnapshot,
            1 => SnapshotError::Version(altered[1]),
            _ => SnapshotError::Corrupt,
        };
        assert_eq!(error(&altered), expected, "bit {bit}");
    }
    let mut small = vec![0; blob.len() - 1];
    assert_eq!(policy.snapshot(ms(10)).unwrap().encode(KEY, &mut small), Err(SnapshotError::Full));
    assert_eq!(SnapshotError::Version(9).to_string(), "a snapshot of the unknown version 9");
}

/// A token that does not fit in the length field is an error, not a shorter token.
#[test]
fn an_oversized_token_does_not_fit() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let mut out = vec![0; 100_000];
    for (length, fits) in [(65_535, true), (65_536, false)] {
        let token = |text: String| Ok::<_, ()>(if text == "token" { "x".repeat(length) } else { text });
        let snapshot = policy.snapshot(ms(0)).unwrap().try_map(token).unwrap();
        assert_eq!(snapshot.encode(KEY, &mut out).is_ok(), fits);
    }
}

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

/// A snapshot of what was imported and not started yet is the same one; a started policy takes none.
#[test]
fn import_and_export_are_inverse() {
    for config in &JITTERS {
        let mut policy = new(config);
        start(&mut policy, 0);
        for dials in 0..10 {
            if dials > 0 && policy.phase() == Phase::Waiting {
                next(&mut policy);
            }
            if policy.phase() == Phase::Connecting {
                let at = policy.explain().since.as_millis();
                refuse(&mut policy, at);
            }
            let now = policy.explain().since;
            let Some(snapshot) = policy.snapshot(now) else { break };
            let again = new(config).with_snapshot(ms(900_000), snapshot.clone());
            assert_eq!(again.snapshot(ms(900_000)), Some(snapshot), "{dials} {config:?}");
        }
    }
    let running = climbing(&BASE);
    let snapshot = running.snapshot(ms(3_500)).expect("an outage");
    assert!(running.clone().with_snapshot(ms(3_500), snapshot) == running);
}

/// F110.
#[test]
fn debug_output_has_no_secret() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let text = format!("{:?}", policy.snapshot(ms(0)).expect("a session"));
    assert!(!text.contains("\"token\"") && !text.contains("wss:"), "{text}");
}

/// F72: the same through serde.
#[cfg(feature = "serde")]
#[test]
fn f72_any_serde_format_will_do() {
    let mut policy = climbing(&STABLE);
    next(&mut policy);
    establish(&mut policy, 7_000, Some(secs(60)));
    let snapshot = policy.snapshot(ms(8_000)).expect("both");
    let text = serde_json::to_string(&snapshot).expect("plain data");
    assert_eq!(serde_json::from_str::<Snapshot<String>>(&text).expect("the same"), snapshot);
    assert!(serde_json::from_str::<Snapshot<String>>("{\"session\": 3}").is_err());
}

/// The checksum of the byte form, to forge one.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let crc = !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    body.extend(crc.to_le_bytes());
    body
}

/// A well-formed snapshot with anything in its fields.
fn forged() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![Just(0), Just(u64::MAX), 0..100_000_000_u64, any::<u64>()];
    let small = || prop_oneof![Just(0), Just(u32::MAX), 0..50_u32];
    let rare = || prop_oneof![Just(0), Just(u8::MAX), 0..4_u8];
    let numbers = prop::array::uniform9(number());
    let counts = (small(), small(), prop::array::uniform5(rare()));
    (0..2048_u16, numbers, counts, 0..7_u8, 0..7_u8).prop_map(|(flags, numbers, counts, ladder, floor)| {
        let [sequence, left, ttl, failing, dialled, lasted, trail, ladder_left, floor_left] = numbers;
        let (attempt, failures, [resumes, endpoints, rejections, limited, rate_limited]) = counts;
        // An endpoint only with a token.
        let flags = if flags & 1 == 0 { flags & !2 } else { flags };
        let mut body = vec![0xd1, 1];
        body.extend(KEY.to_le_bytes());
        body.extend(flags.to_le_bytes());
        [sequence, left].iter().for_each(|number| body.extend(number.to_le_bytes()));
        body.extend((ttl as u32).to_le_bytes());
        body.extend([resumes, endpoints]);
        [failing, dialled, lasted].iter().for_each(|number| body.extend(number.to_le_bytes()));
        body.extend(attempt.to_le_bytes());
        body.extend(failures.to_le_bytes());
        body.extend(trail.to_le_bytes());
        body.extend([rejections, limited, rate_limited]);
        // A cause with a number of its own, or none.
        body.extend([resumes % 3, 0, 0]);
        body.extend([endpoints, rejections]);
        body.extend(attempt.to_le_bytes());
        // The base that a server set.
        body.extend(failures.to_le_bytes());
        body.push(ladder);
        body.extend(ladder_left.to_le_bytes());
        body.push(floor);
        body.extend(floor_left.to_le_bytes());
        body.extend([1, 0, b't', 1, 0, b'e']);
        sealed(body)
    })
}

static JITTERS: [Config; 5] = [
    Config::new(LADDER).build_const(),
    Config::new(LADDER.to_builder().jitter(Jitter::Full).build_const()).max_attempts(Some(5)).build_const(),
    Config::new(LADDER.to_builder().jitter(Jitter::Decorrelated).build_const())
        .max_elapsed(Some(secs(60)))
        .build_const(),
    Config::new(LADDER.to_builder().jitter(Jitter::DecorrelatedV2).build_const())
        .reset_after_stable(secs(60))
        .build_const(),
    Config::new(BackoffConfig::fibonacci(secs(1), secs(30)).build_const())
        .min_interval(secs(2))
        .build_const(),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Lifecycle 64: no bytes make it panic.
    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(mut blob in prop::collection::vec(any::<u8>(), 0..300), key: u32) {
        prop_assert!(Snapshot::decode(&blob, key).is_err());
        for (byte, value) in [0xd1, 1].into_iter().chain(key.to_le_bytes()).enumerate() {
            if let Some(place) = blob.get_mut(byte) {
                *place = value;
            }
        }
        let blob = sealed(blob);
        if let Ok(snapshot) = Snapshot::decode(&blob, key) {
            prop_assert!(blob.len() <= SNAPSHOT_BYTES + 300);
            prop_assert!(snapshot.encode(key, &mut [0; 512]).is_ok());
        }
    }

    /// F72: bytes are read as what was written.
    #[test]
    fn what_is_read_is_what_was_written(blob in forged()) {
        let snapshot = read(&blob);
        let mut again = [0; 512];
        let length = snapshot.encode(KEY, &mut again).expect("room");
        prop_assert_eq!(read(&again[..length]), snapshot);
    }

    /// S93, lifecycle 64: whatever a snapshot says, the start dials within the config's own longest wait, and the waits
    /// after it are those of the config's backoff.
    #[test]
    fn no_snapshot_can_wedge_a_policy(blob in forged(), which in 0..5_usize, clock in prop_oneof![Just(0), any::<u64>()]) {
        let config = &JITTERS[which];
        let mut now = Instant::from_micros(clock.min(u64::MAX / 2));
        let mut policy: Subject = Policy::new(config, SplitMix64::new(clock)).with_session_type().with_snapshot(now, read(&blob));
        let mut actions = policy.handle_event(now, Event::Start);
        for _ in 0..8 {
            if policy.phase() == Phase::Parked {
                actions = policy.handle_event(now, Event::CredentialOk { request: None, ttl: None });
            }
            // The session's end may come first.
            let mut timers = 0;
            while policy.phase() == Phase::Waiting && timers < 3 {
                timers += 1;
                let due = policy.poll_timeout().expect("a deadline");
                // The longest least wait of a verdict, and the host's own word.
                let not_now = policy.explain().waiting_for == Some(WaitReason::NotNow);
                let longest = if not_now { secs(86_400) } else { secs(301) };
                prop_assert!(due == Instant::MAX || due.saturating_duration_since(now) <= longest);
                if due == Instant::MAX {
                    return Ok(());
                }
                now = due;
                actions = policy.handle_timeout(now);
            }
            if policy.phase() == Phase::Parked {
                continue;
            }
            prop_assert_eq!(policy.phase(), Phase::Connecting);
            let dialled = opened(&actions.iter().collect::<Vec<_>>()).is_some();
            prop_assert!(dialled);
            let failed = Event::OpenFailed { epoch: epoch(&policy), cause: REFUSED, retry_after: None };
            let _wait = policy.handle_event(now, failed);
            if policy.phase() == Phase::Failed {
                return Ok(());
            }
            let wait = policy.poll_timeout().expect("a deadline").saturating_duration_since(now);
            prop_assert!(wait <= secs(30) || policy.poll_timeout() == Some(Instant::MAX));
        }
    }
}
