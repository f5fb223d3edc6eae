//! A client with the loop that is written first: it dials again at once, whatever happened, and asks after nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The upgrade and nothing else; to `host:port`.
pub(crate) async fn websocket(address: &str) {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    loop {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            if stream.write_all(request.as_bytes()).await.is_ok() {
                let mut buffer = [0; 4 << 10];
                // A close frame ends it like the end of the connection does.
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    if buffer.first() == Some(&0x88) && read < 126 {
                        break;
                    }
                }
            }
        }
        // So that a closed port does not take all of a processor.
        sleep(Duration::from_millis(1)).await;
    }
}
