//! The protocol of Redis (RESP2): a subscriber's part of it, and the values of which everybody's consists.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use redial::driver::Command;
use redial::{Cause, Epoch, Event, IoKind};

use super::{Heard, LONGEST, Speaker, Speech};

/// How deep arrays may lie in each other.
const DEPTH: u8 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Error(String),
    Array(Vec<Self>),
    Null,
}

impl Value {
    /// Takes one from the beginning of these bytes; `None`: it is not whole yet.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn take(bytes: &mut BytesMut) -> Result<Option<Self>, Cause> {
        let mut reader = Reader { bytes, at: 0 };
        let value = reader.value(DEPTH)?;
        let length = reader.at;
        Ok(value.inspect(|_| bytes.advance(length)))
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn into_array(self) -> Option<Vec<Self>> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }
}

const INVALID: Cause = Cause::Io(IoKind::InvalidData);

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: u8) -> Result<Option<Value>, Cause> {
        let Some(line) = self.line()? else { return Ok(None) };
        let (kind, rest) = line.split_at_checked(1).ok_or(INVALID)?;
        let number = || rest.parse::<i64>().map_err(|_| INVALID);
        Ok(Some(match kind {
            "+" => Value::Text(rest.to_owned()),
            "-" => Value::Error(rest.to_owned()),
            ":" => Value::Number(number()?),
            "$" | "*" if number()? < 0 => Value::Null,
            "$" => {
                let length =
                    usize::try_from(number()?).ok().filter(|length| *length <= LONGEST).ok_or(INVALID)?;
                let Some(text) = self.bytes.get(self.at..self.at + length + 2) else { return Ok(None) };
                self.at += text.len();
                Value::Text(String::from_utf8_lossy(&text[..length]).into_owned())
            }
            "*" => {
                let depth = depth.checked_sub(1).ok_or(INVALID)?;
                let length =
                    usize::try_from(number()?).ok().filter(|length| *length <= LONGEST).ok_or(INVALID)?;
                let mut values = Vec::new();
                for _ in 0..length {
                    let Some(value) = self.value(depth)? else { return Ok(None) };
                    values.push(value);
                }
                Value::Array(values)
            }
            _ => return Err(INVALID),
        }))
    }

    fn line(&mut self) -> Result<Option<String>, Cause> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return if rest.len() > LONGEST { Err(INVALID) } else { Ok(None) };
        };
        self.at += end + 2;
        Ok(Some(String::from_utf8_lossy(&rest[..end]).into_owned()))
    }
}

/// A command on the wire.
pub(crate) fn command<'a>(words: impl IntoIterator<Item = &'a str>, out: &mut BytesMut) {
    let words: Vec<&str> = words.into_iter().collect();
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// A subscriber.
#[derive(Default)]
pub(crate) struct Redis {
    is_ready: bool,
    /// In which batch each channel was sent.
    sends: HashMap<String, u32>,
}

impl Redis {
    pub(crate) fn speaker() -> Speaker {
        Arc::new(|| Box::<Self>::default())
    }
}

impl Speech for Redis {
    fn say(&mut self, _: Epoch, said: Command<String, String>, out: &mut BytesMut) {
        match said {
            Command::Identify | Command::Resume(_) | Command::Heartbeat { .. } => command(["PING"], out),
            Command::Restore { keys, send } => {
                command(std::iter::once("SUBSCRIBE").chain(keys.iter().map(String::as_str)), out);
                self.sends.extend(keys.into_iter().map(|key| (key, send)));
            }
            Command::Unsubscribe(key) => command(["UNSUBSCRIBE", &key], out),
            Command::Authenticate | Command::Message(_) => {}
        }
    }

    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        _: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause> {
        let Some(value) = Value::take(input)? else { return Ok(None) };
        if let Value::Error(_) = value {
            return Err(Cause::Unknown);
        }
        let words = match value {
            Value::Text(text) => vec![Value::Text(text.to_lowercase())],
            value => value.into_array().unwrap_or_default(),
        };
        let text = |index: usize| words.get(index).and_then(Value::as_text).map(str::to_owned);
        let heard = match (text(0).as_deref(), text(1), text(2)) {
            (Some("pong"), ..) if self.is_ready => Heard::Event(Event::HeartbeatAcked { epoch }),
            (Some("pong"), ..) => {
                self.is_ready = true;
                Heard::Event(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None })
            }
            (Some("subscribe"), Some(key), _) => {
                let send = self.sends.get(&key).copied();
                Heard::Event(Event::SubscriptionConfirmed { epoch, key, send })
            }
            (Some("message"), Some(_), Some(text)) => Heard::Delivery { text, again: false },
            _ => return Ok(Some(Vec::new())),
        };
        Ok(Some(vec![heard]))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use redial::Cause;

    use super::{INVALID, Value};

    fn taken(bytes: &str) -> Result<Option<Value>, Cause> {
        Value::take(&mut BytesMut::from(bytes))
    }

    #[test]
    fn values_are_read_whole_or_not_at_all() {
        let bytes = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:7\r\n+rest";
        let text = |text: &str| Value::Text(text.to_owned());
        let mut input = BytesMut::from(bytes);
        assert_eq!(
            Value::take(&mut input),
            Ok(Some(Value::Array(vec![text("message"), text("a"), Value::Number(7)])))
        );
        assert_eq!(&input[..], b"+rest");
        for length in 0..bytes.len() - "+rest".len() {
            let mut input = BytesMut::from(&bytes[..length]);
            assert_eq!(Value::take(&mut input), Ok(None), "{length}");
            assert_eq!(input.len(), length);
        }
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        for bytes in ["?\r\n", "\r\n", ":x\r\n", "$99999999\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"] {
            assert_eq!(taken(bytes), Err(INVALID), "{bytes:?}");
        }
        assert_eq!(taken("$-1\r\n"), Ok(Some(Value::Null)));
    }
}
