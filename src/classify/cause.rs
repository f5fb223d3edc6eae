//! What can end an attempt or a connection.

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
    /// What to do after the end of an attempt or a connection.
    #[expect(clippy::exhaustive_enums, reason = "a driver that classifies itself must know them all")]
    enum Class {
        /// Retry, and resume the session.
        Transient = "transient",
        /// Drop the session, then retry with a new one.
        Fresh = "fresh",
        /// Give up: a retry would fail in the same way.
        Fatal = "fatal",
        /// Refresh the credential, then retry. The session is kept.
        Auth = "auth",
        /// Retry after the wait that the server asked for, or else that of the verdict. The session is kept.
        RateLimited = "rate_limited",
        /// Another client took the session over: retry with a count of its own, so that two clients with one identity don't
        /// replace each other without end. The session is kept.
        Replaced = "replaced",
    }
}

named! {
    /// An error of a socket or of the name lookup.
    ///
    /// The names are those of `std::io::ErrorKind`, as far as they can concern a connection. A few more distinguish what `std`
    /// (Rust 1.95 on Linux) reports as uncategorized: the conversion from `std::io::Error` reads them off the number of the operating
    /// system, and [`causes::lookup`](fn@crate::causes::lookup) says [`NameNotFound`](Self::NameNotFound) of a failed name lookup.
    #[non_exhaustive]
    enum IoKind {
        /// Nothing listens at the address (`ECONNREFUSED`).
        ConnectionRefused = "connection_refused",
        /// The peer reset the connection (`ECONNRESET`).
        ConnectionReset = "connection_reset",
        /// The connection was aborted (`ECONNABORTED`).
        ConnectionAborted = "connection_aborted",
        /// The stream ended within a message.
        UnexpectedEof = "unexpected_eof",
        /// A write after the peer had closed the connection (`EPIPE`).
        BrokenPipe = "broken_pipe",
        /// The operating system's timeout passed (`ETIMEDOUT`).
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
        /// A write accepted no bytes.
        WriteZero = "write_zero",
        /// Interrupted by a signal. No loss in itself.
        Interrupted = "interrupted",
        /// The operation would block. No loss in itself.
        WouldBlock = "would_block",
        /// The resource is busy (`EBUSY`).
        ResourceBusy = "resource_busy",
        /// The path of a local socket does not exist, or not yet.
        NotFound = "not_found",
        /// The local address is in use (`EADDRINUSE`).
        AddrInUse = "addr_in_use",
        /// No local address or port is available (`EADDRNOTAVAIL`).
        AddrNotAvailable = "addr_not_available",
        /// Too many open files (`EMFILE`, `ENFILE`). Not a kind of `std`.
        TooManyOpenFiles = "too_many_open_files",
        /// No buffer space (`ENOBUFS`). Not a kind of `std`.
        NoBufferSpace = "no_buffer_space",
        /// Out of memory (`ENOMEM`).
        OutOfMemory = "out_of_memory",
        /// Not permitted, by a firewall for instance (`EACCES`, `EPERM`).
        PermissionDenied = "permission_denied",
        /// The operation is not supported, for instance an address family (`EAFNOSUPPORT`).
        Unsupported = "unsupported",
        /// Invalid data: decompression, framing, a TLS error of unknown kind.
        InvalidData = "invalid_data",
        /// A parameter of the client is wrong: URL, host, header.
        InvalidInput = "invalid_input",
        /// Anything else.
        Other = "other",
    }
}

named! {
    /// Why TLS failed. A refused certificate is distinguished from failures that may pass.
    #[non_exhaustive]
    enum TlsKind {
        /// The certificate has expired.
        CertificateExpired = "certificate_expired",
        /// The certificate is not valid yet. Often the local clock is wrong.
        CertificateNotYetValid = "certificate_not_yet_valid",
        /// The certificate is for another name.
        NameMismatch = "name_mismatch",
        /// The issuer is not trusted.
        UnknownIssuer = "unknown_issuer",
        /// The certificate was revoked.
        Revoked = "revoked",
        /// The certificate is refused for another reason: signature, purpose, unknown revocation status.
        BadCertificate = "bad_certificate",
        /// The client's certificate is missing, refused or can't sign.
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
/// The driver chooses it, and [`causes`](crate::causes) has it for the errors of other crates. The core does not read raw errors, since
/// their types differ between libraries and are too coarse.
/// `Display` writes one short word such as `close_4004`, `http_503` or `connection_refused`, and does not allocate.
///
/// If a library reports one loss twice, such as a close frame and then "connection closed", the first report says more.
/// What does not end the connection, such as a message that can't be decoded or a full write buffer, is not a cause.
///
/// ```
/// use redial::{Cause, IoKind};
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(Cause::from(&refused), Cause::Io(IoKind::ConnectionRefused));
/// assert_eq!(Cause::CloseFrame(1012).to_string(), "close_1012");
/// assert_eq!(Cause::Http(503).as_str(), "http");
/// ```
#[doc(alias = "error")]
#[doc(alias = "close code")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// The peer sent a close frame with this code, or the protocol's own disconnect with this reason code. A close frame without
    /// a code is 1005.
    CloseFrame(u16),
    /// The transport ended without a close frame.
    NoCloseFrame,
    /// The server answered the upgrade with this HTTP status. A 101 means that the handshake was invalid, and a redirect that it
    /// was not followed.
    Http(u16),
    /// The socket or the name lookup failed.
    Io(IoKind),
    /// TLS failed.
    Tls(TlsKind),
    /// A timeout of the driver passed.
    Timeout,
    /// The driver classifies the cause itself. Only an override of exactly this cause takes precedence.
    Class(Class),
    /// The transport did not open in time.
    ConnectTimeout,
    /// The greeting did not come in time.
    GreetingTimeout,
    /// The session was not established or resumed in time.
    ReadyTimeout,
    /// The authentication was not answered in time.
    AuthTimeout,
    /// A heartbeat was not acknowledged in time.
    HeartbeatMissed,
    /// A message could not be sent.
    SendFailed,
    /// The server asked for a reconnect.
    ReconnectRequested,
    /// The server refused the session, which is dropped.
    SessionInvalid,
    /// The server refused to resume the session now; it may be resumed later.
    SessionInvalidResumable,
    /// The greeting has no heartbeat interval, which the config requires.
    BadGreeting,
    /// The host reported that the network is down.
    NetworkDown,
    /// The host resumed from a sleep.
    HostSuspended,
    /// The credential was rejected, on an open connection or by its source.
    AuthRejected,
    /// The credential was rejected, and so would be any other.
    AuthDenied,
    /// The subscriptions could not be restored.
    RestoreFailed,
    /// The cause is not known.
    Unknown,
}

// It is copied into actions and logs.
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
