//! The few packets that a server needs, of MQTT 3.1.1 and 5.

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Connect { version: u8, clean: bool, keep_alive: u16 },
    Subscribe { packet: u16, topics: Vec<String> },
    PubAck { packet: u16 },
    PingReq,
    Disconnect { reason: u8 },
    Other { kind: u8 },
}

/// Reads from the front of a slice; none where that ends.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    fn string(&mut self) -> Option<String> {
        let length = self.short()?;
        Some(String::from_utf8_lossy(self.take(usize::from(length))?).into_owned())
    }

    /// A variable byte integer (MQTT 5 §1.5.5).
    fn length(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip_properties(&mut self, version: u8) -> Option<()> {
        if version >= 5 {
            let length = self.length()?;
            self.take(length)?;
        }
        Some(())
    }
}

/// Takes the first whole packet out of what was read. The version is that of the CONNECT, 0 before it.
pub(super) fn take(buffer: &mut Vec<u8>, version: u8) -> Option<Packet> {
    let mut reader = Reader(buffer);
    let first = reader.byte()?;
    let length = reader.length()?;
    let body = reader.take(length)?;
    let packet = read(first, body, version).unwrap_or(Packet::Other { kind: first >> 4 });
    let taken = buffer.len() - reader.0.len();
    buffer.drain(..taken);
    Some(packet)
}

fn read(first: u8, body: &[u8], version: u8) -> Option<Packet> {
    let mut body = Reader(body);
    Some(match first >> 4 {
        1 => {
            body.string()?;
            let version = body.byte()?;
            let clean = body.byte()? & 0x02 != 0;
            Packet::Connect { version, clean, keep_alive: body.short()? }
        }
        4 => Packet::PubAck { packet: body.short()? },
        8 => {
            let packet = body.short()?;
            body.skip_properties(version)?;
            let mut topics = Vec::new();
            while let Some(topic) = body.string() {
                topics.push(topic);
                body.byte()?;
            }
            Packet::Subscribe { packet, topics }
        }
        12 => Packet::PingReq,
        14 => Packet::Disconnect { reason: body.byte().unwrap_or(0) },
        kind => Packet::Other { kind },
    })
}

/// A packet whose body is short.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).ok().filter(|length| *length < 128).unwrap_or(0);
    [&[first, length], body].concat()
}

fn with_length(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(0);
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

fn properties(properties: &[u8]) -> Vec<u8> {
    let length = u8::try_from(properties.len()).unwrap_or(0);
    [&[length], properties].concat()
}

pub(super) fn connack(version: u8, connack: super::Connack, reference: &str) -> Vec<u8> {
    let present = u8::from(connack.session_present);
    if version < 5 {
        return packet(0x20, &[present, connack.code]);
    }
    let mut extra = Vec::new();
    if let Some(keep_alive) = connack.keep_alive {
        extra.push(0x13);
        extra.extend(keep_alive.to_be_bytes());
    }
    if connack.elsewhere {
        extra.push(0x1C);
        extra.extend(with_length(reference));
    }
    packet(0x20, &[vec![present, connack.reason], properties(&extra)].concat())
}

pub(super) fn suback(version: u8, id: u16, topics: usize) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend((version >= 5).then_some(0));
    body.extend(std::iter::repeat_n(0, topics));
    packet(0x90, &body)
}

pub(super) const PINGRESP: &[u8] = &[0xD0, 0];

/// Version 5 only.
pub(super) fn disconnect(reason: u8, reference: Option<&str>) -> Vec<u8> {
    let reference =
        reference.map_or_else(Vec::new, |reference| [vec![0x1C], with_length(reference)].concat());
    packet(0xE0, &[vec![reason], properties(&reference)].concat())
}

/// QoS 1, to the topic `a`.
pub(super) fn publish(version: u8, id: u16) -> Vec<u8> {
    let mut body = with_length("a");
    body.extend(id.to_be_bytes());
    body.extend((version >= 5).then_some(0));
    body.extend(b"hello");
    packet(0x32, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::Connack;

    #[test]
    fn packets_of_both_versions_are_read() {
        let connect = |version| {
            packet(0x10, &[&with_length("MQTT")[..], &[version, 0x02, 0, 5], &with_length("me")].concat())
        };
        for version in [4, 5] {
            let mut bytes = connect(version);
            let last = bytes.pop();
            assert_eq!(take(&mut bytes, 0), None);
            bytes.extend(last);
            assert_eq!(take(&mut bytes, 0), Some(Packet::Connect { version, clean: true, keep_alive: 5 }));
            assert!(bytes.is_empty());
        }
        let topics = [&with_length("a")[..], &[0], &with_length("b"), &[1]].concat();
        let both = vec!["a".to_owned(), "b".to_owned()];
        let mut v4 = packet(0x82, &[&[0, 7], &topics[..]].concat());
        assert_eq!(take(&mut v4, 4), Some(Packet::Subscribe { packet: 7, topics: both.clone() }));
        let mut v5 = packet(0x82, &[&[0, 7, 0], &topics[..]].concat());
        assert_eq!(take(&mut v5, 5), Some(Packet::Subscribe { packet: 7, topics: both }));
    }

    /// By another implementation.
    #[test]
    fn what_is_written_is_understood() {
        use rumqttc::mqttbytes::v4;
        use rumqttc::v5::mqttbytes::v5;
        let read_v5 = |bytes: Vec<u8>| v5::Packet::read(&mut bytes.as_slice().into(), None);
        let read_v4 = |bytes: Vec<u8>| v4::Packet::read(&mut bytes.as_slice().into(), 1 << 10);
        let asked =
            Connack { reason: 0x9D, code: 3, keep_alive: Some(2), elsewhere: true, ..Connack::default() };
        let Ok(v5::Packet::ConnAck(connack)) = read_v5(connack(5, asked, "there")) else {
            panic!("no CONNACK")
        };
        assert_eq!(connack.code, v5::ConnectReturnCode::ServerMoved);
        let properties = connack.properties.unwrap();
        assert_eq!(properties.server_keep_alive, Some(2));
        assert_eq!(properties.server_reference.as_deref(), Some("there"));
        let Ok(v4::Packet::ConnAck(connack)) = read_v4(super::connack(4, asked, "there")) else {
            panic!("no CONNACK")
        };
        assert_eq!(connack.code, v4::ConnectReturnCode::ServiceUnavailable);
        let Ok(v5::Packet::Disconnect(disconnect)) = read_v5(disconnect(0x8E, Some("there"))) else {
            panic!("no DISCONNECT")
        };
        assert_eq!(disconnect.reason_code, v5::DisconnectReasonCode::SessionTakenOver);
        assert!(
            matches!(read_v5(suback(5, 7, 2)), Ok(v5::Packet::SubAck(ack)) if ack.return_codes.len() == 2)
        );
        assert!(
            matches!(read_v4(suback(4, 7, 2)), Ok(v4::Packet::SubAck(ack)) if ack.return_codes.len() == 2)
        );
        assert!(
            matches!(read_v5(publish(5, 9)), Ok(v5::Packet::Publish(publish)) if publish.payload == "hello")
        );
        assert!(
            matches!(read_v4(publish(4, 9)), Ok(v4::Packet::Publish(publish)) if publish.payload == "hello")
        );
    }
}
