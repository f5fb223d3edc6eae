//! A gateway that misbehaves by a script, and a client that rides through all of it.

mod connection;
mod fact;
mod fault;
mod ledger;
mod protocol;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use fact::Fact;
use fault::Fault;
use ledger::Ledger;
use protocol::{Event, Frame, QUERY, TOKEN};
use server::{Config, Server};

/// A client that always waits 100 ms: enough to drive the server.
#[derive(Default)]
struct Client {
    session: Option<(String, String, u64)>,
    at_base: bool,
}

enum Next {
    Again(Duration),
    Never,
}

impl Client {
    async fn run(mut self, base: &str, ledger: &Ledger) {
        let mut wait = Duration::ZERO;
        loop {
            sleep(wait).await;
            wait = match self.connection(base, ledger).await {
                Next::Again(wait) => wait,
                Next::Never => return,
            };
        }
    }

    async fn connection(&mut self, base: &str, ledger: &Ledger) -> Next {
        let again = Next::Again(Duration::from_millis(100));
        let url = match &self.session {
            Some((_, url, _)) if !self.at_base => url.as_str(),
            _ => base,
        };
        let _guard = ledger.dial(None);
        let dial = tokio_tungstenite::connect_async(format!("{url}{QUERY}"));
        let mut socket = match timeout(Duration::from_millis(400), dial).await {
            Ok(Ok((socket, _))) => socket,
            Ok(Err(Error::Http(response))) => {
                let seconds =
                    response.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
                return Next::Again(Duration::from_secs(seconds.unwrap_or(1)));
            }
            _ => {
                self.at_base = !self.at_base;
                return again;
            }
        };
        let mut beats = interval_at(Instant::now() + Duration::from_secs(3600), Duration::from_secs(1));
        let (mut acked, mut established) = (true, false);
        let patience = sleep(Duration::from_millis(500));
        tokio::pin!(patience);
        loop {
            let frame = tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => Frame::decode(&text),
                    Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => {
                        match u16::from(code) {
                            4004 => return Next::Never,
                            4007 | 4009 => self.session = None,
                            _ => {}
                        }
                        return again;
                    }
                    Some(Ok(_)) => continue,
                    _ => return again,
                },
                _ = beats.tick() => {
                    if !std::mem::take(&mut acked) {
                        return again;
                    }
                    let seq = self.session.as_ref().map(|(_, _, seq)| *seq);
                    if socket.send(Message::text(Frame::Heartbeat { seq }.encode())).await.is_err() {
                        return again;
                    }
                    continue;
                }
                () = &mut patience, if !established => return again,
            };
            match frame {
                Ok(Frame::Hello { heartbeat_interval }) => {
                    beats = interval_at(Instant::now() + heartbeat_interval / 2, heartbeat_interval);
                    let token = TOKEN.to_owned();
                    let hello = match self.session.clone() {
                        Some((session_id, _, seq)) => Frame::Resume { token, session_id, seq },
                        None => Frame::Identify { token },
                    };
                    if socket.send(Message::text(hello.encode())).await.is_err() {
                        return again;
                    }
                }
                Ok(Frame::HeartbeatAck) => acked = true,
                Ok(Frame::Dispatch { s, event }) => {
                    match event {
                        Event::Ready { session_id, resume_gateway_url } => {
                            self.session = Some((session_id, resume_gateway_url, s));
                            established = true;
                        }
                        Event::Resumed => established = true,
                        Event::Message { n } => ledger.delivered(n),
                    }
                    if let Some((_, _, seq)) = &mut self.session {
                        *seq = s;
                    }
                    self.at_base &= !established;
                }
                Ok(Frame::InvalidSession { resumable }) => {
                    self.session.take_if(|_| !resumable);
                    return Next::Again(Duration::from_secs(1));
                }
                Ok(Frame::Reconnect) => return again,
                _ => {}
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(Config::default()).await?;
    let ledger = server.ledger().clone();
    println!("base {}, resume {}", server.gateway_url(), server.resume_url());
    let mut news = ledger.news();
    tokio::spawn(async move {
        while let Ok(entry) = news.recv().await {
            if !matches!(entry.fact, Fact::Dispatch { .. } | Fact::Heartbeat { .. }) {
                println!("{:7.3} {}", entry.at.as_secs_f64(), entry.fact);
            }
        }
    });
    let (base, book) = (server.gateway_url().to_owned(), ledger.clone());
    let client = tokio::spawn(async move { Client::default().run(&base, &book).await });
    let played = server.play(&Fault::SCRIPT).await;
    client.abort();
    for row in ledger.rows() {
        let (took, how) = (row.took.unwrap_or_default(), row.how);
        println!(
            "{:26} {:5} {:2} {took:9.0?} {how:?} {} {}",
            row.name, row.recovered, row.attempts, row.lost, row.twice
        );
    }
    println!("most open (server, client) {:?}, {} facts", ledger.most_open(), ledger.entries().len());
    let complaints = ledger.complaints();
    if played.is_err() || !complaints.is_empty() {
        return Err(format!("{played:?} {complaints:#?}").into());
    }
    Ok(())
}
