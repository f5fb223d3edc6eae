//! The storm lab: what reconnect policies do when thousands of clients lose their server at once, in tables and charts.
//!
//! ```text
//! cargo run --release -p redial-storm -- compare recommended aws-full grpc
//! ```

mod fault;
mod library;
mod measure;
mod policy;
mod random;
mod scenario;
mod search;
mod show;
mod table;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use fault::Fault;
use library::Drawn;
use scenario::{Case, MOST_CLIENTS, span};
use search::{Bounds, Grid, HELD_OUT};
use table::Format;

#[derive(Parser)]
#[command(name = "storm", about = "Reconnect storms, simulated with real policies.", after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How tables are written
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Cores to use; 0 is all of them. The result does not depend on it
    #[arg(long, global = true, default_value_t = 0)]
    threads: usize,
}

const AFTER: &str = "\
A POLICY is the name of a preset (`storm list`) or a config file: JSON or TOML with the keys of `config` as the replay
program reads them, and optionally `preset`, over which they are laid.
A SCENARIO is the name of a built-in one (`storm list`) or a file; the keys are in examples/storm/README.md.
A SET is a scenario, a folder, `all` of the built-in ones, or `random`: drawn from the seed.";

#[derive(Subcommand)]
enum Command {
    /// One policy in one scenario
    Run {
        policy: String,
        /// A file, or the name of a built-in scenario
        #[arg(long)]
        scenario: String,
        #[command(flatten)]
        sample: Sample,
        /// What happened in each second, in place of the measures
        #[arg(long)]
        seconds: bool,
    },
    /// Several policies in a set of scenarios
    Compare {
        #[arg(required = true)]
        policies: Vec<String>,
        #[command(flatten)]
        sets: Sets,
        /// A row for each policy and scenario, in place of the means
        #[arg(long)]
        each: bool,
    },
    /// Every combination of some settings, and which of them are best
    Search {
        /// A TOML file with `over`, a policy, and a table `axes`: settings, each with a list of values
        grid: Option<String>,
        /// The policy whose settings are changed; "recommended" by default
        #[arg(long, value_name = "POLICY")]
        over: Option<String>,
        /// A setting and its values, such as backoff.max_ms=30000,60000; may be given several times
        #[arg(long = "axis", value_name = "SETTING=VALUES")]
        axes: Vec<String>,
        #[command(flatten)]
        sets: Sets,
        /// Take only those that drain the metastable queue within so many times the ideal
        #[arg(long, value_name = "RATIO")]
        drains: Option<f64>,
        /// Take only those whose lone client is back so soon after a drop, as median
        #[arg(long, value_name = "SPAN", value_parser = span)]
        lone_drop: Option<Duration>,
        /// The same after the end of a blip of 2 s
        #[arg(long, value_name = "SPAN", value_parser = span)]
        lone_blip: Option<Duration>,
        /// Every combination, in place of the best
        #[arg(long)]
        all: bool,
    },
    /// The names of the presets and of the built-in scenarios
    List,
}

#[derive(Args, Clone, Copy)]
struct Sample {
    /// From which all chance is drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of clients, in place of the scenario's; the servers then take as many times more or less
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CLIENTS)))]
    clients: Option<u32>,
}

#[derive(Args)]
struct Sets {
    /// A folder, a file, a built-in scenario, `all` or `random`; may be given several times
    #[arg(long = "scenarios", value_name = "SET", default_value = "random")]
    sets: Vec<String>,
    /// How many scenarios `random` draws
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    #[command(flatten)]
    sample: Sample,
}

impl Sets {
    fn cases(&self) -> Result<Vec<Case>, Fault> {
        self.cases_from(self.sample.seed)
    }

    /// The same with another seed for what is drawn.
    fn cases_from(&self, seed: u64) -> Result<Vec<Case>, Fault> {
        let clients = self.sample.clients;
        let drawn = Drawn { count: self.count, seed, clients };
        let cases: Vec<_> = self.sets.iter().map(|set| library::set(set, drawn)).collect::<Result<_, _>>()?;
        Ok(cases.concat())
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = BufWriter::new(io::stdout().lock());
    let done = obey(&cli, &mut output).and_then(|()| Ok(output.flush()?));
    let (message, status) = match done {
        // Whoever reads no further has what they wanted.
        Err(Fault::Io(error)) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Ok(()) => return ExitCode::SUCCESS,
        Err(Fault::Io(error)) => (error.to_string(), 1),
        Err(Fault::Output(message)) => (message, 1),
        Err(Fault::Input(message)) => (message, 2),
    };
    // Nobody may be there to read it.
    drop(writeln!(io::stderr(), "storm: {message}"));
    ExitCode::from(status)
}

fn obey(cli: &Cli, output: &mut impl Write) -> Result<(), Fault> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.threads).build_global();
    pool.map_err(|error| Fault::Output(error.to_string()))?;
    match &cli.command {
        Command::Run { policy, scenario, sample, seconds } => {
            let policy = policy::policy(policy)?;
            let case = library::one(scenario, sample.clients)?;
            if *seconds {
                return show::seconds(&policy, &case, sample.seed).write(cli.format, output);
            }
            show::run(&policy, &case, sample.seed)?.write_upright(cli.format, output)
        }
        Command::Compare { policies, sets, each } => {
            let policies = policies.iter().map(|name| policy::policy(name)).collect::<Result<Vec<_>, _>>()?;
            let cases = sets.cases()?;
            let Sample { seed, clients } = sets.sample;
            let table = if *each {
                show::each(&policies, &cases, seed)
            } else {
                show::compare(&policies, &cases, seed, clients)?
            };
            table.write(cli.format, output)
        }
        Command::Search { grid, over, axes, sets, drains, lone_drop, lone_blip, all } => {
            let grid = Grid::new(grid.as_deref(), over.as_deref(), axes)?;
            let seconds = |span: &Option<Duration>| span.map(|span| span.as_secs_f64());
            let bounds =
                Bounds { drains: *drains, lone_drop: seconds(lone_drop), lone_blip: seconds(lone_blip) };
            let Sample { seed, clients } = sets.sample;
            let others = sets.cases_from(seed.wrapping_add(HELD_OUT))?;
            grid.search(&sets.cases()?, &others, seed, clients, bounds, *all)?.write(cli.format, output)
        }
        Command::List => show::list()?.write(cli.format, output),
    }
}
