//! No protocol at all: frames as they are.

use core::convert::Infallible;
use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use crate::policy::Epoch;

use super::decoded::Decoded;
use super::frame::Frame;
use super::protocol::{Connection, Protocol};
use super::report::Report;

type OnConnect = Box<dyn Fn(&mut Connection<'_>) + Send + Sync>;
type OnReport = Box<dyn Fn(Epoch, &Report<'_>) + Send + Sync>;

/// The protocol of [`connect`](super::connect): messages go out and come in as they are.
#[derive(Default)]
pub struct Raw {
    pub(super) on_connect: Vec<OnConnect>,
    pub(super) on_report: Vec<OnReport>,
}

impl Protocol for Raw {
    type Key = Infallible;
    type Outgoing = Frame;
    type Incoming = Frame;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, message: &Frame) -> Frame {
        message.clone()
    }

    fn decode(&self, frame: Frame) -> Decoded {
        Decoded::Message(frame)
    }

    fn identify(&self, connection: &mut Connection<'_>) {
        for on_connect in &self.on_connect {
            on_connect(connection);
        }
    }

    fn report(&self, epoch: Epoch, report: Report<'_>) {
        for on_report in &self.on_report {
            on_report(epoch, &report);
        }
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}
