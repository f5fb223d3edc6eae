//! A speech over sockets: of a runtime, and blocking ones.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use redial::driver::{
    BlockingProtocol, Command, DialError, Dialling, Failure, Hangup, Link, Received, SendFailed,
};
use redial::{Cause, Epoch, IoKind};

use super::journal::Journal;
use crate::speech::{Heard, Speaker, Speech};

const END: Cause = Cause::Io(IoKind::UnexpectedEof);

/// How much is read at a time.
const CHUNK: usize = 4_096;

/// The life of a connection on a runtime: [`supervise`](redial::driver::supervise) drops it when it is over.
pub(crate) async fn live(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    link: Link<String, String>,
    mut speech: Box<dyn Speech>,
    journal: Arc<Journal>,
) -> Result<(), Failure> {
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut chunk = [0; CHUNK];
    loop {
        tokio::select! {
            Some(command) = link.command() => speech.say(link.epoch(), command, &mut out),
            count = stream.read(&mut chunk) => {
                let count = count?;
                if count == 0 {
                    return Err(END.into());
                }
                input.extend_from_slice(&chunk[..count]);
                while let Some(heard) = speech.hear(link.epoch(), &mut input, &mut out)? {
                    link.received();
                    for heard in heard {
                        match heard {
                            Heard::Event(event) => link.tell(event),
                            Heard::Delivery { text, again } => journal.delivered(text, again),
                        }
                    }
                }
            }
        }
        stream.write_all(&out).await?;
        out.clear();
    }
}

/// The same over blocking sockets.
pub(crate) struct Blocked {
    pub(crate) address: SocketAddr,
    pub(crate) speaker: Speaker,
    pub(crate) journal: Arc<Journal>,
}

/// What both halves of a connection write and know.
struct Shared {
    stream: TcpStream,
    speech: Box<dyn Speech>,
    out: BytesMut,
}

impl Shared {
    fn flush(&mut self) -> std::io::Result<()> {
        let out = self.out.split();
        self.stream.write_all(&out)
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct BlockedReader {
    stream: TcpStream,
    input: BytesMut,
    shared: Arc<Mutex<Shared>>,
}

pub(crate) struct BlockedWriter {
    shared: Arc<Mutex<Shared>>,
    epoch: Epoch,
}

impl BlockingProtocol for Blocked {
    type Reader = BlockedReader;
    type Writer = BlockedWriter;
    type Token = String;
    type Key = String;
    type Message = core::convert::Infallible;
    type Incoming = core::convert::Infallible;
    type Received = Vec<Received<String, String>>;

    fn dial(&self, dial: &Dialling<String>) -> Result<(Self::Reader, Self::Writer, Hangup), DialError> {
        let stream = dial.connect(self.address)?;
        let epoch = dial.epoch;
        let shared = Shared { stream: stream.try_clone()?, speech: (self.speaker)(), out: BytesMut::new() };
        let shared = Arc::new(Mutex::new(shared));
        let hangup = stream.try_clone()?.into();
        let reader = BlockedReader { stream, input: BytesMut::new(), shared: Arc::clone(&shared) };
        Ok((reader, BlockedWriter { shared, epoch }, hangup))
    }

    fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        loop {
            let mut shared = locked(&reader.shared);
            let Shared { speech, out, .. } = &mut *shared;
            let heard = speech.hear(epoch, &mut reader.input, out)?;
            shared.flush().map_err(|error| Cause::from(&error))?;
            drop(shared);
            if let Some(heard) = heard {
                return Ok(heard.into_iter().filter_map(|heard| self.received(heard)).collect());
            }
            let mut chunk = [0; CHUNK];
            let count = reader.stream.read(&mut chunk).map_err(|error| Cause::from(&error))?;
            if count == 0 {
                return Err(END);
            }
            reader.input.extend_from_slice(&chunk[..count]);
        }
    }

    fn send(&self, writer: &mut Self::Writer, command: Command<String, String>) -> Result<(), SendFailed> {
        let mut shared = locked(&writer.shared);
        let Shared { speech, out, .. } = &mut *shared;
        speech.say(writer.epoch, command, out);
        Ok(shared.flush()?)
    }
}

impl Blocked {
    /// What is for the policy. A message is for the journal.
    fn received(&self, heard: Heard) -> Option<Received<String, String>> {
        match heard {
            Heard::Event(event) => Some(event.into()),
            Heard::Delivery { text, again } => {
                self.journal.delivered(text, again);
                None
            }
        }
    }
}
