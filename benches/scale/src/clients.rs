//! One client with all of its connections: a process that says how many dials it made and what it takes.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use redial::presets;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::child::{self, Child};
use crate::kind::Kind;
use crate::sample::Used;
use crate::{lines, ports, websockets};

/// Which client, and where it dials.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Clients {
    #[arg(long)]
    pub(crate) kind: Kind,
    #[arg(long)]
    pub(crate) connections: u32,
    /// How many of them begin in a second; all at once without it
    #[arg(long)]
    pub(crate) pace: Option<u32>,
    /// At how many addresses of the loopback there is a server
    #[arg(long)]
    pub(crate) addresses: u8,
    #[arg(long)]
    pub(crate) port: u16,
}

impl Clients {
    /// Starts the process, which begins to dial. The sample is of the time before.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn start(&self) -> io::Result<(Child<Used>, Used)> {
        Child::start(self.arguments()).await
    }

    fn arguments(&self) -> Vec<OsString> {
        let Self { kind, connections, pace, addresses, port } = self;
        let pace = pace.map(|pace| ("--pace", pace.to_string()));
        let mut arguments = vec!["clients".to_owned()];
        for (name, value) in [
            ("--kind", kind.name()),
            ("--connections", connections.to_string()),
            ("--addresses", addresses.to_string()),
            ("--port", port.to_string()),
        ]
        .into_iter()
        .chain(pace)
        {
            arguments.extend([name.to_owned(), value]);
        }
        arguments.into_iter().map(OsString::from).collect()
    }

    /// Dials, stays connected, and answers, until standard input ends.
    ///
    /// # Errors
    /// The process can't be measured.
    pub(crate) async fn run(self) -> io::Result<()> {
        let tally = Arc::new(Tally::default());
        let mut waiting = Some(Arc::clone(&tally));
        let answers = child::answer(|| {
            let used = tally.used()?;
            // The first sample is that of a process without connections.
            if let Some(tally) = waiting.take() {
                spawn_local(async move {
                    if let Err(error) = self.begin(&tally).await {
                        eprintln!("scale: {error}");
                    }
                });
            }
            Ok(used)
        });
        // The loop by hand is not `Send`.
        LocalSet::new().run_until(answers).await
    }

    async fn begin(self, tally: &Arc<Tally>) -> io::Result<()> {
        let begin = Instant::now();
        let addresses = ports::addresses(self.addresses, self.port).cycle();
        for (number, address) in (0..self.connections).zip(addresses) {
            if let Some(pace) = self.pace {
                sleep_until(begin + Duration::from_secs(1) * number / pace).await;
            }
            let (url, tally) = (format!("ws://{address}/"), Arc::clone(tally));
            match self.kind {
                Kind::Fixed => drop(tokio::spawn(websockets::fixed(url, websockets::buffers(), tally))),
                Kind::FixedBuffers => {
                    drop(tokio::spawn(websockets::fixed(url, WebSocketConfig::default(), tally)));
                }
                Kind::Backon => drop(tokio::spawn(websockets::backon(url, tally))),
                Kind::Redial => websockets::redial(&url, &presets::WEBSOCKET, tally)?,
                Kind::RedialEager => websockets::redial(&url, &presets::EAGER, tally)?,
                Kind::RedialFew => websockets::redial(&url, &presets::FEW, tally)?,
                Kind::LinesByHand => drop(spawn_local(lines::by_hand(address, tally))),
                Kind::LinesStubborn => drop(tokio::spawn(lines::stubborn(address, tally))),
                Kind::LinesRedial => lines::redial(address, number, tally),
            }
        }
        Ok(())
    }
}

/// What all connections of a client have done together.
#[derive(Default)]
pub(crate) struct Tally {
    dials: AtomicU64,
    connected: AtomicU64,
}

impl Tally {
    pub(crate) fn dialled(&self) {
        self.dials.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    fn used(&self) -> io::Result<Used> {
        Used::now(self.dials.load(Ordering::Relaxed), self.connected.load(Ordering::Relaxed))
    }
}
