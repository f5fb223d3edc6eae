//! How do I watch resources as Kubernetes serves them? List, then watch from the list's `resourceVersion`; every object and BOOKMARK
//! that comes moves the session's cursor, from which a resume goes on watching. 410 Gone, as a status or as an ERROR in the stream,
//! drops the session, so that the next dial lists again. The end that a server gives a watch after `timeoutSeconds` is planned.
//!
//! hyper speaks HTTP and does not reconnect; `kube::runtime::watcher` would, and then redial must not.
//!
//! ```sh
//! kubectl proxy &
//! cargo run -p redial-beside --bin watch -- 127.0.0.1:8001 /api/v1/namespaces/default/configmaps
//! ```

#![expect(clippy::disallowed_methods, reason = "a date in `Retry-After` is compared with the clock")]

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use redial::driver::{Command, Failure, Link, Tokio, supervise};
use redial::{Cause, Event, Policy, SplitMix64, causes, presets};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// After so long a server ends a watch; client-go draws from 5 to 10 minutes.
const WATCH_SECS: u64 = 300;

type Requests = SendRequest<Empty<Bytes>>;
type Http = (Requests, Connection<TokioIo<TcpStream>, Empty<Bytes>>);

async fn connect(address: &str) -> Result<Http, Failure> {
    Ok(handshake(TokioIo::new(TcpStream::connect(address).await?)).await?)
}

async fn get(http: &mut Requests, link: &Link<String>, host: &str, uri: &str) -> Result<Incoming, Failure> {
    let request = Request::get(uri).header(HOST, host).body(Empty::new())?;
    let response = http.send_request(request).await?;
    if response.status() != StatusCode::OK {
        let retry_after = causes::retry_after(response.status(), response.headers(), SystemTime::now());
        let cause = Cause::from(response.status());
        link.tell(Event::OpenFailed { epoch: link.epoch(), cause, retry_after });
        return Err(cause.into());
    }
    Ok(response.into_body())
}

async fn watch(mut http: Requests, link: &Link<String>, host: &str, path: &str) -> Result<(), Failure> {
    let epoch = link.epoch();
    let resumed = match link.command().await {
        Some(Command::Resume(session)) => session.token().cloned(),
        _ => None,
    };
    let since = match &resumed {
        Some(since) => since.clone(),
        None => {
            let list = get(&mut http, link, host, path).await?.collect().await?.to_bytes();
            let list: Value = serde_json::from_slice(&list)?;
            let names = list["items"].as_array().into_iter().flatten().map(name);
            println!("LIST {}", names.collect::<Vec<_>>().join(" "));
            let token = Some(version(&list));
            link.tell(Event::Ready { epoch, token, endpoint: None, sequence: None, ttl: None });
            version(&list)
        }
    };
    let query =
        format!("watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECS}&resourceVersion={since}");
    let mut body = get(&mut http, link, host, &format!("{path}?{query}")).await?;
    if resumed.is_some() {
        link.tell(Event::Resumed { epoch });
    }
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        received.extend(frame?.into_data().unwrap_or_default());
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line)?;
            let (kind, object) = (event["type"].as_str().unwrap_or_default(), &event["object"]);
            if kind == "ERROR" {
                let code = object["code"].as_u64().and_then(|code| code.try_into().ok());
                return Err(code.map_or(Cause::Unknown, Cause::Http).into());
            }
            link.tell(Event::Cursor { epoch, token: version(object) });
            if kind != "BOOKMARK" {
                println!("{kind} {}", name(object));
            }
        }
    }
    link.tell(Event::ReconnectRequested { epoch, retry_after: None, deadline: None });
    Ok(())
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

async fn live((http, connection): Http, link: Link<String>, host: &str, path: &str) -> Result<(), Failure> {
    tokio::select! {
        biased;
        // Nothing is asked of a server that has gone silent: it has had its time.
        end = timeout(Duration::from_secs(WATCH_SECS + 30), watch(http, &link, host, path)) => end?,
        // It ends with the response, or with an error that the response tells as well.
        never = async { drop(connection.await); std::future::pending().await } => never,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path] = &arguments[..] else {
        eprintln!("usage: watch HOST:PORT PATH");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&presets::K8S_REFLECTOR, SplitMix64::from_os()).with_session_type::<String>();
    let live = |http, link| live(http, link, address, path);
    let mut driver = supervise(policy, Tokio::new(), |_| connect(address), live);
    let mut changes = driver.handle().changes();
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            eprintln!("{change}");
        }
    });
    eprintln!("{:?}", driver.run().await);
    ExitCode::FAILURE
}
