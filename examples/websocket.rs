//! Messages as they are, from a server that may go and come back.
//!
//! ```text
//! cargo run --example websocket --features websocket -- ws://HOST:PORT
//! ```

use redial::websocket::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: websocket URL")?;
    let mut socket = connect(&url).on_connect(|connection| connection.send("SUB lobby")).spawn()?;
    socket.online().await?;
    socket.send("SAY lobby hello").await?;
    while let Some(message) = socket.recv().await {
        println!("{message}");
    }
    Err(socket.closed().await.into()) // why it will not come back
}
