//! A connection of MQTT: what comes is recorded and answered, and the moves are made in their time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::wire::{self, Packet};
use super::{Move, Serve};
use crate::server::Conn;
use crate::timeline::What;

/// What becomes of the connection after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Over,
    Reset,
}

struct Session {
    conn: Conn,
    serve: Serve,
    moves: VecDeque<Move>,
    due: Option<Instant>,
    version: u8,
    mute: bool,
}

pub(super) async fn run(conn: Conn, serve: Serve) {
    let moves = serve.moves.iter().cloned().collect();
    let mut session = Session { conn, serve, moves, due: None, version: 0, mute: false };
    if session.live().await == Next::Reset {
        session.conn.reset();
    }
}

impl Session {
    async fn live(&mut self) -> Next {
        let mut buffer = Vec::new();
        loop {
            while let Some(packet) = wire::take(&mut buffer, self.version) {
                let next = self.hear(packet).await;
                if next != Next::Go {
                    return next;
                }
            }
            let due = if self.moves.is_empty() { None } else { self.due };
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
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let next = self.step().await;
                    if next != Next::Go {
                        return next;
                    }
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

    fn reference(&self) -> String {
        format!("127.0.0.1:{}", self.conn.hub.ports[1])
    }

    async fn step(&mut self) -> Next {
        let Some(step) = self.moves.pop_front() else { return Next::Go };
        match step {
            Move::Wait(ms) => self.due = Some(Instant::now() + self.conn.hub.wait(self.conn.id, ms)),
            Move::WaitForAll => {
                self.due = self.conn.hub.all_there().or_else(|| {
                    self.moves.push_front(Move::WaitForAll);
                    Some(Instant::now() + Duration::from_millis(20))
                });
            }
            Move::Fault => self.conn.fault(),
            Move::Raw(bytes) => {
                self.sent(format!("{} bytes", bytes.len()));
                self.send(&bytes).await;
            }
            Move::Disconnect(reason, elsewhere) => {
                if self.version >= 5 {
                    self.sent(format!("DISCONNECT 0x{reason:02X}"));
                    let reference = elsewhere.then(|| self.reference());
                    self.send(&wire::disconnect(reason, reference.as_deref())).await;
                }
                return self.finish().await;
            }
            Move::Publish => {
                self.sent("PUBLISH 9");
                self.send(&wire::publish(self.version, 9)).await;
            }
            Move::Mute => {
                self.mute = true;
                self.sent("nothing any more");
            }
            Move::Fin => return self.finish().await,
            Move::Reset => return Next::Reset,
        }
        Next::Go
    }

    /// Ends the connection with FIN, and reads what still comes.
    async fn finish(&mut self) -> Next {
        self.conn.note(What::Cut);
        self.conn.stream.shutdown().await.unwrap_or_default();
        let mut buffer = [0; 1 << 10];
        let reading = async { while let Ok(1..) = self.conn.stream.read(&mut buffer).await {} };
        tokio::select! {
            () = reading => {}
            () = sleep(Duration::from_secs(5)) => {}
        }
        Next::Over
    }

    async fn hear(&mut self, packet: Packet) -> Next {
        match packet {
            Packet::Connect { version, clean, keep_alive } => {
                self.conn.note(What::Connect { version, clean, keep_alive });
                self.version = version;
                return self.accept().await;
            }
            Packet::Subscribe { packet, topics } => {
                let answer = wire::suback(self.version, packet, topics.len());
                self.conn.note(What::Subscribe { topics });
                if !self.mute {
                    self.send(&answer).await;
                }
            }
            Packet::PubAck { packet } => self.conn.note(What::PubAck { packet }),
            Packet::PingReq => {
                self.conn.note(What::PingReq);
                if !self.mute {
                    self.send(wire::PINGRESP).await;
                }
            }
            Packet::Disconnect { reason } => self.conn.note(What::Disconnect { reason }),
            Packet::Other { kind } => {
                self.conn.note(What::Garbled { text: format!("a packet of type {kind}") })
            }
        }
        Next::Go
    }

    async fn accept(&mut self) -> Next {
        let connack = self.serve.connack;
        if connack.late > 0 {
            self.conn.fault();
            sleep(Duration::from_millis(connack.late)).await;
        }
        let answer = wire::connack(self.version, connack, &self.reference());
        if connack.reason != 0 {
            self.conn.fault();
            self.sent(format!(
                "CONNACK 0x{:02X}",
                if self.version < 5 { connack.code } else { connack.reason }
            ));
            self.send(&answer).await;
            return self.finish().await;
        }
        // One that begins with the answer begins before the client can have an opinion of it.
        if let Some(Move::Fault) = self.moves.front() {
            self.moves.pop_front();
            self.conn.fault();
        }
        self.conn.hub.open(self.conn.id);
        self.send(&answer).await;
        self.due = Some(Instant::now());
        Next::Go
    }
}
