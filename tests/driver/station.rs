//! A server with one session and a stream of numbered messages, which warns, cuts and is resumed.

use core::convert::Infallible;
use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use redial::driver::{Command, Dial, DialError, Driver, Outcome, Protocol, Received, Runtime, SendFailed};
use redial::handover::{self, Handover};
use redial::subscriptions::NoSubscriptions;
use redial::{Cause, Config, Epoch, Event, IoKind, Policy, SplitMix64};

use crate::driving::drive_for;
use crate::lab::ms;

type Item = Received<String, Infallible, u32>;
pub(crate) type StationDriver<Rt> =
    Driver<Station<Rt>, Rt, Handover<SplitMix64, String, NoSubscriptions, &'static Config>>;

/// What a resume does to the socket that had the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing more is sent on it. What is missing follows the answer.
    Moves,
    /// Both get everything. What is missing comes before the answer.
    Both,
    /// The test answers a resume.
    Silent,
}

#[derive(Clone)]
pub(crate) struct Station<Rt> {
    runtime: Rt,
    style: Style,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    newest: u32,
    sockets: Vec<Arc<Mutex<Socket>>>,
    /// So many dials are refused.
    pub(crate) refusals: u32,
    /// How long a dial takes.
    pub(crate) dial_takes: Duration,
    pub(crate) most: usize,
    pub(crate) dials: usize,
    pub(crate) written: Vec<u32>,
}

#[derive(Default)]
pub(crate) struct Socket {
    items: VecDeque<Vec<Item>>,
    waker: Option<Waker>,
    /// It has the session.
    pub(crate) served: bool,
    cut: bool,
    epoch: Option<Epoch>,
}

impl Socket {
    pub(crate) fn push(&mut self, item: impl FnOnce(Epoch) -> Vec<Item>) {
        self.items.extend(self.epoch.map(item));
        self.wake();
    }

    pub(crate) fn push_number(&mut self, number: u32) {
        let sequence = u64::from(number);
        self.push(|epoch| vec![Event::Sequence { epoch, sequence }.into(), Received::Message(number)]);
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Half of a socket. Without both the other side has hung up.
pub(crate) struct Half(Arc<Mutex<Socket>>);

impl<Rt: Runtime + Clone> Station<Rt> {
    pub(crate) fn new(runtime: Rt, style: Style) -> Self {
        Self { runtime, style, state: Arc::default() }
    }

    pub(crate) fn driver(&self, config: &'static Config, handover: handover::Config) -> StationDriver<Rt> {
        let policy = Policy::new(config, SplitMix64::new(7)).with_session_type().with_handover(handover);
        Driver::new(policy, self.clone(), self.runtime.clone())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The sockets that are open.
    pub(crate) fn open(&self) -> Vec<Arc<Mutex<Socket>>> {
        let mut state = self.state();
        // One count is the list's own.
        state.sockets.retain(|socket| Arc::strong_count(socket) > 1);
        state.sockets.clone()
    }

    /// The next message of the stream, on every socket that has the session.
    pub(crate) fn publish(&self) {
        let newest = {
            let mut state = self.state();
            state.newest += 1;
            state.newest
        };
        for socket in self.open() {
            let mut socket = socket.lock().unwrap();
            if socket.served {
                socket.push_number(newest);
            }
        }
    }

    /// Says that every socket will be cut, and returns them.
    pub(crate) fn warn(&self, deadline: Duration) -> Vec<Arc<Mutex<Socket>>> {
        let (open, deadline, retry_after) = (self.open(), Some(deadline), None);
        for socket in &open {
            socket
                .lock()
                .unwrap()
                .push(|epoch| vec![Event::ReconnectRequested { epoch, retry_after, deadline }.into()]);
        }
        open
    }

    pub(crate) fn cut(sockets: &[Arc<Mutex<Socket>>]) {
        for socket in sockets {
            let mut socket = socket.lock().unwrap();
            socket.cut = true;
            socket.wake();
        }
    }

    pub(crate) async fn sleep(&self, span: Duration) {
        self.runtime.sleep_until(self.runtime.now().saturating_add(span)).await;
    }

    pub(crate) async fn drive(
        &self,
        driver: &mut StationDriver<Rt>,
        script: impl Future<Output = ()>,
    ) -> Outcome {
        drive_for(&self.runtime, driver, ms(30_000), script).await.expect("the driver hangs")
    }
}

impl<Rt: Runtime + Clone> Protocol for Station<Rt> {
    type Reader = Half;
    type Writer = Half;
    type Token = String;
    type Key = Infallible;
    type Message = u32;
    type Incoming = u32;
    type Received = Vec<Item>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Half, Half), DialError> {
        let takes = {
            let mut state = self.state();
            state.dials += 1;
            if let Some(left) = state.refusals.checked_sub(1) {
                state.refusals = left;
                return Err(Cause::Io(IoKind::ConnectionRefused).into());
            }
            state.dial_takes
        };
        self.sleep(takes).await;
        let socket = Arc::new(Mutex::new(Socket { epoch: Some(dial.epoch), ..Socket::default() }));
        let halves = (Half(socket.clone()), Half(socket.clone()));
        self.state().sockets.push(socket);
        let open = self.open().len();
        let most = &mut self.state().most;
        *most = open.max(*most);
        Ok(halves)
    }

    async fn receive(&self, reader: &mut Half, _: Epoch) -> Result<Vec<Item>, Cause> {
        poll_fn(|cx| {
            let mut socket = reader.0.lock().unwrap();
            socket.waker = Some(cx.waker().clone());
            match socket.items.pop_front() {
                Some(items) => Poll::Ready(Ok(items)),
                None if socket.cut => Poll::Ready(Err(Cause::CloseFrame(1012))),
                None => Poll::Pending,
            }
        })
        .await
    }

    async fn send(
        &self,
        writer: &mut Half,
        command: Command<String, Infallible, u32>,
    ) -> Result<(), SendFailed> {
        let newest = self.state().newest;
        match command {
            Command::Identify => {
                let mut socket = writer.0.lock().unwrap();
                let (token, sequence) = (Some("token".to_owned()), Some(u64::from(newest)));
                socket.push(|epoch| {
                    vec![Event::Ready { epoch, token, endpoint: None, sequence, ttl: None }.into()]
                });
                socket.served = true;
            }
            Command::Resume(session) => {
                if self.style == Style::Moves {
                    for socket in self.open() {
                        socket.lock().unwrap().served = false;
                    }
                }
                let mut socket = writer.0.lock().unwrap();
                let missing = session.sequence().map_or(0, |sequence| sequence as u32 + 1)..=newest;
                let resumed = |epoch| vec![Event::Resumed { epoch }.into()];
                if self.style == Style::Moves {
                    socket.push(resumed);
                }
                if self.style != Style::Silent {
                    missing.for_each(|number| socket.push_number(number));
                }
                if self.style == Style::Both {
                    socket.push(resumed);
                }
                socket.served = true;
            }
            Command::Message(number) => self.state().written.push(number),
            _ => {}
        }
        Ok(())
    }
}
