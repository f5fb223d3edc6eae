//! A protocol that generic code may spawn.

use core::future::{Future, ready};
use core::time::Duration;

use crate::classify::Cause;
use crate::policy::Epoch;

use super::command::{Command, Dial, DialError, Notice, Received, RefreshFailed, SendFailed};
use super::protocol::Protocol;

/// [`Protocol`] with the promise that everything may move between threads: the form for libraries whose functions take
/// any protocol and spawn its driver. A type that implements this trait implements [`Protocol`] too, method by method.
///
/// A concrete protocol needs it not: for a type that is known, the compiler finds out by itself that the futures of
/// [`Protocol`] are `Send`. In generic code it can't, and a bound for it does not exist in stable Rust.
///
/// ```
/// use redial::driver::{Driver, Outcome, Runtime, SendProtocol};
/// use redial::{Policy, SplitMix64, presets};
///
/// fn start<P, Rt>(protocol: P, runtime: Rt) -> impl Future<Output = Outcome> + Send
/// where
///     P: SendProtocol<Token = (), Key = core::convert::Infallible>,
///     Rt: Runtime<Sleep: Send> + Send + Sync,
/// {
///     let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
///     let mut driver = Driver::new(policy, protocol, runtime);
///     async move { driver.run().await }
/// }
/// ```
pub trait SendProtocol: Send + Sync {
    /// [`Protocol::Reader`].
    type Reader: Send;
    /// [`Protocol::Writer`].
    type Writer: Send;
    /// [`Protocol::Token`].
    type Token: Clone + PartialEq + Send + Sync;
    /// [`Protocol::Key`].
    type Key: Clone + Send + Sync;
    /// [`Protocol::Message`].
    type Message: Send;
    /// [`Protocol::Incoming`].
    type Incoming: Send;
    /// [`Protocol::Received`].
    type Received: IntoIterator<Item = Received<Self::Token, Self::Key, Self::Incoming>> + Send;

    /// [`Protocol::dial`].
    ///
    /// # Errors
    /// What went wrong, and what the server asked to wait for.
    fn dial(
        &self,
        dial: Dial<Self::Token>,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Writer), DialError>> + Send;

    /// [`Protocol::receive`].
    ///
    /// # Errors
    /// The transport is at its end.
    fn receive(
        &self,
        reader: &mut Self::Reader,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Self::Received, Cause>> + Send;

    /// [`Protocol::can_send`].
    fn can_send(&self, message: &Self::Message) -> bool {
        let _ = message;
        true
    }

    /// [`Protocol::send`].
    ///
    /// # Errors
    /// The transport can't be written any more.
    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<Self::Token, Self::Key, Self::Message>,
    ) -> impl Future<Output = Result<(), SendFailed>> + Send;

    /// [`Protocol::close`].
    fn close(
        &self,
        reader: Self::Reader,
        writer: Self::Writer,
        code: u16,
    ) -> impl Future<Output = ()> + Send {
        let _ = code;
        drop((reader, writer));
        ready(())
    }

    /// [`Protocol::refresh_credential`].
    ///
    /// # Errors
    /// There is no credential, now or ever.
    fn refresh_credential(&self) -> impl Future<Output = Result<Option<Duration>, RefreshFailed>> + Send {
        ready(Err(RefreshFailed { fatal: true }))
    }

    /// [`Protocol::observe`].
    fn observe(&self, notice: &Notice<'_, Self::Token, Self::Key>) {
        let _ = notice;
    }
}

impl<P: SendProtocol> Protocol for P {
    type Reader = <P as SendProtocol>::Reader;
    type Writer = <P as SendProtocol>::Writer;
    type Token = <P as SendProtocol>::Token;
    type Key = <P as SendProtocol>::Key;
    type Message = <P as SendProtocol>::Message;
    type Incoming = <P as SendProtocol>::Incoming;
    type Received = <P as SendProtocol>::Received;

    fn dial(
        &self,
        dial: Dial<Self::Token>,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Writer), DialError>> {
        SendProtocol::dial(self, dial)
    }

    fn receive(
        &self,
        reader: &mut Self::Reader,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Self::Received, Cause>> {
        SendProtocol::receive(self, reader, epoch)
    }

    fn can_send(&self, message: &Self::Message) -> bool {
        SendProtocol::can_send(self, message)
    }

    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<Self::Token, Self::Key, Self::Message>,
    ) -> impl Future<Output = Result<(), SendFailed>> {
        SendProtocol::send(self, writer, command)
    }

    fn close(&self, reader: Self::Reader, writer: Self::Writer, code: u16) -> impl Future<Output = ()> {
        SendProtocol::close(self, reader, writer, code)
    }

    fn refresh_credential(&self) -> impl Future<Output = Result<Option<Duration>, RefreshFailed>> {
        SendProtocol::refresh_credential(self)
    }

    fn observe(&self, notice: &Notice<'_, Self::Token, Self::Key>) {
        SendProtocol::observe(self, notice);
    }
}
