//! WebSockets whose server is killed and comes back.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::clients::Clients;
use crate::kind::Kind;
use crate::sample::{Served, Used};
use crate::server::Serve;
use crate::{Options, progress, table};

/// Each has an accept queue and ports of its own.
const ADDRESSES: u8 = 4;
/// The length of one of these queues. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 256;
/// How often the server is asked.
const LOOK: Duration = Duration::from_millis(20);
/// How long the first connections may take beyond their pace.
const FIRST: Duration = Duration::from_secs(60);

const HEAD: [&str; 8] = [
    "client",
    "99 % are back after, s",
    "all are back after, s",
    "most accepts in a second",
    "dials in vain, each",
    "bytes, each",
    "bytes at the most, each",
    "CPU of the outage, µs each",
];

/// What became of one client.
struct Run {
    /// When 99 % were connected again, from when the server was back.
    most: Option<Duration>,
    all: Option<Duration>,
    /// The most that the restarted server accepted within a second.
    peak: u64,
    /// Before the first dial, while all were connected, and in the end.
    base: Used,
    up: Used,
    end: Used,
}

/// The section of the document.
///
/// # Errors
/// Something is wrong with this machine; which client it is does not matter.
pub(crate) async fn measure(options: &Options, kinds: &[Kind]) -> io::Result<String> {
    let mut rows = Vec::new();
    for &kind in kinds {
        let mut runs = Vec::new();
        for repetition in 1..=options.repetitions {
            let run = run(options, kind).await?;
            progress(format_args!(
                "{}, {repetition} of {}: 99 % after {:.1?}, all after {:.1?}, {} accepts a second",
                kind.row(),
                options.repetitions,
                run.most,
                run.all,
                run.peak
            ));
            runs.push(run);
        }
        rows.push(row(options, kind, &runs));
    }
    let table = table::markdown(&HEAD, &rows);
    Ok(format!("### Through the kill of their server\n\n{}\n\n{}", preface(options), table.trim_end()))
}

fn preface(options: &Options) -> String {
    let Options { connections, rate, down, repetitions, patience, .. } = options;
    format!(
        "{} WebSockets of one process over the loopback. Their server, a process of its own, is killed by SIGKILL, and is back {down} s\n\
         later at the same port. It accepts {} connections a second at most, and {} more wait in its accept queues\n\
         ({ADDRESSES} addresses; less where `net.core.somaxconn` is less); what comes beyond the kernel drops, and the client's kernel sends again after\n\
         1, 3, 7, 15 and 31 s. Times begin when the server is back, and end after {patience} s.\n\n\
         All clients use tokio-tungstenite on one thread of tokio, with read buffers of 8 KiB unless the row says otherwise. The loops are what\n\
         one writes first: `connect_async`, reading to the end, and a wait; they have neither heartbeat nor deadline. backon's is\n\
         `ExponentialBuilder` with jitter and without a last time. redial is `websocket::connect`, with a second task that reads, and its\n\
         heartbeat. Bytes are those that are resident while all are connected, and at the most, less those of the process before its first\n\
         dial; sockets in the kernel are not in them. CPU is user and system time from the kill until the end.\n\n\
         Each row is of {repetitions} processes: the middle, and in brackets the least and the most.",
        table::thousands(*connections),
        table::thousands(*rate),
        u32::from(ADDRESSES) * BACKLOG,
    )
}

fn row(options: &Options, kind: Kind, runs: &[Run]) -> Vec<String> {
    let each = |value: u64| value as f64 / f64::from(options.connections);
    let beyond = format!("over {}", options.patience);
    let seconds = |time: fn(&Run) -> Option<Duration>| {
        table::cell(runs.iter().map(|run| time(run).map(|time| time.as_secs_f64())), 1, &beyond)
    };
    let number = |decimals, value: &dyn Fn(&Run) -> f64| {
        table::cell(runs.iter().map(|run| Some(value(run))), decimals, "")
    };
    vec![
        kind.row().to_owned(),
        seconds(|run| run.most),
        seconds(|run| run.all),
        number(0, &|run| run.peak as f64),
        number(2, &|run| each(run.in_vain())),
        number(0, &|run| each(run.up.resident.saturating_sub(run.base.resident))),
        number(0, &|run| each(run.most_resident().saturating_sub(run.base.resident))),
        number(0, &|run| each(run.end.cpu.saturating_sub(run.up.cpu).as_micros() as u64)),
    ]
}

impl Run {
    /// The most bytes of the process, of all that the kernel said of it.
    fn most_resident(&self) -> u64 {
        self.end.most_resident.max(self.end.resident).max(self.up.resident)
    }

    /// Dials from the kill on that led to no connection.
    fn in_vain(&self) -> u64 {
        (self.end.dials - self.up.dials).saturating_sub(self.end.connected - self.up.connected)
    }
}

async fn run(options: &Options, kind: Kind) -> io::Result<Run> {
    let Options { connections, rate, .. } = *options;
    let serve = Serve { websocket: true, rate, backlog: BACKLOG, addresses: ADDRESSES, port: 0 };
    let (mut server, serve) = serve.start_anywhere().await?;
    // Slower than the server is, so that this is no storm.
    let pace = (rate - rate / 10).max(1);
    let clients = Clients { kind, connections, pace: Some(pace), addresses: ADDRESSES, port: serve.port };
    let (mut clients, base) = clients.start().await?;
    let begin = Instant::now();
    let latest = Duration::from_secs(1) * connections / pace + FIRST;
    loop {
        let Served { open, .. } = server.ask().await?;
        if open == u64::from(connections) {
            break;
        }
        if begin.elapsed() > latest {
            let who = kind.row();
            return Err(io::Error::other(format!(
                "{who}: {open} of {connections} connections are up after {latest:?}"
            )));
        }
        sleep(LOOK).await;
    }
    sleep(options.held(kind)).await;
    let up = clients.ask().await?;

    server.kill().await?;
    sleep(options.down()).await;
    let mut server = serve.start().await?;
    let (back, mut most, mut all) = (Instant::now(), None, None);
    let peak = loop {
        let Served { open, peak } = server.ask().await?;
        let now = back.elapsed();
        if open * 100 >= u64::from(connections) * 99 {
            most.get_or_insert(now);
        }
        if open == u64::from(connections) {
            all = Some(now);
        }
        if all.is_some() || now > options.patience() {
            break peak;
        }
        sleep(LOOK).await;
    };
    Ok(Run { most, all, peak, base, up, end: clients.ask().await? })
}
