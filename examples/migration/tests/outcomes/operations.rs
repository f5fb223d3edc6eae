//! Operations that end.

use std::io::ErrorKind;
use std::time::Duration;

use redial_migration::net::{Answer, Server};
use redial_migration::{backoff, tokio_retry, tower};

/// A server that is gone for two dials.
fn soon_back(address: &str) -> Server {
    Server::listen(address, [Answer::Refuse, Answer::Refuse, Answer::Serve(&["hello"], Duration::ZERO)])
}

#[tokio::test(start_paused = true)]
async fn all_get_their_answer_at_the_third_attempt() {
    macro_rules! check {
        ($($name:literal => $call:path,)+) => {$(
            let server = soon_back($name);
            assert_eq!($call($name).await.unwrap(), "hello", $name);
            let dials = server.dials();
            assert_eq!(dials.len(), 3, $name);
            assert!(dials[2] > Duration::ZERO, "{}: it waits", $name);
        )+};
    }
    check! {
        "backoff:1" => backoff::before::first_line,
        "backoff:2" => backoff::after::first_line,
        "tokio_retry:1" => tokio_retry::before::first_line,
        "tokio_retry:2" => tokio_retry::after::first_line,
        "tower:retry:1" => tower::retry_before::first_line,
        "tower:retry:2" => tower::retry_after::first_line,
    }
}

#[tokio::test(start_paused = true)]
async fn retries_end_after_five() {
    macro_rules! check {
        ($($name:literal => $call:path,)+) => {$(
            let server = Server::listen($name, [Answer::Refuse]);
            assert!($call($name).await.is_err(), $name);
            assert_eq!(server.dials().len(), 6, $name);
        )+};
    }
    check! {
        "tokio_retry:3" => tokio_retry::before::first_line,
        "tokio_retry:4" => tokio_retry::after::first_line,
        "tower:retry:3" => tower::retry_before::first_line,
        "tower:retry:4" => tower::retry_after::first_line,
    }
}

#[tokio::test(start_paused = true)]
async fn backoff_what_is_permanent_is_not_retried() {
    let server = Server::listen("backoff:3", [Answer::Forbid]);
    for error in [
        backoff::before::first_line("backoff:3").await.unwrap_err(),
        backoff::after::first_line("backoff:3").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(server.dials().len(), 2);
}

/// backoff reads the system's clock, so that only the new side shows this in virtual time.
#[tokio::test(start_paused = true)]
async fn backoff_the_time_is_limited() {
    let server = Server::listen("backoff:4", [Answer::Refuse]);
    let error = backoff::after::first_line("backoff:4").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let last = *server.dials().last().unwrap();
    assert!(last > Duration::from_secs(780) && last <= Duration::from_secs(900), "{last:?}");
}
