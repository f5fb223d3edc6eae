//! The gateway example, run as a user runs it: the show, and the client alone against servers that mean it ill.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

#[path = "common/example.rs"]
mod example;
#[path = "gateway/hostile.rs"]
mod hostile;
#[path = "gateway/planned.rs"]
mod planned;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(90);

/// The example's program, built by the first test that asks.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("gateway"))
}

/// A config file of that name.
fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A show of these faults. `ci/checks.sh` runs all of it, and the example's own tests play each fault.
fn show(seed: &str, faults: [&str; 4]) {
    let output = run(&["--seed", seed, "--fault", &faults.join(",")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(output.stderr, b"");
    let rows = text.lines().skip_while(|line| !line.starts_with("fault  ")).skip(2);
    let rows: Vec<_> = rows.take_while(|line| !line.starts_with(['*', ' ']) && !line.is_empty()).collect();
    assert_eq!(rows.len(), 1 + faults.len() + 1, "from the first connection to the fatal fault: {text}");
    assert!(rows.iter().all(|row| row.contains(" yes ")), "{text}");
    assert!(text.contains("5 of 5 faults survived"), "{text}");
    assert!(text.contains(&format!("--seed {seed}")) && !text.contains('\x1b'));
}

#[test]
fn the_show_is_survived() {
    show("11", ["drop", "acks-stop", "planned-rotation", "http403"]);
}

#[test]
fn the_show_is_survived_with_another_seed() {
    show("12", ["silence-instead-of-hello", "invalid-session-false", "drained", "port-refused"]);
}

#[test]
fn what_cannot_be_used_is_one_line_and_status_2() {
    let broken = file("broken", "{");
    let unknown = file("unknown", r#"{"bakoff": {}}"#);
    let zero = file("zero", r#"{"connect_timeout_ms": 0}"#);
    let watched = file("watched", r#"{"health": {}}"#);
    let drains = file("drains", r#"{"handover": {"drain": 5}}"#);
    let url = ["--url", "ws://127.0.0.1:9"];
    for (arguments, says) in [
        (vec!["--url", "https://127.0.0.1:9"], "use wss://"),
        (vec!["--url", "127.0.0.1:9"], "ws://HOST:PORT"),
        (vec!["--url", ""], "ws://HOST:PORT"),
        (vec!["--url", "ws://127.0.0.1:99999"], "its port"),
        ([&url[..], &["--preset", "discord"]].concat(), "unknown preset \"discord\""),
        ([&url[..], &["--config", "/nowhere/at/all.json"]].concat(), "/nowhere/at/all.json"),
        ([&url[..], &["--config", &broken]].concat(), "not valid JSON"),
        ([&url[..], &["--config", &unknown]].concat(), "bakoff"),
        ([&url[..], &["--config", &zero]].concat(), "connect_timeout_ms"),
        ([&url[..], &["--config", &watched]].concat(), "unknown key \"config.health\""),
        ([&url[..], &["--seed", "x"]].concat(), "--seed"),
        ([&url[..], &["--for", "-1"]].concat(), "--for"),
        ([&url[..], &["--for", "nan"]].concat(), "--for"),
        (vec!["--frob"], "--frob"),
        (vec!["--fault", "flood"], "--fault"),
        (vec!["--token", "t"], "--url <URL>"),
        ([&url[..], &["--config", &drains]].concat(), "handover: "),
        (vec!["rotate", "--times", "0"], "--times"),
        (vec!["rotate", "--warning-ms", "1"], "--warning-ms"),
        (vec!["rotate", "--variant", "never"], "--variant"),
    ] {
        let output = run(&arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert!(error.contains(says) && error.lines().count() == 1, "{arguments:?}: {error}");
    }
}

/// The client alone, and what it printed.
struct Ran {
    status: Option<i32>,
    lines: Vec<Value>,
    /// The most memory that it ever had, where the system tells.
    peak_kib: Option<u64>,
}

impl Ran {
    fn named<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line["what"] == what)
    }

    fn numbers(&self, what: &str, key: &str) -> Vec<u64> {
        self.named(what).map(|line| line[key].as_u64().unwrap()).collect()
    }
}

async fn client(listener: &TcpListener, more: &[&str]) -> JoinHandle<Ran> {
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut arguments =
        vec!["--url".to_owned(), url, "--json".to_owned(), "--seed".to_owned(), "7".to_owned()];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    tokio::task::spawn_blocking(move || {
        use std::io::{BufRead, BufReader};
        let mut child = Command::new(program())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut lines, mut peak_kib, mut latest) = (Vec::new(), None, 0);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // The order of the keys is part of the format, which a parser does not see.
            assert!(line.starts_with("{\"t\": ") && line.contains(", \"what\": \""), "{line}");
            assert!(line.find("\"what\"") < line.find("\"epoch\""), "{line}");
            let value: Value = serde_json::from_str(&line).unwrap();
            assert!(value["epoch"].is_u64() && value["t"].as_u64().unwrap() >= latest, "{line}");
            latest = value["t"].as_u64().unwrap();
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak_kib = peak.and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok()).or(peak_kib);
            lines.push(value);
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        Ran { status: output.status.code(), lines, peak_kib }
    })
}

async fn listener() -> TcpListener {
    program();
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

type Socket = WebSocketStream<TcpStream>;

async fn accept(listener: &TcpListener) -> Socket {
    accept_async(listener.accept().await.unwrap().0).await.unwrap()
}

async fn say(socket: &mut Socket, value: Value) {
    socket.send(Message::text(value.to_string())).await.unwrap();
}

/// The next message that is no heartbeat.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        let message = timeout(LIMIT, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = message {
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["op"] != 1 {
                return value;
            }
        }
    }
}

async fn close(mut socket: Socket, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    socket.close(Some(frame)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

fn hello() -> Value {
    json!({ "op": 10, "d": { "heartbeat_interval": 45_000 }, "s": null, "t": null })
}

fn event(s: u64) -> Value {
    json!({ "op": 0, "d": { "x": [s] }, "s": s, "t": "GUILD_CREATE" })
}

/// A session of the client's, from identify to a fatal code, with everything told as it was.
#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_exact() {
    let listener = listener().await;
    let client = client(&listener, &["--token", "mine", "--config", fast()]).await;

    let mut socket = accept(&listener).await;
    for nonsense in ["", "]", "{\"op\":99}", "{\"op\":0,\"d\":{},\"s\":1}"] {
        socket.send(Message::text(nonsense)).await.unwrap();
    }
    socket.send(Message::binary(vec![0; 100])).await.unwrap();
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["d"]["token"], "mine");
    // A URL that this client can't dial: the base does instead.
    let d = json!({ "session_id": "one", "resume_gateway_url": "wss://gateway.example" });
    say(&mut socket, json!({ "op": 0, "d": d, "s": 1, "t": "READY" })).await;
    for s in [2, 3, 3, 2, 4] {
        say(&mut socket, event(s)).await;
    }
    close(socket, 4000).await;

    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    let resume = hear(&mut socket).await;
    assert_eq!((resume["op"].clone(), resume["d"]["session_id"].clone()), (json!(6), json!("one")));
    assert_eq!((resume["d"]["seq"].clone(), resume["d"]["token"].clone()), (json!(4), json!("mine")));
    // 4 was seen already, whatever the server thinks.
    for s in [4, 5] {
        say(&mut socket, event(s)).await;
    }
    say(&mut socket, json!({ "op": 0, "d": {}, "s": 6, "t": "RESUMED" })).await;
    say(&mut socket, json!({ "op": 9, "d": true })).await;
    while let Some(Ok(_)) = socket.next().await {}

    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["d"]["seq"], 6);
    close(socket, 4004).await;

    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(1), "given up");
    assert_eq!(ran.numbers("dispatch", "seq"), [2, 3, 4, 5]);
    assert_eq!(ran.numbers("inapplicable", "seq"), [3, 2, 4]);
    assert_eq!(ran.numbers("resume", "seq"), [4, 6]);
    assert_eq!(ran.numbers("closed", "code"), [4000, 4004]);
    assert_eq!(ran.numbers("open", "epoch"), [1, 2, 3]);
    assert_eq!(ran.named("bad_frame").count(), 6);
    assert_eq!(ran.named("session_invalid").next().unwrap()["resumable"], true);
    assert_eq!(ran.named("close").next().unwrap()["code"], 4000);
    assert_eq!(ran.lines.last().unwrap()["what"], "gave_up");
    let modes: Vec<_> = ran.named("open").map(|line| line["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["fresh", "resume", "resume"]);
    // No dial before its wait is over.
    let opens: Vec<_> = ran.numbers("open", "t").split_off(1);
    assert!(ran.numbers("wait", "until").iter().zip(&opens).all(|(until, open)| until <= open));
    assert_eq!(ran.named("wait").count(), 2);
}

/// A session's URL on another host is left out: the token goes to the base. One on another port of the host is used.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_not_sent_wherever_a_message_says() {
    let (base, resume, stranger) = (listener().await, listener().await, listener().await);
    let client = client(&base, &["--config", fast()]).await;
    let mut listening = &base;
    let named =
        |host: &str, listener: &TcpListener| format!("ws://{host}:{}", listener.local_addr().unwrap().port());
    for (url, next) in [
        (named("localhost", &stranger), &base),
        (named("127.0.0.1", &resume), &resume),
        (named("127.0.0.1@localhost", &stranger), &base),
    ] {
        let mut socket = timeout(LIMIT, accept(listening)).await.unwrap();
        say(&mut socket, hello()).await;
        hear(&mut socket).await;
        let d = json!({ "session_id": "one", "resume_gateway_url": url });
        say(&mut socket, json!({ "op": 0, "d": d, "s": 1, "t": "READY" })).await;
        close(socket, 4000).await;
        listening = next;
    }
    let mut socket = timeout(LIMIT, accept(&base)).await.unwrap();
    say(&mut socket, hello()).await;
    let resumed = hear(&mut socket).await;
    assert_eq!((resumed["op"].clone(), resumed["d"]["session_id"].clone()), (json!(6), json!("one")));
    close(socket, 4004).await;
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    let details: Vec<_> = ran.named("bad_frame").map(|line| line["detail"].as_str().unwrap()).collect();
    assert_eq!(details.len(), 2, "{details:?}");
    // With the feature `public-suffix` the registrable domain decides, without it the host.
    let reason = if cfg!(feature = "public-suffix") { "its host is outside" } else { "its host is not" };
    assert!(details[0].contains(reason) && details[0].ends_with("(refused so far: 1)"), "{details:?}");
    assert!(details[1].contains("user name") && details[1].ends_with("(refused so far: 2)"), "{details:?}");
    assert!(timeout(Duration::ZERO, stranger.accept()).await.is_err(), "nobody came");
}

/// The preset with waits of milliseconds, as a file.
fn fast() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let config = json!({
            "backoff": { "initial_ms": 20, "max_ms": 100, "max_fresh_ms": null, "floor_ms": 10 },
            "resume": { "invalid_wait_ms": [10, 50] },
        });
        file("fast", &config.to_string())
    })
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_closes_with_1000() {
    let listener = listener().await;
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut child =
        Command::new(program()).args(["--url", &url, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut socket = accept(&listener).await;
    say(&mut socket, hello()).await;
    hear(&mut socket).await;
    let d = json!({ "session_id": "one" });
    say(&mut socket, json!({ "op": 0, "d": d, "s": 1, "t": "READY" })).await;
    for s in 2..200 {
        say(&mut socket, event(s)).await;
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let closed = loop {
        let message = timeout(LIMIT, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Close(frame) = message {
            break frame.map(|frame| u16::from(frame.code));
        }
    };
    assert_eq!(closed, Some(1000));
    drop(socket);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    assert!(text.lines().last().unwrap().contains("\"stopped\""), "{text}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// No server at all, and then the time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_port_is_dialled_until_the_time_is_over() {
    let listener = listener().await;
    let client = client(&listener, &["--for", "1.5", "--config", fast()]).await;
    drop(listener);
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(0));
    assert!(ran.named("open_failed").count() > 3);
    assert!(ran.named("open_failed").all(|line| line["cause"] == "connection_refused"));
    assert_eq!(ran.lines.last().unwrap()["what"], "stopped");
}

const MEMORY_KIB: u64 = 64 * 1024;

/// A frame of 100 MB is refused when its header is read, and the connection counts as lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_huge_frame_is_not_taken() {
    let listener = listener().await;
    let client = client(&listener, &["--for", "3", "--config", fast()]).await;
    let server = tokio::spawn(async move {
        loop {
            let mut stream = accept(&listener).await.into_inner();
            let mut header = vec![0x81, 127];
            header.extend(100_000_000_u64.to_be_bytes());
            let mut sent = stream.write_all(&header).await;
            while sent.is_ok() {
                sent = stream.write_all(&[b'x'; 65_536]).await;
            }
        }
    });
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    server.abort();
    assert!(matches!(ran.status, Some(0 | 1)));
    assert!(ran.named("closed").count() > 2, "{:?}", ran.lines);
    assert!(ran.named("bad_frame").all(|line| line["detail"].as_str().unwrap().contains("too long")));
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// An answer to the upgrade that never ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_header_is_not_taken() {
    let listener = listener().await;
    let client = client(&listener, &["--for", "3", "--config", fast()]).await;
    let server = tokio::spawn(async move {
        loop {
            let mut stream = listener.accept().await.unwrap().0;
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.is_ok());
            let mut sent = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nX-Long: ").await;
            while sent.is_ok() {
                sent = stream.write_all(&[b'x'; 65_536]).await;
            }
        }
    });
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    server.abort();
    // A server that is no WebSocket server may be given up.
    assert!(matches!(ran.status, Some(0 | 1)));
    assert!(ran.named("open_failed").count() > 2, "{:?}", ran.lines);
    assert!(ran.peak_kib.is_none_or(|peak| peak < MEMORY_KIB), "{:?} KiB", ran.peak_kib);
}

/// `Retry-After` in seconds and as a date.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_wait_is_obeyed() {
    let listener = listener().await;
    let client = client(&listener, &["--for", "1", "--config", fast()]).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(stream.read(&mut request).await.unwrap() > 0);
    let past = b"HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(past).await.unwrap();
    drop(stream);
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(stream.read(&mut request).await.unwrap() > 0);
    stream.write_all(b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.numbers("open_failed", "retry_after"), [0, 7_000]);
    assert_eq!(ran.named("open_failed").next().unwrap()["cause"], "http_503");
    let last = ran.named("wait").last().unwrap();
    assert_eq!(last["why"], "hint");
    assert!(last["until"].as_u64().unwrap() - last["t"].as_u64().unwrap() >= 7_000);
}

/// The protocol greets, and nothing may be said before that, whatever the preset is made for.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_before_the_hello() {
    let listener = listener().await;
    let client = client(&listener, &["--for", "2", "--preset", "recommended"]).await;
    let mut socket = accept(&listener).await;
    assert!(timeout(Duration::from_millis(500), socket.next()).await.is_err());
    say(&mut socket, hello()).await;
    assert_eq!(hear(&mut socket).await["op"], 2);
    while let Some(Ok(_)) = socket.next().await {}
    let ran = timeout(LIMIT, client).await.unwrap().unwrap();
    assert_eq!((ran.status, ran.named("identify").count()), (Some(0), 1));
    assert_eq!(ran.named("close").next().unwrap()["code"], 1000);
}
