//! 10,000 connections of one process, measured: through the end of their server, and all at once.
//!
//! ```text
//! cargo run --release -p redial-scale
//! ```
//!
//! It prints two tables as Markdown; `cargo run --release -p redial-benches -- scale` puts them into `BENCHMARKS.md`. The
//! server is a process of its own, and so is each client with its connections: both are this program again.

mod child;
mod clients;
mod crowd;
mod files;
mod kind;
mod lines;
mod ports;
mod restart;
mod sample;
mod server;
mod table;
mod websockets;

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use clients::Clients;
use kind::Kind;
use server::Serve;

/// What puts the output into the document.
const COMMAND: &str = "cargo run --release -p redial-benches -- scale";

#[derive(Parser)]
#[command(name = "scale", about = "Connections by the thousand, through the end of their server.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

/// What is measured. The defaults are those of `BENCHMARKS.md`.
#[derive(clap::Args)]
struct Options {
    /// How many connections
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// How often each client is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    repetitions: u16,
    /// How many connections the restarted server accepts in a second
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// For how many seconds all of redial's are connected before; the loops remember nothing, so that 5 s do for them
    #[arg(long, default_value_t = 65, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    held: u16,
    /// How many seconds there is no server
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=3_600))]
    down: u16,
    /// How many seconds the restarted server is watched, at most
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    patience: u16,
    /// These clients alone, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "CLIENT")]
    only: Vec<Kind>,
}

#[derive(Subcommand)]
enum Command {
    /// The server, until its input ends
    #[command(hide = true)]
    Serve(Serve),
    /// One client with its connections, until its input ends
    #[command(hide = true)]
    Clients(Clients),
}

fn main() -> ExitCode {
    let Cli { command, options } = Cli::parse();
    let done = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        runtime.block_on(async {
            match command {
                None => measure(&options).await,
                Some(Command::Serve(server)) => server.run().await,
                Some(Command::Clients(clients)) => clients.run().await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Both tables.
async fn measure(options: &Options) -> io::Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(io::Error::other(
            "this needs Linux: it reads /proc/self/status, and dials 127.0.0.2, which elsewhere is no address of the loopback",
        ));
    }
    files::raise(options.connections)?;
    let wanted = |kind: &Kind| options.only.is_empty() || options.only.contains(kind);
    let (websockets, lines): (Vec<Kind>, Vec<Kind>) =
        Kind::ALL.into_iter().filter(wanted).partition(|kind| kind.is_websocket());
    let mut sections = vec![format!(
        "## {} connections\n\n`{COMMAND}` writes this section alone.",
        table::thousands(options.connections)
    )];
    if !websockets.is_empty() {
        sections.push(restart::measure(options, &websockets).await?);
    }
    if !lines.is_empty() {
        sections.push(crowd::measure(options, &lines).await?);
    }
    println!("{}", sections.join("\n\n"));
    Ok(())
}

impl Options {
    fn held(&self, kind: Kind) -> Duration {
        let held = Duration::from_secs(self.held.into());
        if kind.remembers() { held } else { held.min(Duration::from_secs(5)) }
    }

    fn down(&self) -> Duration {
        Duration::from_secs(self.down.into())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.patience.into())
    }
}

/// Says on standard error how far it is, for a run takes minutes.
fn progress(what: impl fmt::Display) {
    eprintln!("{what}");
}
