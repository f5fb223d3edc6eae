//! The choices of a config.

use crate::words::words;

mod credential;
mod restore;
mod resume;

pub use credential::CredentialConfig;
pub use restore::RestoreConfig;
pub use resume::ResumeConfig;

/// When a connection counts as established, so that its attempt has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum Establish {
    /// When the transport is open, for protocols that don't confirm a session. The policy still returns
    /// [`Action::Identify`](crate::Action::Identify).
    OnOpen,
    /// When the protocol confirms it: READY, SETTINGS, CONNACK. The caller reports [`Event::Ready`](crate::Event::Ready) or
    /// [`Event::Resumed`](crate::Event::Resumed).
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
    /// After the server rejected it: the first time at once, then with the backoff.
    Auth,
    /// Before every dial.
    Dial,
    /// Never. A rejection is fatal.
    Never,
}

words!(RefreshOn {
    Auth => "auth",
    Dial => "dial",
    Never => "never",
});

/// What happens when the network goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkDown {
    /// The policy does not dial until the network is back, and counts no attempts meanwhile. An open connection stays.
    Park,
    /// As [`Self::Park`], and an open connection is closed.
    Drop,
    /// As [`Self::Park`], and an open connection is probed with a heartbeat, as for [`OnWake::Probe`]. Without a running heartbeat
    /// it is closed.
    Probe,
    /// Nothing happens.
    Ignore,
}

words!(OnNetworkDown {
    Park => "park",
    Drop => "drop",
    Probe => "probe",
    Ignore => "ignore",
});

/// What happens to an open connection after a sleep of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnWake {
    /// It is closed and dialled again. The session is kept.
    Redial,
    /// It is probed: a heartbeat is sent now, and the connection is dead unless it is answered within
    /// [`HeartbeatConfig::answer_within`](crate::heartbeat::HeartbeatConfig::answer_within), or else the connect timeout (Pusher's
    /// activity check). Without a running heartbeat: as [`Self::Redial`].
    Probe,
}

words!(OnWake {
    Redial => "redial",
    Probe => "probe",
});

/// What happens to an open connection when the default route changes, or when the network returns that was down meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkChange {
    /// It is probed with a heartbeat. Without a running heartbeat: as [`Self::Drop`].
    Probe,
    /// It is closed and dialled again at once. The session is kept.
    Drop,
    /// Nothing happens.
    Ignore,
}

words!(OnNetworkChange {
    Probe => "probe",
    Drop => "drop",
    Ignore => "ignore",
});

/// What happens to an open connection when the page becomes visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnVisible {
    /// Nothing happens.
    Nothing,
    /// It is probed with a heartbeat, because it may have died in the background. Without a running heartbeat it is closed and
    /// dialled again at once, and the session is kept.
    Probe,
}

words!(OnVisible {
    Nothing => "nothing",
    Probe => "probe",
});
