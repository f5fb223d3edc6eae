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
            let answered = service_fn(|request: Request<Incoming>| {
                let response = answer(&files, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(response) }
            });
            // Nor does one that the browser gives up.
            let _served = http1::Builder::new().serve_connection(TokioIo::new(stream), answered).await;
        });
    }
}

fn answer(files: &Files, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !matches!(*method, Method::GET | Method::HEAD) {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return response;
    }
    match files.read(path) {
        Some((bytes, kind)) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *response.body_mut() = Full::from(bytes);
        }
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hyper::body::Body;
    use hyper::header::CONTENT_TYPE;
    use hyper::{Method, StatusCode};

    use super::answer;
    use crate::files::Files;

    fn page() -> Files {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        Files::new(&home.join("page"), &home.join("README.md")).expect("the page")
    }

    #[test]
    fn the_files_of_the_page_are_served_by_their_types() {
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/main.js", "text/javascript; charset=utf-8"),
            ("/theme.css", "text/css; charset=utf-8"),
            ("/icon.svg", "image/svg+xml"),
            ("/core.wasm", "application/wasm"),
        ] {
            let response = answer(&page(), &Method::GET, path);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], kind, "{path}");
            assert!(response.body().size_hint().lower() > 0, "{path}");
        }
    }

    #[test]
    fn nothing_else_is_there() {
        for path in
            ["/../Cargo.toml", "/page/main.js", "/main.js/", "//main.js", "/%2e%2e/Cargo.toml", "/none", ""]
        {
            assert_eq!(answer(&page(), &Method::GET, path).status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(answer(&page(), &Method::POST, "/").status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn a_core_that_is_missing_is_named_with_the_way_out() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = Files::new(&home.join("page"), Path::new("none.wasm")).err().expect("no such file");
        assert_eq!(error, "none.wasm: no such file; leave --core out to build it");
    }
}
