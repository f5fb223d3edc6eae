//! Messages of 16 bytes, read on tokio by a client that would dial again.
//!
//! A step is one message, from a transport in memory that has the next one ready, to a client that does nothing with it,
//! on a runtime of one thread. The base is such a loop with nothing but the read in it.

pub mod clients;
mod pipe;

pub use pipe::MESSAGE;

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use redial::driver::{Driver, SendProtocol, Tokio};
use redial::{Config, Policy, SplitMix64, presets};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::{Kind, Operation, Steps};
use clients::{Client, Delivered, Life, Meaning, Numbered, take};
use pipe::{Peer, Pipe};

/// Any traffic answers the heartbeat, so that each message moves a deadline. The connection is stable at once, as one is
/// that has been up for a while.
pub static CONFIG: Config = presets::WEBSOCKET.to_builder().reset_after_stable(Duration::ZERO).build_const();

/// How many messages a client reads before it is counted, in two halves: the dial, and whatever happens once.
const WARM_UP: u64 = 256;

/// The messages that may wait for the application, of the driver and of tokio's channel.
const BUFFER: usize = 64;

/// The steps of a client, which is polled in place as the only task.
fn steps(peer: Peer, client: impl Future + 'static) -> Steps {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut client = Box::pin(client);
    let mut steps = move |messages| {
        peer.send(messages);
        runtime.block_on(poll_fn(|cx| match client.as_mut().poll(cx) {
            Poll::Ready(_) => panic!("the client ended"),
            Poll::Pending if peer.is_read() => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }));
    };
    steps(WARM_UP);
    steps(WARM_UP);
    Box::new(steps)
}

/// Both, in one task.
async fn beside(one: impl Future, other: impl Future) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        let ended = one.as_mut().poll(cx).is_ready() | other.as_mut().poll(cx).is_ready();
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn bare() -> Steps {
    let peer = Peer::default();
    let pipe = Pipe::connect(&peer);
    steps(peer, clients::bare(pipe, take))
}

fn by_hand() -> Steps {
    let peer = Peer::default();
    let far = peer.clone();
    steps(peer, clients::by_hand(async move || Ok(Pipe::connect(&far)), async |message| take(message)))
}

fn stubborn() -> Steps {
    let peer = Peer::default();
    steps(peer.clone(), clients::stubborn::<Pipe, Peer>(peer, take))
}

fn driver<M: Meaning>(
    peer: &Peer,
) -> Driver<
    impl SendProtocol<Token = (), Key = Infallible, Incoming = M::Incoming> + use<M>,
    Tokio,
    Policy<SplitMix64>,
> {
    let far = peer.clone();
    let dial = move || ready(Ok((Pipe::connect(&far), ())));
    Driver::new(Policy::new(&CONFIG, SplitMix64::new(7)), Client::<_, M>::new(dial), Tokio::new())
}

fn received() -> Steps {
    let peer = Peer::default();
    let mut driver = driver::<Life>(&peer);
    steps(peer, async move { driver.run().await })
}

fn sequence() -> Steps {
    let peer = Peer::default();
    let mut driver = driver::<Numbered>(&peer);
    steps(peer, async move { driver.run().await })
}

fn channel() -> Steps {
    let peer = Peer::default();
    let far = peer.clone();
    let (sender, mut receiver) = mpsc::channel(BUFFER);
    let client = clients::by_hand(
        async move || Ok(Pipe::connect(&far)),
        async move |message| {
            // The receiver is in the same task and outlives it.
            let _sent = sender.send(message).await;
        },
    );
    let application = async move {
        while let Some(message) = receiver.recv().await {
            take(message);
        }
    };
    steps(peer, beside(client, application))
}

fn delivered() -> Steps {
    let peer = Peer::default();
    let mut driver = driver::<Delivered>(&peer).with_message_buffer(BUFFER);
    let mut messages = driver.messages();
    let application = async move {
        while let Some(message) = messages.recv().await {
            take(message);
        }
    };
    steps(peer, beside(async move { driver.run().await }, application))
}

/// The base: reading, and nothing else.
const READ: &str = "a message read";
const TAKEN: &str = "a message of 16 bytes, taken";

pub fn operations() -> Vec<Operation> {
    const GROUP: &str = "driver";
    const GOAL: Option<u32> = Some(300);
    type Ours = (&'static str, Option<u32>, fn() -> Steps);
    type Other = (&'static str, Kind, &'static str, fn() -> Steps);
    let read = "`read_exact` in a loop";
    let mut all = vec![Operation::other("loop", READ, "bare loop", Kind::Bare, read, bare)];
    let ours: [Ours; 3] = [
        ("redial: `Received`", GOAL, received),
        ("redial: `Sequence`", GOAL, sequence),
        ("redial: through `Messages`", None, delivered),
    ];
    let others: [Other; 3] = [
        ("written by hand", Kind::Bare, "dials again; no heartbeat, no session", by_hand),
        ("by hand, through a channel", Kind::Bare, "tokio's `mpsc`", channel),
        ("stubborn-io", Kind::Lesser, "dials again; no heartbeat, no session", stubborn),
    ];
    all.extend(ours.map(|(who, goal, prepare)| Operation::ours(GROUP, TAKEN, who, goal, prepare)));
    all.extend(
        others.map(|(who, kind, note, prepare)| Operation::other(GROUP, TAKEN, who, kind, note, prepare)),
    );
    all.into_iter().map(|one| Operation { base: READ, ..one }).collect()
}
