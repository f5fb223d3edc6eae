//! One socket of the server, from the accept to the close.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Piece;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::plan::{Order, Welcome, ends_session};
use crate::protocol::{Event, Frame, TOKEN};
use crate::report::server_event::{By, Endpoint, How, Offence, ServerEvent};
use crate::server::state::{Probes, Resumption, Seat};
use crate::server::upgrade::{ignore, refuse, upgrade};

/// A peer that takes longer to be written to is not reading.
const WRITE: Duration = Duration::from_secs(2);
/// For the upgrade, and for a connection on which nothing is to happen any more.
pub(crate) const IDLE: Duration = Duration::from_secs(30);
/// An event with the largest sequence number that there is, which no server ever counts up to.
const WILD: &str = r#"{"op":0,"d":{},"s":18446744073709551615,"t":"TYPING_START"}"#;
/// Requests of a connection that wait for their answer; one more ends it.
const MAX_REQUESTS: usize = 1_024;
/// From our close frame to the end of the socket.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a socket to its end. `probes` outlives the seat, so that whoever waits for an answer finds the seat empty.
pub(crate) async fn serve(mut seat: Seat, mut probes: Probes, stream: TcpStream, welcome: Welcome) {
    // Small frames at a steady pace: Nagle would hold them back. A socket that refuses this is served all the same.
    stream.set_nodelay(true).unwrap_or_default();
    let open = seat.shared.settle(seat.conn).await;
    seat.record(ServerEvent::Accepted { conn: seat.conn, endpoint: seat.endpoint, open });
    match welcome {
        Welcome::NeverAnswer => ignore(stream, &mut probes).await,
        Welcome::Http(answer) => refuse(&mut seat, stream, &mut probes, answer).await,
        _ => {
            if let Some(socket) = upgrade(&mut seat, stream, &mut probes).await {
                Line::new(&mut seat, socket, welcome).run(&mut probes, welcome).await;
            }
        }
    }
    drop(seat);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No hello was sent.
    Ungreeted,
    /// Greeted; identify or resume is awaited.
    Greeted,
    /// Nothing is answered.
    Mute,
    /// READY or RESUMED is out.
    Online,
    /// The session has moved to another connection. Heartbeats are acknowledged, and nothing else is sent.
    Replaced,
    /// Our close frame is out.
    Closing,
}

/// The socket is to be dropped.
struct Leave;

/// An upgraded connection.
struct Line<'a> {
    seat: &'a mut Seat,
    socket: WebSocketStream<TcpStream>,
    phase: Phase,
    /// What happens when nothing else does.
    deadline: (Instant, Order),
    /// When this connection ends was settled before its session moved: it is the deadline.
    warned: bool,
    acks: bool,
    /// What this connection answers to a resume, when not the truth.
    on_resume: Option<Welcome>,
    /// Told that its session is invalid; it may then identify right here, even at the resume URL.
    invalidated: bool,
    /// The newest sequence number sent on this connection, or that it resumed after.
    cursor: u64,
    /// The cursor at the last ack: whoever has that ack has seen this number.
    seen: Option<u64>,
    /// The cursor before the session was exchanged, until the next heartbeat.
    crossing: Option<u64>,
    /// Requests, and when each is answered.
    requests: VecDeque<(Instant, u64)>,
}

impl Seat {
    pub(crate) fn record(&self, event: ServerEvent) {
        self.shared.recorder.record(event);
    }
}

impl<'a> Line<'a> {
    fn new(seat: &'a mut Seat, socket: WebSocketStream<TcpStream>, welcome: Welcome) -> Self {
        let on_resume =
            matches!(welcome, Welcome::RefuseResume | Welcome::CloseOnResume(_)).then_some(welcome);
        Self {
            seat,
            socket,
            phase: Phase::Ungreeted,
            deadline: (Instant::now() + IDLE, Order::Drop),
            warned: false,
            acks: true,
            on_resume,
            invalidated: false,
            cursor: 0,
            seen: None,
            crossing: None,
            requests: VecDeque::new(),
        }
    }

    async fn run(mut self, probes: &mut Probes, welcome: Welcome) {
        let mut ticks = self.seat.shared.ticks.subscribe();
        let mut step = self.greet(welcome).await;
        while step.is_ok() {
            // In this order: an answer to a probe says that there is nothing left to read.
            step = tokio::select! {
                biased;
                message = self.socket.next() => match message {
                    Some(Ok(message)) => self.received(message).await,
                    Some(Err(error)) => self.broken(&error).await,
                    None => Err(Leave),
                },
                Some(probe) = probes.recv() => {
                    drop(probe);
                    Ok(())
                }
                _ = ticks.changed(), if self.phase == Phase::Online => self.work().await,
                () = answer_due(self.requests.front().map(|(at, _)| *at)) => self.answer().await,
                () = sleep_until(self.deadline.0) => {
                    let order = self.deadline.1;
                    self.carry_out(order).await
                }
            };
        }
    }

    async fn greet(&mut self, welcome: Welcome) -> Result<(), Leave> {
        match welcome {
            Welcome::CloseAtOnce => self.carry_out(Order::Close(None)).await,
            Welcome::ReconnectInsteadOfHello => self.send(&Frame::RECONNECT).await,
            Welcome::Silence => Ok(()),
            Welcome::Late(after) => {
                self.deadline = (self.seat.shared.cut_at() + after, Order::Greet);
                Ok(())
            }
            Welcome::HelloOnly => {
                self.hello().await?;
                self.phase = Phase::Mute;
                Ok(())
            }
            _ => self.hello().await,
        }
    }

    async fn hello(&mut self) -> Result<(), Leave> {
        let heartbeat_interval = self.seat.shared.config.heartbeat_interval;
        self.phase = Phase::Greeted;
        self.send(&Frame::Hello { heartbeat_interval }).await
    }

    /// The peer broke WebSocket, sent too much, or is gone.
    async fn broken(&mut self, error: &Error) -> Result<(), Leave> {
        if self.phase != Phase::Closing && matches!(error, Error::Capacity(_) | Error::Utf8(_)) {
            self.offence(Offence::Garbage);
            // A socket that is broken like this can't be read on, so there is nothing to linger for.
            drop(self.carry_out(Order::Close(Some(4002))).await);
        }
        Err(Leave)
    }

    /// Events that are due, and the fault that is on.
    async fn work(&mut self) -> Result<(), Leave> {
        if let Some(order) = self.seat.shared.take_order(self.seat.conn) {
            return self.carry_out(order).await;
        }
        match self.seat.shared.events_after(self.seat.conn, self.cursor) {
            Some(events) => self.dispatch(&events).await,
            // Resumed elsewhere, or ended by another identify.
            None => {
                self.phase = Phase::Replaced;
                if !self.warned {
                    self.deadline = (Instant::now() + self.seat.shared.config.grace, Order::Close(None));
                }
                Ok(())
            }
        }
    }

    async fn dispatch(&mut self, events: &[(u64, u64)]) -> Result<(), Leave> {
        for &(s, n) in events {
            self.send(&Frame::Dispatch { s, event: Event::Message { n } }).await?;
            self.cursor = s;
            self.seat.shared.note_sent(self.seat.conn);
            self.seat.record(ServerEvent::Dispatch { conn: self.seat.conn, s, n });
        }
        Ok(())
    }

    async fn carry_out(&mut self, order: Order) -> Result<(), Leave> {
        let conn = self.seat.conn;
        match order {
            Order::Drop => {
                if matches!(self.phase, Phase::Online | Phase::Replaced) {
                    self.seat.record(ServerEvent::Cut { conn });
                }
                self.seat.ending.get_or_insert((By::Server, None));
                Err(Leave)
            }
            Order::Close(code) => {
                if code.is_some_and(ends_session) {
                    self.seat.shared.end_session();
                }
                self.seat.ending.get_or_insert((By::Server, code));
                self.phase = Phase::Closing;
                self.deadline = (Instant::now() + LINGER, Order::Drop);
                let frame = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
                self.write(Message::Close(frame)).await
            }
            Order::ReconnectThenClose => {
                self.deadline = (Instant::now() + Duration::from_millis(100), Order::Close(None));
                self.send(&Frame::RECONNECT).await
            }
            Order::Warn(deadline) => {
                let at = Instant::now() + deadline;
                (self.deadline, self.warned) = ((at, Order::Drop), true);
                self.seat.shared.will_cut(at);
                self.send(&Frame::Reconnect { deadline: Some(deadline), url: None }).await
            }
            Order::Expire(age) => {
                let at = Instant::now() + age;
                (self.deadline, self.warned) = ((at, Order::Drop), true);
                self.seat.shared.will_cut(at);
                Ok(())
            }
            Order::Move => {
                let url = Some(self.seat.shared.urls.moved.clone());
                self.send(&Frame::Reconnect { deadline: None, url }).await
            }
            Order::Greet => {
                self.deadline = (Instant::now() + IDLE, Order::Drop);
                self.hello().await
            }
            Order::StopAcks => {
                self.acks = false;
                Ok(())
            }
            Order::Pings => self.flood(&[&[0x89, 125][..], &[b'p'; 125]].concat().repeat(500)).await,
            Order::Fragments => {
                self.write(Message::Frame(Piece::message("", OpCode::Data(Data::Text), false))).await?;
                self.flood(&[0; 64 << 10]).await
            }
            Order::WildSequence => {
                self.deadline = (Instant::now() + Duration::from_millis(200), Order::Drop);
                self.write(Message::text(WILD)).await
            }
            Order::Ready => {
                // A heartbeat that is on its way speaks of the session before.
                self.crossing = Some(self.cursor);
                self.ready().await
            }
            Order::InvalidSession => {
                self.seat.shared.detach(conn);
                self.invalid_session(true).await
            }
        }
    }

    /// The same frames over and over, and nothing read, until the peer goes. Past the library, which would take so long
    /// over small frames that it notices late when the peer has gone.
    async fn flood(&mut self, frames: &[u8]) -> Result<(), Leave> {
        self.seat.ending.get_or_insert((By::Client, None));
        while matches!(timeout(WRITE, self.socket.get_mut().write_all(frames)).await, Ok(Ok(()))) {}
        Err(Leave)
    }

    /// op 9. The client may come back on this connection (Discord allows it) or leave it.
    async fn invalid_session(&mut self, resumable: bool) -> Result<(), Leave> {
        self.phase = Phase::Greeted;
        self.invalidated = true;
        self.deadline = (Instant::now() + IDLE, Order::Drop);
        self.send(&Frame::InvalidSession { resumable }).await
    }

    async fn received(&mut self, message: Message) -> Result<(), Leave> {
        let text = match message {
            Message::Close(frame) => {
                let code = frame.map(|frame| frame.code.into());
                if self.seat.ending.is_none() {
                    self.seat.ending = Some((By::Client, code));
                    self.seat.shared.client_closed(self.seat.conn, code);
                }
                // The next read flushes the answer and ends.
                self.phase = Phase::Closing;
                self.deadline = (Instant::now() + LINGER, Order::Drop);
                return Ok(());
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Text(_) | Message::Binary(_) if self.phase == Phase::Closing => return Ok(()),
            Message::Text(text) => text,
            Message::Binary(_) => return self.garbage().await,
        };
        let Ok(frame) = Frame::decode(&text) else { return self.garbage().await };
        if self.phase == Phase::Ungreeted {
            self.offence(Offence::BeforeHello);
            return Ok(());
        }
        match frame {
            Frame::Heartbeat { seq } => self.heartbeat(seq).await,
            Frame::Identify { token } => self.identify(&token).await,
            Frame::Resume { token, session_id, seq } => self.resume(&token, &session_id, seq).await,
            Frame::Request { nonce } => self.request(nonce).await,
            // The server's own ops are nothing that a client may say.
            _ => self.garbage().await,
        }
    }

    async fn garbage(&mut self) -> Result<(), Leave> {
        self.offence(Offence::Garbage);
        self.carry_out(Order::Close(Some(4002))).await
    }

    async fn heartbeat(&mut self, seq: Option<u64>) -> Result<(), Leave> {
        self.seat.record(ServerEvent::Heartbeat { conn: self.seat.conn, seq });
        if self.phase == Phase::Online {
            if let Some(seen) = self.seen.filter(|&seen| seq.is_none_or(|seq| seq < seen)) {
                self.offence(Offence::SequenceBehind { seq, seen });
            }
            let sent = self.cursor.max(self.crossing.take().unwrap_or(0));
            if let Some(seq) = seq.filter(|&seq| seq > sent) {
                self.offence(Offence::SequenceAhead { seq, sent: self.cursor });
            }
        }
        if !self.acks || self.phase == Phase::Mute {
            return Ok(());
        }
        self.send(&Frame::HeartbeatAck).await?;
        if self.phase == Phase::Online {
            self.seen = Some(self.cursor);
            self.seat.shared.note_beat(self.seat.conn);
        }
        Ok(())
    }

    /// It is answered on this connection, also after the session has moved to another one.
    async fn request(&mut self, nonce: u64) -> Result<(), Leave> {
        if self.requests.len() >= MAX_REQUESTS {
            return self.garbage().await;
        }
        self.requests.push_back((Instant::now() + self.seat.shared.config.answer_after, nonce));
        Ok(())
    }

    async fn answer(&mut self) -> Result<(), Leave> {
        match self.requests.pop_front() {
            Some((_, nonce)) if self.phase != Phase::Closing => self.send(&Frame::Answer { nonce }).await,
            _ => Ok(()),
        }
    }

    /// What identify and resume have in common. `false`: it is answered, or will never be.
    async fn may_enter(&mut self, token: &str) -> Result<bool, Leave> {
        if matches!(self.phase, Phase::Online | Phase::Replaced) {
            self.offence(Offence::Twice);
            self.carry_out(Order::Close(Some(4005))).await?;
            return Ok(false);
        }
        if token != TOKEN {
            self.offence(Offence::WrongToken);
            self.carry_out(Order::Close(Some(4004))).await?;
            return Ok(false);
        }
        Ok(self.phase != Phase::Mute)
    }

    async fn identify(&mut self, token: &str) -> Result<(), Leave> {
        let conn = self.seat.conn;
        self.seat.record(ServerEvent::Identify { conn });
        if !self.may_enter(token).await? {
            return Ok(());
        }
        if self.seat.endpoint == Endpoint::Resume && !self.invalidated {
            self.offence(Offence::IdentifyAtResumeUrl);
        }
        self.ready().await
    }

    /// A new session begins.
    async fn ready(&mut self) -> Result<(), Leave> {
        let conn = self.seat.conn;
        let session_id = self.seat.shared.identify(conn);
        let resume_gateway_url = self.seat.shared.urls.resume.clone();
        (self.cursor, self.seen) = (1, None);
        self.send(&Frame::Dispatch { s: 1, event: Event::Ready { session_id, resume_gateway_url } }).await?;
        self.seat.record(ServerEvent::Ready { conn });
        self.enter(How::Fresh);
        Ok(())
    }

    async fn resume(&mut self, token: &str, session_id: &str, seq: u64) -> Result<(), Leave> {
        let conn = self.seat.conn;
        self.seat.record(ServerEvent::Resume { conn, seq });
        if !self.may_enter(token).await? {
            return Ok(());
        }
        match self.on_resume.take() {
            Some(Welcome::CloseOnResume(code)) => return self.carry_out(Order::Close(Some(code))).await,
            Some(_) => {
                self.seat.shared.end_session();
                return self.invalid_session(false).await;
            }
            None => {}
        }
        match self.seat.shared.resume(conn, session_id, seq) {
            Resumption::Granted => {}
            Resumption::Unknown => return self.invalid_session(false).await,
            Resumption::SequenceAhead => return self.carry_out(Order::Close(Some(4007))).await,
        }
        (self.cursor, self.seen) = (seq, None);
        sleep(self.seat.shared.config.resume_takes).await;
        let mut replayed = 0;
        let s = loop {
            let Some(missed) = self.seat.shared.events_after(conn, self.cursor) else {
                return self.carry_out(Order::Close(None)).await;
            };
            self.dispatch(&missed).await?;
            replayed += missed.len();
            // No number as long as something older was generated meanwhile: numbers go out in order.
            if let Some(s) = self.seat.shared.number_resumed(conn, self.cursor) {
                break s;
            }
        };
        self.send(&Frame::Dispatch { s, event: Event::Resumed }).await?;
        self.cursor = s;
        self.seat.record(ServerEvent::Resumed { conn, replayed });
        self.enter(How::Resumed);
        Ok(())
    }

    fn enter(&mut self, how: How) {
        self.phase = Phase::Online;
        // A connection that is up may stay so as long as it likes.
        self.deadline = (Instant::now() + IDLE * 1_000, Order::Drop);
        self.seat.shared.online(self.seat.conn, how);
    }

    fn offence(&self, offence: Offence) {
        self.seat.record(ServerEvent::Offence { conn: self.seat.conn, offence });
    }

    async fn send(&mut self, frame: &Frame) -> Result<(), Leave> {
        self.write(Message::text(frame.encode())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Leave> {
        match timeout(WRITE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Leave),
        }
    }
}

/// Ends when an answer is due; never, where none is.
async fn answer_due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
