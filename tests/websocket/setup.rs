//! What can be wrong before anything is dialled.

use core::time::Duration;

use redial::ConfigError;
use redial::websocket::{Limits, SetupError, UrlFault, connect};

#[test]
fn what_is_wrong_is_said_before_anything_is_dialled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let wrong = |connect: redial::websocket::Connect<_>| connect.spawn().unwrap_err();
    let header = |name: &str| SetupError::Header(name.to_owned());
    let good = || connect("ws://127.0.0.1:9");
    for (error, expected) in [
        (wrong(good().header("a b", "x")), header("a b")),
        (wrong(good().header("a", "x\r\nb: c")), header("a")),
        (wrong(good().origin("\n")), header("Origin")),
        (wrong(good().header("Host", "x")), SetupError::ReservedHeader("Host".to_owned())),
        (wrong(good().subprotocol("a,b")), SetupError::Subprotocol("a,b".to_owned())),
        (wrong(good().subprotocol("a").subprotocol("a")), SetupError::Subprotocol("a".to_owned())),
        (wrong(good().close_reason(&"x".repeat(124))), SetupError::CloseReason),
        (wrong((0..8).fold(good(), |connect, _| connect.or("ws://127.0.0.1:9"))), SetupError::TooManyUrls),
        // Of several the first.
        (wrong(good().header("a b", "x").close_reason(&"x".repeat(124))), header("a b")),
    ] {
        assert_eq!(error, expected);
        let words = error.to_string();
        assert!(words.contains("; ") && !words.contains('\n') && words.len() < 250, "{words}");
    }
    for (url, fault) in [
        ("", UrlFault::Empty),
        ("http://h", UrlFault::Http),
        ("wss://h:0", UrlFault::Port),
        ("h:1", UrlFault::NoScheme),
    ] {
        match (wrong(connect(url)), wrong(good().or(url))) {
            (SetupError::Url(error), SetupError::Url(second)) => {
                assert_eq!((error.reason, second.reason), (fault, fault));
            }
            other => panic!("{url}: {other:?}"),
        }
    }
    assert!(good().close_reason(&"x".repeat(123)).spawn().is_ok());
    assert!((0..7).fold(good(), |connect, _| connect.or("ws://127.0.0.1:9")).spawn().is_ok());
}

/// F110: a query, a user name and the value of a header may be secrets, in what is set up and in what comes of it.
#[test]
fn what_may_be_secret_is_not_shown() {
    let connect = |second: &str| {
        connect("wss://h/path?token=s3cret").or(second).header("X-Api-Key", "s3cret").subprotocol("feed")
    };
    let wrong = connect("ws://u:s3cret@i:81");
    let shown = format!("{wrong:?}") + &format!("{:?}", wrong.client().unwrap_err());
    assert!(!shown.contains("s3cret"), "{shown}");
    for part in ["wss://h/path", "ws://…@i:81", "x-api-key"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = format!("{:?}", connect("wss://i?s3cret").client().unwrap());
    assert!(!shown.contains("s3cret") && shown.contains("wss://h/path"), "{shown}");
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let error = connect("ws://127.0.0.1:9").spawn().unwrap_err();
    assert_eq!(error, SetupError::NoRuntime);
    // The driver of one's own needs none to be set up.
    assert!(connect("ws://127.0.0.1:9").client().is_ok());
}

#[test]
fn no_limit_is_zero() {
    let limits = Limits::new();
    for wrong in [limits.message(0), limits.outgoing(0), limits.headers(0), limits.stall(Duration::ZERO)] {
        assert_eq!(wrong.build(), Err(ConfigError::LimitZero));
    }
    assert_eq!(limits.message(7).build().map(|limits| limits.message()), Ok(7));
    assert_eq!(limits.build(), Ok(Limits::default()));
}

/// A client and all that it promises can be used where tasks move between threads.
#[test]
fn everything_may_change_threads() {
    fn free<T: Send + Sync>(value: T) -> T {
        value
    }
    fn sent<T: Send>(_: T) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let mut socket = free(connect("ws://127.0.0.1:9").spawn().unwrap());
    sent(socket.send("x"));
    sent(free(socket.sender()).send("x"));
    sent(socket.online());
    sent(socket.closed());
    sent(socket.recv());
    sent(socket.close());
}
