//! The application's end of a client.

use core::error::Error;
use core::fmt;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use tokio::runtime;

use crate::driver::{self, Driver, Ended, HandleFor, Messages, Outbox, Tokio};
use crate::handover::Decider;
use crate::policy::Policy;
use crate::rng::SplitMix64;
use crate::subscriptions::SubscriptionList;
#[cfg(feature = "telemetry")]
use crate::telemetry::Observed;

use super::client::Client;
use super::connect::Connect;
#[cfg(feature = "telemetry")]
use super::connect::Observing;
use super::error::SetupError;
use super::protocol::Protocol;
use super::raw::Raw;

/// A connection that is kept: what [`Connect::spawn`] returns.
///
/// Dropping it closes the connection, in the background. While messages are not taken, at most
/// [`Connect::buffer`] of them wait, and then reading pauses: see [`Messages`].
///
/// ```no_run
/// use redial::websocket::connect;
///
/// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = connect("wss://feed.example").spawn()?;
/// socket.online().await?;
///
/// // Another task sends; this one receives, and asks how it is.
/// let sender = socket.sender();
/// tokio::spawn(async move { sender.send("hello").await });
/// if let Some(message) = socket.recv().await {
///     println!("{message}");
/// }
/// println!("{:?}", socket.handle().explain().await);
/// println!("{}", socket.close().await);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket<P: Protocol = Raw> {
    sender: Sender<P>,
    messages: Messages<P::Incoming>,
}

/// Sends on a [`Socket`], from any task. Cheap to clone.
///
/// ```no_run
/// use redial::websocket::{Raw, Sender};
///
/// /// Says something every minute, and keeps what could not be said.
/// async fn tick(sender: Sender<Raw>) {
///     let mut unsaid = Vec::new();
///     loop {
///         tokio::time::sleep(core::time::Duration::from_secs(60)).await;
///         if let Err(error) = sender.send("tick").await {
///             unsaid.extend(error.into_message());
///         }
///     }
/// }
/// ```
pub struct Sender<P: Protocol = Raw> {
    handle: HandleFor<Client<P>>,
    protocol: Arc<P>,
    /// The largest message, in bytes.
    limit: usize,
}

/// What a driver is given before it runs.
struct SetUp<P: Protocol> {
    outbox: Option<Outbox>,
    buffer: Option<usize>,
    subscriptions: Vec<(P::Key, i32)>,
    #[cfg(feature = "telemetry")]
    sink: Observing,
}

impl<P: Protocol> SetUp<P> {
    #[cfg_attr(not(feature = "telemetry"), expect(unused_mut, reason = "there is no sink to take"))]
    fn observe<Q>(mut self, policy: Q, client: Client<P>) -> (HandleFor<Client<P>>, Messages<P::Incoming>)
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<P::Key>> + Send + 'static,
    {
        #[cfg(feature = "telemetry")]
        if let Some(sink) = core::mem::take(&mut self.sink).into_sink() {
            return self.start(Driver::new(Observed::new(policy, sink), client, Tokio::new()));
        }
        self.start(Driver::new(policy, client, Tokio::new()))
    }

    fn start<Q>(
        self,
        mut driver: Driver<Client<P>, Tokio, Q>,
    ) -> (HandleFor<Client<P>>, Messages<P::Incoming>)
    where
        Q: Decider<Token = String, Subscriptions = SubscriptionList<P::Key>> + Send + 'static,
    {
        if let Some(outbox) = self.outbox {
            driver = driver.with_outbox(outbox);
        }
        if let Some(buffer) = self.buffer {
            driver = driver.with_message_buffer(buffer);
        }
        let (handle, messages) = (driver.handle(), driver.messages());
        for (key, priority) in self.subscriptions {
            handle.subscribe(key, priority);
        }
        // Its end is told by the handle.
        drop(driver.spawn());
        (handle, messages)
    }
}

impl<P: Protocol> Socket<P> {
    pub(super) fn spawn(mut connect: Connect<P>) -> Result<Self, SetupError> {
        if runtime::Handle::try_current().is_err() {
            return Err(SetupError::NoRuntime);
        }
        let config = connect.config.to_builder().establish(P::ESTABLISHED).build()?;
        let rng = connect.seed.map_or_else(SplitMix64::from_os, SplitMix64::new);
        let subscriptions = core::mem::take(&mut connect.subscriptions);
        let limit = connect.outgoing_limit();
        let (outbox, buffer, handover) = (connect.outbox, connect.buffer, connect.handover);
        #[cfg(feature = "telemetry")]
        let sink = core::mem::take(&mut connect.sink);
        let client = connect.client()?;
        let protocol = Arc::clone(client.protocol());

        let policy = Policy::from_parts(config, rng, SubscriptionList::new(), client.endpoints());
        let set_up = SetUp {
            outbox,
            buffer,
            subscriptions,
            #[cfg(feature = "telemetry")]
            sink,
        };
        // Two drivers, so that one without a handover is not larger for it.
        let (handle, messages) = match handover {
            None => set_up.observe(policy, client),
            Some(config) => set_up.observe(policy.with_handover(config), client),
        };
        Ok(Self { sender: Sender { handle, protocol, limit }, messages })
    }

    /// Sends a message: see [`Sender::send`].
    ///
    /// # Errors
    /// [`SendError`], with the message unless it may have been sent.
    pub async fn send(&self, message: impl Into<P::Outgoing>) -> Result<(), SendError<P::Outgoing>> {
        self.sender.send(message).await
    }

    /// The next message of the server, through all reconnects; `None` when the client has ended and all of them were taken.
    /// It may be dropped before it is ready: no message is lost.
    pub async fn recv(&mut self) -> Option<P::Incoming> {
        self.messages.recv().await
    }

    /// Waits until the client is online: connected, with its session, authenticated, and its subscriptions sent
    /// (not yet confirmed).
    ///
    /// # Errors
    /// [`Ended`]: it will not be.
    pub async fn online(&self) -> Result<(), Ended> {
        self.sender.handle.online().await
    }

    /// Subscribes, now and on every reconnect. False once the client has ended.
    pub fn subscribe(&self, key: impl Into<P::Key>) -> bool {
        self.sender.handle.subscribe(key.into(), 0)
    }

    /// Ends a subscription. False once the client has ended.
    pub fn unsubscribe(&self, key: impl Into<P::Key>) -> bool {
        self.sender.handle.unsubscribe(key.into())
    }

    /// Waits for the end of the client: it was closed, or its policy has given up, and why.
    pub async fn closed(&self) -> Ended {
        self.sender.handle.closed().await
    }

    /// Closes the connection with code 1000, and waits until the server has answered, 1 s at most
    /// ([`CLOSE_TIMEOUT`](driver::CLOSE_TIMEOUT)). Messages that were received and not taken are dropped.
    ///
    /// The server may not have read what [`send`](Self::send) reported as written. If that matters, wait for the server's answer
    /// to it first.
    pub async fn close(self) -> Ended {
        self.sender.handle.stop();
        self.sender.handle.closed().await
    }

    /// The protocol, for what it shares with the application.
    #[must_use]
    pub fn protocol(&self) -> &P {
        &self.sender.protocol
    }

    /// Sends from other tasks.
    #[must_use]
    pub fn sender(&self) -> Sender<P> {
        self.sender.clone()
    }

    /// The driver's handle: to reconnect now, to report what the host knows, to watch the policy.
    ///
    /// A `Socket` ends with its run, so nothing can use the session that
    /// [`stop_keeping_session`](driver::Handle::stop_keeping_session) keeps; only the close code differs: it is the config's
    /// [`close_code`](crate::Config::close_code), by default 4000. To resume the session in another run or process, take
    /// [`Connect::client`] for a [`Driver`] of your own, and
    /// [`Policy::with_session`](crate::Policy::with_session).
    #[must_use]
    pub const fn handle(&self) -> &HandleFor<Client<P>> {
        &self.sender.handle
    }
}

impl<P: Protocol> Drop for Socket<P> {
    fn drop(&mut self) {
        self.sender.handle.stop();
    }
}

impl<P: Protocol> Sender<P> {
    /// Sends a message, when the client is online and everything that was to be sent before it is. Ready when it was handed
    /// to the system.
    ///
    /// At most once: a message is never sent again by itself, and the error says whether it may have been received. Dropping
    /// the future before the message is being written takes it back.
    ///
    /// # Errors
    /// [`SendError`], with the message unless it may have been sent. While there is no connection the message is given back
    /// at once, unless [`Connect::outbox`] keeps it; [`Socket::online`] waits for one.
    pub async fn send(&self, message: impl Into<P::Outgoing>) -> Result<(), SendError<P::Outgoing>> {
        let message = message.into();
        let frame = self.protocol.encode(&message);
        if frame.len() > self.limit {
            return Err(SendError::TooLarge { message, bytes: frame.len(), limit: self.limit });
        }
        self.handle.send(frame).await.map_err(|error| SendError::from_driver(&error, message))
    }

    /// The driver's handle.
    #[must_use]
    pub const fn handle(&self) -> &HandleFor<Client<P>> {
        &self.handle
    }
}

impl<P: Protocol> Clone for Sender<P> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), protocol: Arc::clone(&self.protocol), limit: self.limit }
    }
}

impl<P: Protocol> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Why a message was not sent, or may not have been.
///
/// `Display` is a whole sentence that begins with `not sent: `, or with `in doubt: ` where the server may have the message.
/// `Debug` and `Display` leave out the message, which may be anything.
///
/// ```no_run
/// use redial::driver;
/// use redial::websocket::{SendError, Socket};
///
/// async fn say(socket: &Socket, text: &str) {
///     match socket.send(text).await {
///         Ok(()) => println!("written"),
///         Err(SendError::TooLarge { bytes, limit, .. }) => println!("{bytes} bytes, and at most {limit}"),
///         Err(SendError::NotSent(driver::SendError::InDoubt)) => println!("ask the server whether it has it"),
///         Err(error) => println!("{error}"), // and `error.into_message()` is the message
///     }
/// }
/// ```
#[non_exhaustive]
pub enum SendError<M> {
    /// It is larger than [`Limits::outgoing`](super::Limits::outgoing) allows.
    TooLarge {
        /// The message.
        message: M,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The driver's reason: there is no connection, it was lost before the message was written, the queue is full, the client has
    /// ended, or [`InDoubt`](driver::SendError::InDoubt), where the message may have been sent.
    /// [`into_message`](Self::into_message) is `None` in that case only.
    NotSent(driver::SendError<M>),
}

impl<M> SendError<M> {
    fn from_driver<F>(error: &driver::SendError<F>, message: M) -> Self {
        use driver::SendError as E;
        Self::NotSent(match error {
            E::NotOnline(_) => E::NotOnline(message),
            E::Lost(_) => E::Lost(message),
            E::Full(_) => E::Full(message),
            E::Displaced(_) => E::Displaced(message),
            E::Ended(_) => E::Ended(message),
            E::Refused(_) => E::Refused(message),
            E::InDoubt => E::InDoubt,
        })
    }

    /// The message; `None` where it may have been sent ([`InDoubt`](driver::SendError::InDoubt)).
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::TooLarge { message, .. } => Some(message),
            Self::NotSent(error) => error.into_message(),
        }
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit, .. } => {
                write!(
                    f,
                    "not sent: the message has {bytes} bytes, and the limit is {limit}; split it, or raise the limit"
                )
            }
            Self::NotSent(error) => error.fmt(f),
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendError({self})")
    }
}

impl<M> Error for SendError<M> {}
