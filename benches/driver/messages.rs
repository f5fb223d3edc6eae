//! Messages of 16 bytes, read on tokio by a client that would dial again: the steps that are counted.
//!
//! A step is one message, from a transport in memory that has the next one ready, to a client that does nothing with it,
//! on a runtime of one thread. The first row is such a loop with nothing but the read in it; it is subtracted.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use redial::driver::{Driver, SendProtocol, Tokio};
use redial::{Config, Policy, SplitMix64, presets};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use crate::clients::{self, Client, Delivered, Life, Meaning, Numbered, take};
use crate::pipe::{Peer, Pipe};

/// Does a number of steps.
pub(crate) type Steps = Box<dyn FnMut(u64)>;

/// One way to read.
pub(crate) struct Reader {
    pub(crate) who: &'static str,
    /// At most so many instructions a message beside the base.
    pub(crate) goal: Option<u32>,
    pub(crate) prepare: fn() -> Steps,
}

/// All of them. The first is the base of the others.
pub(crate) const READERS: [Reader; 7] = [
    Reader { who: "bare loop", goal: None, prepare: bare },
    Reader { who: "written by hand", goal: None, prepare: by_hand },
    Reader { who: "stubborn-io", goal: None, prepare: stubborn },
    Reader { who: "redial: `Received`", goal: Some(300), prepare: received },
    Reader { who: "redial: `Sequence`", goal: Some(300), prepare: sequence },
    Reader { who: "by hand, through a channel of tokio's", goal: None, prepare: channel },
    Reader { who: "redial: through `Messages`", goal: None, prepare: delivered },
];

/// Any traffic answers the heartbeat, so that each message moves a deadline. The connection is stable at once, as one is
/// that has been up for a while.
pub(crate) static CONFIG: Config =
    presets::WEBSOCKET.to_builder().reset_after_stable(Duration::ZERO).build_const();

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
            let _ = sender.send(message).await;
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
