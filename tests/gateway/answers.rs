//! Answers to the upgrade that are none, say no, or say when to come again.

use super::*;

/// Reads the request of an upgrade and answers with this.
async fn answer(listener: &TcpListener, bytes: &[u8]) -> TcpStream {
    let (mut stream, _) =
        timeout(LIMIT / 3, listener.accept()).await.expect("the client comes back").unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    // The client may have gone before the end of it.
    stream.write_all(bytes).await.unwrap_or_default();
    stream
}

/// Whatever an upgrade is answered with, short of a verdict about the service, the session is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none_cost_no_session() {
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    close(session(&listener).await, 4000).await;
    let headers = (0..200).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let many = format!("HTTP/1.1 503 No\r\n{headers}\r\n");
    let long = format!("HTTP/1.1 503 No\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let answers: [&[u8]; 13] = [
        b"",
        b"\0\0\0\0",
        &[0xff; 4096],
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 1000 No\r\n\r\n",
        b"HTTP/1.1 -503 No\r\n\r\n",
        b"HTTP/2.0 503 No\r\n\r\n",
        b"HTTP/1.1 503 No\r\nno header\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 503 No\r\nRetry-After: 0\r\n",
        many.as_bytes(),
        long.as_bytes(),
    ];
    for bytes in answers {
        drop(answer(&listener, bytes).await);
    }
    // A byte at a time, and then nothing more: neither takes longer than a dial may.
    let mut slow = answer(&listener, b"HTTP/1.1 101 ").await;
    flood(&mut slow, b"x", Duration::from_millis(20)).await;
    let mute = answer(&listener, b"").await;
    fatal(session(&listener).await).await;
    drop((slow, mute));
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.named("open_failed").count(), answers.len() + 2);
    assert_eq!(ran.named("resume").count(), 1, "the last dial resumes");
    let timeouts = ran.named("open_failed").filter(|line| line["cause"] == "connect_timeout").count();
    assert_eq!(timeouts, 2);
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// How long to wait is handed on as it was asked for: clamped where a number can't hold it, the longest of several, and
/// of proxies that speak HTTP/1.0, too.
#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_retry_after_is_understood() {
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    const LONGEST: Option<u64> = Some(u64::MAX);
    let answers = [
        ("HTTP/1.1 503 No\r\nRetry-After: 99999999999999999999999\r\n\r\n", LONGEST),
        ("HTTP/1.1 503 No\r\nretry-after: 1\r\nRetry-After: 18446744073709551616\r\n\r\n", LONGEST),
        ("HTTP/1.1 503 No\r\nRetry-After: 30\r\nRetry-After: soon\r\nRetry-After: 10\r\n\r\n", Some(30_000)),
        ("HTTP/1.1 503 No\r\nRetry-After: -30\r\n\r\n", None),
        ("HTTP/1.1 503 No\r\nRetry-After: \r\n\r\n", None),
        ("HTTP/1.1 503 No\r\nRetry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n\r\n", Some(0)),
        ("HTTP/1.0 503 No\r\nRetry-After: 30\r\n\r\n", Some(30_000)),
        ("HTTP/1.0 502 No\r\n\r\n", None),
    ];
    for (text, _) in &answers {
        drop(answer(&listener, text.as_bytes()).await);
    }
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let asked: Vec<_> = ran.named("open_failed").map(|line| line["retry_after"].as_u64()).collect();
    assert_eq!(asked, answers.map(|(_, asked)| asked));
    let causes: Vec<_> = ran.named("open_failed").map(|line| line["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, [&["http_503"; 7][..], &["http_502"]].concat());
}

/// What an upgrade is answered with while a service is deployed is waited for by a client that was connected before; the
/// fifth such answer in a row is final, and any other failure begins a new row.
#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_waited_for() {
    const ANSWERS: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 404 No\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n",
        b"HTTP/1.1 410 Gone\r\n\r\n",
    ];
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    close(session(&listener).await, 4000).await;
    for bytes in ANSWERS {
        drop(answer(&listener, bytes).await);
    }
    drop(answer(&listener, b"HTTP/1.1 503 No\r\n\r\n").await);
    for bytes in ANSWERS {
        drop(answer(&listener, bytes).await);
    }
    close(session(&listener).await, 4000).await;
    for bytes in ANSWERS {
        drop(answer(&listener, bytes).await);
    }
    drop(answer(&listener, ANSWERS[1]).await);
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(1));
    assert_eq!((ran.named("open_failed").count(), ran.named("resume").count()), (14, 1));
    assert_eq!(ran.named("gave_up").next().unwrap()["cause"], "http_404");
}

/// A service that was never there is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_was_is_given_up_at_once() {
    for status in [200, 302, 404] {
        let listener = listener().await;
        let client = client(&listener, &["--config", patient()]).await;
        drop(answer(&listener, format!("HTTP/1.1 {status} No\r\n\r\n").as_bytes()).await);
        let ran = timeout(LIMIT, client).await.unwrap().unwrap();
        assert_eq!((ran.status, ran.named("open").count()), (Some(1), 1), "{status}");
        assert_eq!(ran.named("gave_up").next().unwrap()["reason"], "fatal");
    }
}

/// A ban that says how long it lasts is waited for, from the first dial on; the fourth in a row is final.
#[tokio::test(flavor = "multi_thread")]
async fn a_ban_with_an_end_is_waited_for() {
    let ban = |status: u16| format!("HTTP/1.1 {status} No\r\nRetry-After: 7\r\n\r\n").into_bytes();
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    for status in [418, 403, 418] {
        drop(answer(&listener, &ban(status)).await);
    }
    close(session(&listener).await, 4000).await;
    for status in [403, 418, 403, 418] {
        drop(answer(&listener, &ban(status)).await);
    }
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(1));
    assert_eq!(ran.numbers("open_failed", "retry_after"), [7_000; 7]);
    assert_eq!(ran.named("gave_up").next().unwrap()["cause"], "http_418");
}
