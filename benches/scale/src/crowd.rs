//! Clients over TCP that all dial at once, without WebSockets.
//!
//! The accept queue of their server, of the usual 128 places, is full most of the time. What comes then the kernel drops: the SYN,
//! which the client's sends again, or the end of the handshake, so that the client believes in a connection that the server knows
//! nothing of. The server speaks first, and a client is up when it has read that. How long it takes until all of them are is
//! reported and not judged: much of it is the kernel's time.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::clients::Clients;
use crate::kind::Kind;
use crate::server::Serve;
use crate::{Options, progress, table};

/// One every 200 µs.
const RATE: u32 = 5_000;
/// What a listener of the standard library has.
const BACKLOG: u32 = 128;
/// What is not up after so long stays down.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the clients are asked.
const LOOK: Duration = Duration::from_millis(20);

/// How many were up in the end, and when the last of them was.
struct Run {
    up: u64,
    last: Duration,
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
            let run = run(options.connections, kind).await?;
            progress(format_args!(
                "{} over TCP, {repetition} of {}: {} up, the last after {:.1?}",
                kind.row(),
                options.repetitions,
                run.up,
                run.last
            ));
            runs.push(run);
        }
        let up = table::cell(runs.iter().map(|run| Some(run.up as f64)), 0, "");
        let last = table::cell(runs.iter().map(|run| Some(run.last.as_secs_f64())), 1, "");
        rows.push(vec![kind.row().to_owned(), up, last]);
    }
    let seconds = PATIENCE.as_secs();
    let up = format!("up after {seconds} s at most");
    let table = table::markdown(&["client", &up, "the last of them after, s"], &rows);
    Ok(format!(
        "### All at once, over TCP\n\n\
         Clients without WebSockets that dial together a server that accepts {} a second at most, through a full accept queue of {BACKLOG}.\n\
         What it drops the kernel sends again after 1, 3 and 7 s, or the client believes in a connection that the server does not\n\
         know: the server speaks first, so that such a client waits until a deadline of its own. Much of the time is the kernel's, so\n\
         that it is no goal.\n\n{}",
        table::thousands(RATE),
        table.trim_end(),
    ))
}

async fn run(connections: u32, kind: Kind) -> io::Result<Run> {
    let serve = Serve { websocket: false, rate: RATE, backlog: BACKLOG, addresses: 1, port: 0 };
    let (server, serve) = serve.start_anywhere().await?;
    let clients = Clients { kind, connections, pace: None, addresses: 1, port: serve.port };
    let (mut clients, _) = clients.start().await?;
    let begin = Instant::now();
    let mut run = Run { up: 0, last: Duration::ZERO };
    while run.up < connections.into() && begin.elapsed() < PATIENCE {
        let now = clients.ask().await?.connected;
        if now > run.up {
            run = Run { up: now, last: begin.elapsed() };
        }
        sleep(LOOK).await;
    }
    server.kill().await?;
    Ok(run)
}
