//! A driver over a transport in memory whose server answers everything.

use core::future::{Future, pending, poll_fn};
use core::pin::Pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use loom::future::block_on;
use redial::driver::{
    Command, Dial, DialError, Driver, Handle, Outcome, Protocol, Received, Runtime, SendFailed,
};
use redial::subscriptions::SubscriptionList;
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Instant, Policy, SplitMix64};

/// A wait that nothing but a request ends.
pub(crate) static CONFIG: Config =
    Config::new(BackoffConfig::constant(Duration::from_secs(60)).build_const()).build_const();

pub(crate) type Item = Received<(), u8, u8>;
pub(crate) type SceneDriver = Driver<Server, Still, Policy<SplitMix64, (), SubscriptionList<u8>>>;

/// Explores every order with so many preemptions at most, and with as many more as `REDIAL_LOOM_DEEPER` says.
pub(crate) fn model(preemptions: usize, scene: impl Fn() + Sync + Send + 'static) {
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    let deeper = std::env::var("REDIAL_LOOM_DEEPER").map_or(0, |more| more.parse().expect("a number"));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions + deeper);
    builder.max_branches = 100_000;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        scene();
    });
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    println!("{:>9} orders: {test}", orders.load(Ordering::Relaxed));
}

/// The time stands still.
pub(crate) struct Still;

impl Runtime for Still {
    type Sleep = core::future::Pending<()>;

    fn now(&self) -> Instant {
        Instant::ZERO
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        pending()
    }
}

/// What the test says the server does. Only the task of the run touches it, so the locks are the standard library's, which loom does not see.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) log: Arc<Mutex<Log>>,
    /// So many dials are refused before one succeeds.
    pub(crate) refusals: Mutex<u32>,
    /// What the server says once there is a session.
    pub(crate) says: Vec<u8>,
    pub(crate) dial_hangs: bool,
    /// Commands of the application's that are not taken at once need a second poll.
    pub(crate) slow: bool,
}

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) dials: u32,
    pub(crate) sent: Vec<Command<(), u8, u8>>,
}

#[derive(Default)]
pub(crate) struct Pipe {
    epoch: Option<Epoch>,
    items: VecDeque<Vec<Item>>,
    waker: Option<Waker>,
}

pub(crate) type Half = Arc<Mutex<Pipe>>;

impl Server {
    pub(crate) fn driver(self) -> SceneDriver {
        let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_subscriptions(SubscriptionList::new());
        Driver::new(policy, self, Still)
    }
}

impl Protocol for Server {
    type Reader = Half;
    type Writer = Half;
    type Token = ();
    type Key = u8;
    type Message = u8;
    type Incoming = u8;
    type Received = Vec<Item>;

    async fn dial(&self, dial: Dial) -> Result<(Half, Half), DialError> {
        self.log.lock().unwrap().dials += 1;
        if self.dial_hangs {
            pending::<()>().await;
        }
        let mut refusals = self.refusals.lock().unwrap();
        if let Some(left) = refusals.checked_sub(1) {
            *refusals = left;
            return Err(Cause::Unknown.into());
        }
        let half = Arc::new(Mutex::new(Pipe { epoch: Some(dial.epoch), ..Pipe::default() }));
        Ok((half.clone(), half))
    }

    async fn receive(&self, reader: &mut Half, _: Epoch) -> Result<Vec<Item>, Cause> {
        poll_fn(|cx| {
            let mut pipe = reader.lock().unwrap();
            pipe.waker = Some(cx.waker().clone());
            pipe.items.pop_front().map_or(Poll::Pending, |items| Poll::Ready(Ok(items)))
        })
        .await
    }

    async fn send(&self, writer: &mut Half, command: Command<(), u8, u8>) -> Result<(), SendFailed> {
        if self.slow && matches!(command, Command::Message(_)) {
            let mut polled = false;
            poll_fn(|cx| {
                if core::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        self.log.lock().unwrap().sent.push(command.clone());
        let epoch = writer.lock().unwrap().epoch.expect("dialled");
        let answers: Vec<Vec<Item>> = match command {
            Command::Identify => {
                let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
                let says = self.says.iter().map(|message| vec![Received::Message(*message)]);
                core::iter::once(vec![ready.into()]).chain(says).collect()
            }
            Command::Restore { keys, send } => {
                let send = Some(send);
                let confirmed = |key| Event::SubscriptionConfirmed { epoch, key, send }.into();
                vec![keys.into_iter().map(confirmed).collect()]
            }
            _ => return Ok(()),
        };
        let waker = {
            let mut pipe = writer.lock().unwrap();
            pipe.items.extend(answers);
            pipe.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

/// Runs the driver to its end, and gives it back.
pub(crate) fn run(driver: &mut SceneDriver) -> Outcome {
    block_on(driver.run())
}

/// Polls the run so many times, woken or not, and drops it then.
pub(crate) fn run_for(driver: &mut SceneDriver, polls: u32) -> Option<Outcome> {
    let mut run: Pin<Box<dyn Future<Output = Outcome> + '_>> = Box::pin(driver.run());
    block_on(poll_fn(move |cx| {
        for _ in 0..polls {
            if let Poll::Ready(outcome) = run.as_mut().poll(cx) {
                return Poll::Ready(Some(outcome));
            }
        }
        Poll::Ready(None)
    }))
}

pub(crate) type SceneHandle = Handle<(), u8, u8>;

/// A thread that does something with a handle.
pub(crate) fn thread<R: 'static>(
    handle: &SceneHandle,
    work: impl FnOnce(SceneHandle) -> R + 'static,
) -> loom::thread::JoinHandle<R> {
    let handle = handle.clone();
    loom::thread::spawn(move || work(handle))
}
