//! The server of a schedule: it mostly does what it should.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use redial::driver::{Command, DialError, Received};
use redial::testing::{Answer, ScriptedTransport, VirtualClock, Writes};
use redial::{Cause, Epoch, Event, IoKind};

use super::bytes::Bytes;
use super::world::MANY;

pub(crate) type Transport = ScriptedTransport<u8, u8, u32, u32>;
pub(crate) type Connection = redial::testing::Connection<u8, u8, u32>;

/// What was said on each transport, receive by receive: a message without a number, or anything else.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<BTreeMap<u32, Vec<Option<u32>>>>>);

impl Said {
    fn note(&self, epoch: Epoch, message: Option<u32>) {
        self.0.lock().unwrap().entry(epoch.get()).or_default().push(message);
    }

    /// The messages without a number that the driver has read.
    pub(crate) fn read(&self, connections: &[Connection]) -> Vec<u32> {
        let said = self.0.lock().unwrap();
        let read = connections.iter().flat_map(|connection| {
            let said = said.get(&connection.epoch().get()).map_or(&[][..], Vec::as_slice);
            &said[..said.len() - connection.unread()]
        });
        read.flatten().copied().collect()
    }
}

pub(crate) struct Server {
    pub(crate) transport: Transport,
    pub(crate) said: Said,
    /// Every connection that was ever open.
    pub(crate) connections: Vec<Connection>,
    bytes: Bytes,
    messages: u32,
}

impl Server {
    pub(crate) fn new(clock: &VirtualClock, bytes: &Bytes) -> Self {
        let transport = Transport::new(clock.clone());
        if bytes.below(4) > 0 {
            transport.set_session(7, Some(1));
        }
        transport.set_closes_hang(bytes.below(3) == 1);
        let credential = bytes.pick(&[Some(Ok(None)), Some(Ok(Some(Duration::from_millis(300)))), None]);
        transport.set_credential(credential);
        transport.answer_further({
            let bytes = bytes.clone();
            move |_| dialled(&bytes)
        });
        let said = Said::default();
        transport.on_command({
            let (bytes, said) = (bytes.clone(), said.clone());
            move |transport, connection, command| react(&bytes, transport, &said, connection, command)
        });
        Self { transport, said, connections: Vec::new(), bytes: bytes.clone(), messages: 0 }
    }

    /// Remembers the connections that came.
    pub(crate) fn look(&mut self) {
        for connection in self.transport.connections() {
            if !self.connections.iter().any(|known| known.epoch() == connection.epoch()) {
                self.connections.push(connection);
            }
        }
    }

    /// How much was done and said so far.
    pub(crate) fn progress(&self) -> [usize; 6] {
        let unread = self.connections.iter().map(Connection::unread).sum();
        self.transport.read_log(|log| {
            let refreshes = log.refreshes.len();
            [log.dials.len(), log.sent.len(), log.closes.len(), log.steps.len(), refreshes, unread]
        })
    }

    /// Says or does something on one of the connections that are open.
    pub(crate) fn act(&mut self) {
        let open = self.transport.connections();
        if open.is_empty() {
            return;
        }
        let connection = self.bytes.pick(&open);
        let epoch = connection.epoch();
        match self.bytes.below(12) {
            0..=3 => {
                let number = if self.bytes.below(64) == 63 { MANY } else { 1 };
                for _ in 0..number {
                    self.messages += 1;
                    self.said.note(epoch, Some(self.messages));
                    connection.push_message(self.messages);
                }
            }
            4 | 5 => {
                self.messages += 1;
                self.said.note(epoch, None);
                connection.push_numbered(self.messages.into(), self.messages);
            }
            6 => {
                let deadline = self.bytes.pick(&[None, Some(Duration::from_millis(30))]);
                let asked = Event::ReconnectRequested { epoch, retry_after: None, deadline };
                // With a message behind it in the same receive.
                self.messages += 1;
                self.said.note(epoch, Some(self.messages));
                connection.push([asked.into(), Received::Message(self.messages)]);
            }
            7 => {
                self.said.note(epoch, None);
                connection.push_event(|epoch| Event::HeartbeatRequested { epoch });
            }
            8 => connection.end(self.bytes.pick(&[Cause::NoCloseFrame, Cause::CloseFrame(1012)])),
            9 => connection.set_writes(Some(Writes::block_at(connection.written()))),
            10 => connection.set_writes(Some(self.bytes.pick(&WRITES))),
            _ => {
                self.said.note(epoch, None);
                connection.push([]);
            }
        }
    }
}

const WRITES: [Writes; 3] = [Writes::FINE, Writes::slow(Duration::from_millis(20)), Writes::fail_at(0)];

fn dialled(bytes: &Bytes) -> Answer<u8, u8, u32> {
    match bytes.below(10) {
        6 => Answer::refuse(Cause::Io(IoKind::ConnectionRefused)),
        7 => Answer::refuse(DialError::NotNow { retry_after: None }),
        8 => Answer::hang(),
        9 => Answer::refuse(Cause::AuthRejected),
        other => {
            let answer = Answer::accept([]).after(Duration::from_millis(if other > 3 { 5 } else { 0 }));
            if bytes.below(4) == 3 { answer.with_writes(bytes.pick(&WRITES)) } else { answer }
        }
    }
}

fn react(
    bytes: &Bytes,
    transport: &Transport,
    said: &Said,
    connection: &Connection,
    command: &Command<u8, u8, u32>,
) {
    let epoch = connection.epoch();
    match bytes.below(12) {
        // It says nothing.
        9 => {}
        10 => {
            said.note(epoch, None);
            connection.push_event(|epoch| Event::SessionInvalid { epoch, resumable: false });
        }
        11 => connection.end(Cause::CloseFrame(1006)),
        _ => {
            let before = connection.unread();
            transport.reply(connection, command);
            if connection.unread() > before {
                said.note(epoch, None);
            }
        }
    }
}
