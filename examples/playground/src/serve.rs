//! A server of files on the loopback address.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::files::Files;

/// Serves them until the program is ended.
pub(crate) async fn serve(port: u16, files: Files) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        format!("port {port}: {error}; choose another with --port, or --port 0 for any that is free")
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("http://{address}/");
    let files = Arc::new(files);
    loop {
        // A connection that is gone before it is accepted concerns nobody.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let files = files.clone();
        tokio::spawn(async move {
            let answered = service_fn(|request| {
                let response = answer(&files, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            // Nor does one that the browser gives up.
            let _served = http1::Builder::new().serve_connection(TokioIo::new(stream), answered).await;
        });
    }
}

fn answer(files: &Files, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return response;
    }
    match files.read(request.uri().path()) {
        Some((bytes, kind)) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *response.body_mut() = Full::from(bytes);
        }
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}
