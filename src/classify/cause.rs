//! What can end an attempt or a connection, in the core's own words.

use core::fmt;

use crate::words::words;

/// An enum without data whose variants have fixed names.
macro_rules! named {
    (
        $(#[$meta:meta])*
        enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value with this name, exactly as [`as_str`](Self::as_str) writes it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        words!($name { $($variant => $text,)+ });
    };
}

named! {
    /// What to do about the end of an attempt or a connection.
    #[expect(clippy::exhaustive_enums, reason = "a driver that classifies itself must know them all")]
    enum Class {
        /// Retry, and resume the session that is kept.
        Transient = "transient",
        /// Drop the session, then retry with a new one.
        Fresh = "fresh",
        /// Stop: a retry would fail in the same way.
        Fatal = "fatal",
        /// Refresh the credential, then retry; the session is kept.
        Auth = "auth",
        /// Retry after a wait that the server gave, or else the verdict; the session is kept.
        RateLimited = "rate_limited",
        /// Another client took the session over: retry with a backoff of its own, so that two clients with one identity
        /// don't throw each other out without end; the session is kept.
        Replaced = "replaced",
    }
}

named! {
    /// An error of a socket or of the name lookup.
    ///
    /// The names are those of `std::io::ErrorKind` as far as they can concern a connection. A few more tell apart what
    /// `std` (Rust 1.95 on Linux) lumps together as uncategorized; a driver fills them in from the raw error number, or
    /// from the place where the error happened (a lookup of its own fails with [`NameNotFound`](Self::NameNotFound)).
    #[non_exhaustive]
    enum IoKind {
        /// Nobody listens there (`ECONNREFUSED`).
        ConnectionRefused = "connection_refused",
        /// The peer reset the connection (`ECONNRESET`).
        ConnectionReset = "connection_reset",
        /// The connection was aborted (`ECONNABORTED`).
        ConnectionAborted = "connection_aborted",
        /// The stream ended in the middle of something.
        UnexpectedEof = "unexpected_eof",
        /// Written to after the peer had closed (`EPIPE`).
        BrokenPipe = "broken_pipe",
        /// The system gave up waiting (`ETIMEDOUT`).
        TimedOut = "timed_out",
        /// The name has no address, or the lookup failed for now (`EAI_NONAME`, `EAI_AGAIN`, …). Not a kind of `std`.
        NameNotFound = "name_not_found",
        /// No route to the host (`EHOSTUNREACH`).
        HostUnreachable = "host_unreachable",
        /// No route to the network (`ENETUNREACH`).
        NetworkUnreachable = "network_unreachable",
        /// The local interface is down (`ENETDOWN`).
        NetworkDown = "network_down",
        /// The host is known to be down (`EHOSTDOWN`). Not a kind of `std`.
        HostDown = "host_down",
        /// The network dropped the connection (`ENETRESET`). Not a kind of `std`.
        NetworkReset = "network_reset",
        /// The socket is not connected (`ENOTCONN`).
        NotConnected = "not_connected",
        /// A write took no byte.
        WriteZero = "write_zero",
        /// Interrupted by a signal. No loss in itself.
        Interrupted = "interrupted",
        /// Would have to wait. No loss in itself.
        WouldBlock = "would_block",
        /// The resource is busy (`EBUSY`).
        ResourceBusy = "resource_busy",
        /// The path of a local socket does not exist (yet).
        NotFound = "not_found",
        /// The local address is taken (`EADDRINUSE`).
        AddrInUse = "addr_in_use",
        /// No local address or port is left (`EADDRNOTAVAIL`).
        AddrNotAvailable = "addr_not_available",
        /// Too many open files (`EMFILE`, `ENFILE`). Not a kind of `std`.
        TooManyOpenFiles = "too_many_open_files",
        /// No buffer space (`ENOBUFS`). Not a kind of `std`.
        NoBufferSpace = "no_buffer_space",
        /// Out of memory (`ENOMEM`).
        OutOfMemory = "out_of_memory",
        /// Not permitted, by a firewall for instance (`EACCES`, `EPERM`).
        PermissionDenied = "permission_denied",
        /// Not supported here, such as an address family (`EAFNOSUPPORT`).
        Unsupported = "unsupported",
        /// Data that can't be understood: decompression, framing, a TLS error that was not told apart.
        InvalidData = "invalid_data",
        /// A parameter of ours is wrong: URL, host, header.
        InvalidInput = "invalid_input",
        /// Anything else.
        Other = "other",
    }
}

#[cfg(feature = "std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
impl From<std::io::ErrorKind> for IoKind {
    /// By name; a kind that concerns no connection, or is younger than Rust 1.85, is [`IoKind::Other`].
    fn from(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind as Std;
        match kind {
            Std::ConnectionRefused => Self::ConnectionRefused,
            Std::ConnectionReset => Self::ConnectionReset,
            Std::ConnectionAborted => Self::ConnectionAborted,
            Std::UnexpectedEof => Self::UnexpectedEof,
            Std::BrokenPipe => Self::BrokenPipe,
            Std::TimedOut => Self::TimedOut,
            Std::HostUnreachable => Self::HostUnreachable,
            Std::NetworkUnreachable => Self::NetworkUnreachable,
            Std::NetworkDown => Self::NetworkDown,
            Std::NotConnected => Self::NotConnected,
            Std::WriteZero => Self::WriteZero,
            Std::Interrupted => Self::Interrupted,
            Std::WouldBlock => Self::WouldBlock,
            Std::ResourceBusy => Self::ResourceBusy,
            Std::NotFound => Self::NotFound,
            Std::AddrInUse => Self::AddrInUse,
            Std::AddrNotAvailable => Self::AddrNotAvailable,
            Std::OutOfMemory => Self::OutOfMemory,
            Std::PermissionDenied => Self::PermissionDenied,
            Std::Unsupported => Self::Unsupported,
            Std::InvalidData => Self::InvalidData,
            Std::InvalidInput => Self::InvalidInput,
            _ => Self::Other,
        }
    }
}

named! {
    /// Why TLS failed. Verdicts on a certificate are told apart from failures that may pass.
    #[non_exhaustive]
    enum TlsKind {
        /// The certificate has expired.
        CertificateExpired = "certificate_expired",
        /// The certificate is not valid yet; often the local clock is wrong.
        CertificateNotYetValid = "certificate_not_yet_valid",
        /// The certificate is for another name.
        NameMismatch = "name_mismatch",
        /// The issuer is not trusted.
        UnknownIssuer = "unknown_issuer",
        /// The certificate was revoked.
        Revoked = "revoked",
        /// Any other verdict on the certificate: signature, purpose, unknown revocation status.
        BadCertificate = "bad_certificate",
        /// Our own certificate is missing, refused or can't sign.
        ClientCertificate = "client_certificate",
        /// The alerts `handshake_failure` and `protocol_version`, or no common cipher.
        HandshakeFailure = "handshake_failure",
        /// The alert `internal_error`.
        InternalAlert = "internal_alert",
        /// The stream ended during the handshake.
        Eof = "eof",
        /// Anything else.
        Other = "other",
    }
}

/// Why an attempt or a connection ended.
///
/// A driver fills it in: the core never looks at a raw error itself, because error types differ and are too coarse.
/// `Display` writes one short word such as `close_4004`, `http_503` or `connection_refused`, and allocates nothing.
///
/// If a library reports one loss twice (a close frame, then "connection closed"), the first report says more.
/// What is not a loss, such as one message that can't be decoded or a full write buffer, is no cause at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// The peer sent a close frame with this code, or a protocol's own disconnect with this reason code. A frame
    /// without a code is 1005.
    CloseFrame(u16),
    /// The transport ended without a close frame.
    NoCloseFrame,
    /// The upgrade was answered with this status and not opened. A 101 here is one that broke the handshake's rules;
    /// a redirect is one that was not followed.
    Http(u16),
    /// The socket or the name lookup failed.
    Io(IoKind),
    /// TLS failed.
    Tls(TlsKind),
    /// The driver ran into a timeout of its own.
    Timeout,
    /// The driver's own judgement. Only an override of exactly this cause stands above it.
    Class(Class),
    /// Not open in time.
    ConnectTimeout,
    /// Open, but no greeting in time.
    GreetingTimeout,
    /// Neither ready nor resumed in time.
    ReadyTimeout,
    /// Not authenticated in time.
    AuthTimeout,
    /// A beat was not acknowledged in time.
    HeartbeatMissed,
    /// Something could not be sent.
    SendFailed,
    /// The server asked for a reconnect.
    ReconnectRequested,
    /// The server refused the session for good.
    SessionInvalid,
    /// The server refused the session, which may be resumed later.
    SessionInvalidResumable,
    /// A greeting that can't be used.
    BadGreeting,
    /// The host said that the network is gone.
    NetworkDown,
    /// The host said that it had slept.
    HostSuspended,
    /// The credential was rejected on an open connection, or by our own check.
    AuthRejected,
    /// The credential was rejected for good: no other one would do.
    AuthDenied,
    /// The subscriptions could not be restored.
    RestoreFailed,
    /// The driver knows no more.
    Unknown,
}

// It is copied into every action, history and log entry.
const _: () = assert!(size_of::<Cause>() <= 4);

impl Cause {
    /// The cause's word, in snake case, without the number of a code or a status. It does not change between versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloseFrame(_) => "close",
            Self::Http(_) => "http",
            Self::Io(kind) => kind.as_str(),
            Self::Tls(kind) => kind.as_str(),
            Self::Class(class) => class.as_str(),
            Self::NoCloseFrame => "no_close_frame",
            Self::Timeout => "timeout",
            Self::ConnectTimeout => "connect_timeout",
            Self::GreetingTimeout => "greeting_timeout",
            Self::ReadyTimeout => "ready_timeout",
            Self::AuthTimeout => "auth_timeout",
            Self::HeartbeatMissed => "missed_beat",
            Self::SendFailed => "send_failed",
            Self::ReconnectRequested => "reconnect_requested",
            Self::SessionInvalid => "session_invalid",
            Self::SessionInvalidResumable => "session_invalid_resumable",
            Self::BadGreeting => "bad_greeting",
            Self::NetworkDown => "network_down",
            Self::HostSuspended => "slept",
            Self::AuthRejected => "auth_rejected",
            Self::AuthDenied => "auth_denied",
            Self::RestoreFailed => "restore_failed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::CloseFrame(number) | Self::Http(number) => write!(f, "_{number}"),
            _ => Ok(()),
        }
    }
}
