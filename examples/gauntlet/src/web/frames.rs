//! Frames, of which many are wrong on purpose.

use std::io::Cursor;

use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame, FrameHeader};

fn bytes(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A vector takes everything.
    frame.format(&mut bytes).unwrap_or_default();
    bytes
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    bytes(Frame::message(text.to_owned(), OpCode::Data(Data::Text), true))
}

pub(super) fn ping(payload: &'static str) -> Vec<u8> {
    bytes(Frame::ping(payload.as_bytes()))
}

pub(super) fn pong(payload: Vec<u8>) -> Vec<u8> {
    bytes(Frame::pong(payload))
}

pub(super) fn close(code: Option<u16>) -> Vec<u8> {
    bytes(Frame::close(code.map(|code| CloseFrame { code: CloseCode::from(code), reason: "".into() })))
}

/// A frame with any first byte, which is not masked.
pub(super) fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    let mut bytes = vec![first];
    match length {
        Some(length) => bytes.push(length),
        None => {
            bytes.push(126);
            bytes.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// A text frame that is masked, as only a client's may be.
pub(super) fn masked(text: &str) -> Vec<u8> {
    let mut frame = Frame::message(text.to_owned(), OpCode::Data(Data::Text), true);
    frame.header_mut().mask = Some([1, 2, 3, 4]);
    bytes(frame)
}

/// A header that announces a message of 4 EiB, and a little of it.
pub(super) fn oversize() -> Vec<u8> {
    let mut bytes = vec![0x82, 127];
    bytes.extend((1_u64 << 62).to_be_bytes());
    bytes.extend([0; 64]);
    bytes
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    Binary(usize),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    Garbled(String),
}

/// Takes the first whole frame out of what was read.
pub(super) fn take(buffer: &mut Vec<u8>) -> Option<Incoming> {
    let mut cursor = Cursor::new(&*buffer);
    let (header, length) = match FrameHeader::parse(&mut cursor) {
        Ok(parsed) => parsed?,
        Err(error) => {
            buffer.clear();
            return Some(Incoming::Garbled(error.to_string()));
        }
    };
    let start = usize::try_from(cursor.position()).ok()?;
    let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length))?;
    let mut payload = buffer.get(start..end)?.to_vec();
    buffer.drain(..end);
    let Some(mask) = header.mask else {
        return Some(Incoming::Garbled("a frame without a mask".to_owned()));
    };
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Some(match header.opcode {
        OpCode::Data(Data::Text) => Incoming::Text(String::from_utf8_lossy(&payload).into_owned()),
        OpCode::Data(_) => Incoming::Binary(payload.len()),
        OpCode::Control(Control::Ping) => Incoming::Ping(payload),
        OpCode::Control(Control::Pong) => Incoming::Pong(payload),
        OpCode::Control(Control::Close) => {
            Incoming::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code)))
        }
        OpCode::Control(other) => Incoming::Garbled(format!("a frame of kind {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut bytes = masked("hello");
        bytes.extend(masked("you"));
        let last = bytes.pop();
        assert_eq!(take(&mut bytes), Some(Incoming::Text("hello".to_owned())));
        assert_eq!(take(&mut bytes), None);
        bytes.extend(last);
        assert_eq!(take(&mut bytes), Some(Incoming::Text("you".to_owned())));
        assert_eq!(take(&mut bytes), None);
    }

    #[test]
    fn what_is_not_masked_is_told() {
        let mut bytes = text("hello");
        assert!(matches!(take(&mut bytes), Some(Incoming::Garbled(_))));
    }

    #[test]
    fn a_close_has_a_code_or_none() {
        for (code, payload) in [(Some(4000), vec![0x0F, 0xA0]), (None, vec![])] {
            let header = FrameHeader {
                opcode: OpCode::Control(Control::Close),
                mask: Some([0; 4]),
                ..FrameHeader::default()
            };
            let mut sent = bytes(Frame::from_payload(header, payload.into()));
            assert_eq!(take(&mut sent), Some(Incoming::Close(code)));
        }
    }
}
