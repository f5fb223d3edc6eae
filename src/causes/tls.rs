//! Errors of rustls.

use rustls::{AlertDescription as Alert, CertificateError as Bad, Error};

use crate::classify::{Cause, TlsKind};

#[cfg_attr(redial_docsrs, doc(cfg(feature = "rustls")))]
impl From<&Error> for Cause {
    /// [`Cause::Tls`] with [`TlsKind`]`::from`.
    fn from(error: &Error) -> Self {
        Self::Tls(error.into())
    }
}

#[cfg_attr(redial_docsrs, doc(cfg(feature = "rustls")))]
impl From<&Error> for TlsKind {
    /// | rustls says | kind |
    /// | --- | --- |
    /// | `InvalidCertificate`: `Expired`, `NotValidYet`, `NotValidForName`, `UnknownIssuer`, `Revoked`, with context or without | [`CertificateExpired`](Self::CertificateExpired), [`CertificateNotYetValid`](Self::CertificateNotYetValid), [`NameMismatch`](Self::NameMismatch), [`UnknownIssuer`](Self::UnknownIssuer), [`Revoked`](Self::Revoked) |
    /// | `InvalidCertificate`: any other; `NoCertificatesPresented`; `InvalidCertRevocationList` | [`BadCertificate`](Self::BadCertificate) |
    /// | `PeerIncompatible`, `NoApplicationProtocol` | [`HandshakeFailure`](Self::HandshakeFailure) |
    /// | `AlertReceived` | as in the conversion of the alert |
    /// | any other | [`Other`](Self::Other) |
    ///
    /// A handshake that ends with the stream is no error of rustls but [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof): where it
    /// is known that it was a handshake, that is [`TlsKind::Eof`].
    fn from(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(bad) => match bad {
                Bad::Expired | Bad::ExpiredContext { .. } => Self::CertificateExpired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::CertificateNotYetValid,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::NameMismatch,
                Bad::UnknownIssuer => Self::UnknownIssuer,
                Bad::Revoked => Self::Revoked,
                _ => Self::BadCertificate,
            },
            Error::NoCertificatesPresented | Error::InvalidCertRevocationList(_) => Self::BadCertificate,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::HandshakeFailure,
            Error::AlertReceived(alert) => (*alert).into(),
            _ => Self::Other,
        }
    }
}

#[cfg_attr(redial_docsrs, doc(cfg(feature = "rustls")))]
impl From<Alert> for TlsKind {
    /// An alert that the server sent ([RFC 8446, section 6.2](https://www.rfc-editor.org/rfc/rfc8446#section-6.2)).
    ///
    /// | alert | kind |
    /// | --- | --- |
    /// | `handshake_failure`, `protocol_version`, `insufficient_security`, `no_application_protocol` | [`HandshakeFailure`](Self::HandshakeFailure) |
    /// | `unrecognized_name`: the server has no certificate for this name | [`NameMismatch`](Self::NameMismatch) |
    /// | `internal_error` | [`InternalAlert`](Self::InternalAlert) |
    /// | `no_certificate`, `bad_certificate`, `unsupported_certificate`, `certificate_revoked`, `certificate_expired`, `certificate_unknown`, `unknown_ca`, `access_denied`, `certificate_required`: it is the client's own that the server has judged | [`ClientCertificate`](Self::ClientCertificate) |
    /// | any other | [`Other`](Self::Other) |
    fn from(alert: Alert) -> Self {
        match alert {
            Alert::HandshakeFailure
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::NoApplicationProtocol => Self::HandshakeFailure,
            Alert::UnrecognisedName => Self::NameMismatch,
            Alert::InternalError => Self::InternalAlert,
            Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired => Self::ClientCertificate,
            _ => Self::Other,
        }
    }
}
