//! A chat whose rooms and session outlive the connection: nothing is lost and nothing comes twice where the server can
//! resume.
//!
//! ```text
//! cargo run --example chat --features websocket -- ws://HOST:PORT
//! ```

use redial::websocket::{self, Connection, Decoded, Establish, Frame, Protocol};

struct Chat;

impl Protocol for Chat {
    type Key = String;
    type Outgoing = (String, String);
    type Incoming = String;

    const ESTABLISHED: Establish = Establish::OnReady;

    fn identify(&self, connection: &mut Connection<'_>) {
        connection.send("HELLO");
    }

    fn resume(&self, token: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
        connection.send(format!("HELLO {token} {}", sequence.unwrap_or(0)));
    }

    fn subscribe(&self, room: &String) -> Frame {
        format!("SUB {room}").into()
    }

    fn encode(&self, (room, text): &(String, String)) -> Frame {
        format!("SAY {room} {text}").into()
    }

    fn decode(&self, frame: Frame) -> Decoded<String, String> {
        match *frame.to_string().splitn(3, ' ').collect::<Vec<_>>() {
            ["SESSION", token] => Decoded::ready(token.to_owned()),
            ["RESUMED"] => Decoded::Resumed { sequence: None },
            ["OK", room] => Decoded::confirmed(room.to_owned()),
            ["MSG", number, text] => Decoded::numbered(number, text.to_owned()),
            _ => Decoded::Ignored,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: chat URL")?;
    let mut chat = websocket::connect(&url).with_protocol(Chat).subscribe("lobby").spawn()?;
    chat.online().await?;
    chat.send(("lobby".to_owned(), "hello".to_owned())).await?;
    while let Some(text) = chat.recv().await {
        println!("{text}");
    }
    Err(chat.closed().await.into())
}
