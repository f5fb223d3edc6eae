//! A policy carried to a later process: what goes on, what starts over, and what bytes are refused.

mod bytes;
mod forged;
mod next_process;

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
static BASE: Config =
    Config::new(LADDER).reset_after_stable(Duration::ZERO).retry_after_spread(Ratio::ZERO).build_const();
/// An outage is over when its connection has held for two minutes.
static STABLE: Config = Config::new(LADDER).reset_after_stable(secs(120)).build_const();

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
    let failed = Event::OpenFailed {
        epoch: epoch(&policy),
        cause: Cause::Http(503),
        retry_after: Some(secs(60).into()),
    };
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
    // That of an appointment, 300 s and up to a quarter on top.
    assert_eq!(other.poll_timeout(), Some(ms(375_000)));

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
