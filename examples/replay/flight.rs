//! The dump of a flight recorder as a log.

use redial::record::{Flight, Recorder};
use serde_json::{Map, Value};

use super::engine::json;

/// What a flight recorder kept, as the lines of a log: the set-up that it was given, or this one where it was given none, with
/// its state, and then every call.
pub(crate) fn log(bytes: &[u8], set_up: Option<&str>) -> Result<Vec<String>, String> {
    let flight = Flight::decode(bytes).map_err(|error| error.to_string())?;
    let mut set_up = match (flight.set_up(), set_up) {
        ("", None) => return Err(NO_SET_UP.to_owned()),
        ("", Some(set_up)) => object(set_up)?,
        (recorded, _) => object(recorded)?,
    };
    let hex: String = flight.checkpoint().iter().map(|byte| format!("{byte:02x}")).collect();
    set_up.insert("timers".to_owned(), "logged".into());
    set_up.insert("checkpoint".to_owned(), hex.into());
    let mut lines = vec![Value::Object(set_up).to_string()];
    // The names were hashed when it was dumped, or are to be shown.
    let mut recorder = Recorder::showing_names();
    for step in flight.steps::<String, String>() {
        let (at, event) = step.map_err(|error| format!("call {}: {error}", lines.len()))?;
        lines.push(recorder.step(at, event.as_ref()).map_err(|error| error.to_string())?.to_owned());
    }
    Ok(lines)
}

/// The error where there is no set-up at all.
pub(crate) const NO_SET_UP: &str = "the recorder was given no set-up; give its preset or config as a line of standard input, such as \
                         {\"preset\": \"recommended\"}";

fn object(set_up: &str) -> Result<Map<String, Value>, String> {
    match json::parse(set_up.trim_ascii().as_bytes()).map_err(|error| format!("the set-up: {error}"))? {
        Value::Object(set_up) => Ok(set_up),
        other => Err(format!("the set-up must be an object, not {other}")),
    }
}
