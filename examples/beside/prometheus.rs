//! How do I watch a client? One that stays connected to a server of lines, with a page for Prometheus: what the client goes through,
//! and the process around it. Kill the server and start it again.
//!
//! ```sh
//! cargo run -p redial-beside --bin prometheus -- 127.0.0.1:4000 127.0.0.1:9464
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! `docs/operations` has a dashboard and alerts for it.

use std::convert::Infallible;
use std::error::Error;
use std::io::ErrorKind;

use hyper::header::CONTENT_TYPE;
use hyper::{Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use redial::telemetry::{Metrics, Observed};
use redial::{Policy, SplitMix64, driver, presets};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// In seconds: from a round trip on one machine to an outage of an hour.
const BUCKETS: [f64; 12] = [0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0];

const TASKS: &str = "tokio_alive_tasks";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, page] = &arguments[..] else {
        return Err("give a server and an address for the page".into());
    };

    // The recorder first: what is made before it counts nowhere.
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    let process = Collector::default();
    process.describe();
    describe_gauge!(TASKS, Unit::Count, "Tasks that are alive on the runtime.");
    let listener = TcpListener::bind(page).await?;
    println!("http://{}/metrics", listener.local_addr()?);
    tokio::spawn(serve(listener, recorder, process));

    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os());
    let policy = Observed::new(policy, Metrics::new("feed"));
    let connect = |_| async { Ok(TcpStream::connect(server).await?) };
    let mut client = driver::supervise(policy, driver::Tokio::new(), connect, |stream, link| async move {
        link.ready();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await? {
            link.received();
            println!("{line}");
        }
        Err(std::io::Error::from(ErrorKind::UnexpectedEof).into())
    });
    println!("{:?}", client.run().await);
    Ok(())
}

/// Answers every request with the page.
async fn serve(listener: TcpListener, recorder: PrometheusHandle, process: Collector) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (recorder, process) = (recorder.clone(), process.clone());
        let answer = service_fn(move |_| {
            process.collect();
            gauge!(TASKS).set(Handle::current().metrics().num_alive_tasks() as f64);
            recorder.run_upkeep();
            let page =
                Response::builder().header(CONTENT_TYPE, "text/plain; version=0.0.4").body(recorder.render());
            std::future::ready(Ok::<_, Infallible>(page.unwrap_or_default()))
        });
        tokio::spawn(async move {
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await)
        });
    }
}
