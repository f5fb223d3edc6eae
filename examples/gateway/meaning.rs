//! What a gateway's message means. Tolerant, where the server's own reading ([`crate::protocol`]) is strict: whatever
//! can't be understood is ignored and reported, because the next message may be fine.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// One message of the gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    /// op 0: an event for the application, READY and RESUMED included.
    Dispatch { s: Option<u64>, event: Event },
    /// op 1
    BeatRequested,
    /// op 7
    Reconnect,
    /// op 9; what does not say `true` can't be resumed.
    InvalidSession { resumable: bool },
    /// op 10
    Hello { heartbeat: Option<Duration> },
    /// op 11
    BeatAcked,
}

/// What a dispatch tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Ready { session_id: Option<String>, resume_url: Option<String> },
    Resumed,
    Other { name: String, d: Value },
}

#[derive(Deserialize)]
struct Raw {
    op: u64,
    #[serde(default)]
    d: Value,
    #[serde(default)]
    s: Value,
    #[serde(default)]
    t: Value,
}

/// The error is one line for the user.
pub(crate) fn read(text: &str) -> Result<Meaning, String> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| format!("no frame: {error}"))?;
    let word = |name| raw.d.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(match raw.op {
        0 => {
            let event = match raw.t.as_str() {
                Some("READY") => {
                    Event::Ready { session_id: word("session_id"), resume_url: word("resume_gateway_url") }
                }
                Some("RESUMED") => Event::Resumed,
                Some(name) => Event::Other { name: name.to_owned(), d: raw.d },
                None => return Err("a dispatch without a name".to_owned()),
            };
            Meaning::Dispatch { s: raw.s.as_u64(), event }
        }
        1 => Meaning::BeatRequested,
        7 => Meaning::Reconnect,
        9 => Meaning::InvalidSession { resumable: raw.d == Value::Bool(true) },
        10 => {
            let interval = raw.d.get("heartbeat_interval");
            // Some gateways write a number with a fraction.
            let millis = interval.and_then(|ms| ms.as_u64().or_else(|| ms.as_f64().map(|ms| ms as u64)));
            Meaning::Hello { heartbeat: millis.map(Duration::from_millis) }
        }
        11 => Meaning::BeatAcked,
        op => return Err(format!("unknown op {op}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_forgiven_and_what_is_nonsense_is_not() {
        let other = |name: &str| Event::Other { name: name.to_owned(), d: Value::Null };
        for (text, meaning) in [
            (r#"{"op":0,"s":3,"t":"NEW"}"#, Meaning::Dispatch { s: Some(3), event: other("NEW") }),
            (r#"{"op":0,"s":-1,"t":"NEW"}"#, Meaning::Dispatch { s: None, event: other("NEW") }),
            (r#"{"op":0,"t":"RESUMED","d":7}"#, Meaning::Dispatch { s: None, event: Event::Resumed }),
            (
                r#"{"op":0,"s":1,"t":"READY","d":[]}"#,
                Meaning::Dispatch { s: Some(1), event: Event::Ready { session_id: None, resume_url: None } },
            ),
            (r#"{"op":1}"#, Meaning::BeatRequested),
            (r#"{"op":7,"d":"x","extra":[]}"#, Meaning::Reconnect),
            (r#"{"op":9}"#, Meaning::InvalidSession { resumable: false }),
            (r#"{"op":9,"d":true}"#, Meaning::InvalidSession { resumable: true }),
            (r#"{"op":10}"#, Meaning::Hello { heartbeat: None }),
            (
                r#"{"op":10,"d":{"heartbeat_interval":300.5}}"#,
                Meaning::Hello { heartbeat: Some(Duration::from_millis(300)) },
            ),
            (
                r#"{"op":10,"d":{"heartbeat_interval":1e300}}"#,
                Meaning::Hello { heartbeat: Some(Duration::from_millis(u64::MAX)) },
            ),
            (r#"{"op":11,"d":{}}"#, Meaning::BeatAcked),
        ] {
            assert_eq!(read(text), Ok(meaning), "{text}");
        }
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "{",
            r#"{"op":-1}"#,
            r#"{"op":"1"}"#,
            r#"{"op":3}"#,
            r#"{"op":0}"#,
            &deep,
        ] {
            let error = read(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{text:.40}: {error}");
        }
    }
}
