//! The protocols of the servers, as functions of bytes: every driver speaks each of them.

pub(crate) mod mqtt;
pub(crate) mod nats;
pub(crate) mod resp;

use std::sync::Arc;

use bytes::BytesMut;
use redial::driver::Command;
use redial::{Cause, Epoch, Event};

pub(crate) use mqtt::Mqtt;
pub(crate) use nats::Nats;
pub(crate) use resp::Redis;

/// What clients call themselves, where the protocol has a name for them.
pub(crate) const NAME: &str = "redial";

/// The longest message that is read.
const LONGEST: usize = 1 << 20;

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Event(Event<String, String>),
    Delivery {
        text: String,
        /// The server says that it may have come before.
        again: bool,
    },
}

/// One connection's part of a protocol.
pub(crate) trait Speech: Send {
    /// Adds what a command is on the wire to `out`.
    fn say(&mut self, epoch: Epoch, command: Command<String, String>, out: &mut BytesMut);

    /// Takes one message from `input`, if a whole one is there, and adds the answer to `out`. One that says nothing is a sign of life.
    ///
    /// # Errors
    /// The connection has to end.
    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause>;
}

/// Makes the speech of each new connection of one client.
pub(crate) type Speaker = Arc<dyn Fn() -> Box<dyn Speech> + Send + Sync>;
