//! The protocol of NATS: lines, and payloads of the length that a line says.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use redial::driver::Command;
use redial::{Cause, Epoch, Event, IoKind};
use serde_json::Value;

use super::{Heard, LONGEST, NAME, Speaker, Speech};

/// Less than a server in lame duck mode keeps its connections.
const GRACE: Duration = Duration::from_millis(200);

const INVALID: Cause = Cause::Io(IoKind::InvalidData);

/// What a PONG answers. They come in the order of the PINGs.
enum Asked {
    Login,
    Batch(Vec<String>, u32),
    Heartbeat,
}

#[derive(Default)]
pub(crate) struct Nats {
    asked: VecDeque<Asked>,
    numbers: HashMap<String, u64>,
    newest: u64,
    /// The length of the payload that follows.
    payload: Option<usize>,
}

impl Nats {
    pub(crate) fn speaker() -> Speaker {
        Arc::new(|| Box::<Self>::default())
    }

    fn ping(&mut self, asked: Asked, out: &mut BytesMut) {
        self.asked.push_back(asked);
        out.extend_from_slice(b"PING\r\n");
    }
}

impl Speech for Nats {
    fn say(&mut self, _: Epoch, command: Command<String, String>, out: &mut BytesMut) {
        match command {
            Command::Identify | Command::Resume(_) => {
                let options = r#""verbose":false,"pedantic":false,"lang":"rust","version":"0","protocol":1"#;
                out.extend_from_slice(format!("CONNECT {{\"name\":\"{NAME}\",{options}}}\r\n").as_bytes());
                self.ping(Asked::Login, out);
            }
            Command::Restore { keys, send } => {
                for key in &keys {
                    // Under the same number again where it was not confirmed in time: a server takes that for the same subscription.
                    let number = *self.numbers.entry(key.clone()).or_insert_with(|| {
                        self.newest += 1;
                        self.newest
                    });
                    out.extend_from_slice(format!("SUB {key} {number}\r\n").as_bytes());
                }
                self.ping(Asked::Batch(keys, send), out);
            }
            Command::Unsubscribe(key) => {
                if let Some(number) = self.numbers.remove(&key) {
                    out.extend_from_slice(format!("UNSUB {number}\r\n").as_bytes());
                }
            }
            Command::Heartbeat { .. } => self.ping(Asked::Heartbeat, out),
            Command::Authenticate | Command::Message(_) => {}
        }
    }

    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause> {
        if let Some(length) = self.payload {
            if input.len() < length + 2 {
                return Ok(None);
            }
            self.payload = None;
            let text = String::from_utf8_lossy(&input.split_to(length)).into_owned();
            input.advance(2);
            return Ok(Some(vec![Heard::Delivery { text, again: false }]));
        }
        let Some(end) = input.windows(2).position(|two| two == b"\r\n") else {
            return if input.len() > LONGEST { Err(INVALID) } else { Ok(None) };
        };
        let line = String::from_utf8_lossy(&input.split_to(end)).into_owned();
        input.advance(2);
        let event = match line.split_once(' ').unwrap_or((&line, "")) {
            ("INFO", info) if is_lame_duck(info)? => {
                Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(GRACE) }
            }
            ("PING", _) => {
                out.extend_from_slice(b"PONG\r\n");
                return Ok(Some(Vec::new()));
            }
            ("PONG", _) => match self.asked.pop_front().ok_or(INVALID)? {
                Asked::Login => {
                    Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None }
                }
                Asked::Heartbeat => Event::HeartbeatAcked { epoch },
                Asked::Batch(keys, send) => {
                    let send = Some(send);
                    let confirmed = |key| Heard::Event(Event::SubscriptionConfirmed { epoch, key, send });
                    return Ok(Some(keys.into_iter().map(confirmed).collect()));
                }
            },
            ("MSG", head) => {
                let length = head.rsplit(' ').next().and_then(|length| length.parse::<usize>().ok());
                self.payload = Some(length.filter(|length| *length <= LONGEST).ok_or(INVALID)?);
                return Ok(Some(Vec::new()));
            }
            ("-ERR", _) => return Err(Cause::Unknown),
            _ => return Ok(Some(Vec::new())),
        };
        Ok(Some(vec![Heard::Event(event)]))
    }
}

/// Whether the server is about to end.
fn is_lame_duck(info: &str) -> Result<bool, Cause> {
    let info: Value = serde_json::from_str(info).map_err(|_| INVALID)?;
    Ok(info["ldm"] == true)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use redial::driver::Command;
    use redial::{Epoch, Event};

    use super::{Heard, Nats, Speech};

    #[test]
    fn a_pong_answers_what_was_asked_first() {
        let (mut nats, epoch) = (Nats::default(), Epoch::from_raw(1).expect("not 0"));
        let (mut out, mut input) = (BytesMut::new(), BytesMut::from("PONG\r\nPONG\r\nPO"));
        nats.say(epoch, Command::Identify, &mut out);
        let keys = vec!["a".to_owned(), "b".to_owned()];
        nats.say(epoch, Command::Restore { keys, send: 7 }, &mut out);
        let ready = nats.hear(epoch, &mut input, &mut out).expect("it is right").expect("it is whole");
        assert!(matches!(ready[..], [Heard::Event(Event::Ready { .. })]));
        let confirmed = nats.hear(epoch, &mut input, &mut out).expect("it is right").expect("it is whole");
        let is_confirmed =
            |heard: &Heard| matches!(heard, Heard::Event(Event::SubscriptionConfirmed { send: Some(7), .. }));
        assert_eq!((confirmed.len(), confirmed.iter().all(is_confirmed)), (2, true));
        assert_eq!(nats.hear(epoch, &mut input, &mut out), Ok(None));
    }

    #[test]
    fn a_payload_may_have_lines_in_it_and_come_in_pieces() {
        let (mut nats, epoch) = (Nats::default(), Epoch::from_raw(1).expect("not 0"));
        let (mut out, mut input) = (BytesMut::new(), BytesMut::from("MSG a 1 6\r\nx\r\n"));
        assert_eq!(nats.hear(epoch, &mut input, &mut out), Ok(Some(vec![])));
        assert_eq!(nats.hear(epoch, &mut input, &mut out), Ok(None));
        input.extend_from_slice(b"PIN\r\nPING\r\n");
        let text = "x\r\nPIN".to_owned();
        assert_eq!(
            nats.hear(epoch, &mut input, &mut out),
            Ok(Some(vec![Heard::Delivery { text, again: false }]))
        );
        assert_eq!(nats.hear(epoch, &mut input, &mut out), Ok(Some(vec![])));
        assert_eq!(&out[..], b"PONG\r\n");
    }
}
