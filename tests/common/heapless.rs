//! The suite's transport and requests, as the loop without a heap takes them.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use redial::driver::heapless::{self, Command, Driver, Host, Protocol, Request};
use redial::driver::{self, Dial, DialError, Notice, Outcome, RefreshFailed, SendFailed};
use redial::testing::conformance::{self, Requests, Subject, TestedPolicy, TestedTransport};
use redial::{Cause, Epoch, Event};

pub(crate) type Fact = Event<String, String>;
type Refreshing = Pin<Box<dyn Future<Output = Result<Option<Duration>, RefreshFailed>>>>;
pub(crate) type Reader = <TestedTransport as driver::Protocol>::Reader;
pub(crate) type Writer = <TestedTransport as driver::Protocol>::Writer;

/// The suite's transport, as the loop wants it.
pub(crate) struct Transport {
    pub(crate) server: TestedTransport,
    pub(crate) halves: Option<(Reader, Writer)>,
    /// How often the driver closed it.
    pub(crate) closes: Arc<Mutex<u32>>,
}

impl Transport {
    pub(crate) fn new(server: TestedTransport) -> Self {
        Self { server, halves: None, closes: Arc::default() }
    }
}

impl Protocol for Transport {
    type Token = String;
    type Key = String;
    type Message = u32;
    type Received = Vec<Fact>;
    type Reader<'a> = Half<'a, Reader>;
    type Writer<'a> = Half<'a, Writer>;

    async fn dial(&mut self, dial: Dial<String>) -> Result<(), DialError> {
        self.halves = Some(driver::Protocol::dial(&self.server, dial).await?);
        Ok(())
    }

    fn split(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>) {
        let (reader, writer) = self.halves.as_mut().map(|(reader, writer)| (reader, writer)).unzip();
        (Half(&self.server, reader), Half(&self.server, writer))
    }

    fn abort(&mut self) {
        self.halves = None;
    }

    async fn close(&mut self, code: u16) {
        *self.closes.lock().unwrap() += 1;
        if let Some((reader, writer)) = self.halves.take() {
            driver::Protocol::close(&self.server, reader, writer, code).await;
        }
    }
}

/// A half of the transport, with what knows how to use it.
pub(crate) struct Half<'a, H>(&'a TestedTransport, Option<&'a mut H>);

impl heapless::Reader for Half<'_, Reader> {
    type Received = Vec<Fact>;

    async fn receive(&mut self, epoch: Epoch) -> Result<Vec<Fact>, Cause> {
        let Self(server, Some(reader)) = self else { return Err(Cause::NoCloseFrame) };
        let received = driver::Protocol::receive(*server, reader, epoch).await?;
        let event = |item| match item {
            driver::Received::Event(event) => Some(event),
            driver::Received::Message(_) => None,
        };
        Ok(received.into_iter().filter_map(event).collect())
    }
}

impl heapless::Writer<Command<String, String, u32>> for Half<'_, Writer> {
    async fn send(&mut self, command: Command<String, String, u32>) -> Result<(), SendFailed> {
        let Self(server, Some(writer)) = self else { return Err(SendFailed) };
        let command = match command {
            Command::Identify => driver::Command::Identify,
            Command::Resume(session) => driver::Command::Resume(session),
            Command::Heartbeat { sequence } => driver::Command::Heartbeat { sequence },
            Command::Authenticate => driver::Command::Authenticate,
            Command::Subscribe { key, send } => driver::Command::Restore { keys: vec![key], send },
            Command::Unsubscribe(key) => driver::Command::Unsubscribe(key),
            Command::Message(message) => driver::Command::Message(message),
        };
        driver::Protocol::send(*server, writer, command).await
    }
}

/// What waits for the driver.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) events: VecDeque<Fact>,
    pub(crate) messages: VecDeque<u32>,
    pub(crate) waker: Option<Waker>,
}

/// What the user and the device say.
pub(crate) struct Device {
    pub(crate) server: TestedTransport,
    pub(crate) waiting: Arc<Mutex<Waiting>>,
    /// What became of the messages.
    pub(crate) sent: Arc<Mutex<Vec<bool>>>,
    pub(crate) refresh: Option<(u16, Refreshing)>,
}

impl Device {
    pub(crate) fn new(server: TestedTransport) -> Self {
        Self { server, waiting: Arc::default(), sent: Arc::default(), refresh: None }
    }
}

impl Host<String, String, u32> for Device {
    fn poll_next(&mut self, cx: &mut Context<'_>, writable: bool) -> Poll<Request<String, String, u32>> {
        if let Some((request, refresh)) = &mut self.refresh {
            let request = Some(*request);
            if let Poll::Ready(refreshed) = refresh.as_mut().poll(cx) {
                self.refresh = None;
                return Poll::Ready(Request::Event(match refreshed {
                    Ok(ttl) => Event::CredentialOk { request, ttl },
                    Err(RefreshFailed { fatal }) => Event::CredentialFailed { request, fatal },
                }));
            }
        }
        let mut waiting = self.waiting.lock().unwrap();
        waiting.waker = Some(cx.waker().clone());
        if let Some(event) = waiting.events.pop_front() {
            return Poll::Ready(Request::Event(event));
        }
        match if writable { waiting.messages.pop_front() } else { None } {
            Some(message) => Poll::Ready(Request::Message(message)),
            None => Poll::Pending,
        }
    }

    fn sent(&mut self, written: bool) {
        self.sent.lock().unwrap().push(written);
    }

    fn refresh_credential(&mut self, request: u16) {
        let server = self.server.clone();
        self.refresh =
            Some((request, Box::pin(async move { driver::Protocol::refresh_credential(&server).await })));
    }

    fn observe(&mut self, notice: &Notice<'_, String, String>) {
        driver::Protocol::observe(&self.server, notice);
    }
}

/// The driver, as the suite sees it.
pub(crate) struct Tested {
    pub(crate) driver: Driver<TestedPolicy, Transport, conformance::Host, Device>,
    pub(crate) waiting: Arc<Mutex<Waiting>>,
}

impl Tested {
    pub(crate) fn new(policy: TestedPolicy, server: TestedTransport, host: conformance::Host) -> Self {
        let device = Device::new(server.clone());
        let waiting = device.waiting.clone();
        Self { driver: Driver::new(policy, Transport::new(server), host, device), waiting }
    }
}

impl Subject for Tested {
    fn requests(&self) -> Requests {
        let waiting = Arc::downgrade(&self.waiting);
        Requests::new(move |event| {
            // The driver and this hold it.
            let Some(waiting) = waiting.upgrade().filter(|waiting| Arc::strong_count(waiting) > 1) else {
                return false;
            };
            let mut waiting = waiting.lock().unwrap();
            waiting.events.push_back(event);
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
            true
        })
    }

    fn run(&mut self) -> Pin<Box<dyn Future<Output = Outcome> + '_>> {
        Box::pin(self.driver.run())
    }

    fn policy(&self) -> &TestedPolicy {
        self.driver.policy()
    }
}
