//! MQTT 5, by the codec of `rumqttc`: a subscriber whose session outlives its connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use redial::driver::Command;
use redial::{Cause, Epoch, Event, IoKind, causes};
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Filter, Packet, PingReq, PubAck, Subscribe,
    SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, QoS};

use super::{Heard, LONGEST, NAME, Speaker, Speech};

/// For so many seconds the broker keeps the session.
const EXPIRY: u32 = 3_600;

/// After so many seconds without a packet the broker takes the client for dead, and after half as many more it says so.
const KEEP_ALIVE: u16 = 2;

const INVALID: Cause = Cause::Io(IoKind::InvalidData);

pub(crate) struct Mqtt {
    /// Whether the last CONNECT of this client was answered. One that was not may have begun a session of which the client knows nothing:
    /// a broker that has none begins one, and with the next CONNECT that is present.
    is_answered: Arc<AtomicBool>,
    /// Whether a session that is present is the one that the client knows.
    is_known: bool,
    /// What was sent in each packet that is not answered.
    sent: HashMap<u16, (Vec<String>, u32)>,
}

impl Mqtt {
    pub(crate) fn speaker() -> Speaker {
        let is_answered = Arc::new(AtomicBool::new(true));
        Arc::new(move || {
            let is_answered = Arc::clone(&is_answered);
            Box::new(Self { is_answered, is_known: false, sent: HashMap::new() })
        })
    }
}

/// Adds a packet, whose size the broker does not limit.
pub(crate) fn write(packet: &Packet, out: &mut BytesMut) {
    // Only an identifier that is wrong can fail, and a packet without one is refused by the broker.
    packet.write(out, None).unwrap_or_default();
}

/// Takes a packet, if a whole one is there.
pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Packet>, Cause> {
    match Packet::read(input, Some(LONGEST as u32)) {
        Ok(packet) => Ok(Some(packet)),
        Err(Error::InsufficientBytes(_)) => Ok(None),
        Err(_) => Err(INVALID),
    }
}

impl Speech for Mqtt {
    fn say(&mut self, _: Epoch, command: Command<String, String>, out: &mut BytesMut) {
        let packet = match command {
            Command::Identify | Command::Resume(_) => {
                let mut properties = ConnectProperties::new();
                properties.session_expiry_interval = Some(EXPIRY);
                let clean_start = matches!(command, Command::Identify);
                self.is_known = self.is_answered.swap(false, Ordering::Relaxed);
                let (client_id, properties) = (NAME.to_owned(), Some(properties));
                let connect = Connect { keep_alive: KEEP_ALIVE, client_id, clean_start, properties };
                Packet::Connect(connect, None, None)
            }
            Command::Restore { keys, send } => {
                let pkid = (send % 0xFFFF) as u16 + 1;
                let filters = keys.iter().map(|topic| Filter::new(topic, QoS::AtLeastOnce)).collect();
                self.sent.insert(pkid, (keys, send));
                Packet::Subscribe(Subscribe { pkid, filters, properties: None })
            }
            Command::Heartbeat { .. } => Packet::PingReq(PingReq),
            Command::Authenticate | Command::Message(_) | Command::Unsubscribe(_) => return,
        };
        write(&packet, out);
    }

    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause> {
        let Some(packet) = take(input)? else { return Ok(None) };
        if let Packet::ConnAck(_) = packet {
            self.is_answered.store(true, Ordering::Relaxed);
        }
        Ok(Some(match packet {
            Packet::ConnAck(ack) if ack.code != ConnectReturnCode::Success => return Err(Cause::Unknown),
            Packet::ConnAck(ack) if ack.session_present && self.is_known => {
                vec![Heard::Event(Event::Resumed { epoch })]
            }
            Packet::ConnAck(_) => {
                let (token, ttl) = (Some(NAME.to_owned()), Some(Duration::from_secs(EXPIRY.into())));
                vec![Heard::Event(Event::Ready { epoch, token, endpoint: None, sequence: None, ttl })]
            }
            Packet::SubAck(ack) => {
                let (keys, send) = self.sent.remove(&ack.pkid).ok_or(INVALID)?;
                let answers = keys.into_iter().zip(ack.return_codes);
                let event = |(key, code)| {
                    let send = Some(send);
                    Heard::Event(match code {
                        SubscribeReasonCode::Success(_) => Event::SubscriptionConfirmed { epoch, key, send },
                        _ => Event::SubscriptionFailed { epoch, key, send, retryable: false },
                    })
                };
                answers.map(event).collect()
            }
            Packet::Publish(message) => {
                if message.qos != QoS::AtMostOnce {
                    write(&Packet::PubAck(PubAck::new(message.pkid, None)), out);
                }
                let text = String::from_utf8_lossy(&message.payload).into_owned();
                vec![Heard::Delivery { text, again: message.dup }]
            }
            Packet::PingResp(_) => vec![Heard::Event(Event::HeartbeatAcked { epoch })],
            Packet::Disconnect(end) => return Err(causes::mqtt5(end.reason_code as u8)),
            _ => Vec::new(),
        }))
    }
}
