//! A connection that is upgraded: what comes is recorded and answered, and the moves are made in their time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

use super::frames::{self, Incoming};
use super::{Move, Serve, upgrade};
use crate::discord::{self, Discord};
use crate::server::Conn;
use crate::timeline::What;

/// How long a client has to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What becomes of the connection after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Over,
    Reset,
}

struct Session {
    conn: Conn,
    discord: Option<Discord>,
    moves: VecDeque<Move>,
    /// When the next move is made; none before the connection is open.
    due: Option<Instant>,
    mute: bool,
    /// A close frame was sent.
    closing: bool,
    /// The server leaves it to the client to end the connection.
    waits: bool,
    /// Acknowledgements that come late.
    late: VecDeque<Instant>,
}

pub(super) async fn run(mut conn: Conn, serve: Serve) {
    if !upgrade::accept(&mut conn, serve.upgrade).await {
        return;
    }
    let mut session = Session {
        conn,
        due: serve.discord.is_none().then(Instant::now),
        discord: serve.discord,
        moves: serve.moves.into(),
        mute: false,
        closing: false,
        waits: false,
        late: VecDeque::new(),
    };
    if let Some(hello) = session.discord.as_ref().and_then(Discord::hello) {
        session.send(&frames::text(&hello)).await;
    }
    if session.discord.as_ref().is_some_and(|discord| discord.moves_at_once) {
        session.due = Some(Instant::now());
    }
    if session.live().await == Next::Reset {
        session.conn.reset();
    }
}

impl Session {
    async fn live(&mut self) -> Next {
        let mut buffer = Vec::new();
        loop {
            while let Some(incoming) = frames::take(&mut buffer) {
                let next = self.hear(incoming).await;
                if next != Next::Go {
                    return next;
                }
            }
            let due = if self.moves.is_empty() && !self.closing { None } else { self.due };
            let late = self.late.front().copied();
            let far = Instant::now() + Duration::from_secs(3_600);
            tokio::select! {
                read = self.conn.stream.read_buf(&mut buffer) => match read {
                    Ok(0) => {
                        self.conn.note(What::Gone { reset: false });
                        return Next::Over;
                    }
                    Ok(_) => {}
                    Err(_) => {
                        self.conn.note(What::Gone { reset: true });
                        return Next::Over;
                    }
                },
                () = sleep_until(due.unwrap_or(far)), if due.is_some() => {
                    let next = self.step().await;
                    if next != Next::Go {
                        return next;
                    }
                }
                () = sleep_until(late.unwrap_or(far)), if late.is_some() => {
                    self.late.pop_front();
                    self.send(&frames::text(discord::ACK)).await;
                }
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        // What became of the connection is seen by the reader.
        self.conn.stream.write_all(bytes).await.unwrap_or_default();
    }

    fn sent(&self, text: impl Into<String>) {
        self.conn.note(What::Sent { text: text.into() });
    }

    async fn step(&mut self) -> Next {
        let Some(step) = self.moves.pop_front() else {
            if self.closing && !self.waits {
                return self.finish().await;
            }
            self.due = None;
            return Next::Go;
        };
        match step {
            Move::Wait(ms) => self.due = Some(Instant::now() + self.conn.hub.wait(self.conn.id, ms)),
            Move::WaitForAll => {
                self.due = self.conn.hub.all_there().or_else(|| {
                    self.moves.push_front(Move::WaitForAll);
                    Some(Instant::now() + Duration::from_millis(20))
                });
            }
            Move::Fault => self.conn.fault(),
            Move::Ping(payload) => {
                self.sent(format!("ping {payload}"));
                self.send(&frames::ping(payload)).await;
            }
            Move::Raw(bytes) => {
                self.sent(format!("{} bytes", bytes.len()));
                self.send(&bytes).await;
            }
            Move::Close(code) => self.close(code).await,
            Move::CloseAndWait(code) => {
                self.waits = true;
                self.close(Some(code)).await;
            }
            Move::Mute => {
                self.mute = true;
                self.sent("nothing any more");
            }
            Move::Fin => return self.finish().await,
            Move::Reset => return Next::Reset,
            Move::Op(op, data) => {
                let sequence = (op == 0).then(|| self.conn.hub.next_sequence());
                if let Some(seq) = sequence {
                    self.conn.note(What::Sequence { seq });
                }
                let text = discord::message(op, &data, sequence);
                self.sent(&text);
                self.send(&frames::text(&text)).await;
            }
        }
        Next::Go
    }

    async fn close(&mut self, code: Option<u16>) {
        self.sent(code.map_or_else(|| "close".to_owned(), |code| format!("close {code}")));
        self.closing = true;
        self.due = Some(Instant::now() + CLOSE_TIMEOUT);
        self.moves.clear();
        self.send(&frames::close(code)).await;
    }

    /// Ends the connection with FIN, and reads what still comes.
    async fn finish(&mut self) -> Next {
        self.conn.note(What::Cut);
        self.conn.stream.shutdown().await.unwrap_or_default();
        upgrade::drain_briefly(&mut self.conn).await;
        Next::Over
    }

    async fn hear(&mut self, incoming: Incoming) -> Next {
        match incoming {
            Incoming::Text(text) => return self.hear_text(text).await,
            Incoming::Binary(bytes) => self.conn.note(What::Binary { bytes }),
            Incoming::Ping(payload) => {
                self.conn.note(What::Ping { bytes: payload.len() });
                if !self.mute {
                    self.send(&frames::pong(payload)).await;
                }
            }
            Incoming::Pong(payload) => {
                self.conn.note(What::Pong { text: String::from_utf8_lossy(&payload).into_owned() });
            }
            Incoming::Close(code) => {
                self.conn.note(What::Close { code });
                if !self.closing && !self.mute {
                    self.send(&frames::close(code)).await;
                }
                if !self.mute && !self.waits {
                    return self.finish().await;
                }
            }
            Incoming::Garbled(text) => self.conn.note(What::Garbled { text }),
        }
        Next::Go
    }

    async fn hear_text(&mut self, text: String) -> Next {
        let Some(discord) = self.discord.as_mut() else {
            self.conn.note(What::Text { text });
            return Next::Go;
        };
        let answers = discord.hear(&text, &self.conn);
        if self.mute {
            return Next::Go;
        }
        for answer in answers {
            match answer {
                discord::Answer::Say(text) => self.send(&frames::text(&text)).await,
                discord::Answer::Later(ms) => self.late.push_back(Instant::now() + Duration::from_millis(ms)),
                discord::Answer::Open => {
                    self.conn.hub.open(self.conn.id);
                    self.due.get_or_insert_with(Instant::now);
                }
                discord::Answer::Fault => self.conn.fault(),
                discord::Answer::Close(code) => self.close(Some(code)).await,
                discord::Answer::Fin => return self.finish().await,
            }
        }
        Next::Go
    }
}
