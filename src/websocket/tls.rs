//! TLS by rustls: the default configuration, and ALPN.

use std::string::ToString;
use std::sync::{Arc, OnceLock};
use std::vec;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::SetupError;

/// TLS 1.2 and 1.3, the roots of Mozilla's list, no certificate of the client's own. All clients of the process share it, with its
/// TLS sessions: it has 15 KiB, which is as much as the rest of a connection.
///
/// The list comes with the crate `webpki-roots`, so that a client behaves the same on every host, a container without
/// certificates included. A private root, or those of the host, come with a configuration of the user's.
pub(super) fn default() -> Result<Arc<ClientConfig>, SetupError> {
    static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = DEFAULT.get() {
        return Ok(Arc::clone(config));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?;
    let config = http11(builder.with_root_certificates(roots).with_no_client_auth());
    Ok(Arc::clone(DEFAULT.get_or_init(|| config)))
}

/// The same with ALPN `http/1.1` and nothing else. A proxy that is offered nothing, or HTTP/2, may choose HTTP/2, which has
/// no upgrade: the handshake would fail there and nowhere else.
pub(super) fn http11(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_share_what_all_of_them_have_by_default() {
        let (first, second) = (default().unwrap(), default().unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.alpn_protocols, [b"http/1.1"]);
    }
}
