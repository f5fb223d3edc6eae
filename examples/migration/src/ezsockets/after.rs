//! After.

use redial::driver::Ended;
use redial::websocket::{SetupError, connect};

pub async fn follow(url: &str, on_line: impl Fn(String)) -> Result<Ended, SetupError> {
    let mut socket = connect(url).on_connect(|connection| connection.send("SUB lobby")).spawn()?;
    while let Some(message) = socket.recv().await {
        on_line(message.to_string());
    }
    Ok(socket.closed().await)
}
