//! The client: redial's driver over `redial::websocket`, speaking the gateway's protocol.
//!
//! Everything that reconnects is in the policy, and everything about sockets in the library. What is here is what the
//! messages mean ([`gateway`], [`decode`]) and what the show wants to know ([`observed`]).

mod decode;
mod gateway;
mod observed;
mod requests;
pub(crate) mod signal;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redial::driver::{self, HandleFor, Outcome, Tokio};
use redial::handover::{self, Handover};
use redial::subscriptions::NoSubscriptions;
use redial::websocket::{Limits, SetupError, Url, UrlError, connect};
use redial::{Config, Policy, SplitMix64};
use tokio::time::sleep;

use crate::protocol::{Frame, QUERY};
use crate::report::recorder::Recorder;
use crate::report::tape::Tape;
use crate::report::view::View;
use gateway::Gateway;
use observed::Observed;

/// The largest message taken from a server; a bigger one ends the connection before it fills the memory.
const MAX_MESSAGE: usize = 1 << 20;

/// The largest message that is sent: it has a token and a session id in it.
const MAX_OUTGOING: usize = 256 << 10;

/// The client of this example.
pub(crate) struct Client {
    pub(crate) driver: driver::Driver<Observed, Tokio, Decider>,
    gateway: Arc<Gateway>,
}

/// What decides for it.
pub(crate) type Decider = Handover<SplitMix64, String, NoSubscriptions, Config>;

/// How a client decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) config: Config,
    /// `None`: a connection whose end is announced is closed first, and the next one is dialled then.
    pub(crate) handover: Option<handover::Config>,
    /// For all random waits.
    pub(crate) seed: u64,
}

/// A gateway's URL as the user gives it: without parameters of its own it gets the gateway's.
pub(crate) fn gateway_url(text: &str) -> Result<Url, UrlError> {
    Url::parse(&format!("ws://localhost{QUERY}"))?.join(text)
}

impl Client {
    /// A client that does nothing before [`run`](Self::run). `recorder`: the judge of the show.
    pub(crate) fn new(
        url: &Url,
        token: String,
        Rules { config, handover, seed }: Rules,
        clock: Tokio,
        view: Arc<View>,
        recorder: Option<Recorder>,
    ) -> Result<Self, SetupError> {
        let limits = Limits::new().message(MAX_MESSAGE).outgoing(MAX_OUTGOING).build()?;
        let protocol = Gateway::new(token, clock, view, recorder.clone());
        let websocket = connect(url.as_str()).limits(limits).with_protocol(protocol).client()?;
        let gateway = Arc::clone(websocket.protocol());
        let policy = Policy::new(config, SplitMix64::new(seed)).with_session_type().with_handover(handover);
        let driver = driver::Driver::new(policy, Observed::new(websocket, recorder), clock);
        gateway.steer_with(driver.handle());
        Ok(Self { driver, gateway })
    }

    /// Asks through the client, for the judge to see whether there are answers.
    pub(crate) fn asker(&self, recorder: Recorder) -> Asker {
        Asker { handle: self.driver.handle(), recorder, stopped: Arc::default() }
    }

    /// Records from here on what the policy is told and decides. The error is that it can't be recorded.
    pub(crate) fn record(&self) -> Result<(), String> {
        self.driver.protocol().record(Tape::new(self.driver.policy())?);
        Ok(())
    }

    /// What was recorded: the log, and what was decided.
    pub(crate) fn recorded(&self) -> Option<(String, String)> {
        self.driver.protocol().tape().map(Tape::lines)
    }

    /// Runs until it is stopped or gives up, and delivers what it receives.
    pub(crate) async fn run(&mut self) -> Outcome {
        let mut messages = self.driver.messages();
        let deliver = async {
            while let Some(incoming) = messages.recv().await {
                self.gateway.deliver(incoming);
            }
        };
        let (outcome, ()) = tokio::join!(self.driver.run(), deliver);
        outcome
    }

    /// The number of the newest connection; 0 before the first.
    pub(crate) fn newest(&self) -> u32 {
        self.gateway.newest()
    }
}

/// The application's way to make requests.
#[derive(Clone)]
pub(crate) struct Asker {
    handle: HandleFor<Observed>,
    recorder: Recorder,
    stopped: Arc<AtomicBool>,
}

impl Asker {
    /// Makes requests at this pace until it is stopped.
    pub(crate) async fn ask(&self, every: Duration) {
        while !self.stopped.load(Ordering::Relaxed) {
            let nonce = self.recorder.requested();
            // One that is not written is not answered, and that is what the judge sees.
            drop(self.handle.send(Frame::Request { nonce }.encode().into()).await);
            sleep(every).await;
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_the_parameters_that_it_lacks() {
        assert_eq!(
            gateway_url("ws://127.0.0.1:4000").unwrap().as_str(),
            format!("ws://127.0.0.1:4000{QUERY}")
        );
        assert_eq!(gateway_url("wss://[::1]/path?v=9").unwrap().as_str(), "wss://[::1]/path?v=9");
        assert!(gateway_url("127.0.0.1:4000").is_err());
    }
}
