//! WebSocket servers on ports of their own.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

pub(crate) struct Server {
    pub(crate) url: String,
    /// What each connection heard.
    heard: Arc<Mutex<Vec<Vec<String>>>>,
}

/// One connection, with its number from 0.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) url: String,
    socket: WebSocketStream<TcpStream>,
    heard: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Client {
    /// The next text; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => {
                    self.heard.lock().unwrap()[self.number].push(text.to_string());
                    return Some(text.to_string());
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }
}

impl Server {
    /// Plays this to each connection, and cuts it at the end without a close frame.
    pub(crate) async fn start<F: Future + Send>(play: impl Fn(Client) -> F + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let server = Self { url, heard: Arc::default() };
        let (heard, url) = (server.heard.clone(), server.url.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = {
                    let mut heard = heard.lock().unwrap();
                    heard.push(Vec::new());
                    heard.len() - 1
                };
                let (play, heard, url) = (play.clone(), heard.clone(), url.clone());
                tokio::spawn(async move {
                    if let Ok(socket) = accept_async(stream).await {
                        play(Client { number, url, socket, heard }).await;
                    }
                });
            }
        });
        server
    }

    pub(crate) fn heard(&self) -> Vec<Vec<String>> {
        self.heard.lock().unwrap().clone()
    }
}
