//! What the JavaScript beside this crate repeats, against the core: the words, and the presets.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use redial::policy::{DropReason, GiveUp, Trigger, WaitReason};
use redial::{Cause, Config, ConfigError, IoKind, Mode, Phase, presets};

use crate::cause::{cause, number};
use crate::mail::MAIL;
use crate::report::of_trigger;
use crate::settings::Settings;

/// There is one mail.
static TURN: Mutex<()> = Mutex::new(());

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a list in `names.js`.
fn names(list: &str) -> Vec<String> {
    let text = read("../src/names.js");
    let rest = text.split(&format!("const {list} = words(")).nth(1).unwrap_or_else(|| panic!("no {list}"));
    let quoted = rest.split(");").next().expect("an end");
    let words: String = quoted.split('\'').skip(1).step_by(2).collect();
    words.split(' ').map(str::to_owned).collect()
}

/// The words of an enum of the core in the order in which it declares its variants, which is that of their numbers.
fn declared(file: &str, name: &str) -> Vec<String> {
    let text = read(&format!("../../../src/{file}.rs"));
    let enumeration = text.split(&format!("pub enum {name} {{\n")).nth(1).expect("the enum");
    let variants = enumeration.split("\n}").next().expect("its end").lines().map(str::trim);
    let variants = variants.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    let words = text.split(&format!("words!({name} {{")).nth(1);
    let words = words.or_else(|| text.split(&format!("words!(as_str {name} {{")).nth(1)).expect("its words");
    let word = |variant: &str| {
        let variant: String = variant.chars().take_while(|c| c.is_alphanumeric()).collect();
        let word = words.split(&format!(" {variant} => \"")).nth(1).and_then(|rest| rest.split('"').next());
        word.unwrap_or_else(|| panic!("{name}::{variant} has no word")).to_owned()
    };
    variants.map(word).collect()
}

#[test]
fn the_words_are_those_of_the_core() {
    assert_eq!(names("PHASES"), declared("policy/explain", "Phase"));
    assert_eq!(names("REASONS"), declared("policy/explain", "WaitReason"));
    assert_eq!(names("TRIGGERS"), declared("policy/explain", "Trigger"));
    assert_eq!(names("DROPS"), declared("policy/action", "DropReason"));
    assert_eq!(names("ENDS"), declared("policy/action", "GiveUp"));
    assert_eq!(names("DISPOSITIONS"), declared("policy/action", "Disposition"));
    assert_eq!(names("ACTIONS"), declared("policy/action", "Action"));
    assert_eq!(names("MODES"), declared("mode", "Mode"));
    let classes: Vec<_> = redial::classify::Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(names("CLASSES"), classes);
}

#[test]
fn the_numbers_follow_the_declarations() {
    assert_eq!((Phase::Failed as usize, WaitReason::Window as usize), (8, names("REASONS").len() - 1));
    assert_eq!((DropReason::Fatal as usize, GiveUp::TableSpent as usize, Mode::Resume as usize), (6, 5, 1));
    let triggers = names("TRIGGERS");
    for trigger in [
        Trigger::New,
        Trigger::Start,
        Trigger::RetryNow,
        Trigger::Stop,
        Trigger::Gate(WaitReason::Backoff),
        Trigger::Lost(Cause::Unknown),
        Trigger::NotNow,
        Trigger::HostResumed,
        Trigger::NetworkChanged,
        Trigger::Visible,
        Trigger::Redial,
        Trigger::MaxAge,
        Trigger::Requested,
        Trigger::SessionExpired,
        Trigger::Opened,
        Trigger::Ready,
        Trigger::Resumed,
        Trigger::Authenticated,
        Trigger::Restored,
        Trigger::GaveUp(GiveUp::Fatal),
    ] {
        assert_eq!(triggers[of_trigger(trigger).0 as usize], trigger.as_str());
    }
}

#[test]
fn a_cause_is_its_number_and_back() {
    let causes = names("CAUSES");
    let plain = (5..causes.len() as u32).map(cause);
    let others = [Cause::CloseFrame(4004), Cause::Http(503), Cause::Io(IoKind::Other), Cause::CloseFrame(u16::MAX)];
    for known in plain.chain(others) {
        assert_eq!(cause(number(known)), known);
        let name = causes[(number(known) & 0xff) as usize].as_str();
        assert!(["close", "http", "io"].contains(&name) || name == known.as_str(), "{name} is {known}");
    }
    assert_eq!(cause(0xff), Cause::Unknown);
}

/// The config that a preset of the JavaScript is, with the given settings over it.
fn config(preset: &str, over: &str) -> Result<Config, ConfigError> {
    let program = format!(
        "import('./src/settings.js').then(({{ presets, words }}) => console.log(words({{ ...presets['{preset}'], {over} }}).join(' ')))"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let node = Command::new("node").args(["-e", &program]).current_dir(folder).output().expect("node");
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let words = String::from_utf8(node.stdout).expect("text");
    let words: Vec<u32> = words.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    for (place, word) in MAIL[5..].iter().zip(words) {
        place.store(word, core::sync::atomic::Ordering::Relaxed);
    }
    Settings::read().map(|settings| settings.0)
}

#[test]
fn a_preset_is_the_one_of_its_name() {
    for name in ["recommended", "fleet", "eager", "few", "battery"] {
        assert_eq!(config(name, "established: 'ready'").as_ref(), Ok(presets::by_name(name).expect(name)), "{name}");
    }
    assert_eq!(config("websocket", ""), Ok(presets::WEBSOCKET));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let refused = |over| config("few", over).expect_err(over);
    assert_eq!(refused("backoff: { initial: 5000, max: 4000 }"), ConfigError::InitialAboveMax);
    assert_eq!(refused("backoff: { floor: 5000, max: 4000 }"), ConfigError::FloorAboveMax);
    assert_eq!(refused("backoff: { jitter: { window: [0.5, 0.25] } }"), ConfigError::JitterWindow);
    assert_eq!(refused("backoff: { curve: 'windows', jitter: 'full' }"), ConfigError::JitterOnWindows);
    assert_eq!(refused("closeCode: 1000"), ConfigError::CloseCode);
    // The host has a sentence for each of these numbers.
    let numbers = [
        ConfigError::InitialAboveMax as u32 + 1,
        ConfigError::JitterWindow as u32 + 1,
        ConfigError::JitterOnWindows as u32 + 1,
        ConfigError::FloorAboveMax as u32 + 1,
    ];
    assert_eq!(numbers, [3, 7, 9, 14]);
}
