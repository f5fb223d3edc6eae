//! The choices that a config is made of.

use crate::words::words;

mod credential;
mod restore;
mod resume;

pub use credential::CredentialConfig;
pub use restore::RestoreConfig;
pub use resume::ResumeConfig;

/// When a connection counts as established, which is when its attempt has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum Establish {
    /// When the transport is open: for protocols that say nothing of their own.
    OnOpen,
    /// When the protocol says so: READY, SETTINGS, CONNACK.
    OnReady,
}

words!(Establish {
    OnOpen => "on_open",
    OnReady => "on_ready",
});

/// When a credential is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum RefreshOn {
    /// After the server rejected it: once at once, then along the backoff.
    Auth,
    /// Before every dial.
    Dial,
    /// Never; a rejection is fatal.
    Never,
}

words!(RefreshOn {
    Auth => "auth",
    Dial => "dial",
    Never => "never",
});

/// What "the network went" does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkDown {
    /// No dial until it is back, and none is spent; what is connected stays.
    Park,
    /// The same, and what is connected is closed.
    Drop,
    /// The same as parking, and what is connected is asked for a sign of life at once, as after [`OnWake::Probe`]; without
    /// a running heartbeat there is nothing to ask with, and it is closed.
    Probe,
    /// Nothing.
    Ignore,
}

words!(OnNetworkDown {
    Park => "park",
    Drop => "drop",
    Probe => "probe",
    Ignore => "ignore",
});

/// What a sleep of the host does to a connection that was open through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnWake {
    /// It is not trusted: closed and dialled again, with the session kept.
    Redial,
    /// It is asked for a sign of life: a beat now, and dead unless it is answered within the time that a dial may take
    /// (Pusher's activity check). Without a running heartbeat there is nothing to ask with; then as [`Self::Redial`].
    Probe,
}

words!(OnWake {
    Redial => "redial",
    Probe => "probe",
});

/// What a move of the default route does to a connection that is open, and the network's return to one that was open while it
/// was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkChange {
    /// It is asked for a sign of life at once. Without a running heartbeat there is nothing to ask with; then as
    /// [`Self::Drop`].
    Probe,
    /// It is closed, with its session kept, and dialled again at once.
    Drop,
    /// Nothing.
    Ignore,
}

words!(OnNetworkChange {
    Probe => "probe",
    Drop => "drop",
    Ignore => "ignore",
});

/// What the page's return does to a connection that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnVisible {
    /// Nothing.
    Nothing,
    /// It is asked for a sign of life at once: in the background it may have died unnoticed. Without a running heartbeat it
    /// is closed, with its session kept, and dialled again at once.
    Probe,
}

words!(OnVisible {
    Nothing => "nothing",
    Probe => "probe",
});
