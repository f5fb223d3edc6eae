//! The threads of a transport: one dials and then reads, one writes.

use std::sync::Arc;

use crate::driver::{Dial, DialError};

use super::crew::{Crew, Presence};
use super::dialling::Dialling;
use super::protocol::BlockingProtocol;
use super::wire::{Wire, Work};

/// What a thread of a transport holds.
pub(super) struct Life<P: BlockingProtocol> {
    pub(super) crew: Arc<Crew>,
    pub(super) protocol: Arc<P>,
    pub(super) wire: Arc<Wire<P>>,
    pub(super) presence: Arc<Presence>,
}

impl<P: BlockingProtocol> Clone for Life<P> {
    fn clone(&self) -> Self {
        Self {
            crew: self.crew.clone(),
            protocol: self.protocol.clone(),
            wire: self.wire.clone(),
            presence: self.presence.clone(),
        }
    }
}

impl<P: BlockingProtocol> Life<P> {
    /// Begins one of its threads.
    pub(super) fn spawn(&self, name: &str, work: impl FnOnce(&Self) + Send + 'static) -> std::io::Result<()> {
        let (life, last) = (self.clone(), self.clone());
        let end = move |panicked| {
            // Behind the panic, so that the driver finds it.
            if panicked {
                last.wire.close();
            }
        };
        self.crew.spawn(name, move || work(&life), end)
    }

    pub(super) fn dial_and_read(&self, dial: Dial<P::Token>) {
        let dialling = Dialling::new(dial, self.wire.abandoned.clone());
        let (mut reader, mut writer, hangup) = match self.protocol.dial(&dialling) {
            Ok(connection) => connection,
            Err(error) => {
                self.wire.dialled.put(Err(error));
                return;
            }
        };
        if !self.wire.open(hangup) {
            return;
        }
        let spawned = self.spawn("redial-write", move |life| life.write(&mut writer));
        let opened = spawned.map_err(|_| DialError::NotNow { retry_after: None });
        if !self.wire.dialled.put(opened) || opened.is_err() {
            return;
        }
        loop {
            let received = self.protocol.receive(&mut reader, dialling.epoch);
            let over = received.is_err();
            if !self.wire.received.put(received) || over {
                return;
            }
        }
    }

    fn write(&self, writer: &mut P::Writer) {
        while let Some(work) = self.wire.work.take() {
            let sent = match work {
                Work::Send(command) => self.protocol.send(writer, command),
                Work::Close(code) => {
                    self.protocol.close(writer, code);
                    Ok(())
                }
            };
            self.wire.done.put(sent);
        }
    }
}
