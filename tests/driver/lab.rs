//! A scripted transport with a driver on any runtime, and short words for what the tests ask of them.

use core::future::Future;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use redial::driver::{Command, Driver, HandleFor, Outcome, Received};
use redial::handover::{self, Decider, Handover};
use redial::policy::ConfigSource;
use redial::subscriptions::SubscriptionList;
use redial::testing::{Log, ScriptedTransport, Writes};
use redial::{Cause, Config, Epoch, Event, Instant, IoKind, Phase, Policy, SplitMix64};

use crate::driving::drive_for;
use crate::host::Host;

pub(crate) type Transport = ScriptedTransport<String, String, u32, u32>;
pub(crate) type Answer = redial::testing::Answer<String, String, u32>;
pub(crate) type Say = redial::testing::Say<String, String, u32>;
pub(crate) type Fact = Event<String, String>;
pub(crate) type Item = Received<String, String, u32>;
pub(crate) type Sent = Command<String, String, u32>;
pub(crate) type LabDriver<C = &'static Config> =
    Driver<Transport, Host, Policy<SplitMix64, String, SubscriptionList<String>, C>>;
pub(crate) type HandoverDriver =
    Driver<Transport, Host, Handover<SplitMix64, String, SubscriptionList<String>, &'static Config>>;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) server: Transport,
    pub(crate) host: Host,
    /// How many transports there may be at a time.
    most_alive: Arc<AtomicUsize>,
    handle: Arc<Mutex<Option<HandleFor<Transport>>>>,
}

pub(crate) fn ready(epoch: Epoch) -> Fact {
    Event::Ready { epoch, token: Some("token".into()), endpoint: None, sequence: Some(1), ttl: None }
}

pub(crate) fn refused() -> Answer {
    Answer::refuse(Cause::Io(IoKind::ConnectionRefused))
}

/// A message with its own number.
pub(crate) fn numbered(number: u32) -> Say {
    Say::numbered(number.into(), number)
}

impl Lab {
    pub(crate) fn new(host: Host, dials: Vec<Answer>) -> Self {
        let server = Transport::new(host.clone());
        server.set_session("token".to_owned(), Some(1));
        dials.into_iter().for_each(|answer| server.answer(answer));
        Self { server, host, most_alive: Arc::new(AtomicUsize::new(1)), handle: Arc::default() }
    }

    pub(crate) fn set(self, change: impl FnOnce(&Transport)) -> Self {
        change(&self.server);
        self
    }

    pub(crate) fn driver<C: ConfigSource>(&self, config: C) -> LabDriver<C> {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new());
        self.driver_of(policy)
    }

    /// The same with a handover.
    pub(crate) fn handover(&self, config: &'static Config, handover: handover::Config) -> HandoverDriver {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new())
            .with_handover(handover);
        self.most_alive.store(2, Ordering::SeqCst);
        self.driver_of(policy)
    }

    fn driver_of<Q>(&self, policy: Q) -> Driver<Transport, Host, Q> {
        let driver = Driver::new(policy, self.server.clone(), self.host.clone());
        *self.handle.lock().unwrap() = Some(driver.handle());
        driver
    }

    /// What a script calls to stop the driver from inside.
    pub(crate) fn stop(&self) -> impl FnOnce() + Send + use<> {
        let handle = self.handle.clone();
        move || {
            handle.lock().unwrap().as_ref().unwrap().stop_keeping_session();
        }
    }

    pub(crate) fn log(&self) -> Log<String, String, u32> {
        self.server.log()
    }

    /// When it was dialled.
    pub(crate) fn dials(&self) -> Vec<Instant> {
        self.server.read_log(|log| log.dials.iter().map(|dialled| dialled.at).collect())
    }

    /// What was sent.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.server.read_log(|log| log.sent.iter().map(|sent| sent.command.clone()).collect())
    }

    /// What was sent on the transport of this number.
    pub(crate) fn sent_on(&self, epoch: u32) -> Vec<Sent> {
        let sent = self.log().sent.into_iter();
        sent.filter(|sent| sent.epoch.get() == epoch).map(|sent| sent.command).collect()
    }

    /// The codes of the closes.
    pub(crate) fn closed(&self) -> Vec<u16> {
        self.server.read_log(|log| log.closes.iter().map(|close| close.code).collect())
    }

    /// The transports that were closed.
    pub(crate) fn closed_on(&self) -> Vec<u32> {
        self.server.read_log(|log| log.closes.iter().map(|close| close.epoch.get()).collect())
    }

    /// The phase after each step.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        self.server.read_log(|log| log.steps.iter().map(|step| step.explanation.phase).collect())
    }

    /// How many steps were timers.
    pub(crate) fn timeouts(&self) -> usize {
        self.server.read_log(|log| log.steps.iter().filter(|step| step.event.is_none()).count())
    }

    pub(crate) fn heartbeats(&self) -> usize {
        self.sent().iter().filter(|sent| matches!(sent, Command::Heartbeat { .. })).count()
    }

    pub(crate) fn alive(&self) -> usize {
        self.server.alive()
    }

    pub(crate) fn now(&self) -> Instant {
        redial::driver::Runtime::now(&self.host)
    }

    pub(crate) async fn sleep(&self, span: Duration) {
        self.host.sleep(span).await;
    }

    /// From the command of this number on, the transport of this epoch takes nothing.
    pub(crate) fn block_writes(&self, epoch: u32, number: usize) {
        for connection in self.server.connections() {
            if connection.epoch().get() == epoch {
                connection.set_writes(Some(Writes::block_at(number)));
            }
        }
    }

    /// Until so many commands have been sent.
    pub(crate) async fn until_sent(&self, commands: usize) {
        self.server.until(|log| log.sent.len() >= commands).await;
    }

    /// Until so many heartbeats have been sent.
    pub(crate) async fn until_heartbeats(&self, heartbeats: usize) {
        let is_heartbeat =
            |sent: &&redial::testing::Sent<_, _, _>| matches!(sent.command, Command::Heartbeat { .. });
        self.server.until(|log| log.sent.iter().filter(is_heartbeat).count() >= heartbeats).await;
    }

    /// Until no transport is alive, which takes so long at most.
    pub(crate) async fn until_dead(&self, most: Duration) {
        let latest = self.now().saturating_add(most);
        while self.alive() > 0 && self.now() < latest {
            self.sleep(ms(1)).await;
        }
        assert_eq!(self.alive(), 0, "after {most:?}");
    }

    /// Until so many dials were begun.
    pub(crate) async fn until_dialled(&self, dials: usize) {
        self.server.until(|log| log.dials.len() >= dials).await;
    }

    /// Until the policy is in this phase.
    pub(crate) async fn until_phase(&self, phase: Phase) {
        self.server.until(|log| log.steps.last().is_some_and(|step| step.explanation.phase == phase)).await;
    }

    /// Drives to the end beside a script, and checks that nothing is left.
    pub(crate) async fn drive<Q>(
        &self,
        driver: &mut Driver<Transport, Host, Q>,
        script: impl Future<Output = ()>,
    ) -> Outcome
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<String>>,
    {
        let outcome = self.drive_for(driver, ms(15_000), script).await.expect("the driver hangs");
        self.server.assert_all_closed(self.most_alive.load(Ordering::SeqCst));
        outcome
    }

    /// The same for so long at most; dropped then.
    pub(crate) async fn drive_for<Q>(
        &self,
        driver: &mut Driver<Transport, Host, Q>,
        span: Duration,
        script: impl Future<Output = ()>,
    ) -> Option<Outcome>
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<String>>,
    {
        drive_for(&self.host, driver, span, script).await
    }
}
