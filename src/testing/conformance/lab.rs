//! A scripted transport with a driver on any runtime, and short words for what the tests ask of them.

use core::future::Future;
use core::time::Duration;
use std::prelude::v1::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::driver::{Command, Driver, Outcome, Received};
use crate::handover::{self, Handover};
use crate::policy::ConfigSource;
use crate::subscriptions::SubscriptionList;
use crate::testing::{Log, Writes};
use crate::{Cause, Config, Epoch, Event, Instant, IoKind, Phase, Policy, SplitMix64};

use super::driving::drive_for;
use super::host::Host;
use super::subject::{Requests, Subject, TestedTransport};

pub(super) type Transport = TestedTransport;
pub(super) type Answer = crate::testing::Answer<String, String, u32>;
pub(super) type Say = crate::testing::Say<String, String, u32>;
pub(super) type Fact = Event<String, String>;
pub(super) type Item = Received<String, String, u32>;
pub(super) type Sent = Command<String, String, u32>;
pub(super) type LabDriver<C = &'static Config> =
    Driver<Transport, Host, Policy<SplitMix64, String, SubscriptionList<String>, C>>;
pub(super) type HandoverDriver =
    Driver<Transport, Host, Handover<SplitMix64, String, SubscriptionList<String>, &'static Config>>;

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Clone)]
pub(super) struct Lab {
    pub(super) server: Transport,
    pub(super) host: Host,
    /// How many transports there may be at a time.
    most_alive: Arc<AtomicUsize>,
    requests: Arc<Mutex<Option<Requests>>>,
}

pub(super) fn ready(epoch: Epoch) -> Fact {
    Event::Ready { epoch, token: Some("token".into()), endpoint: None, sequence: Some(1), ttl: None }
}

pub(super) fn refused() -> Answer {
    Answer::refuse(Cause::Io(IoKind::ConnectionRefused))
}

/// A message with its own number.
pub(super) fn numbered(number: u32) -> Say {
    Say::numbered(number.into(), number)
}

impl Lab {
    pub(super) fn new(host: Host, dials: Vec<Answer>) -> Self {
        let server = Transport::new(host.clone());
        server.set_session("token".to_owned(), Some(1));
        dials.into_iter().for_each(|answer| server.answer(answer));
        Self { server, host, most_alive: Arc::new(AtomicUsize::new(1)), requests: Arc::default() }
    }

    pub(super) fn set(self, change: impl FnOnce(&Transport)) -> Self {
        change(&self.server);
        self
    }

    pub(super) fn driver<C: ConfigSource>(&self, config: C) -> LabDriver<C> {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new());
        self.driver_of(policy)
    }

    /// The driver that is tested.
    pub(super) fn subject(&self, config: &'static Config) -> Box<dyn Subject> {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new());
        let Some(make) = self.host.own_driver() else { return Box::new(self.driver_of(policy)) };
        let subject = make(policy, self.server.clone(), self.host.clone());
        *self.requests.lock().unwrap() = Some(subject.requests());
        subject
    }

    /// The same with a handover.
    pub(super) fn handover(&self, config: &'static Config, handover: handover::Config) -> HandoverDriver {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new())
            .with_handover(handover);
        self.most_alive.store(2, Ordering::SeqCst);
        self.driver_of(policy)
    }

    fn driver_of<Q>(&self, policy: Q) -> Driver<Transport, Host, Q> {
        let driver = Driver::new(policy, self.server.clone(), self.host.clone());
        *self.requests.lock().unwrap() = Some(Requests::of(driver.handle()));
        driver
    }

    /// What a script calls to stop the driver from inside.
    pub(super) fn stop(&self) -> impl FnOnce() + Send + use<> {
        let requests = self.requests.clone();
        move || {
            requests.lock().unwrap().as_ref().unwrap().stop_keeping_session();
        }
    }

    pub(super) fn log(&self) -> Log<String, String, u32> {
        self.server.log()
    }

    /// When it was dialled.
    pub(super) fn dials(&self) -> Vec<Instant> {
        self.server.read_log(|log| log.dials.iter().map(|dialled| dialled.at).collect())
    }

    /// What was sent.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.server.read_log(|log| log.sent.iter().map(|sent| sent.command.clone()).collect())
    }

    /// What was sent on the transport of this number.
    pub(super) fn sent_on(&self, epoch: u32) -> Vec<Sent> {
        let sent = self.log().sent.into_iter();
        sent.filter(|sent| sent.epoch.get() == epoch).map(|sent| sent.command).collect()
    }

    /// The codes of the closes.
    pub(super) fn closed(&self) -> Vec<u16> {
        self.server.read_log(|log| log.closes.iter().map(|close| close.code).collect())
    }

    /// The transports that were closed.
    pub(super) fn closed_on(&self) -> Vec<u32> {
        self.server.read_log(|log| log.closes.iter().map(|close| close.epoch.get()).collect())
    }

    /// The phase after each step.
    pub(super) fn phases(&self) -> Vec<Phase> {
        self.server.read_log(|log| log.steps.iter().map(|step| step.explanation.phase).collect())
    }

    /// How many steps were timers.
    pub(super) fn timeouts(&self) -> usize {
        self.server.read_log(|log| log.steps.iter().filter(|step| step.event.is_none()).count())
    }

    pub(super) fn heartbeats(&self) -> usize {
        self.sent().iter().filter(|sent| matches!(sent, Command::Heartbeat { .. })).count()
    }

    pub(super) fn alive(&self) -> usize {
        self.server.alive()
    }

    pub(super) fn now(&self) -> Instant {
        crate::driver::Runtime::now(&self.host)
    }

    pub(super) async fn sleep(&self, span: Duration) {
        self.host.sleep(span).await;
    }

    /// From the command of this number on, the transport of this epoch takes nothing.
    pub(super) fn block_writes(&self, epoch: u32, number: usize) {
        for connection in self.server.connections() {
            if connection.epoch().get() == epoch {
                connection.set_writes(Some(Writes::block_at(number)));
            }
        }
    }

    /// Until so many commands have been sent.
    pub(super) async fn until_sent(&self, commands: usize) {
        self.server.until(|log| log.sent.len() >= commands).await;
    }

    /// Until so many heartbeats have been sent.
    pub(super) async fn until_heartbeats(&self, heartbeats: usize) {
        let is_heartbeat =
            |sent: &&crate::testing::Sent<_, _, _>| matches!(sent.command, Command::Heartbeat { .. });
        self.server.until(|log| log.sent.iter().filter(is_heartbeat).count() >= heartbeats).await;
    }

    /// Until no transport is alive, which takes so long at most.
    pub(super) async fn until_dead(&self, most: Duration) {
        let latest = self.now().saturating_add(most);
        while self.alive() > 0 && self.now() < latest {
            self.sleep(ms(1)).await;
        }
        assert_eq!(self.alive(), 0, "after {most:?}");
    }

    /// Until so many dials were begun.
    pub(super) async fn until_dialled(&self, dials: usize) {
        self.server.until(|log| log.dials.len() >= dials).await;
    }

    /// Until the policy is in this phase.
    pub(super) async fn until_phase(&self, phase: Phase) {
        self.server.until(|log| log.steps.last().is_some_and(|step| step.explanation.phase == phase)).await;
    }

    /// Drives to the end beside a script, and checks that nothing is left.
    pub(super) async fn drive(
        &self,
        run: impl Future<Output = Outcome>,
        script: impl Future<Output = ()>,
    ) -> Outcome {
        let outcome = self.drive_for(run, ms(15_000), script).await.expect("the driver hangs");
        self.server.assert_all_closed(self.most_alive.load(Ordering::SeqCst));
        outcome
    }

    /// The same for so long at most; dropped then.
    pub(super) async fn drive_for(
        &self,
        run: impl Future<Output = Outcome>,
        span: Duration,
        script: impl Future<Output = ()>,
    ) -> Option<Outcome> {
        drive_for(&self.host, run, span, script).await
    }
}
