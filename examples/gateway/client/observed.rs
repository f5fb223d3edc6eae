//! The WebSocket client as the show wants it: its dials are shown and recorded, and its sockets counted.

use std::convert::Infallible;
use std::sync::OnceLock;

use redial::driver::{Command, Dial, DialError, Notice, Received, SendFailed, SendProtocol};
use redial::websocket::{self, Frame};
use redial::{Cause, Epoch};

use super::gateway::{Dispatch, Gateway};
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
    type Writer = websocket::Writer;
    type Token = String;
    type Key = Infallible;
    type Message = Frame;
    type Incoming = Dispatch;
    type Received = Vec<Received<String, Infallible, Dispatch>>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Reader, websocket::Writer), DialError> {
        let gateway = self.websocket.protocol();
        let socket = self.recorder.as_ref().map(|recorder| recorder.dial(gateway.not_before()));
        gateway.dialling(&dial, &self.websocket.url(&dial));
        let (reader, writer) = SendProtocol::dial(&self.websocket, dial).await?;
        Ok((Reader { reader, _socket: socket }, writer))
    }

    async fn receive(&self, reader: &mut Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        SendProtocol::receive(&self.websocket, &mut reader.reader, epoch).await
    }

    async fn send(
        &self,
        writer: &mut websocket::Writer,
        command: Command<String, Infallible, Frame>,
    ) -> Result<(), SendFailed> {
        SendProtocol::send(&self.websocket, writer, command).await
    }

    async fn close(&self, reader: Reader, writer: websocket::Writer, code: u16) {
        let Reader { reader, _socket } = reader;
        SendProtocol::close(&self.websocket, reader, writer, code).await;
    }

    fn observe(&self, notice: &Notice<'_, String, Infallible>) {
        if let Some(tape) = self.tape() {
            tape.observe(notice);
        }
        SendProtocol::observe(&self.websocket, notice);
    }
}
