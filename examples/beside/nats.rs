//! How do I subscribe at NATS? Its protocol is lines of text, and this is a subscriber in them; the crate `async-nats` reconnects by
//! itself, by rules of its own. redial decides when to dial, restores the subjects and finds a server that has gone silent. A connection
//! is established when the server has accepted the login, and one whose server is about to end (lame duck mode) is replaced by plan.
//!
//! What was published meanwhile is lost: core NATS delivers at most once.
//!
//! ```sh
//! nats-server &
//! cargo run -p redial-beside --bin nats -- 127.0.0.1:4222 news weather
//! nats pub news hello    # kill the server, start it again, and publish again
//! ```

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use redial::classify::Class;
use redial::driver::{Command, Failure, Link, Tokio, supervise};
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Config, Event, IoKind, Policy, SplitMix64, presets};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// With a `PING` when nothing was received for 30 s.
const CONFIG: Config = presets::FEW.to_builder().heartbeat(presets::WEBSOCKET.heartbeat()).build_const();
/// The least time for which a server in lame duck mode keeps its connections: its default `lame_duck_grace_period`.
const GRACE: Duration = Duration::from_secs(10);
/// And a `PING`, whose answer says that the login is accepted.
const CONNECT: &str = concat!(
    r#"CONNECT {"verbose":false,"pedantic":false,"lang":"rust","version":"0","protocol":1}"#,
    "\r\nPING\r\n"
);

async fn live(mut stream: TcpStream, link: Link<(), String>) -> Result<(), Failure> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let (mut line, mut subjects, mut newest, mut is_ready) = (Vec::new(), HashMap::new(), 0_u64, false);
    loop {
        tokio::select! {
            Some(command) = link.command() => {
                let mut text = String::new();
                match command {
                    Command::Identify => text += CONNECT,
                    Command::Restore { keys, .. } => {
                        for subject in keys {
                            newest += 1;
                            text += &format!("SUB {subject} {newest}\r\n");
                            subjects.insert(subject, newest);
                        }
                    }
                    Command::Unsubscribe(subject) => {
                        if let Some(number) = subjects.remove(&subject) {
                            text = format!("UNSUB {number}\r\n");
                        }
                    }
                    Command::Heartbeat { .. } => text += "PING\r\n",
                    _ => {}
                }
                write.write_all(text.as_bytes()).await?;
            }
            // What was read of a line is kept if a command comes first.
            count = read.read_until(b'\n', &mut line) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if count? == 0 || !line.ends_with(b"\n") {
                    return Err(Cause::Io(IoKind::UnexpectedEof).into());
                }
                line.clear();
                link.received();
                match text.split_once(' ').unwrap_or((&text, "")) {
                    ("INFO", info) if serde_json::from_str::<Value>(info)?["ldm"] == true => {
                        let (epoch, deadline) = (link.epoch(), Some(GRACE));
                        link.tell(Event::ReconnectRequested { epoch, retry_after: None, deadline });
                    }
                    ("PING", _) => write.write_all(b"PONG\r\n").await?,
                    ("PONG", _) if is_ready => link.acknowledged(),
                    ("PONG", _) => {
                        link.ready();
                        is_ready = true;
                    }
                    ("MSG", head) => {
                        let length = head.rsplit(' ').next().and_then(|length| length.parse::<usize>().ok());
                        let length = length.ok_or(Cause::Io(IoKind::InvalidData))?;
                        let mut payload = vec![0; length + 2];
                        read.read_exact(&mut payload).await?;
                        let subject = head.split(' ').next().unwrap_or_default();
                        println!("{subject}: {}", payload[..length].escape_ascii());
                    }
                    // It closes the connection after most of these.
                    ("-ERR", error) => {
                        eprintln!("{error}");
                        refusal(error).map_or(Ok(()), Err)?;
                    }
                    _ => {}
                }
            }
        }
    }
}

/// What ends a connection. An error that only concerns one subject does not.
fn refusal(error: &str) -> Option<Cause> {
    let is = |text: &str| error.to_ascii_lowercase().contains(text);
    Some(match () {
        () if is("authorization violation") || is("authentication") => Cause::AuthRejected,
        () if is("maximum") => Cause::Class(Class::RateLimited),
        () if is("permissions violation") || is("invalid subject") => return None,
        () => Cause::Class(Class::Transient),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(address) = arguments.next() else {
        eprintln!("usage: nats HOST:PORT SUBJECT...");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&CONFIG, SplitMix64::from_os()).with_subscriptions(SubscriptionList::new());
    let connect = |_| async { Ok::<_, Failure>(TcpStream::connect(&address).await?) };
    let mut driver = supervise(policy, Tokio::new(), connect, live);
    for subject in arguments {
        driver.handle().subscribe(subject, 0);
    }
    let mut changes = driver.handle().changes();
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            eprintln!("{change}");
        }
    });
    eprintln!("{:?}", driver.run().await);
    ExitCode::FAILURE
}
