//! How do I drive a protocol of my own? Lines over TCP, on tokio: sessions that are resumed, subscriptions, messages both
//! ways. What is typed is sent, what comes is printed, and what becomes of the connection is told on standard error.
//!
//! ```sh
//! cargo run --example tokio_lines --features tokio -- 127.0.0.1:4000
//! ```

use std::process::ExitCode;

use redial::driver::{Command, Dial, DialError, Driver, Outcome, Protocol, Received, SendFailed, Tokio};
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Epoch, Event, IoKind, Policy, SplitMix64, presets};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A protocol of lines: `LOGIN`, `OK <token>`, `RESUME <token>`, `RESUMED`, `EXPIRED`, `SUB <topic>`,
/// `SUBBED <topic>`, `MSG <text>`.
struct Feed {
    address: String,
}

impl Protocol for Feed {
    type Reader = BufReader<OwnedReadHalf>;
    type Writer = OwnedWriteHalf;
    type Token = String;
    type Key = String;
    type Message = String;
    type Incoming = String;
    type Received = Option<Received<String, String, String>>;

    async fn dial(&self, _: Dial<String>) -> Result<(Self::Reader, Self::Writer), DialError> {
        let (read, write) = TcpStream::connect(&self.address).await?.into_split();
        Ok((BufReader::new(read), write))
    }

    async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        let mut line = String::new();
        reader.read_line(&mut line).await.map_err(|error| Cause::from(&error))?;
        // A line that a cut connection left without its end is no message.
        let line = line.strip_suffix('\n').ok_or(Cause::Io(IoKind::UnexpectedEof))?;
        let event = match line.split_once(' ').unwrap_or((line, "")) {
            ("OK", token) => {
                let token = Some(token.to_owned());
                Event::Ready { epoch, token, endpoint: None, sequence: None, ttl: None }
            }
            ("RESUMED", _) => Event::Resumed { epoch },
            ("EXPIRED", _) => Event::SessionInvalid { epoch, resumable: false },
            ("PONG", _) => Event::HeartbeatAcked { epoch },
            ("SUBBED", topic) => Event::SubscriptionConfirmed { epoch, key: topic.to_owned(), send: None },
            ("MSG", text) => return Ok(Some(Received::Message(text.to_owned()))),
            _ => return Ok(None),
        };
        Ok(Some(event.into()))
    }

    async fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<String, String, String>,
    ) -> Result<(), SendFailed> {
        let text = match command {
            Command::Identify | Command::Authenticate => "LOGIN\n".to_owned(),
            Command::Resume(session) => format!("RESUME {}\n", session.token().map_or("", |token| token)),
            Command::Heartbeat { .. } => "PING\n".to_owned(),
            Command::Restore { keys, .. } => keys.iter().map(|topic| format!("SUB {topic}\n")).collect(),
            Command::Unsubscribe(topic) => format!("UNSUB {topic}\n"),
            Command::Message(text) => format!("MSG {text}\n"),
        };
        Ok(writer.write_all(text.as_bytes()).await?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_default();
    if address.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        eprintln!("give the server's host and port, such as 127.0.0.1:4000, not {address:?}");
        return ExitCode::FAILURE;
    }
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os())
        .with_session_type()
        .with_subscriptions(SubscriptionList::new());
    let mut driver = Driver::new(policy, Feed { address: address.clone() }, Tokio::new());
    let (handle, mut messages) = (driver.handle(), driver.messages());
    handle.subscribe("weather".to_owned(), 0);
    let (mut changes, server) = (handle.changes(), address.clone());
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            eprintln!("{server}: {change}");
        }
    });
    let run = tokio::spawn(async move { driver.run().await });
    tokio::spawn(async move {
        let mut typed = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = typed.next_line().await {
            // Given back while there is no connection.
            if let Err(error) = handle.send(line).await {
                println!("{error}");
            }
        }
        handle.stop();
    });
    while let Some(message) = messages.recv().await {
        println!("{message}");
    }
    match run.await {
        Ok(Outcome::Stopped) => {
            println!("Stopped");
            return ExitCode::SUCCESS;
        }
        Ok(Outcome::GaveUp { reason, cause }) => {
            eprintln!("{address}: gave up ({reason}), last cause {cause}")
        }
        Err(error) => eprintln!("{address}: {error}"),
    }
    ExitCode::FAILURE
}
