//! Every byte string is a config, a script and a handover, all of which are written in each form that the crate has and read
//! again: as JSON, as a checkpoint, as a log and as a flight recorder's dump. And it is a JSON text for each of them.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::fmt::{self, Debug, Display, Write};

use redial::handover;
use redial::policy::{ConfigOver, Snapshot};
use redial::record::{FlightRecorder, Names, Recorder};
use redial::testing::Script;
use redial::{Cause, Config, Event, Instant, SessionState, presets};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use crate::{flight, read_back, story};

pub fn run(bytes: &[u8]) {
    texts(bytes);
    let mut script = Script::from_bytes(bytes);
    let (settings, config) = (script.handover(), script.config());
    same(&config);
    same(&config.backoff());
    same(&config.classifier());
    same(&settings);
    let mut policy = story::policy(&mut script, &config).with_handover(settings);
    let mut flight = FlightRecorder::<_, 300>::new(&policy);
    let mut recorder = if script.flag() { Recorder::new() } else { Recorder::showing_names() };
    let mut log = vec![recorder.set_up(&policy).expect("few names").to_owned()];
    let mut now = Instant::ZERO;
    while let (Some(step), true) = (script.next_step(&policy, now), log.len() < 300) {
        now = step.at;
        flight.step(now, step.event.as_ref());
        log.push(recorder.step(now, step.event.as_ref()).expect("few names").to_owned());
        if let Some(event) = &step.event {
            same(event);
        }
        cut_short(&policy.explain());
        let _shown = format!("{policy:?}");
        for action in step.apply(&mut policy) {
            same(&action);
        }
        same(&policy.explain());
        same(&policy.stats());
    }
    same_text(policy.session());
    if let Some(snapshot) = policy.snapshot(now) {
        same::<Snapshot<u8>>(&snapshot);
    }
    let mut written = vec![0; 20_000];
    for names in [Names::Shown, Names::Hashed(7)] {
        let length = policy.checkpoint(names, &mut written).expect("room");
        let read = read_back::handover(&config, Some(settings), &written[..length], bytes);
        assert!(read.is_ok() || matches!(names, Names::Hashed(_)), "{read:?}");
        let length = flight.dump(names, &mut written).expect("room");
        let _read = read_back::flight(&config, &written[..length]);
        let _log = flight::log(&written[..length], Some("{\"preset\": \"recommended\"}"));
    }
}

/// A writer that is full before the end says so.
fn cut_short(shown: &impl Display) {
    let text = shown.to_string();
    for room in 0..text.len() {
        assert!(write!(Short(room), "{shown}").is_err(), "{text}");
    }
}

/// A writer that is full after so many bytes.
struct Short(usize);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// What is read of what was written is the same.
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("plain data");
    let read = serde_json::from_str::<T>(&text);
    assert_eq!(read.as_ref().map_err(|error| format!("{text}: {error}")), Ok(value));
}

/// What is read is written in the same words. A session is written without the number of a resume that is not answered yet.
fn same_text<T: Serialize + DeserializeOwned + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("plain data");
    let read = serde_json::from_str::<T>(&text);
    let again = read.map(|read| serde_json::to_string(&read).expect("plain data"));
    assert_eq!(again.map_err(|error| error.to_string()), Ok(text));
}

/// Any text is read, or refused in one line.
fn texts(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    said(serde_json::from_str::<Config>(text).map(|config| same(&config)));
    said(serde_json::from_str::<handover::Config>(text).map(|config| same(&config)));
    said(serde_json::from_str::<Event<u8, u8>>(text).map(|event| same(&event)));
    said(serde_json::from_str::<Cause>(text).map(|cause| same(&cause)));
    said(serde_json::from_str::<SessionState<u8>>(text).map(|session| same(&session)));
    let mut json = serde_json::Deserializer::from_str(text);
    said(ConfigOver::new(&presets::DISCORD_GATEWAY).deserialize(&mut json).map(|_| ()));
}

fn said(read: Result<(), serde_json::Error>) {
    if let Err(error) = read {
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}
