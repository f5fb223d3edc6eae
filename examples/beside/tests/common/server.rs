//! A server of a test's own.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use futures_util::stream::Stream;
use futures_util::{StreamExt, future::ready};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::listen;

/// In a thread with a runtime of its own. Dropped, all its sockets close in one moment, as those of a process do that is killed.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// What it has accepted.
    pub(crate) connections: Arc<Connections>,
}

/// How many connections there were.
#[derive(Default)]
pub(crate) struct Connections {
    pub(crate) all: AtomicUsize,
    pub(crate) open: AtomicUsize,
    /// At one time.
    pub(crate) most: AtomicUsize,
}

struct Open(Arc<Connections>);

impl Open {
    fn new(connections: &Arc<Connections>) -> Self {
        connections.all.fetch_add(1, Ordering::SeqCst);
        let open = connections.open.fetch_add(1, Ordering::SeqCst) + 1;
        connections.most.fetch_max(open, Ordering::SeqCst);
        Self(connections.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Server {
    /// It listens when this returns; `serve` has one connection until its future ends.
    pub(crate) fn start<F>(port: u16, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = listen(port);
        listener.set_nonblocking(true).unwrap();
        let connections = Arc::<Connections>::default();
        let (stop, mut stopped) = oneshot::channel();
        let counted = connections.clone();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = &mut stopped => return,
                };
                let (open, serving) = (Open::new(&counted), serve(stream));
                tokio::spawn(async move {
                    serving.await;
                    drop(open);
                });
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || runtime.block_on(serve));
        Self { stop: Some(stop), thread: Some(thread), connections }
    }

    /// One that answers requests over HTTP.
    pub(crate) fn http(
        port: u16,
        answer: impl Fn(Request<Incoming>) -> Answer + Clone + Send + 'static,
    ) -> Self {
        Self::start(port, move |stream| {
            let answer = answer.clone();
            let service = service_fn(move |request| ready(Ok::<_, Infallible>(answer(request))));
            async move {
                // A client that leaves in the middle of an answer is none of its errors.
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What a request gets.
pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// With this status and text.
pub(crate) fn text(status: u16, text: impl Into<String>) -> Answer {
    Response::builder().status(status).body(Full::from(text.into()).boxed_unsync()).unwrap()
}

/// With these pieces, as they come.
pub(crate) fn stream(kind: &str, pieces: impl Stream<Item = String> + Send + 'static) -> Answer {
    let body = StreamBody::new(pieces.map(|piece| Ok(Frame::data(Bytes::from(piece)))));
    Response::builder().header("content-type", kind).body(body.boxed_unsync()).unwrap()
}
