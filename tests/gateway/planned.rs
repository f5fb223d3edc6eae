//! Planned ends: the client dials the next connection while the one that is to end serves.

use super::{
    Duration, JoinHandle, LIMIT, Ran, Socket, StreamExt, TcpListener, Value, close, event, fast, file, hear,
    hello, json, listener, program, run, say, timeout,
};

/// The client, which ends by itself if the server's part of a test fails.
async fn client(listener: &TcpListener, more: &[&str]) -> JoinHandle<Ran> {
    super::client(listener, &[&["--for", "40"], more].concat()).await
}

async fn accept(listener: &TcpListener) -> Socket {
    timeout(LIMIT / 3, super::accept(listener)).await.expect("the client dials")
}

/// A new session on the first connection, with these events.
async fn first(listener: &TcpListener, events: std::ops::Range<u64>) -> Socket {
    let mut socket = accept(listener).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    say(&mut socket, json!({ "op": 0, "t": "READY", "s": 1, "d": { "session_id": "one" } })).await;
    for s in events {
        say(&mut socket, event(s)).await;
    }
    socket
}

/// The next connection, up to its resume; answers after which number that asks.
async fn resumes(listener: &TcpListener) -> (Socket, u64) {
    let mut socket = accept(listener).await;
    say(&mut socket, hello()).await;
    let resume = hear(&mut socket).await;
    assert_eq!((resume["op"].clone(), resume["d"]["session_id"].clone()), (json!(6), json!("one")));
    let seq = resume["d"]["seq"].as_u64().unwrap();
    (socket, seq)
}

/// What the client closes this with.
async fn closed_with(socket: &mut Socket) -> Option<u16> {
    loop {
        match timeout(LIMIT / 3, socket.next()).await.expect("the client closes")? {
            Ok(message) if message.is_close() => {
                let code = match message {
                    super::Message::Close(frame) => frame.map(|frame| frame.code.into()),
                    _ => None,
                };
                return code;
            }
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

fn resumed(s: u64) -> Value {
    json!({ "op": 0, "t": "RESUMED", "s": s, "d": {} })
}

fn warning(deadline: u64) -> Value {
    json!({ "op": 7, "d": { "deadline_ms": deadline } })
}

/// Both connections bring events, some of them the same, until the old one is closed; each is delivered once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_is_answered_by_a_successor_while_the_connection_serves() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut old = first(&listener, 2..10).await;
    say(&mut old, warning(1_000)).await;
    let (mut new, seq) = resumes(&listener).await;
    assert_eq!(seq, 9);
    for s in 10..15 {
        say(&mut old, event(s)).await;
    }
    for s in 10..20 {
        say(&mut new, event(s)).await;
    }
    say(&mut new, resumed(20)).await;
    assert_eq!(closed_with(&mut old).await, Some(4000), "a code that keeps the session");
    drop(old);
    say(&mut new, event(21)).await;
    close(new, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let expected: Vec<u64> = (2..20).chain([21]).collect();
    assert_eq!(ran.numbers("dispatch", "seq"), expected);
    assert_eq!(ran.numbers("please_reconnect", "deadline"), [1_000]);
    assert_eq!(ran.numbers("promote", "epoch"), [2]);
    let roles: Vec<_> = ran.named("open").map(|line| line["role"].as_str()).collect();
    assert_eq!(roles, [None, Some("successor")]);
    let replaced = ran.named("close").next().unwrap();
    assert_eq!((&replaced["epoch"], &replaced["cause"]), (&json!(1), &Value::Null));
    assert_eq!(ran.named("wait").count(), 0, "it was never away");
    // It was dialled in the first half of the time.
    let at = ran.numbers("open", "t")[1] - ran.numbers("please_reconnect", "t")[0];
    assert!(at <= 500, "{at}");
}

/// With `"handover": null`, or the option, the connection is closed first.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_handover_the_connection_is_closed_before_the_next_dial() {
    let off = json!({ "backoff": { "initial_ms": 20, "max_ms": 100, "floor_ms": 10 }, "handover": null });
    let off = file("no_handover", &off.to_string());
    for arguments in [&["--config", &off][..], &["--no-handover", "--config", fast()]] {
        let listener = listener().await;
        let client = client(&listener, arguments).await;
        let mut old = first(&listener, 2..10).await;
        say(&mut old, warning(200)).await;
        assert_eq!(closed_with(&mut old).await, Some(4000));
        drop(old);
        let (mut new, seq) = resumes(&listener).await;
        assert_eq!(seq, 9);
        say(&mut new, resumed(10)).await;
        close(new, 4004).await;
        let ran = timeout(LIMIT, client).await.unwrap().unwrap();
        assert!(ran.named("promote").count() == 0 && ran.named("open").all(|line| line["role"].is_null()));
    }
}

/// A server that drops the old connection as soon as its session is resumed elsewhere: the successor under way is the one
/// attempt, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_a_session_have_one_socket_is_dialled_once() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut old = first(&listener, 2..10).await;
    say(&mut old, warning(1_000)).await;
    let (mut new, seq) = resumes(&listener).await;
    assert_eq!(seq, 9);
    close(old, 4000).await;
    for s in 10..15 {
        say(&mut new, event(s)).await;
    }
    say(&mut new, resumed(15)).await;
    say(&mut new, event(16)).await;
    close(new, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let expected: Vec<u64> = (2..15).chain([16]).collect();
    assert_eq!(ran.numbers("dispatch", "seq"), expected);
    assert_eq!((ran.named("open").count(), ran.named("promote").count()), (2, 0));
}

/// Two dials that fail are waited for as any failure is, and cost the connection nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_fails_is_dialled_again_while_the_connection_serves() {
    let listener = listener().await;
    let client = client(&listener, &["--config", fast()]).await;
    let mut old = first(&listener, 2..5).await;
    say(&mut old, warning(3_000)).await;
    for s in 5..7 {
        let refused = timeout(LIMIT / 3, listener.accept()).await.expect("the client dials").unwrap();
        say(&mut old, event(s)).await;
        drop(refused);
    }
    let (mut new, seq) = resumes(&listener).await;
    assert_eq!(seq, 6);
    say(&mut new, resumed(7)).await;
    assert_eq!(closed_with(&mut old).await, Some(4000));
    drop(old);
    close(new, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3, 4, 5, 6]);
    assert_eq!((ran.named("open_failed").count(), ran.numbers("promote", "epoch")), (2, vec![4]));
}

/// "Reconnect to this URL": the next dial goes there if it is trusted, and the connection serves until that is ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_to_reconnect_to_is_dialled_while_the_connection_serves() {
    let (base, other) = (listener().await, listener().await);
    let config = json!({
        "backoff": { "initial_ms": 20, "max_ms": 100, "floor_ms": 10 },
        "reset_after_stable_ms": 10, "please_reconnect": { "spread_ms": 100 },
    });
    let config = file("spread", &config.to_string());
    let client = client(&base, &["--config", &config]).await;
    let mut old = first(&base, 2..5).await;
    let url = |host: &str| format!("ws://{host}:{}", other.local_addr().unwrap().port());
    say(&mut old, json!({ "op": 7, "d": { "reconnect_url": url("127.0.0.1") } })).await;
    let (mut new, seq) = resumes(&other).await;
    assert_eq!(seq, 4);
    say(&mut old, event(5)).await;
    say(&mut new, event(5)).await;
    say(&mut new, resumed(6)).await;
    assert_eq!(closed_with(&mut old).await, Some(4000));
    drop(old);
    close(new, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3, 4, 5]);
    let open = ran.named("open").nth(1).unwrap();
    assert_eq!((&open["endpoint"], &open["role"]), (&json!("redirect"), &json!("successor")));
}

/// A drain keeps the old connection open for what is under way on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_keeps_the_old_connection_for_its_time() {
    let config = json!({
        "backoff": { "initial_ms": 20, "max_ms": 100, "floor_ms": 10 }, "handover": { "drain_ms": 500 },
    });
    let config = file("drain", &config.to_string());
    let listener = listener().await;
    let client = client(&listener, &["--config", &config]).await;
    let mut old = first(&listener, 2..5).await;
    say(&mut old, warning(100)).await;
    let (mut new, _) = resumes(&listener).await;
    say(&mut new, resumed(5)).await;
    assert!(timeout(Duration::from_millis(200), old.next()).await.is_err(), "it is open");
    // It answers, so that the server does not take it for dead.
    say(&mut old, json!({ "op": 1 })).await;
    let beat = timeout(LIMIT, old.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(beat.to_text().unwrap()).unwrap()["op"], 1);
    assert_eq!(closed_with(&mut old).await, Some(4000));
    drop(old);
    close(new, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let (promoted, closed) = (ran.numbers("promote", "t")[0], ran.numbers("close", "t")[0]);
    assert!(closed - promoted >= 500, "closed after {} ms", closed - promoted);
}

/// The proof at a twentieth of its size: the same variants, and the same promises. A warning is longer than the machine may stand
/// still while other tests run, because what a connection leaves unanswered at its deadline is lost.
#[test]
fn five_planned_ends_of_each_kind_lose_nothing_and_leave_no_gap() {
    let arguments = ["rotate", "--times", "5", "--warning-ms", "1600", "--event-ms", "10", "--json"];
    let output = run(&[&arguments[..], &["--seed", "7"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(output.stderr, b"");
    let played: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = played.iter().map(|played| played["variant"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["on-time", "fails-twice", "too-slow", "dies-first", "cut-draining", "requests", "moved", "aged"]
    );
    for played in &played {
        let name = played["variant"].as_str().unwrap();
        let ends_early = matches!(name, "too-slow" | "dies-first");
        let number = |key: &str| played[key].as_u64().unwrap();
        assert_eq!((number("cuts"), number("lost"), number("doubled")), (5, 0, 0), "{name}");
        assert!(number("sent") > 200 && number("sent") == number("received"), "{name}");
        assert_eq!(number("sockets"), 2, "{name}");
        assert_eq!(number("handovers"), if ends_early { 0 } else { 5 }, "{name}");
        assert_eq!(number("handovers_failed"), if ends_early { 5 } else { 0 }, "{name}");
        assert_eq!(number("dials"), if name == "fails-twice" { 16 } else { 6 }, "{name}");
        assert_eq!(number("gap_us") == 0, !ends_early, "{name}");
        assert_eq!(number("requests") > 0, name == "requests");
        assert_eq!(number("requests"), number("answered"));
    }
}

/// The same without a handover breaks the promises, which shows that they can break.
#[test]
fn without_a_handover_planned_ends_leave_gaps() {
    let arguments = ["rotate", "--times", "3", "--warning-ms", "300", "--no-handover", "--seed", "7"];
    let output = run(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(" BROKEN")).count(), 8, "{text}");
    assert!(text.contains("without a connection") && text.contains("0 handovers, not 3"), "{text}");
    program();
}
