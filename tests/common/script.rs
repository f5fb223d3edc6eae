//! Bytes to a config and a string of events. Every byte string means something, so that a fuzzer wastes none, and a run
//! of zeros is the simplest script: start, and everything goes well.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

use core::time::Duration;

use arbitrary::{Result, Unstructured};
use redial::backoff::{AfterTable, Curve};
use redial::breaker;
use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::handover::Decider;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, HoldReason, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn,
    RestoreConfig, ResumeConfig,
};
use redial::{
    BackoffConfig, Cause, Config, Epoch, Event, Instant, IoKind, Jitter, Phase, Ratio, SessionState, presets,
};

use redial::testing::Limits;

use super::harness::{TestEvent, checked, small_policy};

/// Reads a script and runs it; panics where an invariant breaks. With `REDIAL_STORY` in the environment it is
/// printed on standard error.
pub fn run(bytes: &[u8]) {
    // The only error of `arbitrary` here is the end of the bytes, which is the end of the script.
    let _ = story(&mut Unstructured::new(bytes));
}

fn story(u: &mut Unstructured<'_>) -> Result<()> {
    let (config, limits) = config(u)?;
    let seed = u64::from(u.arbitrary::<u8>()?);
    let mut policy = small_policy(&config, seed, u.int_in_range(1..=3)?);
    if one_in(u, 8)? {
        let session = SessionState::resumable(1, u.arbitrary::<bool>()?.then_some(2), u.arbitrary()?);
        policy = policy.with_session(session);
    }
    let mut harness = checked(policy.clone()).with_limits(limits);
    let mut log = Vec::new();
    let told = std::env::var_os("REDIAL_STORY").is_some();
    if told {
        eprintln!("{config:?}");
    }
    while !u.is_empty() && log.len() < 2_000 {
        let now = time(u, harness.now(), &*harness)?;
        let step = event(u, &*harness)?;
        log.push((now, step.clone()));
        if told {
            eprintln!("{} {step:?}", now.as_micros());
        }
        let actions = harness.call(now, step);
        if told {
            eprintln!("    {:?} {}", actions.iter().collect::<Vec<_>>(), harness.explain());
        }
    }
    // S96: the same events, told to a new policy, end in the same state.
    for (now, step) in log {
        let _ = match step {
            Some(event) => policy.handle_event(now, event),
            None => policy.handle_timeout(now),
        };
    }
    assert_eq!(policy, *harness, "S96: the replay ends elsewhere");
    harness.assert_recovers();
    Ok(())
}

pub fn one_in(u: &mut Unstructured<'_>, n: u8) -> Result<bool> {
    // Zero, which is also what the end of the bytes reads as, is "no".
    Ok(u.int_in_range(0..=n - 1)? == n - 1)
}

pub fn duration(u: &mut Unstructured<'_>) -> Result<Duration> {
    const LIST: [Duration; 12] = [
        Duration::from_secs(1),
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_micros(1),
        Duration::from_millis(1),
        Duration::from_millis(250),
        Duration::from_millis(999),
        Duration::from_secs(10),
        Duration::from_secs(45),
        Duration::from_secs(600),
        Duration::from_secs(86_400),
        Duration::MAX,
    ];
    u.choose(&LIST).copied()
}

fn maybe_duration(u: &mut Unstructured<'_>) -> Result<Option<Duration>> {
    Ok(if u.arbitrary()? { Some(duration(u)?) } else { None })
}

/// Mostly the next deadline or no time at all; sometimes a step back, a leap, or the end of time.
pub fn time(u: &mut Unstructured<'_>, now: Instant, policy: &impl Decider) -> Result<Instant> {
    let until = policy.poll_timeout().unwrap_or(now).max(now);
    let micros = |at: Instant| at.as_micros();
    Ok(match u.int_in_range(0..=23_u8)? {
        0..=7 => now,
        8..=13 => until,
        14 => Instant::from_micros(micros(until).saturating_sub(1)).max(now),
        15 => Instant::from_micros(micros(until).saturating_add(1)),
        16..=18 => now.saturating_add(duration(u)?),
        19 => Instant::from_micros(micros(now).saturating_sub(duration(u)?.as_micros() as u64)),
        20 => Instant::from_micros(micros(now).saturating_sub(u64::from(u.arbitrary::<u16>()?))),
        21 => now.saturating_add(Duration::from_micros(u64::from(u.arbitrary::<u32>()?))),
        22 => Instant::from_micros(u.arbitrary()?),
        _ => *u.choose(&[Instant::ZERO, Instant::MAX, Instant::from_micros(u64::MAX - 1)])?,
    })
}

/// Mostly no number, which the end of the bytes reads as too.
fn send(u: &mut Unstructured<'_>) -> Result<Option<u32>> {
    Ok(if one_in(u, 3)? { Some(u.int_in_range(0..=3)?) } else { None })
}

/// `None`: nothing but time.
pub fn event(u: &mut Unstructured<'_>, policy: &impl Decider) -> Result<Option<TestEvent<u8>>> {
    let newest = policy.stats().opens.max(1);
    let number = match u.int_in_range(0..=15_u8)? {
        0..=12 => newest,
        13 => newest.saturating_sub(1).max(1),
        14 => newest + 1,
        _ => u.int_in_range(1..=u32::MAX)?,
    };
    let epoch = Epoch::from_raw(number).unwrap_or_else(|| unreachable!("from 1"));
    event_of(u, epoch, policy.phase())
}

/// One of the transport `epoch`, or of the user or the host, in this phase.
pub fn event_of(u: &mut Unstructured<'_>, epoch: Epoch, phase: Phase) -> Result<Option<TestEvent<u8>>> {
    let key = u.int_in_range(0..=5_u8)?;
    Ok(Some(match u.int_in_range(0..=58_u8)? {
        // What goes well.
        0..=7 => match phase {
            Phase::Idle | Phase::Stopped | Phase::Failed => Event::Start,
            Phase::Connecting => Event::Opened { epoch },
            Phase::Establishing if u.arbitrary()? => Event::Resumed { epoch },
            Phase::Establishing => ready(u, epoch)?,
            Phase::Parked => Event::CredentialOk { request: None, ttl: None },
            _ => Event::HeartbeatAcked { epoch },
        },
        8..=13 => return Ok(None),
        14 | 15 => Event::Greeting { epoch, heartbeat: maybe_duration(u)? },
        16 | 17 => ready(u, epoch)?,
        18 => Event::Resumed { epoch },
        19 => Event::Opened { epoch },
        20 => Event::OpenFailed { epoch, cause: cause(u)?, retry_after: maybe_duration(u)? },
        21 | 22 => Event::Closed { epoch, cause: cause(u)? },
        23 => Event::SendFailed { epoch },
        24 => Event::NotNow { epoch, retry_after: maybe_duration(u)? },
        25 => Event::Sequence { epoch, sequence: u64::from(u.arbitrary::<u8>()?) },
        26 => Event::Sequence { epoch, sequence: u.arbitrary()? },
        27 => {
            Event::ReconnectRequested { epoch, retry_after: maybe_duration(u)?, deadline: maybe_duration(u)? }
        }
        28 => Event::SessionInvalid { epoch, resumable: u.arbitrary()? },
        29 => Event::HeartbeatAcked { epoch },
        30 => Event::HeartbeatRequested { epoch },
        31 => Event::Received { epoch },
        32 if key == 5 => Event::CredentialNew,
        32 => Event::CredentialOk {
            request: if key == 4 { Some(1) } else { None },
            ttl: if key > 1 { Some(duration(u)?) } else { None },
        },
        33 if key == 5 => Event::CredentialLost,
        33 => Event::CredentialFailed { request: None, fatal: one_in(u, 4)? },
        34 => Event::AuthOk { epoch },
        35 => Event::AuthFailed { epoch, fatal: one_in(u, 4)? },
        36 => Event::Subscribe { key, priority: u.int_in_range(0..=2)? },
        37 => Event::Unsubscribe { key },
        38 if key == 5 => Event::SubscriptionLost { epoch, key: u.int_in_range(0..=4)? },
        38 => Event::SubscriptionConfirmed { epoch, key, send: send(u)? },
        39 => Event::SubscriptionFailed { epoch, key, send: send(u)?, retryable: u.arbitrary()? },
        40 => Event::Stop { keep: u.arbitrary()? },
        41 => Event::RetryNow,
        42 => Event::Hold(reason(u)?),
        43 => Event::Release(reason(u)?),
        44 => Event::NetworkDown,
        45 => Event::NetworkUp,
        46 if u.arbitrary()? => Event::Visible,
        46 => Event::Hidden,
        47 => Event::HostResumed { gap: duration(u)?, counted: true },
        48 => Event::HostResumed { gap: duration(u)?, counted: false },
        49 | 50 => Event::Redirected { epoch, endpoint: key, permanent: u.arbitrary()? },
        51 => Event::Cursor { epoch, token: key },
        52 => Event::KeepAlive { epoch, interval: duration(u)? },
        53 => Event::BackoffHint { base: duration(u)? },
        54 => Event::NetworkChanged,
        55 => Event::Redial,
        56 => Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(duration(u)?) },
        57 => Event::CredentialOk { request: None, ttl: Some(duration(u)?) },
        _ => Event::SubscriptionLost { epoch, key },
    }))
}

pub fn ready(u: &mut Unstructured<'_>, epoch: Epoch) -> Result<TestEvent<u8>> {
    let token = (!one_in(u, 4)?).then_some(1);
    let endpoint = u.arbitrary::<bool>()?.then_some(2);
    Ok(Event::Ready { epoch, token, endpoint, sequence: u.arbitrary()?, ttl: maybe_duration(u)? })
}

fn reason(u: &mut Unstructured<'_>) -> Result<HoldReason> {
    let number = if u.arbitrary()? { 0 } else { u.int_in_range(0..=31)? };
    Ok(HoldReason::new(number).unwrap_or_else(|| unreachable!("below 32")))
}

fn cause(u: &mut Unstructured<'_>) -> Result<Cause> {
    Ok(match u.int_in_range(0..=20_u8)? {
        0..=3 => Cause::NoCloseFrame,
        4..=6 => Cause::CloseFrame(u.int_in_range(999..=1016)?),
        7 => Cause::CloseFrame(u.int_in_range(2999..=4500)?),
        8 => Cause::CloseFrame(u.arbitrary()?),
        9 => Cause::Http(*u.choose(&[503, 101, 200, 301, 401, 403, 429, 500, 599])?),
        10 => Cause::Http(u.arbitrary()?),
        11 | 12 => Cause::Io(*u.choose(IoKind::ALL)?),
        13 => Cause::Tls(*u.choose(TlsKind::ALL)?),
        14 => Cause::Class(*u.choose(Class::ALL)?),
        15 => Cause::AuthRejected,
        16 => Cause::SessionInvalid,
        17 => Cause::Timeout,
        18 => Cause::ReconnectRequested,
        19 => Cause::AuthDenied,
        _ => Cause::Unknown,
    })
}

static TABLES: [&[Duration]; 5] = [
    &[Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)],
    &[Duration::ZERO],
    &[Duration::from_secs(5), Duration::from_secs(1)],
    &[Duration::ZERO, Duration::ZERO, Duration::MAX],
    &[Duration::from_millis(1)],
];

fn ladder(u: &mut Unstructured<'_>) -> Result<(BackoffConfig, Duration)> {
    let fallback = BackoffConfig::constant(Duration::from_secs(1)).build();
    let (initial, other) = (duration(u)?, duration(u)?);
    let max = initial.max(other);
    let ratio = Ratio::new(u.int_in_range(0..=5)?, u.int_in_range(1..=5)?).unwrap_or(Ratio::ONE);
    let after = if u.arbitrary()? { AfterTable::GiveUp } else { AfterTable::RepeatLast };
    let ladder = match u.int_in_range(0..=6_u8)? {
        0 => BackoffConfig::exponential(initial, ratio, max).build(),
        1 => BackoffConfig::constant(initial).build(),
        2 => BackoffConfig::linear(initial, max).build(),
        3 => BackoffConfig::fibonacci(initial, max).build(),
        4 => BackoffConfig::elapsed(ratio, initial, max).build(),
        5 => BackoffConfig::quadratic(initial, other, max).build(),
        _ => BackoffConfig::table(u.choose(&TABLES)?, after).build(),
    };
    let mut ladder = ladder.or(fallback).unwrap_or_else(|_| unreachable!("1 s is no error"));
    if one_in(u, 4)? {
        ladder = ladder.to_builder().first_delay(duration(u)?).build_const();
    }
    if one_in(u, 4)? {
        ladder = ladder.to_builder().exact_first().build_const();
    }
    let jitter = match u.int_in_range(0..=10_u8)? {
        0 => Jitter::None,
        1 => Jitter::Full,
        2 => Jitter::Equal,
        3 => Jitter::Decorrelated,
        4 => Jitter::PlusMinus(ratio),
        5 => Jitter::Window(Ratio::ZERO, ratio),
        6 => Jitter::Minus(ratio),
        7 => Jitter::Plus(ratio),
        8 => Jitter::PlusFixed(initial.min(other), max),
        9 => Jitter::AboveInitial,
        _ => Jitter::DecorrelatedV2,
    };
    ladder = ladder.to_builder().jitter(jitter).build().unwrap_or(ladder);
    ladder = ladder.to_builder().floor(duration(u)?).build().unwrap_or(ladder);
    // No wait is above the larger cap. That of a table is its longest entry.
    let mut cap = max.max(Duration::from_secs(30));
    if let Curve::Table(delays, _) = ladder.curve() {
        cap = cap.max(delays.iter().max().copied().unwrap_or_default());
    }
    if one_in(u, 4)? {
        let fresh = duration(u)?;
        if let Ok(longer) = ladder.to_builder().max_fresh(fresh).build() {
            ladder = longer;
            cap = cap.max(fresh);
        }
    }
    Ok((ladder, cap))
}

/// A whole config, every knob of it, or a preset.
pub fn config(u: &mut Unstructured<'_>) -> Result<(Config, Limits)> {
    // A class asks for up to 302 s, and a host that can't dial for up to a day.
    let class_waits = Duration::from_secs(86_400);
    if one_in(u, 4)? {
        let (name, config) = *u.choose(presets::ALL)?;
        // What any of them promises; the backoff of one has no end.
        let longest = if name == "tower" { Duration::MAX } else { Duration::from_secs(86_400) };
        let limits = Limits::of(config).longest_wait(longest).connect_timeout(Duration::from_secs(600));
        return Ok((*config, limits));
    }
    let (first, cap) = ladder(u)?;
    let mut config = Config::new(first).build_const();
    let mut longest_wait = cap.max(class_waits);
    let mut connect_timeout = Duration::from_secs(10);
    let mut beats = false;
    let default = *u.choose(Class::ALL)?;
    let fatal = Rule::new(Match::Is(Cause::CloseFrame(4_999)), Verdict::new(Class::Fatal).with_limit(2));
    let mut classifier = Classifier::new(u.choose(&tables::ALL)?).rule(fatal).build();
    if u.arbitrary()? {
        classifier =
            classifier.map(|classifier| classifier.to_builder().default_class(default).build_const());
    }
    if let Ok(classifier) = classifier {
        config = config.to_builder().classifier(classifier).build_const();
    }
    config = config.to_builder().reset_after_stable(duration(u)?).build_const();
    let mut min_interval = if one_in(u, 3)? { duration(u)? } else { Duration::ZERO };
    match config.to_builder().min_interval(min_interval).build() {
        Ok(spaced) => config = spaced,
        // Above a day.
        Err(_) => min_interval = Duration::ZERO,
    }
    longest_wait = longest_wait.max(min_interval);
    if one_in(u, 4)? {
        config = config.to_builder().max_attempts(u.arbitrary::<Option<u8>>()?.map(u32::from)).build_const();
    }
    if one_in(u, 4)? {
        config = config.to_builder().max_elapsed(maybe_duration(u)?).build_const();
    }
    if one_in(u, 4)? {
        config = config
            .to_builder()
            .initial_limits(u.arbitrary::<Option<u8>>()?.map(u32::from), maybe_duration(u)?)
            .build_const();
    }
    if one_in(u, 4)? {
        let (late, cap) = ladder(u)?;
        longest_wait = longest_wait.max(cap);
        config = config.to_builder().long_outage(duration(u)?, late).build_const();
    }
    config =
        config.to_builder().wait_from_dial(one_in(u, 4)?).restart_on_network_up(one_in(u, 4)?).build_const();
    config = config
        .to_builder()
        .on_wake(if u.arbitrary()? { OnWake::Probe } else { OnWake::Redial })
        .build_const();
    let orders = [EndpointOrder::PrimaryFirst, EndpointOrder::LeastFailed];
    let mut endpoints = EndpointsConfig::new().order(*u.choose(&orders)?).sticky(duration(u)?).build_const();
    let (low, high) = (duration(u)?, duration(u)?);
    if let Ok(apart) = endpoints.to_builder().gap(low, high).build() {
        longest_wait = longest_wait.max(high);
        endpoints = apart;
    }
    config = config
        .to_builder()
        .endpoints(endpoints.to_builder().half_life(duration(u)?).build().unwrap_or(endpoints))
        .build_const();
    let timeout = duration(u)?;
    if let Ok(longer) = config.to_builder().connect_timeout(timeout).build() {
        (config, connect_timeout) = (longer, timeout);
    }
    // A breaker that is forced open is asked again after this.
    longest_wait = longest_wait.max(connect_timeout);
    let greeting = u.arbitrary()?;
    if greeting {
        config = config
            .to_builder()
            .greeting(maybe_duration(u)?)
            .build()
            .or(config.to_builder().greeting(None).build())
            .unwrap_or(config);
    }
    config = config.to_builder().ready_timeout(maybe_duration(u)?).build().unwrap_or(config);
    config = config
        .to_builder()
        .establish(if u.arbitrary()? { Establish::OnOpen } else { Establish::OnReady })
        .build_const();
    let retry_after_max = duration(u)?;
    let retry_after_spread = *u.choose(&[Ratio::ZERO, Ratio::ONE, Ratio::TWO])?;
    longest_wait = longest_wait.max(retry_after_max.saturating_mul(3));
    config = config
        .to_builder()
        .retry_after_max(retry_after_max)
        .retry_after_spread(retry_after_spread)
        .build_const();
    let needs_sequence = u.arbitrary()?;
    let (low, high) = (duration(u)?, duration(u)?);
    let mut resume = ResumeConfig::new().sequence_needed(needs_sequence).build_const();
    resume = resume.to_builder().failures_max(u.arbitrary()?).build().unwrap_or(resume);
    if let Ok(longer) = resume.to_builder().invalid_wait(low, high).build() {
        longest_wait = longest_wait.max(high);
        resume = longer;
    }
    resume = resume.to_builder().endpoint_fallback(u.arbitrary()?, duration(u)?).build_const();
    config =
        config.to_builder().resume(if one_in(u, 4)? { ResumeConfig::DISABLED } else { resume }).build_const();
    let spread = maybe_duration(u)?;
    longest_wait = longest_wait.max(spread.unwrap_or_default());
    config = config.to_builder().requested_spread(spread).build_const();
    let mut heartbeat =
        HeartbeatConfig::new().first_jitter(u.arbitrary()?).required(one_in(u, 4)?).build_const();
    if u.arbitrary()? {
        if let Ok(beating) = heartbeat.to_builder().interval(duration(u)?).build() {
            heartbeat = beating;
            beats = !greeting;
        }
    }
    heartbeat = heartbeat.to_builder().missed(u.arbitrary()?).build().unwrap_or(heartbeat);
    heartbeat = heartbeat.to_builder().answer_within(maybe_duration(u)?).build().unwrap_or(heartbeat);
    if u.arbitrary()? {
        heartbeat = heartbeat.to_builder().liveness(Liveness::AnyTraffic).build_const();
    }
    config = config.to_builder().heartbeat(heartbeat).build_const();
    if u.arbitrary()? {
        let (open, max_open, lease) = (duration(u)?, duration(u)?, duration(u)?);
        if let Ok(mut breaker) = breaker::Config::new(u.int_in_range(1..=6)?, open).build() {
            longest_wait = longest_wait.max(open.saturating_mul(2)).max(Duration::from_secs(60));
            if let Ok(growing) = breaker.to_builder().growth(Ratio::TWO, max_open).build() {
                breaker = growing;
                longest_wait = longest_wait.max(max_open.saturating_mul(2));
            }
            if u.arbitrary()? {
                breaker = breaker.to_builder().jitter(Ratio::ONE).build().unwrap_or(breaker);
            }
            breaker = breaker.to_builder().probes(u.int_in_range(1..=3)?).build().unwrap_or(breaker);
            if let Ok(leased) = breaker.to_builder().lease(lease).build() {
                breaker = leased;
                longest_wait = longest_wait.max(lease);
            }
            config = config.to_builder().breaker(Some(breaker)).build_const();
        }
    }
    let mut restore = RestoreConfig::new().authentication(u.arbitrary()?).build_const();
    restore = restore.to_builder().batches(u.int_in_range(0..=3)?, duration(u)?).build().unwrap_or(restore);
    restore = restore.to_builder().confirm_timeout(maybe_duration(u)?).build().unwrap_or(restore);
    let restores = !one_in(u, 4)?;
    config =
        config.to_builder().restore(if restores { restore } else { RestoreConfig::DISABLED }).build_const();
    let mut credential = CredentialConfig::new()
        .refresh_on(*u.choose(&[RefreshOn::Auth, RefreshOn::Dial, RefreshOn::Never])?)
        .rejections_max(u.arbitrary()?)
        .lead(duration(u)?, duration(u)?)
        .in_band(u.arbitrary()?)
        .build_const();
    credential = credential.to_builder().timeout(duration(u)?).build().unwrap_or(credential);
    longest_wait = longest_wait.max(Duration::from_secs(30));
    config = config.to_builder().credential(credential).build_const();
    let spread = duration(u)?;
    longest_wait = longest_wait.max(spread);
    let on_down =
        *u.choose(&[OnNetworkDown::Park, OnNetworkDown::Drop, OnNetworkDown::Ignore, OnNetworkDown::Probe])?;
    config = config.to_builder().network(on_down, spread).build_const();
    config = config.to_builder().defer_while_hidden(!one_in(u, 3)?).build_const();
    let changes = [OnNetworkChange::Probe, OnNetworkChange::Drop, OnNetworkChange::Ignore];
    config = config.to_builder().on_network_change(*u.choose(&changes)?).build_const();
    config =
        config.to_builder().on_visible(*u.choose(&[OnVisible::Nothing, OnVisible::Probe])?).build_const();
    let (age, early) = (maybe_duration(u)?, duration(u)?);
    config = config.to_builder().max_age(age, early).build().unwrap_or(config);
    config = config.to_builder().redirects(*u.choose(&[5, 0, 1, 255])?).build_const();
    if one_in(u, 4)? {
        config = config.to_builder().connect_timeout_growing(true).build_const();
        connect_timeout = connect_timeout.max(longest_wait);
    }
    if one_in(u, 4)? {
        config = config.to_builder().stability_by_cap().build_const();
    }
    config = config.to_builder().close_code(u.int_in_range(3_000..=4_999)?).build().unwrap_or(config);
    // Spans are taken to whole microseconds, upwards.
    let longest_wait = longest_wait.saturating_add(Duration::from_micros(1));
    let connect_timeout = connect_timeout.saturating_add(Duration::from_micros(1));
    let limits = Limits::of(&config)
        .longest_wait(longest_wait)
        .connect_timeout(connect_timeout)
        .min_interval(min_interval)
        .heartbeats(beats)
        .sequence_needed(needs_sequence)
        .restores(restores);
    Ok((config, limits))
}
