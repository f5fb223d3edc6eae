//! After.

use redial::driver::Ended;
use redial::websocket::{SendError, Sender, SetupError, Socket, connect};

/// `start_link`: the client connects and stays connected.
pub fn start(url: &str) -> Result<Socket, SetupError> {
    connect(url).on_connect(|connection| connection.send("SUB lobby")).spawn()
}

/// `handle_frame`, until the client is stopped or gives up; then why, which is `terminate`.
pub async fn handle_frames(mut socket: Socket, on_line: impl Fn(String)) -> Ended {
    while let Some(frame) = socket.recv().await {
        on_line(frame.to_string());
    }
    socket.closed().await
}

/// `send_frame`, from any task. Where there is no connection the text comes back in the error.
pub async fn say(sender: &Sender, text: &str) -> Result<(), Option<String>> {
    let sent = sender.send(text).await;
    sent.map_err(|error: SendError<_>| error.into_message().map(|message| message.to_string()))
}
