//! The client of WebSockets: a feed of numbered messages with a session, as the upstream behind nginx speaks it.

use std::sync::Arc;
use std::time::Duration;

use redial::Cause;
use redial::websocket::{Close, Connection, Decoded, Establish, Frame, Protocol};

use super::journal::Journal;

/// The close code of a session that the server does not know.
pub(crate) const UNKNOWN_SESSION: u16 = 4009;

/// For so long a server that wants its clients to reconnect leaves their connections alone.
const GRACE: Duration = Duration::from_millis(300);

pub(crate) struct Feed {
    pub(crate) journal: Arc<Journal>,
}

impl Protocol for Feed {
    type Key = String;
    type Outgoing = String;
    type Incoming = String;

    const ESTABLISHED: Establish = Establish::OnReady;

    fn identify(&self, connection: &mut Connection<'_>) {
        connection.send("HELLO");
    }

    fn resume(&self, token: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
        connection.send(format!("HELLO {token} {}", sequence.unwrap_or(0)));
    }

    fn subscribe(&self, channel: &String) -> Frame {
        format!("SUB {channel}").into()
    }

    fn unsubscribe(&self, channel: &String) -> Option<Frame> {
        Some(format!("UNSUB {channel}").into())
    }

    fn encode(&self, text: &String) -> Frame {
        text.clone().into()
    }

    fn decode(&self, frame: Frame) -> Decoded<String, String> {
        match *frame.to_string().splitn(3, ' ').collect::<Vec<_>>() {
            ["SESSION", token] => Decoded::ready(token.to_owned()),
            ["RESUMED"] => Decoded::Resumed { sequence: None },
            ["OK", channel] => Decoded::confirmed(channel.to_owned()),
            ["RECONNECT"] => Decoded::ReconnectRequested { retry_after: None, deadline: Some(GRACE) },
            ["MSG", number, text] => Decoded::numbered(number, text.to_owned()),
            _ => {
                self.journal.find(format!("a frame that is none: {frame:.60}"));
                Decoded::Ignored
            }
        }
    }

    fn closed(&self, close: &Close) -> Cause {
        match close.code {
            UNKNOWN_SESSION => Cause::SessionInvalid,
            code => Cause::CloseFrame(code),
        }
    }
}
