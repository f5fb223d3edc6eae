//! How do I read server-sent events? An `EventSource` without a browser: hyper speaks HTTP, `sse-stream` reads the events, and neither
//! reconnects. redial does, and keeps what a reconnect needs: each event's id is the session's cursor, which a resume sends as
//! `Last-Event-ID`, and `retry:` is the first wait of its backoff. No event is then lost or comes twice, if the server keeps them.
//!
//! As in the specification, 204 and a body that is no event stream are final. Other than there, a server that is overloaded (429) or
//! failing (5xx) is dialled again, after the time that its `Retry-After` asks for.
//!
//! ```sh
//! cargo run -p redial-beside --bin sse -- 127.0.0.1:8080 /events    # prints each event with its id
//! ```

#![expect(clippy::disallowed_methods, reason = "a date in `Retry-After` is compared with the clock")]

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::driver::{Command, Failure, Link, Outcome, Tokio, supervise};
use redial::{Cause, Config, Event, Policy, SplitMix64, causes, presets};
use sse_stream::SseStream;
use tokio::net::TcpStream;

/// The server has nothing more to say.
const NO_CONTENT: Cause = Cause::Http(204);
/// Of its curve `retry:` sets the first wait, and with it the rest; of the windows of `presets::RECOMMENDED` the first wait alone.
const CONFIG: Config = presets::FEW
    .to_builder()
    .classifier(
        Classifier::new(&tables::TRANSPORT)
            .rule(Rule::new(Match::Is(NO_CONTENT), Verdict::new(Class::Fatal)))
            .build_const(),
    )
    .build_const();

type Http = (SendRequest<Empty<Bytes>>, Connection<TokioIo<TcpStream>, Empty<Bytes>>);

async fn connect(address: &str) -> Result<Http, Failure> {
    Ok(handshake(TokioIo::new(TcpStream::connect(address).await?)).await?)
}

async fn live(
    (mut http, connection): Http,
    link: Link<String>,
    host: &str,
    path: &str,
) -> Result<(), Failure> {
    let events = async {
        let mut request = Request::get(path).header(HOST, host).header(ACCEPT, "text/event-stream");
        let resumed = match link.command().await {
            Some(Command::Resume(session)) => session.token().cloned(),
            _ => None,
        };
        if let Some(id) = &resumed {
            request = request.header("last-event-id", id.as_bytes());
        }
        let response = http.send_request(request.body(Empty::new())?).await?;
        let epoch = link.epoch();
        if let Err(cause) = accepted(&response) {
            let retry_after = causes::retry_after(response.status(), response.headers(), SystemTime::now());
            link.tell(Event::OpenFailed { epoch, cause, retry_after });
            return Ok(());
        }
        match resumed {
            Some(_) => link.tell(Event::Resumed { epoch }),
            None => link.ready(),
        }
        let mut events = SseStream::new(response.into_body());
        while let Some(event) = events.next().await {
            let event = event?;
            link.received();
            if let Some(millis) = event.retry {
                link.tell(Event::BackoffHint { base: Duration::from_millis(millis) });
            }
            // One that no header can carry is none.
            let id = event.id.filter(|id| HeaderValue::from_bytes(id.as_bytes()).is_ok());
            if let Some(token) = &id {
                link.tell(Event::Cursor { epoch, token: token.clone() });
            }
            if let Some(data) = event.data {
                println!("{}: {data}", id.unwrap_or_default());
            }
        }
        Ok(())
    };
    tokio::select! {
        biased;
        end = events => end,
        // It ends with the response, or with an error that the response tells as well.
        never = async { drop(connection.await); std::future::pending().await } => never,
    }
}

fn accepted<T>(response: &Response<T>) -> Result<(), Cause> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match response.status() {
        StatusCode::OK if kind.starts_with("text/event-stream") => Ok(()),
        StatusCode::OK => Err(Cause::Class(Class::Fatal)),
        status => Err(status.into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path] = &arguments[..] else {
        eprintln!("usage: sse HOST:PORT PATH");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&CONFIG, SplitMix64::from_os()).with_session_type::<String>();
    let live = |http, link| live(http, link, address, path);
    match supervise(policy, Tokio::new(), |_| connect(address), live).run().await {
        Outcome::GaveUp { cause: NO_CONTENT, .. } => ExitCode::SUCCESS,
        outcome => {
            eprintln!("{outcome:?}");
            ExitCode::FAILURE
        }
    }
}
