//! Servers that mean it ill, or are broken: whatever they do, the client stays small, keeps its timers, and comes back.

use tokio::time::{Instant, sleep};

use super::*;

/// Reads the request of an upgrade and answers with this.
async fn answer(listener: &TcpListener, bytes: &[u8]) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    // The client may have gone before the end of it.
    stream.write_all(bytes).await.unwrap_or_default();
    stream
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
