//! The WebSocket client as the show wants it: its dials are shown and recorded, and its sockets counted.

use std::convert::Infallible;
use std::sync::OnceLock;

use redial::driver::{Command, Dial, DialError, Notice, Received, SendFailed, SendProtocol};
use redial::websocket::{self, Frame};
use redial::{Cause, Epoch};

use super::gateway::{Gateway, Incoming};
use crate::report::recorder::{Recorder, Socket};
use crate::report::tape::Tape;

/// A protocol around that of the library.
pub(crate) struct Observed {
    websocket: websocket::Client<Gateway>,
    recorder: Option<Recorder>,
    tape: OnceLock<Tape>,
}

pub(crate) struct Reader {
    reader: websocket::Reader,
    /// After the reader, so that the record is told when the socket is closed.
    _socket: Option<Socket>,
}

pub(crate) struct Writer {
    writer: websocket::Writer,
    epoch: Epoch,
}

impl Observed {
    pub(super) const fn new(websocket: websocket::Client<Gateway>, recorder: Option<Recorder>) -> Self {
        Self { websocket, recorder, tape: OnceLock::new() }
    }

    /// Records from here on. The first tape stays.
    pub(super) fn record(&self, tape: Tape) {
        let _first = self.tape.get_or_init(|| tape);
    }

    pub(super) fn tape(&self) -> Option<&Tape> {
        self.tape.get()
    }
}

impl SendProtocol for Observed {
    type Reader = Reader;
    type Writer = Writer;
    type Token = String;
    type Key = Infallible;
    type Message = Frame;
    type Incoming = Incoming;
    type Received = Vec<Received<String, Infallible, Incoming>>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Reader, Writer), DialError> {
        let gateway = self.websocket.protocol();
        let socket = self.recorder.as_ref().map(|recorder| recorder.dial(gateway.not_before()));
        gateway.dialling(&dial, &self.websocket.url(&dial));
        let epoch = dial.epoch;
        let (reader, writer) = SendProtocol::dial(&self.websocket, dial).await?;
        Ok((Reader { reader, _socket: socket }, Writer { writer, epoch }))
    }

    async fn receive(&self, reader: &mut Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        let mut received = SendProtocol::receive(&self.websocket, &mut reader.reader, epoch).await?;
        for one in &mut received {
            if let Received::Message(incoming) = one {
                self.websocket.protocol().came_on(incoming, epoch);
            }
        }
        Ok(received)
    }

    async fn send(
        &self,
        writer: &mut Writer,
        command: Command<String, Infallible, Frame>,
    ) -> Result<(), SendFailed> {
        let gateway = self.websocket.protocol();
        let request = matches!(command, Command::Message(_));
        if request {
            gateway.request_begins(writer.epoch);
        }
        let sent = SendProtocol::send(&self.websocket, &mut writer.writer, command).await;
        if request && sent.is_err() {
            gateway.request_ends(writer.epoch);
        }
        sent
    }

    async fn close(&self, reader: Reader, writer: Writer, code: u16) {
        let Reader { reader, _socket } = reader;
        SendProtocol::close(&self.websocket, reader, writer.writer, code).await;
    }

    fn observe(&self, notice: &Notice<'_, String, Infallible>) {
        if let Some(tape) = self.tape() {
            tape.observe(notice);
        }
        SendProtocol::observe(&self.websocket, notice);
    }
}
