//! Servers that mean it ill, or are broken: whatever they do, the client stays small, keeps its timers, and comes back.

#[path = "answers.rs"]
mod answers;

use tokio::time::{Instant, sleep};

use super::{AsyncReadExt, AsyncWriteExt, CloseFrame};
use super::{
    Duration, JoinHandle, LIMIT, MEMORY_KIB, Message, OnceLock, Ran, SinkExt, Socket, StreamExt, TcpListener,
    TcpStream, Value, close, event, fast, file, hear, hello, json, listener, say, timeout,
};

/// The client, which ends by itself if the server's part of a test fails.
async fn client(listener: &TcpListener, more: &[&str]) -> JoinHandle<Ran> {
    super::client(listener, &[&["--for", "40"], more].concat()).await
}

/// As [`fast`], and however often an answer or a message is broken, that is not final.
fn patient() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let config = json!({
            "backoff": { "initial_ms": 20, "max_ms": 50, "max_fresh_ms": null, "floor_ms": 10 },
            "connect_timeout_ms": 400,
            "hint": { "max_ms": 50 },
            "resume": { "max_failures": 100, "invalid_wait_ms": [10, 50] },
            "classify": { "overrides": [{ "io": "invalid_data", "class": "transient" }] },
        });
        file("patient", &config.to_string())
    })
}

async fn accept(listener: &TcpListener) -> Socket {
    timeout(LIMIT / 3, super::accept(listener)).await.expect("the client comes back")
}

/// Hello, with this in it.
fn hello_with(interval: Value) -> Value {
    json!({ "op": 10, "d": { "heartbeat_interval": interval } })
}

fn ready(id: &str, s: Value) -> Value {
    json!({ "op": 0, "t": "READY", "s": s, "d": { "session_id": id } })
}

/// Greets and makes a session, or takes up the one there is, whichever the client asks for.
async fn session(listener: &TcpListener) -> Socket {
    let mut socket = accept(listener).await;
    say(&mut socket, hello()).await;
    let answer = match hear(&mut socket).await["op"].as_u64() {
        Some(2) => ready("one", json!(1)),
        Some(6) => json!({ "op": 0, "t": "RESUMED", "s": null, "d": {} }),
        other => panic!("{other:?}"),
    };
    say(&mut socket, answer).await;
    socket
}

/// Writes until the client has gone.
async fn flood(stream: &mut TcpStream, chunk: &[u8], pause: Duration) {
    while stream.write_all(chunk).await.is_ok() {
        sleep(pause).await;
    }
}

/// Ends the client for good.
async fn fatal(socket: Socket) {
    close(socket, 4004).await;
}

/// A server that sends pings and reads no pong: what can't be written is bounded, and the connection is lost although
/// the next heartbeat is far away.
#[tokio::test(flavor = "multi_thread")]
async fn pongs_that_nobody_reads_are_bounded_and_end_in_a_loss() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut stream = session(&listener).await.into_inner();
    let ping = [&[0x89, 125][..], &[b'p'; 125]].concat();
    flood(&mut stream, &ping.repeat(1_000), Duration::from_millis(2)).await;
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let lost = ran.named("closed").next().unwrap();
    assert_eq!(lost["cause"], "timed_out", "{lost}");
    assert_eq!(ran.named("resume").count(), 1);
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// A message in endless pieces, each of them empty. Nothing of it is ever a message, and heartbeats are due meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn endless_empty_fragments_hold_up_no_timer() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut socket = accept(&listener).await;
    say(&mut socket, hello_with(json!(400))).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    say(&mut socket, ready("one", json!(1))).await;
    let mut stream = socket.into_inner();
    stream.write_all(&[0x01, 0x00]).await.unwrap();
    let start = Instant::now();
    flood(&mut stream, &[0; 64 << 10], Duration::ZERO).await;
    let flooded = start.elapsed();
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let lost = ran.named("close").next().unwrap();
    assert_eq!(lost["cause"], "missed_beat", "{lost}");
    let (beat, lost) = (ran.numbers("beat", "t")[0], lost["t"].as_u64().unwrap());
    println!("beat {beat}, lost {lost}, flooded {flooded:?}");
    assert!(lost - beat < 4_000, "due after 400 ms, seen after {} ms", lost - beat);
    assert_eq!(ran.named("resume").count(), 1);
}

/// Thousands of messages of each useless sort: a few lines, and a count of those that were left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_nonsense_is_counted_and_not_listed() {
    const MANY: u64 = 20_000;
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let socket = session(&listener).await;
    let (mut sink, mut stream) = socket.split();
    let heard = tokio::spawn(async move {
        while let Some(Ok(_)) = stream.next().await {}
        stream
    });
    let useless =
        [json!(7.5).to_string(), hello().to_string(), event(1).to_string(), json!({ "op": 1 }).to_string()];
    for _ in 0..MANY {
        for text in &useless {
            sink.feed(Message::text(text.clone())).await.unwrap();
        }
    }
    for text in [event(2).to_string(), event(3).to_string()] {
        sink.send(Message::text(text)).await.unwrap();
    }
    let frame = CloseFrame { code: 4004.into(), reason: "".into() };
    sink.send(Message::Close(Some(frame))).await.unwrap();
    drop((heard.await.unwrap(), sink));
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(1));
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3]);
    assert!(ran.lines.len() < 3_000, "{} lines", ran.lines.len());
    for (kind, many) in [("bad_frame", MANY), ("inapplicable", 2 * MANY), ("beat_requested", MANY)] {
        let listed = ran.named(kind).count() as u64;
        let left_out = ran.named("left_out").filter(|line| line["event"] == kind);
        let counted: u64 = left_out.map(|line| line["count"].as_u64().unwrap()).sum();
        assert_eq!(listed + counted, many, "{kind}");
        assert!(listed >= 50, "{kind}");
    }
}

/// Numbers that no server counts up to. They are no numbers: the events are delivered, later ones are not taken for
/// old, and the resume asks for what was seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_number_that_cannot_be_right_does_not_make_the_client_deaf() {
    let wild = [
        json!(u64::MAX),
        json!(1_u64 << 53),
        json!(i64::MAX),
        json!(1_u64 << 40),
        json!(100_000),
        json!(1e300),
    ];
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    say(&mut socket, ready("one", json!(u64::MAX))).await;
    say(&mut socket, event(1)).await;
    for s in &wild {
        say(&mut socket, json!({ "op": 0, "t": "WILD", "s": s, "d": {} })).await;
    }
    for s in [json!(-1), json!("7"), json!(2.5), json!([9]), json!({ "s": 9 })] {
        say(&mut socket, json!({ "op": 0, "t": "NONE", "s": s, "d": {} })).await;
    }
    // As some libraries write it.
    say(&mut socket, json!({ "op": 0, "t": "TWO", "s": 2.0, "d": {} })).await;
    say(&mut socket, event(3)).await;
    close(socket, 4000).await;

    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    let resume = hear(&mut socket).await;
    assert_eq!((resume["op"].clone(), resume["d"]["seq"].clone()), (json!(6), json!(3)));
    say(&mut socket, event(4)).await;
    say(&mut socket, json!({ "op": 0, "t": "RESUMED", "s": u64::MAX, "d": {} })).await;
    say(&mut socket, event(5)).await;
    say(&mut socket, json!({ "op": 1 })).await;
    let beat = loop {
        let message = timeout(LIMIT, socket.next()).await.unwrap().unwrap().unwrap();
        let beat: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        if beat["d"] != 3 {
            break beat;
        }
    };
    assert_eq!((beat["op"].clone(), beat["d"].clone()), (json!(1), json!(5)));
    fatal(socket).await;

    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let seen: Vec<_> = ran.named("dispatch").map(|line| line["seq"].as_u64()).collect();
    let unnumbered = [None; 11];
    assert_eq!(seen, [&[Some(1)][..], &unnumbered, &[Some(2), Some(3), Some(4), Some(5)]].concat());
    assert_eq!(ran.named("bad_frame").count(), 13);
    assert!(
        ran.named("bad_frame").all(|line| line["detail"].as_str().unwrap().contains("no sequence number"))
    );
}

/// Names of a megabyte are neither kept nor shown, and a message full of tiny objects does not become a tree.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_huge_inside_of_a_message_is_not_kept() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let huge = "x".repeat(1_000_000);
    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    say(&mut socket, ready(&huge, json!(1))).await;
    say(&mut socket, json!({ "op": 0, "t": huge, "s": 2, "d": {} })).await;
    let objects = vec![r#"{"":0}"#; 140_000].join(",");
    for field in ["d", "s", "t", "op"] {
        let text = format!(r#"{{"{field}":[{objects}]}}"#);
        socket.send(Message::text(text)).await.unwrap();
    }
    close(socket, 4000).await;

    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2, "a session whose id is not kept can't be resumed");
    let d = json!({ "session_id": "two", "resume_gateway_url": format!("ws://{huge}") });
    say(&mut socket, json!({ "op": 0, "t": "READY", "s": 1, "d": d })).await;
    close(socket, 4000).await;

    let socket = session(&listener).await;
    fatal(socket).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let longest = ran.lines.iter().map(|line| line.to_string().len()).max().unwrap();
    assert!(longest < 1_000, "{longest} bytes in a line");
    assert_eq!(ran.named("resume").count(), 1);
    let too_long = |line: &&Value| line["detail"].as_str().unwrap().contains("too long");
    assert_eq!(ran.named("bad_frame").filter(too_long).count(), 2);
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// Whatever breaks WebSocket is one loss, and the session is resumed after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_websocket_is_a_loss() {
    let long_reason = [&[0x88, 126, 0, 200, 0x03, 0xe8][..], &[b'r'; 198]].concat();
    let half = [&[0x81, 126, 0, 200][..], &[b'h'; 50]].concat();
    let cases: &[(&str, &[u8])] = &[
        ("a compressed message that nobody asked for", &[0xc1, 3, 0x4a, 0x04, 0x00]),
        ("an unknown kind of data", &[0x83, 0]),
        ("an unknown kind of control", &[0x8b, 0]),
        ("a masked message", &[0x81, 0x82, 1, 2, 3, 4, b'{' ^ 1, b'}' ^ 2]),
        ("a fragmented ping", &[0x09, 0]),
        ("a ping of 200 bytes", &[&[0x89, 126, 0, 200][..], &[b'p'; 200]].concat()),
        ("a continuation of nothing", &[0x80, 0]),
        ("a message between fragments", &[0x01, 0, 0x81, 0]),
        ("a close frame of one byte", &[0x88, 1, 0x03]),
        ("a close reason of 198 bytes", &long_reason),
        ("half a message", &half),
        ("half a header", &[0x81]),
        ("HTTP", b"HTTP/1.1 200 OK\r\n\r\n"),
    ];
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    for (name, bytes) in cases {
        println!("{name}");
        let mut stream = session(&listener).await.into_inner();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        // Until the client has gone.
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    }
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(1));
    assert_eq!(ran.named("closed").count(), cases.len() + 1, "one loss each, and the end");
    assert_eq!(ran.named("resume").count(), cases.len());
}

/// Close codes that nobody may send are a protocol error, whatever the server meant by them.
#[tokio::test(flavor = "multi_thread")]
async fn close_codes_that_nobody_may_send_are_a_protocol_error() {
    let listener = listener().await;
    let client = client(&listener, &["--config", patient()]).await;
    let codes = [0, 1005, 1006, 65_535_u16];
    for code in codes {
        let mut stream = session(&listener).await.into_inner();
        stream.write_all(&[&[0x88, 2][..], &code.to_be_bytes()].concat()).await.unwrap();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    }
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.numbers("closed", "code"), [1002, 1002, 1002, 1002, 4004]);
}

/// A message that can't be taken starts a new session, because a resume would bring it again. One in fragments is as
/// bounded as one in a piece.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_taken_is_not_asked_for_again() {
    let fragment = [&[0x00, 126, 0xff, 0xff][..], &[b'x'; 65_535]].concat();
    let endless = [&[0x01, 0][..], &fragment.repeat(17)].concat();
    let cases: [&[u8]; 6] = [
        &endless,
        &[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255],
        &[0x81, 2, 0xc3, 0x28],
        &[0x81, 1, 0xc3],
        &[0x01, 1, 0xc3, 0x80, 1, 0x28],
        &[0x88, 4, 0x03, 0xe9, 0xc3, 0x28],
    ];
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    for bytes in cases {
        let mut stream = session(&listener).await.into_inner();
        stream.write_all(bytes).await.unwrap_or_default();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    }
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.named("closed").filter(|line| line["cause"] == "fresh").count(), cases.len());
    assert_eq!((ran.named("identify").count(), ran.named("resume").count()), (cases.len() + 1, 0));
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// A hello that can't be used ends the connection; a second one changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_hello_is_survived() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let unusable = [json!(0), json!(-5), json!(0.5), json!("45000"), json!(null), json!([45000])];
    for interval in &unusable {
        let mut socket = accept(&listener).await;
        say(&mut socket, hello_with(interval.clone())).await;
        while let Some(Ok(message)) = timeout(LIMIT, socket.next()).await.unwrap() {
            assert!(message.is_close(), "{interval}: {message}");
        }
    }
    for interval in [json!(1_u64 << 53), json!(u64::MAX), json!(1e300), json!(45_000.0)] {
        let mut socket = accept(&listener).await;
        say(&mut socket, hello_with(interval)).await;
        let op = hear(&mut socket).await["op"].clone();
        say(&mut socket, if op == 2 { ready("one", json!(1)) } else { json!({ "op": 0, "t": "RESUMED" }) })
            .await;
        // Neither of these is obeyed: the first would be a heartbeat each millisecond.
        say(&mut socket, hello_with(json!(1))).await;
        say(&mut socket, hello_with(json!(0))).await;
        assert!(timeout(Duration::from_millis(100), socket.next()).await.is_err());
        close(socket, 4000).await;
    }
    fatal(session(&listener).await).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let bad = ran.named("close").filter(|line| line["cause"] == "bad_greeting").count();
    assert_eq!(bad, unusable.len());
    assert_eq!(ran.named("greeting").count(), unusable.len() + 5, "{:#?}", ran.lines);
    assert_eq!(ran.named("inapplicable").count(), 8);
    assert_eq!((ran.named("identify").count(), ran.named("resume").count()), (1, 4));
}

/// READY and RESUMED that nobody asked for change nothing, and "invalid session" is a loss in every phase.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_out_of_turn_is_survived() {
    let resumed = || json!({ "op": 0, "t": "RESUMED", "s": null, "d": {} });
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;

    let mut socket = accept(&listener).await;
    say(&mut socket, ready("early", json!(1))).await;
    say(&mut socket, resumed()).await;
    say(&mut socket, json!({ "op": 11 })).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    say(&mut socket, resumed()).await;
    say(&mut socket, ready("one", json!(1))).await;
    say(&mut socket, ready("one", json!(1))).await;
    say(&mut socket, resumed()).await;
    say(&mut socket, event(2)).await;
    close(socket, 4000).await;

    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    let resume = hear(&mut socket).await;
    assert_eq!((resume["d"]["session_id"].clone(), resume["d"]["seq"].clone()), (json!("one"), json!(2)));
    say(&mut socket, resumed()).await;
    say(&mut socket, resumed()).await;
    say(&mut socket, event(3)).await;
    // Before the hello, before the answer and after it; at first it may be resumed, then it is gone.
    for resumable in [true, false] {
        for phase in 0..3 {
            if phase > 0 {
                say(&mut socket, hello()).await;
                let op = hear(&mut socket).await["op"].clone();
                if phase > 1 {
                    say(&mut socket, if op == 2 { ready("one", json!(1)) } else { resumed() }).await;
                }
            }
            say(&mut socket, json!({ "op": 9, "d": resumable })).await;
            while let Some(Ok(_)) = timeout(LIMIT, socket.next()).await.unwrap() {}
            socket = accept(&listener).await;
        }
    }
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2, "the session is gone");
    fatal(socket).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3]);
    assert_eq!(ran.named("session_invalid").count(), 6);
    assert_eq!((ran.named("ready").count(), ran.named("resumed").count()), (3, 2), "{:#?}", ran.lines);
}

/// Two READYs on one connection are two sessions: the numbers of the second are its own, and none of its events is taken
/// for one of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_ready_loses_no_event() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut socket = session(&listener).await;
    for s in 2..10 {
        say(&mut socket, event(s)).await;
    }
    say(&mut socket, ready("two", json!(1))).await;
    for s in 2..5 {
        say(&mut socket, event(s)).await;
    }
    close(socket, 4000).await;
    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    let resume = hear(&mut socket).await;
    assert_eq!((resume["d"]["session_id"].clone(), resume["d"]["seq"].clone()), (json!("two"), json!(4)));
    fatal(socket).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4]);
}

/// A server that goes on and on where it should hang up holds up neither the next dial nor the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_is_never_answered_is_not_waited_for() {
    let listener = listener().await;
    let client = super::client(&listener, &["--for", "3", "--config", fast()]).await;
    let ping = [&[0x89, 125][..], &[b'p'; 125]].concat().repeat(1_000);
    let mut floods = Vec::new();
    for last in [false, true] {
        let mut socket = session(&listener).await;
        if !last {
            say(&mut socket, json!({ "op": 7 })).await;
        }
        let (mut stream, ping) = (socket.into_inner(), ping.clone());
        floods.push(tokio::spawn(async move { flood(&mut stream, &ping, Duration::from_millis(2)).await }));
    }
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    for flood in floods {
        timeout(LIMIT, flood).await.unwrap().unwrap();
    }
    assert_eq!(ran.status, Some(0));
    assert_eq!((ran.named("resume").count(), ran.numbers("open", "epoch")), (1, vec![1, 2]));
    let (asked, next) = (ran.numbers("please_reconnect", "t")[0], ran.numbers("open", "t")[1]);
    assert!(next - asked < 2_000, "dialled after {} ms", next - asked);
    let (stop, end) = (ran.numbers("stop", "t")[0], ran.numbers("stopped", "t")[0]);
    assert!(end - stop < 3_000, "ended after {} ms", end - stop);
}
