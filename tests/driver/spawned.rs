//! Drivers of any `SendProtocol`, spawned from generic code on any runtime that spawns.

use core::convert::Infallible;
use core::future::pending;

use redial::driver::{
    AsyncStd, Blocking, Command, Dial, DialError, Driver, HandleFor, Messages, Outcome, Protocol, Received,
    SendFailed, SendProtocol, Smol, Spawn, Tokio, block_on,
};
use redial::testing::VirtualClock;
use redial::{Cause, Epoch, Policy, SplitMix64, presets};

/// A channel of futures-io, smol, tokio: here what is sent comes back.
struct Echo;

type Queue = (async_std::channel::Sender<u32>, async_std::channel::Receiver<u32>);

impl SendProtocol for Echo {
    type Reader = async_std::channel::Receiver<u32>;
    type Writer = async_std::channel::Sender<u32>;
    type Token = ();
    type Key = Infallible;
    type Message = u32;
    type Incoming = u32;
    type Received = [Received<(), Infallible, u32>; 1];

    async fn dial(&self, _: Dial) -> Result<(Self::Reader, Self::Writer), DialError> {
        let (writer, reader): Queue = async_std::channel::bounded(1);
        Ok((reader, writer))
    }

    async fn receive(&self, reader: &mut Self::Reader, _: Epoch) -> Result<Self::Received, Cause> {
        match reader.recv().await {
            Ok(number) => Ok([Received::Message(number)]),
            Err(_) => pending().await,
        }
    }

    async fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<(), Infallible, u32>,
    ) -> Result<(), SendFailed> {
        match command {
            Command::Message(number) => Ok(writer.send(number).await?),
            _ => Ok(()),
        }
    }
}

type Started<P, Rt> = (
    HandleFor<P>,
    Messages<<P as Protocol>::Incoming>,
    <Rt as Spawn>::Task<(Outcome, Driver<P, Rt, Policy<SplitMix64, <P as Protocol>::Token>>)>,
);

/// What a library would write: nothing is known of the protocol but that it may be spawned.
fn start<P, Rt>(protocol: P, runtime: Rt) -> Started<P, Rt>
where
    P: SendProtocol<Key = Infallible> + 'static,
    Rt: Spawn<Sleep: Send> + Send + Sync + 'static,
{
    let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)).with_session_type();
    let driver = Driver::new(policy, protocol, runtime);
    (driver.handle(), driver.messages(), driver.spawn())
}

async fn talk(handle: HandleFor<Echo>, mut messages: Messages<u32>) {
    handle.online().await.unwrap();
    for number in 0..100 {
        handle.send(number).await.unwrap();
        assert_eq!(messages.recv().await, Some(number));
    }
    handle.stop();
    assert_eq!(handle.closed().await.outcome, Some(Outcome::Stopped));
}

#[test]
fn on_tokio_tasks() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let (handle, messages, task) = start(Echo, Tokio::new());
        talk(handle, messages).await;
        let (outcome, driver) = task.await.unwrap();
        assert_eq!((outcome, driver.policy().stats().established), (Outcome::Stopped, 1));
    });
}

#[test]
fn on_async_std_tasks() {
    async_std::task::block_on(async {
        let (handle, messages, task) = start(Echo, AsyncStd::new());
        talk(handle, messages).await;
        assert_eq!(task.await.0, Outcome::Stopped);
    });
}

#[test]
fn on_smol_tasks() {
    smol::block_on(async {
        let (handle, messages, task) = start(Echo, Smol::new());
        talk(handle, messages).await;
        assert_eq!(task.await.0, Outcome::Stopped);
        // Dropping smol's task cancels it, and the handles learn it.
        let (handle, _messages, task) = start(Echo, Smol::new());
        handle.online().await.unwrap();
        drop(task);
        assert_eq!(handle.closed().await.outcome, None);
    });
}

#[test]
fn on_threads() {
    let (handle, messages, thread) = start(Echo, Blocking::new());
    block_on(talk(handle, messages));
    assert_eq!(thread.join().unwrap().0, Outcome::Stopped);
}

#[test]
fn on_tasks_of_a_virtual_clock() {
    let clock = VirtualClock::new();
    clock.run(async {
        let (handle, messages, task) = start(Echo, clock.clone());
        talk(handle, messages).await;
        assert_eq!(task.await.0, Outcome::Stopped);
    });
    // What a run leaves behind is dropped at its end, and the handles learn it.
    let handle = clock.run(async {
        let (handle, _messages, _task) = start(Echo, clock.clone());
        handle.online().await.unwrap();
        handle
    });
    assert_eq!(clock.run(handle.closed()).outcome, None);
}
