//! A client of the gauntlet on `redial::websocket`, with the defaults.
//!
//! ```text
//! gauntlet websocket --with subscriptions -- redial-websocket {url}
//! ```

use redial::websocket::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: redial-websocket URL")?;
    let subscribe = |connection: &mut redial::websocket::Connection<'_>| {
        connection.send("SUB a");
        connection.send("SUB b");
    };
    let mut client = connect(&url).on_connect(subscribe);
    if let Ok(seed) = std::env::var("GAUNTLET_SEED") {
        client = client.seed(seed.parse()?);
    }
    let mut socket = client.spawn()?;
    while let Some(message) = socket.recv().await {
        println!("{message}");
    }
    // It was not asked to end, so it has given up.
    Err(socket.closed().await.to_string().into())
}
