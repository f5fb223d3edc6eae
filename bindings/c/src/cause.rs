//! Why an attempt or a connection ended.

use core::ffi::c_char;

use core_policy::classify::{Class, TlsKind};
use core_policy::{Cause, IoKind};

use crate::names::mirrors;
use crate::text::print;

/// What to do after the end of an attempt or a connection.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_class {
    /// Retry, and resume the session.
    REDIAL_CLASS_TRANSIENT = 1,
    /// Drop the session, then retry with a new one.
    REDIAL_CLASS_FRESH = 2,
    /// Give up: a retry would fail in the same way.
    REDIAL_CLASS_FATAL = 3,
    /// Refresh the credential, then retry. The session is kept.
    REDIAL_CLASS_AUTH = 4,
    /// Retry after the wait that the server asked for, or else that of the verdict. The session is kept.
    REDIAL_CLASS_RATE_LIMITED = 5,
    /// Another client took the session over: retry with a count of its own, so that two clients with one identity don't replace each other without end. The session is kept.
    REDIAL_CLASS_REPLACED = 6,
}

/// A [`redial_class`] as a number.
pub type class_number = u32;

mirrors!(redial_class of Class {
    REDIAL_CLASS_TRANSIENT = Class::Transient,
    REDIAL_CLASS_FRESH = Class::Fresh,
    REDIAL_CLASS_FATAL = Class::Fatal,
    REDIAL_CLASS_AUTH = Class::Auth,
    REDIAL_CLASS_RATE_LIMITED = Class::RateLimited,
    REDIAL_CLASS_REPLACED = Class::Replaced,
});

/// The word of a class, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_class_name(number: class_number) -> *const c_char {
    redial_class::word(number)
}

/// An error of a socket or of the name lookup.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_io_kind {
    /// Nothing listens at the address (`ECONNREFUSED`).
    REDIAL_IO_CONNECTION_REFUSED = 1,
    /// The peer reset the connection (`ECONNRESET`).
    REDIAL_IO_CONNECTION_RESET = 2,
    /// The connection was aborted (`ECONNABORTED`).
    REDIAL_IO_CONNECTION_ABORTED = 3,
    /// The stream ended within a message.
    REDIAL_IO_UNEXPECTED_EOF = 4,
    /// A write after the peer had closed the connection (`EPIPE`).
    REDIAL_IO_BROKEN_PIPE = 5,
    /// The operating system's timeout passed (`ETIMEDOUT`).
    REDIAL_IO_TIMED_OUT = 6,
    /// The name has no address, or the lookup failed for now (`EAI_NONAME`, `EAI_AGAIN`, …). Not a kind of `std`.
    REDIAL_IO_NAME_NOT_FOUND = 7,
    /// No route to the host (`EHOSTUNREACH`).
    REDIAL_IO_HOST_UNREACHABLE = 8,
    /// No route to the network (`ENETUNREACH`).
    REDIAL_IO_NETWORK_UNREACHABLE = 9,
    /// The local interface is down (`ENETDOWN`).
    REDIAL_IO_NETWORK_DOWN = 10,
    /// The host is known to be down (`EHOSTDOWN`). Not a kind of `std`.
    REDIAL_IO_HOST_DOWN = 11,
    /// The network dropped the connection (`ENETRESET`). Not a kind of `std`.
    REDIAL_IO_NETWORK_RESET = 12,
    /// The socket is not connected (`ENOTCONN`).
    REDIAL_IO_NOT_CONNECTED = 13,
    /// A write accepted no bytes.
    REDIAL_IO_WRITE_ZERO = 14,
    /// Interrupted by a signal. No loss in itself.
    REDIAL_IO_INTERRUPTED = 15,
    /// The operation would block. No loss in itself.
    REDIAL_IO_WOULD_BLOCK = 16,
    /// The resource is busy (`EBUSY`).
    REDIAL_IO_RESOURCE_BUSY = 17,
    /// The path of a local socket does not exist, or not yet.
    REDIAL_IO_NOT_FOUND = 18,
    /// The local address is in use (`EADDRINUSE`).
    REDIAL_IO_ADDR_IN_USE = 19,
    /// No local address or port is available (`EADDRNOTAVAIL`).
    REDIAL_IO_ADDR_NOT_AVAILABLE = 20,
    /// Too many open files (`EMFILE`, `ENFILE`). Not a kind of `std`.
    REDIAL_IO_TOO_MANY_OPEN_FILES = 21,
    /// No buffer space (`ENOBUFS`). Not a kind of `std`.
    REDIAL_IO_NO_BUFFER_SPACE = 22,
    /// Out of memory (`ENOMEM`).
    REDIAL_IO_OUT_OF_MEMORY = 23,
    /// Not permitted, by a firewall for instance (`EACCES`, `EPERM`).
    REDIAL_IO_PERMISSION_DENIED = 24,
    /// The operation is not supported, for instance an address family (`EAFNOSUPPORT`).
    REDIAL_IO_UNSUPPORTED = 25,
    /// Invalid data: decompression, framing, a TLS error of unknown kind.
    REDIAL_IO_INVALID_DATA = 26,
    /// A parameter of the client is wrong: URL, host, header.
    REDIAL_IO_INVALID_INPUT = 27,
    /// Anything else.
    REDIAL_IO_OTHER = 28,
}

/// A [`redial_io_kind`] as a number.
pub type io_kind_number = u32;

mirrors!(redial_io_kind of IoKind {
    REDIAL_IO_CONNECTION_REFUSED = IoKind::ConnectionRefused,
    REDIAL_IO_CONNECTION_RESET = IoKind::ConnectionReset,
    REDIAL_IO_CONNECTION_ABORTED = IoKind::ConnectionAborted,
    REDIAL_IO_UNEXPECTED_EOF = IoKind::UnexpectedEof,
    REDIAL_IO_BROKEN_PIPE = IoKind::BrokenPipe,
    REDIAL_IO_TIMED_OUT = IoKind::TimedOut,
    REDIAL_IO_NAME_NOT_FOUND = IoKind::NameNotFound,
    REDIAL_IO_HOST_UNREACHABLE = IoKind::HostUnreachable,
    REDIAL_IO_NETWORK_UNREACHABLE = IoKind::NetworkUnreachable,
    REDIAL_IO_NETWORK_DOWN = IoKind::NetworkDown,
    REDIAL_IO_HOST_DOWN = IoKind::HostDown,
    REDIAL_IO_NETWORK_RESET = IoKind::NetworkReset,
    REDIAL_IO_NOT_CONNECTED = IoKind::NotConnected,
    REDIAL_IO_WRITE_ZERO = IoKind::WriteZero,
    REDIAL_IO_INTERRUPTED = IoKind::Interrupted,
    REDIAL_IO_WOULD_BLOCK = IoKind::WouldBlock,
    REDIAL_IO_RESOURCE_BUSY = IoKind::ResourceBusy,
    REDIAL_IO_NOT_FOUND = IoKind::NotFound,
    REDIAL_IO_ADDR_IN_USE = IoKind::AddrInUse,
    REDIAL_IO_ADDR_NOT_AVAILABLE = IoKind::AddrNotAvailable,
    REDIAL_IO_TOO_MANY_OPEN_FILES = IoKind::TooManyOpenFiles,
    REDIAL_IO_NO_BUFFER_SPACE = IoKind::NoBufferSpace,
    REDIAL_IO_OUT_OF_MEMORY = IoKind::OutOfMemory,
    REDIAL_IO_PERMISSION_DENIED = IoKind::PermissionDenied,
    REDIAL_IO_UNSUPPORTED = IoKind::Unsupported,
    REDIAL_IO_INVALID_DATA = IoKind::InvalidData,
    REDIAL_IO_INVALID_INPUT = IoKind::InvalidInput,
    REDIAL_IO_OTHER = IoKind::Other,
});

/// The word of an io kind, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_io_kind_name(number: io_kind_number) -> *const c_char {
    redial_io_kind::word(number)
}

/// Why TLS failed.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_tls_kind {
    /// The certificate has expired.
    REDIAL_TLS_CERTIFICATE_EXPIRED = 1,
    /// The certificate is not valid yet. Often the local clock is wrong.
    REDIAL_TLS_CERTIFICATE_NOT_YET_VALID = 2,
    /// The certificate is for another name.
    REDIAL_TLS_NAME_MISMATCH = 3,
    /// The issuer is not trusted.
    REDIAL_TLS_UNKNOWN_ISSUER = 4,
    /// The certificate was revoked.
    REDIAL_TLS_REVOKED = 5,
    /// The certificate is refused for another reason: signature, purpose, unknown revocation status.
    REDIAL_TLS_BAD_CERTIFICATE = 6,
    /// The client's certificate is missing, refused or can't sign.
    REDIAL_TLS_CLIENT_CERTIFICATE = 7,
    /// The alerts `handshake_failure` and `protocol_version`, or no common cipher.
    REDIAL_TLS_HANDSHAKE_FAILURE = 8,
    /// The alert `internal_error`.
    REDIAL_TLS_INTERNAL_ALERT = 9,
    /// The stream ended during the handshake.
    REDIAL_TLS_EOF = 10,
    /// Anything else.
    REDIAL_TLS_OTHER = 11,
}

/// A [`redial_tls_kind`] as a number.
pub type tls_kind_number = u32;

mirrors!(redial_tls_kind of TlsKind {
    REDIAL_TLS_CERTIFICATE_EXPIRED = TlsKind::CertificateExpired,
    REDIAL_TLS_CERTIFICATE_NOT_YET_VALID = TlsKind::CertificateNotYetValid,
    REDIAL_TLS_NAME_MISMATCH = TlsKind::NameMismatch,
    REDIAL_TLS_UNKNOWN_ISSUER = TlsKind::UnknownIssuer,
    REDIAL_TLS_REVOKED = TlsKind::Revoked,
    REDIAL_TLS_BAD_CERTIFICATE = TlsKind::BadCertificate,
    REDIAL_TLS_CLIENT_CERTIFICATE = TlsKind::ClientCertificate,
    REDIAL_TLS_HANDSHAKE_FAILURE = TlsKind::HandshakeFailure,
    REDIAL_TLS_INTERNAL_ALERT = TlsKind::InternalAlert,
    REDIAL_TLS_EOF = TlsKind::Eof,
    REDIAL_TLS_OTHER = TlsKind::Other,
});

/// The word of a tls kind, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_tls_kind_name(number: tls_kind_number) -> *const c_char {
    redial_tls_kind::word(number)
}

/// The kind of a cause, some of which have a `detail`.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_cause_kind {
    /// The peer sent a close frame, or the protocol's own disconnect. `detail`: its code; 1005 where it has none.
    REDIAL_CAUSE_CLOSE_FRAME = 1,
    /// The transport ended without a close frame.
    REDIAL_CAUSE_NO_CLOSE_FRAME = 2,
    /// The server answered the upgrade with an HTTP status. `detail`: the status.
    REDIAL_CAUSE_HTTP = 3,
    /// The socket or the name lookup failed. `detail`: a `redial_io_kind`; `redial_errno.h` has it for an `errno`.
    REDIAL_CAUSE_IO = 4,
    /// TLS failed. `detail`: a `redial_tls_kind`.
    REDIAL_CAUSE_TLS = 5,
    /// A timeout of the program passed.
    REDIAL_CAUSE_TIMEOUT = 6,
    /// The program classifies the cause itself. `detail`: a `redial_class`.
    REDIAL_CAUSE_CLASS = 7,
    /// The transport did not open in time.
    REDIAL_CAUSE_CONNECT_TIMEOUT = 8,
    /// The greeting did not come in time.
    REDIAL_CAUSE_GREETING_TIMEOUT = 9,
    /// The session was not established or resumed in time.
    REDIAL_CAUSE_READY_TIMEOUT = 10,
    /// The authentication was not answered in time.
    REDIAL_CAUSE_AUTH_TIMEOUT = 11,
    /// A heartbeat was not acknowledged in time.
    REDIAL_CAUSE_HEARTBEAT_MISSED = 12,
    /// A message could not be sent.
    REDIAL_CAUSE_SEND_FAILED = 13,
    /// The server asked for a reconnect.
    REDIAL_CAUSE_RECONNECT_REQUESTED = 14,
    /// The server refused the session, which is dropped.
    REDIAL_CAUSE_SESSION_INVALID = 15,
    /// The server refused to resume the session now; it may be resumed later.
    REDIAL_CAUSE_SESSION_INVALID_RESUMABLE = 16,
    /// The greeting has no heartbeat interval, which the config requires.
    REDIAL_CAUSE_BAD_GREETING = 17,
    /// The host reported that the network is down.
    REDIAL_CAUSE_NETWORK_DOWN = 18,
    /// The host resumed from a sleep.
    REDIAL_CAUSE_HOST_SUSPENDED = 19,
    /// The credential was rejected, on an open connection or by its source.
    REDIAL_CAUSE_AUTH_REJECTED = 20,
    /// The credential was rejected, and so would be any other.
    REDIAL_CAUSE_AUTH_DENIED = 21,
    /// The subscriptions could not be restored.
    REDIAL_CAUSE_RESTORE_FAILED = 22,
    /// The cause is not known.
    REDIAL_CAUSE_UNKNOWN = 23,
}

/// A [`redial_cause_kind`] as a number.
pub type cause_kind_number = u32;

// The kinds without a detail.
mirrors!(redial_cause_kind of Cause {
    REDIAL_CAUSE_NO_CLOSE_FRAME = Cause::NoCloseFrame,
    REDIAL_CAUSE_TIMEOUT = Cause::Timeout,
    REDIAL_CAUSE_CONNECT_TIMEOUT = Cause::ConnectTimeout,
    REDIAL_CAUSE_GREETING_TIMEOUT = Cause::GreetingTimeout,
    REDIAL_CAUSE_READY_TIMEOUT = Cause::ReadyTimeout,
    REDIAL_CAUSE_AUTH_TIMEOUT = Cause::AuthTimeout,
    REDIAL_CAUSE_HEARTBEAT_MISSED = Cause::HeartbeatMissed,
    REDIAL_CAUSE_SEND_FAILED = Cause::SendFailed,
    REDIAL_CAUSE_RECONNECT_REQUESTED = Cause::ReconnectRequested,
    REDIAL_CAUSE_SESSION_INVALID = Cause::SessionInvalid,
    REDIAL_CAUSE_SESSION_INVALID_RESUMABLE = Cause::SessionInvalidResumable,
    REDIAL_CAUSE_BAD_GREETING = Cause::BadGreeting,
    REDIAL_CAUSE_NETWORK_DOWN = Cause::NetworkDown,
    REDIAL_CAUSE_HOST_SUSPENDED = Cause::HostSuspended,
    REDIAL_CAUSE_AUTH_REJECTED = Cause::AuthRejected,
    REDIAL_CAUSE_AUTH_DENIED = Cause::AuthDenied,
    REDIAL_CAUSE_RESTORE_FAILED = Cause::RestoreFailed,
    REDIAL_CAUSE_UNKNOWN = Cause::Unknown,
});

/// Why an attempt or a connection ended. Zero is no cause.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct redial_cause {
    /// The kind.
    pub kind: cause_kind_number,
    /// A code, a status, or the number of another enum: see `redial_cause_kind`. Otherwise 0.
    pub detail: u32,
}

impl redial_cause {
    /// No cause.
    pub(crate) const NONE: Self = Self { kind: 0, detail: 0 };

    pub(crate) const fn of(cause: Cause) -> Self {
        let (kind, detail) = match cause {
            Cause::CloseFrame(code) => (redial_cause_kind::REDIAL_CAUSE_CLOSE_FRAME as u32, code as u32),
            Cause::Http(status) => (redial_cause_kind::REDIAL_CAUSE_HTTP as u32, status as u32),
            Cause::Io(kind) => (redial_cause_kind::REDIAL_CAUSE_IO as u32, redial_io_kind::of(kind)),
            Cause::Tls(kind) => (redial_cause_kind::REDIAL_CAUSE_TLS as u32, redial_tls_kind::of(kind)),
            Cause::Class(class) => (redial_cause_kind::REDIAL_CAUSE_CLASS as u32, redial_class::of(class)),
            cause => (redial_cause_kind::of(cause), 0),
        };
        Self { kind, detail }
    }

    /// The cause that the caller means; `None` where it is none.
    pub(crate) fn read(self) -> Option<Cause> {
        let code = u16::try_from(self.detail).ok();
        if self.kind == redial_cause_kind::REDIAL_CAUSE_CLOSE_FRAME as u32 {
            code.map(Cause::CloseFrame)
        } else if self.kind == redial_cause_kind::REDIAL_CAUSE_HTTP as u32 {
            code.map(Cause::Http)
        } else if self.kind == redial_cause_kind::REDIAL_CAUSE_IO as u32 {
            redial_io_kind::read(self.detail).map(Cause::Io)
        } else if self.kind == redial_cause_kind::REDIAL_CAUSE_TLS as u32 {
            redial_tls_kind::read(self.detail).map(Cause::Tls)
        } else if self.kind == redial_cause_kind::REDIAL_CAUSE_CLASS as u32 {
            redial_class::read(self.detail).map(Cause::Class)
        } else {
            redial_cause_kind::read(self.kind)
        }
    }
}

/// Writes a cause in one word, with the number of a code or a status: `connection_refused`, `close_4004`, `http_503`; "unknown" for
/// one that is none. Returns the length of the whole, as `snprintf`.
///
/// # Safety
/// `text` is null, or points to `capacity` bytes that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_cause_text(cause: redial_cause, text: *mut c_char, capacity: usize) -> usize {
    let cause = cause.read().unwrap_or(Cause::Unknown);
    // SAFETY: the caller stands for it.
    unsafe { print(&cause, text, capacity) }
}
