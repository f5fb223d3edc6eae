//! The dump of a flight recorder, which the page was given as a file.

use serde_json::{Value, json};

use super::flight;

/// Its log. Where the recorder was given no set-up, the answer says that one is needed.
pub(crate) fn log(question: &[u8], length: usize) -> Result<Value, String> {
    let (dump, set_up) = question.split_at_checked(length).ok_or("the recording is cut")?;
    let set_up = String::from_utf8_lossy(set_up);
    let set_up = Some(set_up.as_ref()).filter(|line| !line.trim().is_empty());
    match flight::log(dump, set_up) {
        Err(error) if error == flight::NO_SET_UP => Ok(json!({ "needs_set_up": true })),
        log => log.map(|lines| json!({ "lines": lines })),
    }
}

#[cfg(test)]
mod tests {
    use redial::record::{FlightRecorder, Names};
    use redial::{Event, Instant, Policy, SplitMix64, presets};
    use serde_json::json;

    use super::log;

    fn dump(set_up: &'static str) -> Vec<u8> {
        let policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
        let mut recorder = FlightRecorder::<_, 1_024>::new(&policy).with_set_up(set_up);
        recorder.event(Instant::ZERO, &Event::Start);
        let mut bytes = vec![0; 4_096];
        let length = recorder.dump(Names::Shown, &mut bytes).expect("room");
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn a_dump_is_a_log() {
        let dump = dump(r#"{"preset": "recommended"}"#);
        let lines = log(&dump, dump.len()).expect("a dump")["lines"].clone();
        assert_eq!(lines[1], "{\"at_us\": 0, \"event\": \"start\"}\n");
    }

    #[test]
    fn a_dump_without_a_set_up_asks_for_one() {
        let mut dump = dump("");
        let length = dump.len();
        assert_eq!(log(&dump, length), Ok(json!({ "needs_set_up": true })));
        dump.extend(br#"{"preset": "recommended"}"#);
        assert!(log(&dump, length).expect("a set-up")["lines"].is_array());
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        assert!(log(b"nothing of the kind", 7).is_err());
        assert!(log(b"short", 7).is_err());
    }
}
