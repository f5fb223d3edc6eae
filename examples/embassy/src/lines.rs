//! A protocol of lines over a TCP socket of embassy-net.

use core::fmt::Write;

use embassy_net::IpEndpoint;
use embassy_net::tcp::{ConnectError, TcpReader, TcpSocket, TcpWriter};
use redial::driver::heapless::{Command, Protocol, Reader, Writer};
use redial::driver::{Dial, DialError, SendFailed};
use redial::{Cause, Epoch, Event, IoKind};

use crate::device::Channels;

/// A session's token.
pub type Token = heapless::String<16>;
/// What a device subscribes to.
pub type Topic = u16;
/// A message of the application.
pub type Text = heapless::String<64>;

/// The longest line.
const LINE: usize = 128;

/// What was read of a line.
type Input = heapless::Vec<u8, LINE>;

/// The connection of a device.
pub struct Lines<'s> {
    socket: TcpSocket<'s>,
    server: IpEndpoint,
    channels: &'s Channels,
    input: Input,
}

impl<'s> Lines<'s> {
    #[must_use]
    pub const fn new(socket: TcpSocket<'s>, server: IpEndpoint, channels: &'s Channels) -> Self {
        Self { socket, server, channels, input: Input::new() }
    }
}

/// The half that is read.
pub struct LineReader<'a> {
    socket: TcpReader<'a>,
    input: &'a mut Input,
    channels: &'a Channels,
}

/// The half that is written.
pub struct LineWriter<'a>(TcpWriter<'a>);

impl Protocol for Lines<'_> {
    type Token = Token;
    type Key = Topic;
    type Message = Text;
    type Received = Option<Event<Token, Topic>>;
    type Reader<'a>
        = LineReader<'a>
    where
        Self: 'a;
    type Writer<'a>
        = LineWriter<'a>
    where
        Self: 'a;

    async fn dial(&mut self, _: Dial<Token>) -> Result<(), DialError> {
        self.input.clear();
        self.socket.connect(self.server).await.map_err(|error| {
            let kind = match error {
                ConnectError::ConnectionReset => IoKind::ConnectionRefused,
                ConnectError::TimedOut => IoKind::TimedOut,
                ConnectError::NoRoute => IoKind::NetworkUnreachable,
                ConnectError::InvalidState => IoKind::Other,
            };
            Cause::Io(kind).into()
        })
    }

    fn split(&mut self) -> (LineReader<'_>, LineWriter<'_>) {
        let (reader, writer) = self.socket.split();
        let reader = LineReader { socket: reader, input: &mut self.input, channels: self.channels };
        (reader, LineWriter(writer))
    }

    fn abort(&mut self) {
        self.socket.abort();
    }

    /// Says so to the server, which needs the stack to run.
    async fn close(&mut self, _: u16) {
        self.socket.close();
        let _closed = self.socket.flush().await;
    }
}

impl Reader for LineReader<'_> {
    type Received = Option<Event<Token, Topic>>;

    async fn receive(&mut self, epoch: Epoch) -> Result<Self::Received, Cause> {
        let line = self.line().await?;
        let event = meaning(&line, epoch);
        if let (Some(Event::Sequence { .. }), Some(text)) = (&event, line.splitn(3, ' ').nth(2)) {
            // A device that takes none in time loses the newest.
            let _taken = self.channels.incoming.try_send(cut(text));
        }
        Ok(event)
    }
}

impl Writer<Command<Token, Topic, Text>> for LineWriter<'_> {
    async fn send(&mut self, command: Command<Token, Topic, Text>) -> Result<(), SendFailed> {
        let mut line = heapless::String::<LINE>::new();
        // Every line is shorter than that.
        let _written = match command {
            Command::Identify | Command::Authenticate => line.write_str("LOGIN\n"),
            Command::Resume(session) => {
                let (token, number) = (session.token().map_or("", Token::as_str), session.sequence());
                writeln!(line, "RESUME {token} {}", number.unwrap_or(0))
            }
            Command::Heartbeat { .. } => line.write_str("PING\n"),
            Command::Subscribe { key, .. } => writeln!(line, "SUB {key}"),
            Command::Unsubscribe(key) => writeln!(line, "UNSUB {key}"),
            Command::Message(text) => writeln!(line, "SAY {text}"),
        };
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let written = self.0.write(rest).await.map_err(|_| SendFailed)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

impl LineReader<'_> {
    /// The next line, without its end. What was read behind it stays.
    async fn line(&mut self) -> Result<heapless::String<LINE>, Cause> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line = core::str::from_utf8(self.input.get(..end).unwrap_or_default());
                let line = line.ok().and_then(|line| line.parse().ok());
                self.input.rotate_left(end + 1);
                self.input.truncate(self.input.len() - end - 1);
                return line.ok_or(Cause::Io(IoKind::InvalidData));
            }
            let mut bytes = [0; LINE];
            let free = bytes.get_mut(..LINE - self.input.len()).filter(|free| !free.is_empty());
            let free = free.ok_or(Cause::Io(IoKind::InvalidData))?;
            match self.socket.read(free).await {
                Ok(0) => return Err(Cause::NoCloseFrame),
                Ok(read) => {
                    let _fits = self.input.extend_from_slice(free.get(..read).unwrap_or_default());
                }
                Err(_) => return Err(Cause::Io(IoKind::ConnectionReset)),
            }
        }
    }
}

/// The beginning of a text, as much as there is place for.
pub(crate) fn cut(text: &str) -> Text {
    let mut cut = Text::new();
    let _fits = text.chars().try_for_each(|c| cut.push(c));
    cut
}

/// What a line means to the policy.
fn meaning(line: &str, epoch: Epoch) -> Option<Event<Token, Topic>> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "OK" => {
            let (token, number) = rest.split_once(' ')?;
            let (token, sequence) = (token.parse().ok(), number.parse().ok());
            Event::Ready { epoch, token, endpoint: None, sequence, ttl: None }
        }
        "RESUMED" => Event::Resumed { epoch },
        "EXPIRED" => Event::SessionInvalid { epoch, resumable: false },
        "PONG" => Event::HeartbeatAcked { epoch },
        "SUBBED" => Event::SubscriptionConfirmed { epoch, key: rest.parse().ok()?, send: None },
        "MSG" => Event::Sequence { epoch, sequence: rest.split(' ').next()?.parse().ok()? },
        _ => return None,
    })
}
