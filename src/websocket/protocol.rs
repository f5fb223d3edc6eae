//! What the user brings: what the messages mean.

use core::fmt;
use core::future::{Future, ready};
use core::time::Duration;
use std::vec::Vec;

use std::string::String;

use crate::classify::Cause;
use crate::driver::{Dial, Notice, RefreshFailed};
use crate::policy::{Epoch, Establish};

use super::decoded::Decoded;
use super::error::SetupError;
use super::frame::{Close, Frame};
use super::report::Report;
use super::request::{Headers, Upgraded};

/// The meaning of the messages on a WebSocket: how to subscribe, how a message of the application is written, what one of
/// the server says. No sockets, no epochs, no order of events: those are the driver's.
///
/// Three types and three methods are required. The others have defaults for a protocol that needs nothing of the kind.
///
/// Methods are called from the driver's task, and [`encode`](Self::encode) also from the task that sends; none of them may block.
///
/// ```
/// use redial::websocket::{Decoded, Frame, Protocol};
///
/// /// Topics and texts, without a session.
/// struct Feed;
///
/// impl Protocol for Feed {
///     type Key = String;
///     type Outgoing = String;
///     type Incoming = String;
///
///     fn subscribe(&self, topic: &String) -> Frame {
///         format!("SUB {topic}").into()
///     }
///
///     fn unsubscribe(&self, topic: &String) -> Option<Frame> {
///         Some(format!("UNSUB {topic}").into())
///     }
///
///     fn encode(&self, text: &String) -> Frame {
///         text.as_str().into()
///     }
///
///     fn decode(&self, frame: Frame) -> Decoded<String, String> {
///         match frame.as_text() {
///             Some(text) => match text.strip_prefix("SUBSCRIBED ") {
///                 Some(topic) => Decoded::confirmed(topic.to_owned()),
///                 None => Decoded::Message(text.to_owned()),
///             },
///             None => Decoded::Invalid("a binary message".to_owned()),
///         }
///     }
/// }
/// assert_eq!(Feed.decode("SUBSCRIBED news".into()), Decoded::confirmed("news".to_owned()));
/// ```
pub trait Protocol: Send + Sync + 'static {
    /// What names a subscription; [`Infallible`](core::convert::Infallible) where there are none.
    type Key: Clone + Ord + fmt::Debug + Send + Sync + 'static;
    /// What the application sends.
    type Outgoing: Send + 'static;
    /// What the application receives.
    type Incoming: Send + 'static;

    /// When a connection counts as established, so that subscriptions and messages follow: when it is open, or when
    /// [`decode`](Self::decode) says [`Decoded::Ready`] or [`Decoded::Resumed`]. Default: when it is open.
    const ESTABLISHED: Establish = Establish::OnOpen;

    /// The message that subscribes to `key`. It is sent when the subscription is first wanted, on every new session, and after a
    /// resume only where it was not confirmed ([`Decoded::confirmed`]). So a server may see it twice in one session if its
    /// confirmation was lost, and a protocol that never confirms sends it after each resume. It is also sent again after
    /// [`Decoded::Unsubscribed`] and after a [`Decoded::Refused`] that is retryable.
    fn subscribe(&self, key: &Self::Key) -> Frame;

    /// A message of the application.
    fn encode(&self, message: &Self::Outgoing) -> Frame;

    /// What a message of the server means.
    fn decode(&self, frame: Frame) -> Decoded<Self::Key, Self::Incoming>;

    /// Sent on every new connection before anything else, unless a session is resumed: who this is, for example. By
    /// default nothing.
    fn identify(&self, connection: &mut Connection<'_>) {
        let _ = connection;
    }

    /// Sent instead of it where there is a session to resume, with the session's token and its newest sequence number. By
    /// default the same as [`identify`](Self::identify).
    fn resume(&self, token: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
        let _ = (token, sequence);
        self.identify(connection);
    }

    /// Authenticates, for a config that says so
    /// ([`RestoreConfig::authentication`](crate::policy::RestoreConfig::authentication),
    /// [`CredentialConfig::in_band`](crate::policy::CredentialConfig::in_band)). The answer is
    /// [`Decoded::AuthOk`] or [`Decoded::AuthFailed`]. By default nothing.
    ///
    /// A login that is part of [`identify`](Self::identify) or [`resume`](Self::resume) needs none of this. Where the server
    /// refuses it, [`decode`](Self::decode) returns [`Decoded::End`], or [`closed`](Self::closed) maps the close code: to
    /// [`Cause::AuthRejected`] for a fresh credential and another dial, to [`Cause::AuthDenied`] to give up.
    fn authenticate(&self, connection: &mut Connection<'_>) {
        let _ = connection;
    }

    /// Subscribes to several, in this order. By default one message each. `batch` is the number of this send, for servers
    /// that echo it ([`Decoded::Confirmed`]).
    fn restore(&self, keys: &[Self::Key], batch: u32, connection: &mut Connection<'_>) {
        let _ = batch;
        for key in keys {
            connection.send(self.subscribe(key));
        }
    }

    /// The message that ends a subscription which the server may have. By default there is none.
    fn unsubscribe(&self, key: &Self::Key) -> Option<Frame> {
        let _ = key;
        None
    }

    /// The heartbeat of the protocol, with the newest sequence number of the session. By default there is none, and a ping
    /// frame is sent, which the matching pong acknowledges. Called where the config or a greeting has an interval: of the presets
    /// of this crate, [`WEBSOCKET`](crate::presets::WEBSOCKET) has one.
    fn heartbeat(&self, sequence: Option<u64>) -> Option<Frame> {
        let _ = sequence;
        None
    }

    /// Adds to the headers of one upgrade: a token that changes from dial to dial, for example. By default nothing.
    ///
    /// # Errors
    /// A header that can't be sent. The dial has failed then.
    fn request(&self, dial: &Dial<String>, headers: &mut Headers) -> Result<(), SetupError> {
        let _ = (dial, headers);
        Ok(())
    }

    /// What a close frame means, for protocols whose reasons say more than their codes. By default its code goes to the
    /// classifier of the config.
    ///
    /// A private code that means "unknown session" is [`Cause::SessionInvalid`] here: the session is dropped and the next dial
    /// identifies. Without that an unlisted code is transient, and the dead token is sent again until the config's
    /// [limit of failed resumes](crate::policy::ResumeConfig::failures_max). A code that means "wrong credential" is
    /// [`Cause::AuthRejected`], or [`Cause::AuthDenied`] where no other credential would do.
    fn closed(&self, close: &Close) -> Cause {
        Cause::CloseFrame(close.code)
    }

    /// Gets a fresh credential: see [`driver::Protocol::refresh_credential`](crate::driver::Protocol::refresh_credential). By
    /// default there is none.
    ///
    /// # Errors
    /// There is no credential, now or ever.
    fn refresh_credential(&self) -> impl Future<Output = Result<Option<Duration>, RefreshFailed>> + Send {
        ready(Err(RefreshFailed { fatal: true }))
    }

    /// Sees every step of the policy, after its actions were executed. By default it does nothing.
    fn observe(&self, notice: &Notice<'_, String, Self::Key>) {
        let _ = notice;
    }

    /// Hears what the policy does not decide: for logs. By default it does nothing.
    fn report(&self, epoch: Epoch, report: Report<'_>) {
        let _ = (epoch, report);
    }
}

/// A connection that is being set up: what the server answered to its upgrade, and what is sent on it now. [`Debug`] shows how many
/// messages that are: one of them may be a login.
///
/// ```no_run
/// use redial::websocket::connect;
///
/// # fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = connect("wss://feed.example")
///     .subprotocol("feed.v2")
///     .subprotocol("feed.v1")
///     .on_connect(|connection| {
///         let hello = if connection.subprotocol() == Some("feed.v2") { "HELLO 2" } else { "HELLO" };
///         connection.send(hello);
///         connection.send("SUB news");
///     })
///     .spawn()?;
/// # let _ = socket;
/// # Ok(())
/// # }
/// ```
pub struct Connection<'a> {
    upgraded: &'a Upgraded,
    epoch: Epoch,
    frames: Vec<Frame>,
}

impl<'a> Connection<'a> {
    pub(super) const fn new(upgraded: &'a Upgraded, epoch: Epoch) -> Self {
        Self { upgraded, epoch, frames: Vec::new() }
    }

    /// Sends this, after what was sent here before and ahead of everything else.
    pub fn send(&mut self, frame: impl Into<Frame>) {
        self.frames.push(frame.into());
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.upgraded.subprotocol()
    }

    /// What the server answered to the upgrade.
    #[must_use]
    pub const fn upgraded(&self) -> &Upgraded {
        self.upgraded
    }

    /// The number of this connection.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.frames
    }
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("upgraded", self.upgraded)
            .field("epoch", &self.epoch)
            .field("frames", &self.frames.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    // F110: what is sent first is a login, most of the time.
    #[test]
    fn debug_output_has_no_login() {
        let upgraded = Upgraded::default();
        let mut connection = Connection::new(&upgraded, Epoch::FIRST);
        connection.send("LOGIN s3cret");
        let shown = format!("{connection:?}");
        assert!(!shown.contains("s3cret") && shown.contains("frames: 1"), "{shown}");
    }
}
