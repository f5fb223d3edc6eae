//! A scripted protocol over a transport in memory that counts what is alive, on any runtime.

use core::future::{Future, pending, poll_fn};
use core::task::{Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use redial::driver::{
    Command, Dial, DialError, Driver, Notice, Outcome, Protocol, Received, RefreshFailed, Runtime, SendFailed,
};
use redial::handover::Decider;
use redial::handover::{self, Handover};
use redial::policy::ConfigSource;
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Config, Epoch, Event, Instant, IoKind, Phase, Policy, SplitMix64};

use crate::driving::drive_for;

pub(crate) type Fact = Event<String, String>;
/// What the reader finds: facts for the policy, numbers for the application.
pub(crate) type Item = Received<String, String, u32>;
pub(crate) type Sent = Command<String, String, u32>;
pub(crate) type LabDriver<Rt, C = &'static Config> =
    Driver<Lab<Rt>, Lab<Rt>, Policy<SplitMix64, String, SubscriptionList<String>, C>>;

pub(crate) type HandoverDriver<Rt> =
    Driver<Lab<Rt>, Lab<Rt>, Handover<SplitMix64, String, SubscriptionList<String>, &'static Config>>;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How one dial goes.
pub(crate) enum Answer {
    Refuse(Cause),
    Hang,
    Accept(Vec<Say>),
}

/// What the server does on an accepted transport, one after the other; then it is silent.
#[derive(Clone)]
pub(crate) enum Say {
    Wait(Duration),
    Facts(Vec<fn(Epoch) -> Fact>),
    /// A message for the application.
    Message(u32),
    /// The same behind its sequence number.
    Numbered(u32),
    /// A stop from inside, and behind a fact of the same receive a message with or without a number.
    Stop {
        numbered: bool,
        message: u32,
    },
    /// The host is suspended for so long.
    Suspend(Duration),
    /// A message after each millisecond of the host's clock, for ever, without the reader ever being idle; a stop
    /// from inside at this number.
    Flood {
        stop_at: u32,
    },
    End(Cause),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    Fine,
    /// Fails from the command of this number on, counted from 0.
    FailAt(usize),
    /// The peer doesn't read from the command of this number on.
    BlockAt(usize),
    /// Every command takes so long.
    Slow(Duration),
}

#[derive(Clone)]
pub(crate) struct Lab<Rt>(Arc<Inner<Rt>>);

struct Inner<Rt> {
    runtime: Rt,
    /// By how much the host's clock is ahead of the runtime's.
    skew: AtomicU64,
    alive: AtomicU32,
    alive_max: AtomicU32,
    /// Stops the driver from inside.
    stop: Mutex<Option<Box<dyn Fn() + Send>>>,
    set: Mutex<Settings>,
    log: Mutex<Log>,
}

pub(crate) struct Settings {
    pub(crate) dials: VecDeque<Answer>,
    pub(crate) writes: Writes,
    /// Identify, resume, beats and subscriptions are answered.
    pub(crate) answers: bool,
    pub(crate) goodbye_hangs: bool,
    /// The transport of this number takes nothing from the command of this number on, counted from 0.
    pub(crate) stuck: Option<(u32, usize)>,
    /// How many transports there may be at a time.
    pub(crate) most_alive: u32,
    /// `None`: it never answers.
    pub(crate) refresh: Option<Result<Option<Duration>, RefreshFailed>>,
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) dials: Vec<Instant>,
    /// The session's own, where it was dialled.
    pub(crate) endpoints: Vec<Option<String>>,
    pub(crate) sent: Vec<(Instant, Sent)>,
    /// The transport of each.
    pub(crate) sent_on: Vec<Epoch>,
    pub(crate) closed: Vec<u16>,
    /// The transport of each.
    pub(crate) closed_on: Vec<u32>,
    pub(crate) refreshed: u32,
    pub(crate) received: u32,
    /// How many messages with a number were read.
    pub(crate) numbered: u32,
    pub(crate) timeouts: Vec<Instant>,
    pub(crate) phases: Vec<Phase>,
}

/// One transport, from the begin of its dial until both halves are gone.
struct Alive<Rt>(Lab<Rt>);

impl<Rt> Alive<Rt> {
    fn new(lab: &Lab<Rt>) -> Arc<Self> {
        let alive = lab.0.alive.fetch_add(1, Ordering::SeqCst) + 1;
        lab.0.alive_max.fetch_max(alive, Ordering::SeqCst);
        Arc::new(Self(Lab(lab.0.clone())))
    }
}

impl<Rt> Drop for Alive<Rt> {
    fn drop(&mut self) {
        self.0.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Pipe {
    items: VecDeque<Vec<Item>>,
    waker: Option<Waker>,
}

pub(crate) struct Reader<Rt> {
    _alive: Arc<Alive<Rt>>,
    script: VecDeque<Say>,
    pipe: Arc<Mutex<Pipe>>,
}

pub(crate) struct Writer<Rt> {
    _alive: Arc<Alive<Rt>>,
    sent: usize,
    pipe: Arc<Mutex<Pipe>>,
    epoch: Epoch,
}

pub(crate) fn ready(epoch: Epoch) -> Fact {
    Event::Ready { epoch, token: Some("token".into()), endpoint: None, sequence: Some(1), ttl: None }
}

impl<Rt: Runtime> Lab<Rt> {
    pub(crate) fn new(runtime: Rt, dials: Vec<Answer>) -> Self {
        Self(Arc::new(Inner {
            runtime,
            skew: AtomicU64::new(0),
            alive: AtomicU32::new(0),
            alive_max: AtomicU32::new(0),
            stop: Mutex::new(None),
            set: Mutex::new(Settings {
                dials: dials.into(),
                writes: Writes::Fine,
                answers: true,
                goodbye_hangs: false,
                refresh: Some(Ok(None)),
                stuck: None,
                most_alive: 1,
            }),
            log: Mutex::new(Log::default()),
        }))
    }

    pub(crate) fn set(self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.0.set.lock().unwrap());
        self
    }

    pub(crate) fn driver<C: ConfigSource>(&self, config: C) -> LabDriver<Rt, C> {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new());
        self.driver_of(policy)
    }

    /// The same with a handover.
    pub(crate) fn handover(&self, config: &'static Config, handover: handover::Config) -> HandoverDriver<Rt> {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type()
            .with_subscriptions(SubscriptionList::new())
            .with_handover(handover);
        self.0.set.lock().unwrap().most_alive = 2;
        self.driver_of(policy)
    }

    fn driver_of<Q>(&self, policy: Q) -> Driver<Self, Self, Q> {
        let driver = Driver::new(policy, Self(self.0.clone()), Self(self.0.clone()));
        let handle = driver.handle();
        *self.0.stop.lock().unwrap() = Some(Box::new(move || {
            handle.stop_keeping_session();
        }));
        driver
    }

    pub(crate) fn log(&self) -> Log {
        self.0.log.lock().unwrap().clone()
    }

    pub(crate) fn alive(&self) -> u32 {
        self.0.alive.load(Ordering::SeqCst)
    }

    pub(crate) fn alive_max(&self) -> u32 {
        self.0.alive_max.load(Ordering::SeqCst)
    }

    pub(crate) fn suspend(&self, gap: Duration) {
        self.0.skew.fetch_add(gap.as_micros() as u64, Ordering::SeqCst);
    }

    /// Until so many messages have been sent.
    pub(crate) async fn until_sent(&self, messages: usize) {
        while self.log().sent.len() < messages {
            self.sleep(ms(5)).await;
        }
    }

    pub(crate) async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now().saturating_add(span)).await;
    }

    /// Drives until the end, beside a script that may nudge it; everything is gone then.
    pub(crate) async fn drive<Q>(
        &self,
        driver: &mut Driver<Self, Self, Q>,
        script: impl Future<Output = ()>,
    ) -> Outcome
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<String>>,
    {
        let outcome = self.drive_for(driver, ms(15_000), script).await.expect("the driver hangs");
        assert_eq!(self.alive(), 0, "a transport outlived the run");
        let most = self.0.set.lock().unwrap().most_alive;
        assert!(self.alive_max() <= most, "{} transports at a time", self.alive_max());
        outcome
    }

    /// The same for so long at most; dropped then.
    pub(crate) async fn drive_for<Q>(
        &self,
        driver: &mut Driver<Self, Self, Q>,
        span: Duration,
        script: impl Future<Output = ()>,
    ) -> Option<Outcome>
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<String>>,
    {
        drive_for(&self.0.runtime, driver, span, script).await
    }
}

impl<Rt: Runtime> Runtime for Lab<Rt> {
    type Sleep = Rt::Sleep;

    fn now(&self) -> Instant {
        let skew = Duration::from_micros(self.0.skew.load(Ordering::SeqCst));
        self.0.runtime.now().saturating_add(skew)
    }

    fn sleep_until(&self, at: Instant) -> Rt::Sleep {
        let skew = self.0.skew.load(Ordering::SeqCst);
        self.0.runtime.sleep_until(Instant::from_micros(at.as_micros().saturating_sub(skew)))
    }
}

impl<Rt: Runtime> Protocol for Lab<Rt> {
    type Reader = Reader<Rt>;
    type Writer = Writer<Rt>;
    type Token = String;
    type Key = String;
    type Message = u32;
    type Incoming = u32;
    type Received = Vec<Item>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Reader<Rt>, Writer<Rt>), DialError> {
        let alive = Alive::new(self);
        {
            let mut log = self.0.log.lock().unwrap();
            log.dials.push(self.now());
            log.endpoints.push(dial.endpoint.clone());
        }
        let answer = self.0.set.lock().unwrap().dials.pop_front();
        let script = match answer {
            Some(Answer::Refuse(cause)) => return Err(cause.into()),
            Some(Answer::Hang) => pending().await,
            Some(Answer::Accept(script)) => script,
            None => Vec::new(),
        };
        let pipe = Arc::new(Mutex::new(Pipe::default()));
        let reader = Reader { _alive: alive.clone(), script: script.into(), pipe: pipe.clone() };
        Ok((reader, Writer { _alive: alive, sent: 0, pipe, epoch: dial.epoch }))
    }

    async fn receive(&self, reader: &mut Reader<Rt>, epoch: Epoch) -> Result<Vec<Item>, Cause> {
        loop {
            match reader.script.pop_front() {
                Some(Say::Wait(span)) => self.sleep(span).await,
                Some(Say::Suspend(gap)) => self.suspend(gap),
                Some(Say::Facts(facts)) => {
                    return Ok(facts.into_iter().map(|fact| fact(epoch).into()).collect());
                }
                Some(Say::Message(number)) => return Ok(vec![Received::Message(number)]),
                Some(Say::Numbered(number)) => {
                    self.0.log.lock().unwrap().numbered += 1;
                    let sequence = Event::Sequence { epoch, sequence: u64::from(number) };
                    return Ok(vec![sequence.into(), Received::Message(number)]);
                }
                Some(Say::Stop { numbered, message }) => {
                    self.0.stop.lock().unwrap().as_ref().unwrap()();
                    let mut items = vec![Event::Received { epoch }.into()];
                    if numbered {
                        items.push(Event::Sequence { epoch, sequence: u64::from(message) }.into());
                    }
                    items.push(Received::Message(message));
                    return Ok(items);
                }
                Some(Say::End(cause)) => return Err(cause),
                Some(Say::Flood { stop_at }) => {
                    reader.script.push_front(Say::Flood { stop_at });
                    self.suspend(ms(1));
                    let number = {
                        let mut log = self.0.log.lock().unwrap();
                        log.received += 1;
                        log.received
                    };
                    if number == stop_at {
                        self.0.stop.lock().unwrap().as_ref().unwrap()();
                    }
                    return Ok(Vec::new());
                }
                None => break,
            }
        }
        let items = poll_fn(|cx| {
            let mut pipe = reader.pipe.lock().unwrap();
            pipe.waker = Some(cx.waker().clone());
            pipe.items.pop_front().map_or(Poll::Pending, Poll::Ready)
        });
        Ok(items.await)
    }

    async fn send(&self, writer: &mut Writer<Rt>, command: Sent) -> Result<(), SendFailed> {
        let (writes, answers, stuck) = {
            let set = self.0.set.lock().unwrap();
            (set.writes, set.answers, set.stuck)
        };
        if stuck.is_some_and(|(epoch, at)| writer.epoch.get() == epoch && writer.sent >= at) {
            pending::<()>().await;
        }
        match writes {
            Writes::FailAt(number) if writer.sent >= number => return Err(SendFailed),
            Writes::BlockAt(number) if writer.sent >= number => pending().await,
            Writes::Slow(span) => self.sleep(span).await,
            _ => {}
        }
        writer.sent += 1;
        let epoch = writer.epoch;
        {
            let mut log = self.0.log.lock().unwrap();
            log.sent.push((self.now(), command.clone()));
            log.sent_on.push(epoch);
        }
        let answer = match command {
            Command::Identify => vec![ready(epoch)],
            Command::Resume(_) => vec![Event::Resumed { epoch }],
            Command::Heartbeat { .. } => vec![Event::HeartbeatAcked { epoch }],
            Command::Authenticate => vec![Event::AuthOk { epoch }],
            Command::Restore { keys, send } => {
                let send = Some(send);
                keys.into_iter().map(|key| Event::SubscriptionConfirmed { epoch, key, send }).collect()
            }
            Command::Message(_) | Command::Unsubscribe(_) => return Ok(()),
        };
        if answers {
            let mut pipe = writer.pipe.lock().unwrap();
            pipe.items.push_back(answer.into_iter().map(Received::Event).collect());
            if let Some(waker) = pipe.waker.take() {
                waker.wake();
            }
        }
        Ok(())
    }

    async fn close(&self, reader: Reader<Rt>, writer: Writer<Rt>, code: u16) {
        {
            let mut log = self.0.log.lock().unwrap();
            log.closed.push(code);
            log.closed_on.push(writer.epoch.get());
        }
        let hangs = self.0.set.lock().unwrap().goodbye_hangs;
        if hangs {
            pending::<()>().await;
        }
        drop((reader, writer));
    }

    async fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        self.0.log.lock().unwrap().refreshed += 1;
        let result = self.0.set.lock().unwrap().refresh;
        match result {
            Some(result) => result,
            None => pending().await,
        }
    }

    fn observe(&self, notice: &Notice<'_, String, String>) {
        let mut log = self.0.log.lock().unwrap();
        if notice.event.is_none() {
            log.timeouts.push(notice.at);
        }
        log.phases.push(notice.explanation().phase);
    }
}

pub(crate) fn refused() -> Answer {
    Answer::Refuse(Cause::Io(IoKind::ConnectionRefused))
}
