//! Every byte string is a config and what happens to policies whose tokens and keys are text, whose draws are ChaCha8's, or whose
//! config the compiler knows. Whatever writes them says so where there is no room, however little is missing, and what was written
//! is read as it was; read by another type of policy, or as something else, it is refused.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::fmt::Debug;

use redial::backoff::WindowPhase;
use redial::endpoints::{FixedEndpoints, SingleEndpoint};
use redial::handover::{Decider, Handover};
use redial::policy::{ResumeConfig, Snapshot, SnapshotError};
use redial::rand_core::{Rng, SeedableRng};
use redial::record::{CheckpointError, Flight, FlightRecorder, FromName, Named, Names, Recorder, Store};
use redial::subscriptions::{FixedSubscriptions, NoSubscriptions, SubscriptionList, Subscriptions};
use redial::testing::{Normal, Sample, Script, normal_form};
use redial::{ChaCha8Rng, Config, Event, Instant, Policy, Ratio, SplitMix64, fixed_config, presets};

use crate::harness::Lent;
use crate::read_back::sealed;

/// Enough for any of these.
const ROOM: usize = 8_000;
const LEAST: Config =
    presets::AWS_FULL.to_builder().breaker(None).resume(ResumeConfig::DISABLED).build_const();
fixed_config!(struct Least = LEAST);

type Text<'c, E = FixedEndpoints<3>> = Policy<ChaCha8Rng, String, SubscriptionList<String>, Lent<'c>, E>;
type TextHandover<'c> = Handover<ChaCha8Rng, String, SubscriptionList<String>, Lent<'c>, FixedEndpoints<3>>;
type Lean = Policy<SplitMix64, (), NoSubscriptions, Least, SingleEndpoint>;

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    match script.below(5) {
        0 => text(&mut script),
        1 => handover(&mut script),
        2 => lean(&mut script),
        3 => keyless(&mut script),
        _ => words(&mut script),
    }
}

/// A policy with names of text and draws of ChaCha8.
fn policy<'c>(config: &'c Config, script: &mut Script<'_>) -> Text<'c> {
    let mut rng = ChaCha8Rng::seed_from_u64(script.seed());
    rng.set_word_pos(script.below(u32::MAX).into());
    let endpoints = FixedEndpoints::new_const(1 + script.below(3) as u8);
    let policy: Text<'c> = Policy::from_parts(Lent(config), rng, SubscriptionList::new(), endpoints);
    let policy = policy.with_session(script.session());
    let phase =
        WindowPhase::from_ratio(Ratio::new_const(script.below(3), 2)).unwrap_or(WindowPhase::of_client(7));
    assert_eq!(WindowPhase::from_bits(phase.to_bits()), phase);
    if script.flag() { policy.with_window_phase(phase) } else { policy }
}

fn text(script: &mut Script<'_>) {
    let config = script.config();
    let read = |bytes: &[u8]| Text::from_checkpoint(Lent(&config), bytes);
    let (end, now) = live(policy(&config, script), script, Policy::checkpoint, read);
    snapshots(end.snapshot(now), script);
    let other = end.with_endpoints(SingleEndpoint);
    let written = written(&other, Policy::checkpoint);
    assert!(Text::<SingleEndpoint>::from_checkpoint(Lent(&config), &written).is_ok());
    said(Text::<FixedEndpoints<3>>::from_checkpoint(Lent(&config), &written).err());
    said(Text::<SingleEndpoint>::from_checkpoint(Lent(&LEAST), &written).err());
}

fn handover(script: &mut Script<'_>) {
    let (config, settings) = (script.config(), script.handover());
    let read = |bytes: &[u8]| TextHandover::from_checkpoint(Lent(&config), settings, bytes);
    let policy = policy(&config, script).with_handover(settings);
    let (mut end, now) = live(policy, script, Handover::checkpoint, read);
    let snapshot = end.snapshot(now);
    snapshots(snapshot.clone(), script);
    let phase = WindowPhase::of_client(script.below(9).into());
    let idle = Policy::new(&presets::FEW, SplitMix64::new(7)).with_session_type().with_handover(None);
    let mut idle = idle.with_window_phase(phase).with_rng(SplitMix64::seed_from_u64(8));
    if let Some(snapshot) = snapshot {
        idle = idle.with_snapshot(now, snapshot.clone());
        let mut begun = idle.clone();
        let _dial = begun.handle_event(now, Event::Start);
        assert!(begun.clone().with_snapshot(now, snapshot) == begun, "it is for one that has not begun");
    }
    assert_eq!(
        (idle.handover_stats(), idle.redirect(), idle.breaker_phase()),
        (Default::default(), None::<&String>, None)
    );
}

fn lean(script: &mut Script<'_>) {
    assert_ne!(SplitMix64::from_os(), SplitMix64::from_os());
    let (mut rng, mut drawn) = (SplitMix64::from_seed(script.seed().to_le_bytes()), [0; 11]);
    rng.clone().fill_bytes(&mut drawn);
    assert_eq!(drawn[..], [rng.next_u64(), rng.next_u64()].map(u64::to_le_bytes).as_flattened()[..11]);
    let policy: Lean = Policy::new(Least, SplitMix64::from_seed(script.seed().to_le_bytes()));
    let (end, now) = live(policy, script, Policy::checkpoint, |bytes| Lean::from_checkpoint(Least, bytes));
    assert!(end.snapshot(now).is_none_or(|snapshot| !snapshot.has_session()));
    let other = end.with_rng(ChaCha8Rng::seed_from_u64(7));
    said(Lean::from_checkpoint(Least, &written(&other, Policy::checkpoint)).err());
}

/// A policy with keys, read by one that has none.
fn keyless(script: &mut Script<'_>) {
    type Keyless<'c> = Policy<SplitMix64, String, NoSubscriptions, Lent<'c>, SingleEndpoint>;
    let config = script.config();
    let mut policy =
        policy(&config, script).with_endpoints(SingleEndpoint).with_rng(SplitMix64::new(script.seed()));
    let mut now = Instant::ZERO;
    for _ in 0..script.below(20) {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        let _actions = step.apply(&mut policy);
    }
    let read = Keyless::from_checkpoint(Lent(&config), &written(&policy, Policy::checkpoint));
    assert!(read.is_err() || policy.subscriptions().is_empty());
    said(read.err());
}

/// Names of which there is a reference only: they are written, and read by a policy that owns them.
fn words(script: &mut Script<'_>) {
    type Words<'c> =
        Policy<SplitMix64, &'static str, FixedSubscriptions<&'static str, 4>, Lent<'c>, SingleEndpoint>;
    type Owned<'c> = Policy<SplitMix64, String, FixedSubscriptions<String, 4>, Lent<'c>, SingleEndpoint>;
    let config = script.config();
    let mut policy: Words<'_> =
        Policy::from_parts(Lent(&config), SplitMix64::new(7), FixedSubscriptions::new(), SingleEndpoint);
    policy = policy.with_session(script.session());
    let mut recorder = Recorder::new();
    let (mut now, mut lines) = (Instant::ZERO, vec![recorder.set_up(&policy).expect("few names").len()]);
    for _ in 0..script.below(30) {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        lines.push(recorder.step(now, step.event.as_ref()).expect("few names").len());
        let _actions = step.apply(&mut policy);
    }
    assert!(lines.iter().all(|length| *length > 2));
    let read =
        Owned::from_checkpoint(Lent(&config), &written(&policy, Policy::checkpoint)).expect("the same names");
    assert!(
        read.subscriptions()
            .iter()
            .map(|entry| entry.key().as_str())
            .eq(policy.subscriptions().iter().map(|entry| *entry.key()))
    );
    let mut room = vec![0; ROOM];
    let hashed = policy.checkpoint(Names::Hashed(7), &mut room);
    assert!(hashed.is_ok());
}

/// Lives through the script with two recorders beside it, and is then written in every form. Returns what it has become, and when.
fn live<D>(
    mut policy: D,
    script: &mut Script<'_>,
    checkpoint: impl Fn(&D, Names, &mut [u8]) -> Result<usize, CheckpointError>,
    read: impl Fn(&[u8]) -> Result<D, CheckpointError>,
) -> (D, Instant)
where
    D: Decider<
            Token: Sample + Clone + Named + FromName,
            Subscriptions: Subscriptions<Key: Sample + Named + FromName>,
        > + Store
        + Normal
        + Clone
        + PartialEq
        + Debug,
{
    const SET_UP: &str = "{\"preset\": \"recommended\"}";
    let mut flight = FlightRecorder::<_, 24>::new(&policy).with_set_up(SET_UP);
    let (mut recorder, names) = if script.flag() {
        (Recorder::default().with_endpoints(&["a", "\"b\""]), Names::Hashed(7))
    } else {
        (Recorder::showing_names().with_endpoints(&[]), Names::Shown)
    };
    let set_up = recorder.set_up(&policy).expect("few names").to_owned();
    assert!(set_up.starts_with("{\"config\": {") && set_up.ends_with("}\n"));
    let (mut now, mut steps) = (Instant::ZERO, 0_u64);
    while let (Some(step), true) = (script.next_step(&policy, now), steps < 200) {
        (now, steps) = (step.at, steps + 1);
        let line = match &step.event {
            Some(event) => {
                flight.event(now, event);
                recorder.event(now, event).expect("few names")
            }
            None => {
                flight.timeout(now);
                recorder.timeout(now)
            }
        };
        assert!(line.ends_with("}\n"));
        let _actions = step.apply(&mut policy);
    }
    let kept = flight.len() as u64;
    assert!(kept + flight.gone() <= steps && flight.is_empty() == (kept == 0));
    assert!(format!("{flight:?}").contains("FlightRecorder"));
    assert!(policy.breaker_phase().is_none() || policy.config().breaker().is_some());
    assert!(policy.endpoint_index() < 3 && (policy.redirect().is_none() || policy.config().redirects() > 0));

    let whole = written(&policy, &checkpoint);
    assert!(read(&whole).expect("its own") == policy);
    too_small(&whole, |room| checkpoint(&policy, Names::Shown, room));
    let step = 1 + script.below(8) as usize;
    for length in (0..whole.len().saturating_sub(4)).step_by(step) {
        // Whatever ends early is refused, also with a right checksum.
        said(read(&sealed(whole[..length].to_vec())).err());
    }
    let mut room = vec![0; ROOM];
    let length = flight.dump(names, &mut room).expect("room");
    let dump = room[..length].to_vec();
    if names == Names::Shown {
        too_small(&dump, |room| flight.dump(Names::Shown, room));
        let flight = Flight::decode(&dump).expect("its own");
        assert_eq!((flight.set_up(), flight.gone() <= steps), (SET_UP, true));
        assert!(
            flight.steps::<D::Token, <D::Subscriptions as Subscriptions>::Key>().all(|step| step.is_ok())
        );
    }
    for length in (0..dump.len().saturating_sub(4)).step_by(step) {
        said(Flight::decode(&sealed(dump[..length].to_vec())).err());
    }
    let horizon = script.duration();
    let mut form = vec![0; ROOM];
    let length = normal_form(&policy, now, horizon, &mut form).expect("room");
    form.truncate(length);
    too_small(&form, |room| normal_form(&policy, now, horizon, room));
    (policy, now)
}

fn written<D>(
    policy: &D,
    checkpoint: impl Fn(&D, Names, &mut [u8]) -> Result<usize, CheckpointError>,
) -> Vec<u8> {
    let mut room = vec![0; ROOM];
    let length = checkpoint(policy, Names::Shown, &mut room).expect("room");
    room.truncate(length);
    room
}

/// It is written where there is as much room as it takes, and refused where there is less.
fn too_small(whole: &[u8], write: impl Fn(&mut [u8]) -> Result<usize, CheckpointError>) {
    let mut room = vec![0; whole.len()];
    for length in 0..whole.len() {
        let error = write(&mut room[..length]).expect_err("it is too short");
        assert_eq!(error, CheckpointError::Full, "{length} of {}", whole.len());
        said(Some(error));
    }
    assert_eq!(write(&mut room), Ok(whole.len()));
    assert_eq!(room, whole);
}

/// A snapshot ages, and says where there is no room for it.
fn snapshots(snapshot: Option<Snapshot<String>>, script: &mut Script<'_>) {
    const KEY: u32 = 7;
    let Some(snapshot) = snapshot else { return };
    let (session, outage) = (snapshot.has_session(), snapshot.has_outage());
    let snapshot = snapshot.aged(script.duration());
    assert!(session || outage);
    let snapshot = snapshot.try_map(|name| Ok::<_, ()>(name.into_bytes())).expect("any name");
    let mut room = [0; 600];
    let length = snapshot.encode(KEY, &mut room).expect("room");
    let whole = &room[..length];
    for short in 0..length {
        let mut room = [0; 600];
        let error = snapshot.encode(KEY, &mut room[..short]).expect_err("it is too short");
        assert_eq!((error, error.to_string().lines().count()), (SnapshotError::Full, 1));
        refused(Snapshot::decode(&whole[..short], KEY));
        if short < length - 4 {
            refused(Snapshot::decode(&sealed(whole[..short].to_vec()), KEY));
        }
    }
    refused(Snapshot::decode(whole, KEY + 1));
    for (place, byte) in [(0, 0), (1, 9), (length - 1, whole[length - 1] ^ 1)] {
        let mut other = whole.to_vec();
        other[place] = byte;
        refused(Snapshot::decode(&other, KEY));
    }
    for place in 0..length - 4 {
        // Some of its fields may be anything.
        let mut other = whole[..length - 4].to_vec();
        other[place] = 0xff;
        let _other = Snapshot::decode(&sealed(other), KEY).map(|_| ()).map_err(|error| error.to_string());
    }
    let long = snapshot.clone().try_map(|_| Ok::<_, ()>(vec![0; 70_000])).expect("any name");
    assert_eq!(long.encode(KEY, &mut vec![0; 200_000]).is_err(), session);
    assert!(snapshot.try_map(|_| Err::<u8, _>(())).is_err() == session);
}

fn refused(read: Result<Snapshot<&[u8]>, SnapshotError>) {
    let error = read.expect_err("it is not whole");
    assert_eq!(error.to_string().lines().count(), 1);
}

fn said(error: Option<CheckpointError>) {
    assert!(error.is_none_or(|error| error.to_string().lines().count() == 1));
}
