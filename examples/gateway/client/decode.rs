//! What a gateway's message means. Tolerant, where the server's own reading ([`crate::protocol`]) is strict: whatever
//! can't be understood is ignored and reported, because the next message may be fine.
//!
//! Only what is used is kept while a message is read. A message of 1 MiB may hold 150,000 tiny objects, which take
//! 100 MB as a tree of values.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The largest integer that every JSON library keeps exactly, 2^53 - 1 (RFC 8259 section 6). A sequence number above
/// it can't be one: no later number could be told from it.
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Characters of a server's text that are shown. Texts may be as long as a message.
const MAX_SHOWN: usize = 200;

/// One message of the gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// op 0: an event for the application, READY and RESUMED included. The error is for a number that is none.
    Dispatch { s: Result<Option<u64>, String>, event: Event },
    /// op 1
    HeartbeatRequested,
    /// op 7, with the time until the cut and the place to go to, where the server says so.
    Reconnect { deadline: Option<Duration>, url: Option<String> },
    /// op 9; what does not say `true` can't be resumed.
    InvalidSession { resumable: bool },
    /// op 10
    Hello { heartbeat: Option<Duration> },
    /// op 11
    HeartbeatAcked,
    /// op 12, with the number of the request.
    Answer { nonce: u64 },
}

/// What a dispatch tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Ready {
        session_id: Option<String>,
        resume_url: Option<String>,
    },
    Resumed,
    /// `n`: the number that the show's events carry.
    Other {
        name: String,
        n: Option<u64>,
    },
}

#[derive(Deserialize)]
struct Raw {
    op: Scalar,
    #[serde(default)]
    d: Payload,
    #[serde(default)]
    s: Scalar,
    #[serde(default)]
    t: Scalar,
}

/// A value without what may be inside of it.
#[derive(Debug, Default)]
enum Scalar {
    #[default]
    Null,
    Bool(bool),
    Integer(u64),
    /// Any other number.
    Float(f64),
    Text(String),
    /// An array or an object.
    Nested,
}

/// What is used of a message's `d`.
#[derive(Default)]
struct Payload {
    /// Itself, where it is no object.
    itself: Scalar,
    session_id: Scalar,
    resume_gateway_url: Scalar,
    heartbeat_interval: Scalar,
    deadline_ms: Scalar,
    reconnect_url: Scalar,
    nonce: Scalar,
    n: Scalar,
}

impl Scalar {
    /// Some libraries write every number with a fraction.
    fn integer(&self) -> Option<u64> {
        match *self {
            Self::Integer(integer) => Some(integer),
            Self::Float(float) if float.fract() == 0.0 && (0.0..=MAX_INTEGER as f64).contains(&float) => {
                Some(float as u64)
            }
            _ => None,
        }
    }

    /// Milliseconds, with a fraction or without; below zero is zero.
    fn duration(&self) -> Option<Duration> {
        match *self {
            Self::Integer(millis) => Some(Duration::from_millis(millis)),
            Self::Float(millis) => Some(Duration::from_millis(millis as u64)),
            _ => None,
        }
    }

    fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Float(float) => write!(f, "{float}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Nested => f.write_str("an array or an object"),
        }
    }
}

/// Reads anything.
struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: Error>(self) -> Result<Payload, E> {
        Ok(Payload::default())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Payload, E> {
        Ok(Scalar::Bool(value).into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Payload, E> {
        Ok(Scalar::Integer(value).into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Payload, E> {
        Ok(Scalar::Float(value as f64).into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Payload, E> {
        Ok(Scalar::Float(value).into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Payload, E> {
        Ok(Scalar::Text(value.to_owned()).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Payload, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let mut payload = Payload::from(Scalar::Nested);
        while let Some(key) = map.next_key::<String>()? {
            let field = match key.as_str() {
                "session_id" => &mut payload.session_id,
                "resume_gateway_url" => &mut payload.resume_gateway_url,
                "heartbeat_interval" => &mut payload.heartbeat_interval,
                "deadline_ms" => &mut payload.deadline_ms,
                "reconnect_url" => &mut payload.reconnect_url,
                "nonce" => &mut payload.nonce,
                "n" => &mut payload.n,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value()?;
        }
        Ok(payload)
    }
}

impl From<Scalar> for Payload {
    fn from(itself: Scalar) -> Self {
        Self { itself, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Payload::deserialize(deserializer).map(|payload| payload.itself)
    }
}

/// A server's text, cut to what may be shown.
fn shown(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The error is one line for the user.
pub(crate) fn decode(text: &str) -> Result<Message, String> {
    // A struct could be read from an array, too.
    if !text.trim_start().starts_with('{') {
        return Err("no frame: not an object".to_owned());
    }
    let raw: Raw = serde_json::from_str(text).map_err(|error| shown(format!("no frame: {error}")))?;
    Ok(match raw.op.integer().ok_or_else(|| shown(format!("no frame: the op is {}", raw.op)))? {
        0 => {
            let event = match raw.t.text() {
                Some(name) if name == "READY" => Event::Ready {
                    session_id: raw.d.session_id.text(),
                    resume_url: raw.d.resume_gateway_url.text(),
                },
                Some(name) if name == "RESUMED" => Event::Resumed,
                Some(name) => Event::Other { name: shown(name), n: raw.d.n.integer() },
                None => return Err("a dispatch without a name".to_owned()),
            };
            let s = match raw.s {
                Scalar::Null => Ok(None),
                s => match s.integer().filter(|s| *s <= MAX_INTEGER) {
                    Some(s) => Ok(Some(s)),
                    None => Err(shown(format!("no sequence number: {s}"))),
                },
            };
            Message::Dispatch { s, event }
        }
        1 => Message::HeartbeatRequested,
        7 => Message::Reconnect { deadline: raw.d.deadline_ms.duration(), url: raw.d.reconnect_url.text() },
        9 => Message::InvalidSession { resumable: matches!(raw.d.itself, Scalar::Bool(true)) },
        10 => Message::Hello { heartbeat: raw.d.heartbeat_interval.duration() },
        11 => Message::HeartbeatAcked,
        12 => Message::Answer { nonce: raw.d.nonce.integer().ok_or("an answer without a number")? },
        op => return Err(format!("unknown op {op}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_forgiven_and_what_is_nonsense_is_not() {
        let other = || Event::Other { name: "NEW".to_owned(), n: None };
        let no_number = |text: &str| Err(format!("no sequence number: {text}"));
        for (text, message) in [
            (r#"{"op":0,"s":3,"t":"NEW"}"#, Message::Dispatch { s: Ok(Some(3)), event: other() }),
            (r#"{"op":0,"s":3.0,"t":"NEW"}"#, Message::Dispatch { s: Ok(Some(3)), event: other() }),
            (r#"{"op":0.0,"s":0,"t":"NEW"}"#, Message::Dispatch { s: Ok(Some(0)), event: other() }),
            (r#"{"op":0,"s":null,"t":"NEW"}"#, Message::Dispatch { s: Ok(None), event: other() }),
            (
                r#"{"op":0,"s":9007199254740991,"t":"NEW"}"#,
                Message::Dispatch { s: Ok(Some(MAX_INTEGER)), event: other() },
            ),
            (
                r#"{"op":0,"s":9007199254740992,"t":"NEW"}"#,
                Message::Dispatch { s: no_number("9007199254740992"), event: other() },
            ),
            (
                r#"{"op":0,"s":18446744073709551615,"t":"NEW"}"#,
                Message::Dispatch { s: no_number("18446744073709551615"), event: other() },
            ),
            (
                r#"{"op":0,"s":18446744073709551616,"t":"NEW"}"#,
                Message::Dispatch { s: no_number("18446744073709552000"), event: other() },
            ),
            (r#"{"op":0,"s":-1,"t":"NEW"}"#, Message::Dispatch { s: no_number("-1"), event: other() }),
            (r#"{"op":0,"s":3.5,"t":"NEW"}"#, Message::Dispatch { s: no_number("3.5"), event: other() }),
            (r#"{"op":0,"s":"3","t":"NEW"}"#, Message::Dispatch { s: no_number("\"3\""), event: other() }),
            (
                r#"{"op":0,"s":[3],"t":"NEW"}"#,
                Message::Dispatch { s: no_number("an array or an object"), event: other() },
            ),
            (
                r#"{"op":0,"s":3,"t":"NEW","d":{"m":{"n":1},"n":7,"o":[{"n":2}]}}"#,
                Message::Dispatch {
                    s: Ok(Some(3)),
                    event: Event::Other { name: "NEW".to_owned(), n: Some(7) },
                },
            ),
            (r#"{"op":0,"t":"RESUMED","d":7}"#, Message::Dispatch { s: Ok(None), event: Event::Resumed }),
            (
                r#"{"op":0,"s":1,"t":"READY","d":[]}"#,
                Message::Dispatch {
                    s: Ok(Some(1)),
                    event: Event::Ready { session_id: None, resume_url: None },
                },
            ),
            (
                r#"{"op":0,"s":1,"t":"READY","d":{"session_id":"a","resume_gateway_url":7}}"#,
                Message::Dispatch {
                    s: Ok(Some(1)),
                    event: Event::Ready { session_id: Some("a".to_owned()), resume_url: None },
                },
            ),
            (r#"{"op":1}"#, Message::HeartbeatRequested),
            (r#"{"op":7,"d":"x","extra":[]}"#, Message::Reconnect { deadline: None, url: None }),
            (
                r#"{"op":7,"d":{"deadline_ms":2000,"reconnect_url":"ws://a"}}"#,
                Message::Reconnect { deadline: Some(Duration::from_secs(2)), url: Some("ws://a".to_owned()) },
            ),
            (
                r#"{"op":7,"d":{"deadline_ms":"2000","reconnect_url":{"n":1}}}"#,
                Message::Reconnect { deadline: None, url: None },
            ),
            (r#"{"op":9}"#, Message::InvalidSession { resumable: false }),
            (r#"{"op":9,"d":"true"}"#, Message::InvalidSession { resumable: false }),
            (r#"{"op":9,"d":true}"#, Message::InvalidSession { resumable: true }),
            (r#"{"op":10}"#, Message::Hello { heartbeat: None }),
            (r#"{"op":10,"d":{"heartbeat_interval":"300"}}"#, Message::Hello { heartbeat: None }),
            (
                r#"{"op":10,"d":{"heartbeat_interval":300.5}}"#,
                Message::Hello { heartbeat: Some(Duration::from_millis(300)) },
            ),
            (
                r#"{"op":10,"d":{"heartbeat_interval":-300}}"#,
                Message::Hello { heartbeat: Some(Duration::ZERO) },
            ),
            (
                r#"{"op":10,"d":{"heartbeat_interval":1e300}}"#,
                Message::Hello { heartbeat: Some(Duration::from_millis(u64::MAX)) },
            ),
            (r#"{"op":11,"d":{}}"#, Message::HeartbeatAcked),
            (r#"{"op":12,"d":{"nonce":7}}"#, Message::Answer { nonce: 7 }),
        ] {
            assert_eq!(decode(text), Ok(message), "{text}");
        }
        let deep = "[".repeat(100_000);
        let (long_op, long_text) = (format!(r#"{{"op":"{deep}"}}"#), format!(r#"{{"op":7,"op":"{deep}"}}"#));
        for text in [
            "",
            "null",
            "[]",
            "[7]",
            "{}",
            "{",
            r#"{"op":-1}"#,
            r#"{"op":1.5}"#,
            r#"{"op":"1"}"#,
            r#"{"op":[1]}"#,
            r#"{"op":3}"#,
            r#"{"op":0}"#,
            r#"{"op":0,"t":7}"#,
            r#"{"op":7} {"op":7}"#,
            r#"{"op":12,"d":{"nonce":"7"}}"#,
            &deep,
            &long_op,
            &long_text,
        ] {
            let error = decode(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{text:.40}: {error}");
            assert!(error.chars().count() <= MAX_SHOWN + 1, "{text:.40}: {} bytes", error.len());
        }
    }

    /// What is shown is cut, between characters; what names a session is not.
    #[test]
    fn a_long_name_is_cut() {
        let long = "ü".repeat(1_000);
        let dispatch = |t: &str, d: &str| decode(&format!(r#"{{"op":0,"t":"{t}","d":{d}}}"#));
        match dispatch(&long, "null") {
            Ok(Message::Dispatch { event: Event::Other { name, .. }, .. }) => {
                assert_eq!(name, "ü".repeat(MAX_SHOWN) + "…");
            }
            other => panic!("{other:?}"),
        }
        match dispatch("READY", &format!(r#"{{"session_id":"{long}"}}"#)) {
            Ok(Message::Dispatch { event: Event::Ready { session_id, .. }, .. }) => {
                assert_eq!(session_id, Some(long));
            }
            other => panic!("{other:?}"),
        }
    }
}
