//! The same client four times: it dials, reads messages of 16 bytes and dials again when the connection is lost.

use std::convert::Infallible;
use std::hint::black_box;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use redial::driver::{Command, Dial, DialError, Received, SendFailed, SendProtocol};
use redial::{Cause, Epoch, Event, IoKind};
use stubborn_io::ReconnectOptions;
use stubborn_io::tokio::{StubbornIo, UnderlyingIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::pipe::MESSAGE;

/// What a client does with a message. It is the same for all, and next to nothing.
#[inline]
pub fn take(message: [u8; MESSAGE]) {
    let _ = black_box(message);
}

async fn next(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; MESSAGE]> {
    let mut message = [0; MESSAGE];
    reader.read_exact(&mut message).await?;
    Ok(message)
}

/// Reads and does nothing else.
pub async fn bare(
    mut reader: impl AsyncRead + Unpin,
    mut taken: impl FnMut([u8; MESSAGE]),
) -> io::Result<Infallible> {
    loop {
        taken(next(&mut reader).await?);
    }
}

/// The time that a dial may take.
const DIAL: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);

/// What is written by hand where there is no crate for it: a limit for the dial, and waits that double.
pub async fn by_hand<T: AsyncRead + Unpin>(
    dial: impl AsyncFn() -> io::Result<T>,
    mut taken: impl AsyncFnMut([u8; MESSAGE]),
) -> Infallible {
    let mut wait = Duration::from_millis(500);
    loop {
        if let Ok(Ok(mut reader)) = timeout(DIAL, dial()).await {
            wait = Duration::from_millis(500);
            while let Ok(message) = next(&mut reader).await {
                taken(message).await;
            }
        }
        sleep(wait).await;
        wait = LONGEST.min(wait * 2);
    }
}

/// stubborn-io with its own options, and no end of its attempts.
pub async fn stubborn<T, C>(address: C, taken: impl FnMut([u8; MESSAGE])) -> io::Result<Infallible>
where
    T: UnderlyingIo<C> + AsyncRead + AsyncWrite,
    C: Clone + Send + Unpin + 'static,
{
    let options = ReconnectOptions::new()
        .with_exit_if_first_connect_fails(false)
        .with_retries_generator(|| std::iter::repeat(Duration::from_millis(500)));
    bare(StubbornIo::<T, C>::connect_with_options(address, options).await?, taken).await
}

/// What a message is to the policy.
pub trait Meaning: Send + Sync + 'static {
    /// What the application takes.
    type Incoming: Send + 'static;

    /// `n`: how many came before it.
    fn of(message: [u8; MESSAGE], epoch: Epoch, n: u64) -> Option<Received<(), Infallible, Self::Incoming>>;
}

/// A sign of life.
pub struct Life;

impl Meaning for Life {
    type Incoming = Infallible;

    #[inline]
    fn of(message: [u8; MESSAGE], _: Epoch, _: u64) -> Option<Received<(), Infallible, Infallible>> {
        take(message);
        None
    }
}

/// It has a sequence number.
pub struct Numbered;

impl Meaning for Numbered {
    type Incoming = Infallible;

    #[inline]
    fn of(message: [u8; MESSAGE], epoch: Epoch, n: u64) -> Option<Received<(), Infallible, Infallible>> {
        take(message);
        Some(Received::Event(match n {
            1 => Event::Ready { epoch, token: Some(()), endpoint: None, sequence: Some(1), ttl: None },
            _ => Event::Sequence { epoch, sequence: n },
        }))
    }
}

/// It goes through the driver's buffer to another task.
pub struct Delivered;

impl Meaning for Delivered {
    type Incoming = [u8; MESSAGE];

    #[inline]
    fn of(message: [u8; MESSAGE], _: Epoch, _: u64) -> Option<Received<(), Infallible, [u8; MESSAGE]>> {
        Some(Received::Message(message))
    }
}

/// The client of this crate: how it dials, and what a message means.
pub struct Client<F, M> {
    dial: F,
    meaning: PhantomData<M>,
}

impl<F, M> Client<F, M> {
    pub const fn new(dial: F) -> Self {
        Self { dial, meaning: PhantomData }
    }
}

/// A reader that counts its messages.
pub struct Counting<R> {
    reader: R,
    messages: u64,
}

impl<F, R, W, D, M> SendProtocol for Client<F, M>
where
    F: Fn() -> D + Send + Sync,
    D: Future<Output = io::Result<(R, W)>> + Send,
    R: AsyncRead + Unpin + Send,
    W: Send,
    M: Meaning,
{
    type Reader = Counting<R>;
    type Writer = W;
    type Token = ();
    type Key = Infallible;
    type Message = Infallible;
    type Incoming = M::Incoming;
    type Received = Option<Received<(), Infallible, M::Incoming>>;

    async fn dial(&self, _: Dial) -> Result<(Counting<R>, W), DialError> {
        let (reader, writer) = (self.dial)().await?;
        Ok((Counting { reader, messages: 0 }, writer))
    }

    async fn receive(&self, reader: &mut Counting<R>, epoch: Epoch) -> Result<Self::Received, Cause> {
        let message = next(&mut reader.reader).await.map_err(|error| Cause::from(&error))?;
        reader.messages += 1;
        Ok(M::of(message, epoch, reader.messages))
    }

    async fn send(&self, _: &mut W, _: Command) -> Result<(), SendFailed> {
        Ok(())
    }
}
