//! A server with one session and a stream of numbered messages, which warns, cuts and is resumed.

use core::convert::Infallible;
use core::future::Future;
use core::time::Duration;
use std::collections::HashSet;
use std::prelude::v1::*;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::driver::{Command, Driver, Outcome};
use crate::handover::{self, Handover};
use crate::subscriptions::NoSubscriptions;
use crate::testing::{Answer, ScriptedTransport};
use crate::{Cause, Config, Epoch, Event, IoKind, Policy, SplitMix64};

use super::driving::drive_for;
use super::host::Host;
use super::lab::ms;

type Transport = ScriptedTransport<String, Infallible, u32, u32>;
pub(super) type Connection = crate::testing::Connection<String, Infallible, u32>;
pub(super) type StationDriver =
    Driver<Transport, Host, Handover<SplitMix64, String, NoSubscriptions, &'static Config>>;

/// What a resume does to the socket that had the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing more is sent on it. What is missing follows the answer.
    Moves,
    /// Both get everything. What is missing comes before the answer.
    Both,
    /// The test answers a resume.
    Silent,
}

pub(super) struct Station {
    pub(super) server: Transport,
    host: Host,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    newest: u32,
    /// The transports that have the session.
    served: HashSet<Epoch>,
    /// So many dials are refused.
    pub(super) refusals: u32,
    /// How long a dial takes.
    pub(super) dial_takes: Duration,
}

impl Station {
    pub(super) fn new(host: Host, style: Style) -> Self {
        let (server, state) = (Transport::new(host.clone()), Arc::new(Mutex::new(State::default())));
        server.answer_further({
            let state = state.clone();
            move |_| {
                let mut state = state.lock().unwrap();
                match state.refusals.checked_sub(1) {
                    Some(left) => {
                        state.refusals = left;
                        Answer::refuse(Cause::Io(IoKind::ConnectionRefused))
                    }
                    None => Answer::accept([]).after(state.dial_takes),
                }
            }
        });
        server.on_command({
            let state = state.clone();
            move |_, connection, command| state.lock().unwrap().react(style, connection, command)
        });
        Self { server, host, state }
    }

    pub(super) fn driver(&self, config: &'static Config, handover: handover::Config) -> StationDriver {
        let policy = Policy::new(config, SplitMix64::new(7)).with_session_type().with_handover(handover);
        Driver::new(policy, self.server.clone(), self.host.clone())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn dials(&self) -> usize {
        self.server.read_log(|log| log.dials.len())
    }

    /// The messages that were written.
    pub(super) fn written(&self) -> Vec<u32> {
        self.server.read_log(|log| log.messages().copied().collect())
    }

    /// Whether this transport has the session.
    pub(super) fn serves(&self, connection: &Connection) -> bool {
        self.state().served.contains(&connection.epoch())
    }

    /// The next message of the stream, on every socket that has the session.
    pub(super) fn publish(&self) {
        let newest = {
            let mut state = self.state();
            state.newest += 1;
            state.newest
        };
        for connection in self.server.connections().iter().filter(|connection| self.serves(connection)) {
            connection.push_numbered(newest.into(), newest);
        }
    }

    /// Says that every socket will be cut, and returns them.
    pub(super) fn warn(&self, deadline: Duration) -> Vec<Connection> {
        let (open, deadline, retry_after) = (self.server.connections(), Some(deadline), None);
        for connection in &open {
            connection.push_event(|epoch| Event::ReconnectRequested { epoch, retry_after, deadline });
        }
        open
    }

    pub(super) fn cut(connections: &[Connection]) {
        for connection in connections {
            connection.end(Cause::CloseFrame(1012));
        }
    }

    pub(super) async fn sleep(&self, span: Duration) {
        self.host.sleep(span).await;
    }

    pub(super) async fn drive(
        &self,
        run: impl Future<Output = Outcome>,
        script: impl Future<Output = ()>,
    ) -> Outcome {
        drive_for(&self.host, run, ms(30_000), script).await.expect("the driver hangs")
    }
}

impl State {
    fn react(&mut self, style: Style, connection: &Connection, command: &Command<String, Infallible, u32>) {
        let newest = self.newest;
        match command {
            Command::Identify => {
                let (token, sequence) = (Some("token".to_owned()), Some(u64::from(newest)));
                connection.push_event(|epoch| Event::Ready {
                    epoch,
                    token,
                    endpoint: None,
                    sequence,
                    ttl: None,
                });
            }
            Command::Resume(session) => {
                if style == Style::Moves {
                    self.served.clear();
                }
                let missing = session.sequence().map_or(0, |sequence| sequence as u32 + 1)..=newest;
                let resumed = |epoch| Event::Resumed { epoch };
                if style == Style::Moves {
                    connection.push_event(resumed);
                }
                if style != Style::Silent {
                    missing.for_each(|number| connection.push_numbered(number.into(), number));
                }
                if style == Style::Both {
                    connection.push_event(resumed);
                }
            }
            _ => return,
        }
        self.served.insert(connection.epoch());
    }
}
