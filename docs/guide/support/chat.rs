// A chat server on a loopback port of its own, for the code of the guide.
//
// A client says `HELLO`, `HELLO <token> <number>`, `SUB <room>`, `SAY <room> <text>`. The server says `SESSION <token>`,
// `RESUMED`, `OK <room>` and, of what is said since the session began, `MSG <number> <text>`.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, accept_hdr};

/// Clones are the same server. It ends with the process.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    address: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    said: Vec<String>,
    heard: Vec<String>,
    /// How often all connections were dropped.
    cuts: u32,
    /// The number of the newest session.
    session: u32,
    /// The header that an upgrade must have.
    authorization: Option<String>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("ws://{}", listener.local_addr().unwrap());
        let server = Self(Arc::new(Shared { address, state: Mutex::default() }));
        // Code that waits for what never comes must fail.
        thread::spawn(|| {
            thread::sleep(Duration::from_secs(300));
            eprintln!("the code of a chapter hangs");
            std::process::abort();
        });
        let accepting = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = accepting.clone();
                // An error is the end of the connection.
                thread::spawn(move || drop(server.serve(stream.unwrap())));
            }
        });
        server
    }

    pub fn url(&self) -> &str {
        &self.0.address
    }

    /// Drops all connections without a word.
    pub fn cut(&self) {
        self.state().cuts += 1;
    }

    /// Forgets all sessions.
    pub fn forget(&self) {
        self.state().session += 1;
    }

    /// Says this in every room.
    pub fn say(&self, text: &str) {
        self.state().said.push(text.to_owned());
    }

    /// Refuses upgrades without this header `Authorization` from now on.
    pub fn require(&self, authorization: &str) {
        self.state().authorization = Some(authorization.to_owned());
    }

    /// What clients have sent.
    pub fn heard(&self) -> Vec<String> {
        self.state().heard.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) -> Result<(), Error> {
        let mut socket = accept_hdr(stream, |request: &Request, response: Response| {
            let wanted = self.state().authorization.clone();
            let given = request.headers().get("authorization").and_then(|header| header.to_str().ok());
            if wanted.is_none() || wanted.as_deref() == given {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = 401.try_into().unwrap();
            Err(refusal)
        })
        .map_err(|_| Error::ConnectionClosed)?;
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(5)))?;
        let cuts = self.state().cuts;
        let mut next = self.state().said.len();
        let mut subscribed = false;
        while self.state().cuts == cuts {
            let said = self.state().said[next..].to_vec();
            for text in said.into_iter().filter(|_| subscribed) {
                next += 1;
                socket.send(format!("MSG {next} {text}").into())?;
            }
            match socket.read() {
                Ok(Message::Text(text)) => self.answer(&mut socket, &text, &mut next, &mut subscribed)?,
                Err(Error::Io(late)) if late.raw_os_error() == Some(11) => {}
                Err(Error::Io(late)) if late.kind() == std::io::ErrorKind::TimedOut => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    fn answer(
        &self,
        socket: &mut WebSocket<TcpStream>,
        text: &str,
        next: &mut usize,
        subscribed: &mut bool,
    ) -> Result<(), Error> {
        let mut state = self.state();
        state.heard.push(text.to_owned());
        let answer = match *text.splitn(3, ' ').collect::<Vec<_>>() {
            ["HELLO"] => format!("SESSION s{}", state.session),
            ["HELLO", token, number] if token == format!("s{}", state.session) => {
                *next = number.parse().unwrap_or(0);
                *subscribed = true;
                "RESUMED".to_owned()
            }
            ["HELLO", ..] => {
                // A close code of its own: unknown session.
                drop(state);
                let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                    code: 4009.into(),
                    reason: "unknown session".into(),
                };
                socket.close(Some(frame))?;
                return socket.flush();
            }
            ["SUB", room] => {
                *subscribed = true;
                format!("OK {room}")
            }
            ["SAY", _, text] => {
                let text = text.to_owned();
                state.said.push(text);
                return Ok(());
            }
            _ => return Ok(()),
        };
        drop(state);
        socket.send(answer.into())
    }
}
