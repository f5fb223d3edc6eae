//! The example, beside a real server that is killed and started again: the page is fetched over HTTP, and its numbers are checked.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, of a real client that takes its time"
)]

#[path = "../../../tests/common/port.rs"]
mod port;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use port::{free_port, listen};

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

/// The page: each series as it is written, with its value.
struct Page {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Page {
    fn fetch(address: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
        let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let series = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        });
        Self { series: series.collect(), text: text.to_owned() }
    }

    /// The value of this series; 0 if it is not there.
    fn get(&self, series: &str) -> f64 {
        self.series.get(series).copied().unwrap_or(0.0)
    }
}

/// The page, as soon as it is as it should be.
#[track_caller]
fn until(address: &str, ready: impl Fn(&Page) -> bool) -> Page {
    let began = Instant::now();
    loop {
        let page = Page::fetch(address);
        if ready(&page) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{}", page.text);
        pause();
    }
}

fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

const ONLINE: &str = r#"redial_online{client="feed"}"#;
const FAILED: &str = r#"redial_attempts_total{client="feed",result="failed"}"#;

#[test]
fn the_page_tells_of_an_outage() {
    let port = free_port();
    let server = listen(port);
    let mut client = Command::new(env!("CARGO_BIN_EXE_prometheus"));
    client.args([&format!("127.0.0.1:{port}"), "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut client = Running(client.spawn().unwrap());
    let mut said = BufReader::new(client.0.stdout.take().unwrap()).lines();
    let url = said.next().unwrap().unwrap();
    let page_at = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();

    let (mut connection, _) = server.accept().unwrap();
    connection.write_all(b"hello\n").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "hello");
    let page = until(page_at, |page| page.get(ONLINE) == 1.0);
    assert_eq!(page.get(r#"redial_outages_total{client="feed",trigger="start"}"#), 1.0);
    assert_eq!(page.get("redial_recovery_seconds_count{client=\"feed\"}"), 0.0, "a first connection is none");

    // Killed: the connection and the listener at once.
    let killed = Instant::now();
    drop((connection, server));
    let page = until(page_at, |page| page.get(FAILED) > 0.0);
    assert_eq!(page.get(ONLINE), 0.0);
    assert_eq!(
        page.get(r#"redial_losses_total{client="feed",cause="unexpected_eof"}"#),
        1.0,
        "{}",
        page.text
    );

    let restarted = Instant::now();
    let server = listen(port);
    let (_connection, _) = server.accept().unwrap();
    let page = until(page_at, |page| page.get(ONLINE) == 1.0);
    let recovered = killed.elapsed().as_secs_f64();

    assert_eq!(page.get(r#"redial_outages_total{client="feed",trigger="lost"}"#), 1.0);
    assert_eq!(page.get(r#"redial_attempts_total{client="feed",result="established"}"#), 2.0);
    let refused = r#"redial_attempt_failures_total{client="feed",cause="connection_refused"}"#;
    assert_eq!(page.get(refused), page.get(FAILED));
    assert_eq!(page.get("redial_recovery_seconds_count{client=\"feed\"}"), 1.0);
    let took = page.get("redial_recovery_seconds_sum{client=\"feed\"}");
    assert!(took > (restarted - killed).as_secs_f64() - 0.1 && took < recovered, "{took} of {recovered}");
    assert_eq!(page.get("redial_recovery_seconds_bucket{client=\"feed\",le=\"3600\"}"), 1.0);
    let waited: f64 = page
        .series
        .iter()
        .filter(|(name, _)| name.starts_with("redial_wait_seconds_sum"))
        .map(|(_, sum)| sum)
        .sum();
    assert!(waited > 0.0 && waited <= took, "{waited} of {took}");

    // The process, beside what the kernel says of it.
    let id = client.0.id();
    let files = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count() as f64;
    assert!(
        (page.get("process_open_fds") - files).abs() <= 2.0,
        "{} of {files}",
        page.get("process_open_fds")
    );
    assert_eq!(page.get("process_threads"), 1.0);
    let resident = page.get("process_resident_memory_bytes");
    assert!(resident > 1e6 && resident < 1e9, "{resident}");
    assert!((1.0..10.0).contains(&page.get("tokio_alive_tasks")));

    // What dashboard and alerts need of the process is on it.
    let operations = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/");
    for file in ["grafana-dashboard.json", "prometheus-rules.yml"] {
        let text = std::fs::read_to_string(format!("{operations}{file}")).unwrap();
        let words: BTreeSet<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let named = words.iter().filter(|word| word.starts_with("process_") || word.starts_with("tokio_"));
        let missing: Vec<_> = named.filter(|name| !page.series.contains_key(**name)).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
}
