//! Handshakes of rustls with real certificates, of which each side may refuse the other's.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use redial::classify::TlsKind;
use redial::{Cause, IoKind, causes};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivatePkcs8KeyDer, ServerName, UnixTime,
};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig,
    ServerConnection, SupportedProtocolVersion, version,
};
use tokio_rustls::rustls::crypto::ring;

use crate::sockets::{Library, listener};

/// For `localhost`, from 2000 to 2100, signed by itself: `tests/websocket/tls.rs` says how it was made.
const CERTIFICATE: &[u8] = include_bytes!("../websocket/localhost.crt");
const KEY: &[u8] = include_bytes!("../websocket/localhost.key");
/// In which it revokes itself, for the same time. `ca.cnf` has a section `ca` with `default_ca = own`, and a section `own` with
/// `database = index`, `crlnumber = number` and `default_md = sha256`; `index` is empty and `number` has the line `01`.
///
/// ```sh
/// openssl ca -config ca.cnf -cert crt.pem -keyfile key.pem -revoke crt.pem
/// openssl ca -config ca.cnf -cert crt.pem -keyfile key.pem -gencrl \
///     -crl_lastupdate 20000101000000Z -crl_nextupdate 21000101000000Z -out crl.pem
/// openssl crl -in crl.pem -outform DER -out localhost.crl
/// ```
const REVOKED: &[u8] = include_bytes!("localhost.crl");

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(CERTIFICATE)
}

fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    Arc::new(roots)
}

/// Seconds since 1970, for whoever looks at a certificate.
#[derive(Debug)]
struct Clock(u64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// Which the server does not speak.
const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];

const IN_1999: Clock = Clock(946_000_000);
const IN_2026: Clock = Clock(1_795_870_000);
const IN_2101: Clock = Clock(4_135_000_000);

struct Sides {
    name: &'static str,
    clock: Clock,
    versions: &'static [&'static SupportedProtocolVersion],
    roots: Arc<RootCertStore>,
    revoked: bool,
    /// The server asks for a certificate, and the client has none.
    asks: bool,
    alpn: [&'static [u8]; 2],
    /// The server knows certificates for other names only.
    elsewhere: bool,
}

impl Default for Sides {
    fn default() -> Self {
        Self {
            name: "localhost",
            clock: IN_2026,
            versions: rustls::ALL_VERSIONS,
            roots: roots(),
            revoked: false,
            asks: false,
            alpn: [b"a", b"a"],
            elsewhere: false,
        }
    }
}

impl Sides {
    fn client(&self) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let clock = Arc::new(Clock(self.clock.0));
        let builder = ClientConfig::builder_with_details(provider.clone(), clock)
            .with_protocol_versions(self.versions)
            .unwrap();
        let mut verifier = WebPkiServerVerifier::builder_with_provider(self.roots.clone(), provider);
        if self.revoked {
            verifier = verifier.with_crls([CertificateRevocationListDer::from(REVOKED)]);
        }
        let mut config = builder.with_webpki_verifier(verifier.build().unwrap()).with_no_client_auth();
        config.alpn_protocols = vec![self.alpn[0].to_vec()];
        config
    }

    fn server(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13])
            .unwrap();
        let verifier = if self.asks {
            WebPkiClientVerifier::builder_with_provider(roots(), provider).build().unwrap()
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let key = PrivatePkcs8KeyDer::from(KEY).into();
        let builder = builder.with_client_cert_verifier(verifier);
        let mut config = if self.elsewhere {
            builder.with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()))
        } else {
            builder.with_single_cert(vec![certificate()], key).unwrap()
        };
        config.alpn_protocols = vec![self.alpn[1].to_vec()];
        config
    }

    /// What a client is told that reads from this server.
    fn failure(&self) -> io::Error {
        let (listener, address) = listener();
        let config = Arc::new(self.server());
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut tls = ServerConnection::new(config).unwrap();
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
            // What is still to be said of it, and then until the client has read that.
            while tls.wants_write() && tls.write_tls(&mut stream).is_ok() {}
            drop(stream.shutdown(Shutdown::Write));
            while stream.read(&mut [0; 512]).is_ok_and(|read| read > 0) {}
        });
        let mut stream = TcpStream::connect(address).unwrap();
        let name = ServerName::try_from(self.name).unwrap();
        let mut tls = ClientConnection::new(Arc::new(self.client()), name).unwrap();
        let error = rustls::Stream::new(&mut tls, &mut stream).read_exact(&mut [0]).unwrap_err();
        drop(stream);
        server.join().unwrap();
        error
    }
}

/// The error as rustls gives it to whoever reads, as the source of another, and by itself.
fn is(error: &io::Error, kind: TlsKind) {
    assert_eq!(Cause::from(error), Cause::Tls(kind), "{error:?}");
    let own = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!((Cause::from(own), TlsKind::from(own)), (Cause::Tls(kind), kind));
    let library = Library(Some(Box::new(own.clone())));
    assert_eq!(causes::of(&library), Cause::Tls(kind));
}

#[test]
fn the_verdict_on_a_certificate_is_the_cause() {
    let sides = Sides::default;
    is(&Sides { clock: IN_2101, ..sides() }.failure(), TlsKind::CertificateExpired);
    is(&Sides { clock: IN_1999, ..sides() }.failure(), TlsKind::CertificateNotYetValid);
    is(&Sides { name: "feed.example", ..sides() }.failure(), TlsKind::NameMismatch);
    is(&Sides { name: "127.0.0.1", ..sides() }.failure(), TlsKind::NameMismatch);
    is(&Sides { revoked: true, ..sides() }.failure(), TlsKind::Revoked);
    let roots = Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    is(&Sides { roots, ..sides() }.failure(), TlsKind::UnknownIssuer);
    // A server that is trusted and hangs up after the handshake is none of that.
    assert_eq!(Cause::from(&sides().failure()), Cause::Io(IoKind::UnexpectedEof));
}

#[test]
fn the_alert_of_a_server_is_the_cause() {
    let sides = Sides::default;
    is(&Sides { asks: true, ..sides() }.failure(), TlsKind::ClientCertificate);
    is(&Sides { alpn: [b"a", b"b"], ..sides() }.failure(), TlsKind::HandshakeFailure);
    is(&Sides { versions: TLS12, ..sides() }.failure(), TlsKind::HandshakeFailure);
    is(&Sides { elsewhere: true, ..sides() }.failure(), TlsKind::ClientCertificate);
}

/// What a server says only with another library or another certificate.
#[test]
fn every_other_error_of_tls_has_a_kind() {
    for (alert, kind) in [
        (AlertDescription::HandshakeFailure, TlsKind::HandshakeFailure),
        (AlertDescription::InsufficientSecurity, TlsKind::HandshakeFailure),
        (AlertDescription::UnrecognisedName, TlsKind::NameMismatch),
        (AlertDescription::InternalError, TlsKind::InternalAlert),
        (AlertDescription::CertificateExpired, TlsKind::ClientCertificate),
        (AlertDescription::UnknownCA, TlsKind::ClientCertificate),
        (AlertDescription::DecodeError, TlsKind::Other),
        (AlertDescription::Unknown(255), TlsKind::Other),
    ] {
        assert_eq!(TlsKind::from(alert), kind);
        assert_eq!(Cause::from(&Error::AlertReceived(alert)), Cause::Tls(kind));
    }
    for (bad, kind) in [
        (CertificateError::Expired, TlsKind::CertificateExpired),
        (CertificateError::NotValidYet, TlsKind::CertificateNotYetValid),
        (CertificateError::NotValidForName, TlsKind::NameMismatch),
        (CertificateError::BadSignature, TlsKind::BadCertificate),
        (CertificateError::UnknownRevocationStatus, TlsKind::BadCertificate),
        (CertificateError::InvalidPurpose, TlsKind::BadCertificate),
    ] {
        assert_eq!(TlsKind::from(&Error::InvalidCertificate(bad)), kind);
    }
    assert_eq!(TlsKind::from(&Error::NoCertificatesPresented), TlsKind::BadCertificate);
    assert_eq!(TlsKind::from(&Error::DecryptError), TlsKind::Other);
}

/// A kind of the system around it, `InvalidData`, says less than TLS that it can't be told.
#[test]
fn a_server_that_speaks_no_tls_is_an_error_of_tls() {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        while stream.read(&mut [0; 512]).is_ok_and(|read| read > 0) {}
    });
    let mut stream = TcpStream::connect(address).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(Sides::default().client()), name).unwrap();
    let error = rustls::Stream::new(&mut tls, &mut stream).read(&mut [0]).unwrap_err();
    is(&error, TlsKind::Other);
    drop(stream);
    server.join().unwrap();
}
