//! Breaks the connections of redial's drivers to real servers, and checks each recovery.
//!
//! A [cell](cell) is a server with one client and the way between them. A [fault](fault) is a value that is drawn from the seed and its
//! number. It is played on a cell; when it is over the client must have everything again, and must have done nothing that it may not.
//! `ci/chaos.sh` brings the servers and runs it.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that says what it found")]

#[cfg(test)]
mod broken;
mod cell;
mod client;
mod draw;
mod fault;
mod leaks;
mod link;
mod netns;
mod plan;
mod process;
mod proxy;
mod report;
mod run;
mod server;
mod speech;
mod time;
mod watch;

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, thread};

use clap::Parser;
use clap::error::ErrorKind;
use signal_hook::consts::{SIGINT, SIGTERM};

use cell::World;
use link::Carrier;
use netns::Here;
use plan::Plan;
use report::{Report, Shown};
use run::{Share, shares};
use server::Kind;
use watch::Watch;

/// Exit status for arguments that can't be used, and where there is nothing to play.
const UNUSABLE: u8 = 2;

/// Plays faults to redial's drivers and real servers, and checks that each is got over: every subscription once, never two sockets, no
/// dial too early, nothing left.
///
/// Exit status 0: all were got over; 1: one was not, or something is left; 2: the arguments can't be used, or no server is installed.
#[derive(Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// How many faults to play
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    faults: u32,
    /// What all faults are drawn from [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Play these alone, by number, from 0
    #[arg(long, value_delimiter = ',', value_name = "NUMBER")]
    only: Vec<u32>,
    /// How many cells are at work at a time; there are three for each server
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// With these servers alone [default: all that are installed]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SERVER")]
    servers: Vec<Kind>,
    /// Print the faults, and play none
    #[arg(long)]
    list: bool,
}

/// What the program does; its exit status.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A reader that has seen enough of the help is no error.
            error.print().unwrap_or_default();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let text = error.to_string();
            let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            return unusable(&format!("{}; see --help", lines.join(" ").trim_start_matches("error: ")));
        }
    };
    let has_links = match netns::enter() {
        Here::Inside => true,
        Here::Outside(reason) => {
            println!("SKIPPED: faults of the network, since this user can make no namespace: {reason}");
            false
        }
        Here::Ran(status) => return status,
    };
    match begin(&arguments, has_links) {
        Ok(status) => status,
        Err(error) => unusable(&error.to_string()),
    }
}

fn unusable(message: &str) -> ExitCode {
    eprintln!("chaos: {message}");
    ExitCode::from(UNUSABLE)
}

fn begin(arguments: &Arguments, has_links: bool) -> io::Result<ExitCode> {
    let asked = if arguments.servers.is_empty() { &Kind::ALL[..] } else { &arguments.servers };
    let (kinds, missing): (Vec<_>, Vec<_>) = asked.iter().copied().partition(|kind| kind.is_installed());
    for kind in missing {
        println!("SKIPPED: {}, which is not installed", kind.name());
    }
    if kinds.is_empty() {
        return Err(io::Error::other("no server is installed"));
    }
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(0_u8));
    let plans = Plan::all(&kinds, has_links);
    let faults =
        arguments.only.iter().map(|number| number.saturating_add(1)).max().unwrap_or(arguments.faults);
    let shares = shares(&plans, seed, faults, &arguments.only);
    if arguments.list {
        list(&shares);
        return Ok(ExitCode::SUCCESS);
    }
    println!("seed {seed}");
    end_with_signals()?;
    let carrier = has_links.then(Carrier::start).transpose()?;
    let world = World { seed, carrier, watch: Watch::start()? };
    let report = run::run(world, shares, arguments.jobs.into(), |_| {});
    Ok(show(&report, seed, &options(arguments)))
}

fn list(shares: &[Share]) {
    let mut lines: Vec<_> = shares
        .iter()
        .flat_map(|share| share.faults.iter().map(|numbered| (numbered.number, share.plan, numbered.fault)))
        .collect();
    lines.sort_by_key(|(number, ..)| *number);
    for (number, plan, fault) in lines {
        println!("{number}: {plan}: {fault}");
    }
}

/// What a command needs beside the seed to play the same faults.
fn options(arguments: &Arguments) -> String {
    let names: Vec<_> = arguments.servers.iter().map(|kind| kind.name()).collect();
    if names.is_empty() { String::new() } else { format!(" --servers {}", names.join(",")) }
}

fn show(report: &Report, seed: u64, options: &str) -> ExitCode {
    for failure in &report.failures {
        println!("{}", Shown { failure, seed, options });
    }
    print!("{report}");
    ExitCode::from(u8::from(!report.is_good()))
}

/// Ends this program with SIGINT and SIGTERM, and with it all that it started.
fn end_with_signals() -> io::Result<()> {
    let asked = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    let ends = move || {
        while !asked.load(Ordering::Relaxed) {
            time::pause(Duration::from_millis(50));
        }
        process::kill_all();
        std::process::exit(130);
    };
    thread::Builder::new().name("signals".into()).spawn(ends)?;
    Ok(())
}
