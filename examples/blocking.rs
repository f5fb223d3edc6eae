//! A client of lines on plain threads and blocking sockets: `cargo run --features blocking --example blocking -- localhost:4000`.
//!
//! What is typed in is sent, what the server sends is printed, and `PING` is answered by anything. The end of what is typed is a stop.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use redial::driver::{BlockingProtocol, Command, DialError, Dialling, Driver};
use redial::driver::{Hangup, Outcome, Received, SendFailed};
use redial::{Cause, Epoch, IoKind, Policy, SplitMix64, presets};

struct Lines(String);

impl BlockingProtocol for Lines {
    type Reader = BufReader<TcpStream>;
    type Writer = TcpStream;
    type Token = ();
    type Key = core::convert::Infallible;
    type Message = String;
    type Incoming = String;
    type Received = [Received<(), Self::Key, String>; 1];

    fn dial(&self, dial: &Dialling) -> Result<(Self::Reader, Self::Writer, Hangup), DialError> {
        let socket = dial.connect(&self.0)?;
        Ok((BufReader::new(socket.try_clone()?), socket.try_clone()?, socket.into()))
    }

    fn receive(&self, reader: &mut Self::Reader, _: Epoch) -> Result<Self::Received, Cause> {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(|error| Cause::from(&error))?;
        // A line that a cut connection left without its end is no message.
        let line = line.strip_suffix('\n').ok_or(Cause::Io(IoKind::UnexpectedEof))?;
        Ok([Received::Message(line.to_owned())])
    }

    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<(), Self::Key, String>,
    ) -> Result<(), SendFailed> {
        let line = match command {
            Command::Heartbeat { .. } => "PING".to_owned(),
            Command::Message(line) => line,
            _ => return Ok(()), // This protocol has no session, no credential and no subscriptions.
        };
        Ok(writer.write_all(format!("{line}\n").as_bytes())?)
    }
}

fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1).filter(|text| text.contains(':')) else {
        eprintln!("give the server's host and port, such as 127.0.0.1:4000");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::from_os());
    let mut driver = Driver::blocking(policy, Lines(address));
    let (handle, mut messages) = (driver.handle(), driver.messages());
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            // Given back while there is no connection.
            if let Err(error) = handle.send_blocking(line) {
                eprintln!("{error}");
            }
        }
        handle.stop();
    });
    std::thread::spawn(move || messages.iter_blocking().for_each(|line| println!("{line}")));
    let outcome = driver.run_blocking();
    eprintln!("{outcome}");
    ExitCode::from(u8::from(outcome != Outcome::Stopped))
}
