//! `?` in a closure of `driver::supervise`.

use core::time::Duration;
use std::io;

use redial::driver::{DialError, Failure, Outcome, Tokio, supervise};
use redial::policy::{GiveUp, RetryAfter};
use redial::{Cause, Config, IoKind, Policy, SplitMix64, causes, presets};
use tokio::net::TcpStream;

use crate::sockets::{Library, nobody};
use crate::upgrades::refused;

/// An error by `?`, whatever its type.
fn failure(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::from(error)
}

#[test]
fn a_failure_is_what_its_error_says() {
    let name = io::Error::other(std::net::TcpStream::connect(("no-such-name.invalid", 9)).unwrap_err());
    assert_eq!(failure(name).cause(), Cause::Io(IoKind::NameNotFound));
    let error = refused("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(failure(Library(Some(Box::new(error)))).cause(), Cause::Http(401));
    assert_eq!(failure(DialError::NotNow { retry_after: None }).cause(), Cause::Unknown);
    #[cfg(feature = "redis")]
    assert_eq!(
        failure(redis::RedisError::from((redis::ErrorKind::AuthenticationFailed, "no"))).cause(),
        Cause::AuthRejected
    );
    // Without a type of its own.
    assert_eq!(Failure::from(causes::mqtt5(0x87)).cause(), Cause::CloseFrame(0x87));
    assert_eq!(Failure::from(causes::grpc(14)).cause(), Cause::Http(503));
}

/// The wait that a server asks for reaches the policy.
#[test]
fn a_refused_upgrade_brings_what_it_asks_to_wait() {
    let error = refused("HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    let retry_after = Some(RetryAfter::AtLeast(Duration::from_secs(7)));
    assert_eq!(DialError::of(&error), DialError::Failed { cause: Cause::Http(503), retry_after });
    let refused_port = io::Error::from(io::ErrorKind::ConnectionRefused);
    let expected = DialError::Failed { cause: Cause::Io(IoKind::ConnectionRefused), retry_after: None };
    assert_eq!((DialError::of(&refused_port), DialError::from(refused_port)), (expected, expected));
}

/// An unknown name is a matter of the network and is dialled again; what can be no name is given up at once.
#[tokio::test(start_paused = true)]
async fn a_supervised_connection_knows_why_it_was_not_made() {
    const CONFIG: Config = presets::RECOMMENDED.to_builder().max_attempts(Some(2)).build_const();
    for (address, reason, cause) in [
        (nobody().to_string(), GiveUp::MaxAttempts, Cause::Io(IoKind::ConnectionRefused)),
        ("no-such-name.invalid:9".to_owned(), GiveUp::MaxAttempts, Cause::Io(IoKind::NameNotFound)),
        ("no-port.invalid".to_owned(), GiveUp::Fatal, Cause::Io(IoKind::InvalidInput)),
    ] {
        let policy = Policy::new(&CONFIG, SplitMix64::new(7));
        let connect = |_| async { Ok(TcpStream::connect(&address).await?) };
        let mut driver = supervise(policy, Tokio::new(), connect, |_, _| async { Ok(()) });
        match driver.run().await {
            Outcome::GaveUp { reason: why, cause: last, .. } => assert_eq!((why, last), (reason, cause)),
            other => panic!("{other:?}"),
        }
    }
}
