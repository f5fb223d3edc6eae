//! The storm lab: what reconnect policies do when thousands of clients lose their server at once, in tables and charts.
//!
//! ```text
//! cargo run --release -p redial-storm -- compare recommended aws-full grpc
//! ```

mod draw;
mod fault;
mod library;
mod measure;
mod policy;
mod random;
mod rewrite;
mod scenario;
mod search;
mod show;
mod table;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use redial::Ratio;
use redial::sim::{Failure, Hints};

use draw::frontier::Edges;
use fault::Fault;
use library::Drawn;
use policy::Candidate;
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
    #[arg(long, global = true, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_024))]
    threads: u16,
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
        #[arg(value_name = "FILE")]
        file: Option<String>,
        #[command(flatten)]
        axes: Axes,
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
    /// A chart, as SVG and as PNG
    #[command(subcommand)]
    Draw(Drawing),
    /// The names of the presets and of the built-in scenarios
    List,
    /// Runs the commands in a document's comments `<!-- storm … -->`, and puts their tables behind them
    Rewrite { file: PathBuf },
}

#[derive(Subcommand)]
enum Drawing {
    /// Load and recovery over time, of some policies in one scenario
    Load {
        #[arg(required = true)]
        policies: Vec<String>,
        /// A file, or the name of a built-in scenario
        #[arg(long)]
        scenario: String,
        #[command(flatten)]
        sample: Sample,
        /// How long a time is shown; by default until 99 % are back
        #[arg(long, value_name = "SPAN", value_parser = span)]
        until: Option<Duration>,
        /// The files' name, without an ending
        #[arg(long)]
        out: PathBuf,
    },
    /// Attempts against recovery, of many policies in a set of scenarios
    Frontier {
        #[arg(required = true)]
        policies: Vec<String>,
        /// A grid, as `search` takes it; its policies are shown without names
        #[arg(long, value_name = "FILE")]
        grid: Option<String>,
        #[command(flatten)]
        axes: Axes,
        #[command(flatten)]
        sets: Sets,
        /// Show only those with so many attempts at most
        #[arg(long, value_name = "ATTEMPTS")]
        attempts_to: Option<f64>,
        /// Show only those with such a ratio at most
        #[arg(long, value_name = "RATIO")]
        ratio_to: Option<f64>,
        /// The files' name, without an ending
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Axes {
    /// The policy whose settings the grid changes; "recommended" by default
    #[arg(long, value_name = "POLICY")]
    over: Option<String>,
    /// A setting and its values, such as backoff.max_ms=30000,60000; may be given several times
    #[arg(long = "axis", value_name = "SETTING=VALUES")]
    axes: Vec<String>,
}

impl Axes {
    /// The grid of a file and of these; `None` if neither says anything.
    fn grid(&self, file: Option<&str>, sample: Sample) -> Result<Option<Grid>, Fault> {
        if file.is_none() && self.axes.is_empty() {
            return Ok(None);
        }
        Grid::new(file, self.over.as_deref(), &self.axes, |name| sample.policy(name)).map(Some)
    }
}

#[derive(Args, Clone, Copy)]
struct Sample {
    /// From which all chance is drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of clients, in place of the scenario's; the servers then take as many times more or less
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CLIENTS)))]
    clients: Option<u32>,
    /// Lift every limit of attempts and time, after which a policy gives up
    #[arg(long)]
    unlimited: bool,
}

impl Sample {
    /// The policy of this name, without its limits if they are to be lifted.
    fn policy(self, name: &str) -> Result<Candidate, Fault> {
        let policy = policy::policy(name)?;
        if self.unlimited { policy::unlimited(policy) } else { Ok(policy) }
    }

    fn policies(self, names: &[String]) -> Result<Vec<Candidate>, Fault> {
        names.iter().map(|name| self.policy(name)).collect()
    }
}

#[derive(Args)]
struct Sets {
    /// A folder, a file, a built-in scenario, `all` or `random`; may be given several times
    #[arg(long = "scenarios", value_name = "SET", default_value = "random")]
    sets: Vec<String>,
    /// How many scenarios `random` draws
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// What the servers say to clients that they can't take: none, window, appointments=1.5 or constant=30s; failures are then
    /// answered in every scenario
    #[arg(long, value_parser = scenario::hints)]
    hints: Option<Hints>,
    /// The share of the clients that heed hints
    #[arg(long, default_value = "1", value_name = "SHARE")]
    heeded: Ratio,
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
        let mut cases = cases.concat();
        if let Some(hints) = self.hints {
            for Case { scenario, .. } in &mut cases {
                let answered = scenario.clone().failure(Failure::Refused).patience(None);
                *scenario = answered.hints(hints).heeded(self.heeded);
            }
        }
        Ok(cases)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = BufWriter::new(io::stdout().lock());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.threads.into()).build_global();
    let pool = pool.map_err(|error| Fault::Output(error.to_string()));
    let done = pool.and_then(|()| execute(&cli, &mut output)).and_then(|()| Ok(output.flush()?));
    let (message, status) = match done {
        // A reader that stops early has what it needs.
        Err(Fault::Io(error)) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Ok(()) => return ExitCode::SUCCESS,
        Err(Fault::Io(error)) => (format!("standard output: {error}"), 1),
        Err(Fault::Output(message)) => (message, 1),
        Err(Fault::Input(message)) => (message, 2),
    };
    // Nobody may be there to read it.
    drop(writeln!(io::stderr(), "storm: {message}"));
    ExitCode::from(status)
}

fn execute(cli: &Cli, output: &mut impl Write) -> Result<(), Fault> {
    match &cli.command {
        Command::Run { policy, scenario, sample, seconds } => {
            let policy = sample.policy(policy)?;
            let case = library::one(scenario, sample.clients)?;
            if *seconds {
                return show::seconds(&policy, &case, sample.seed).write(cli.format, output);
            }
            show::run(&policy, &case, sample.seed, sample.clients)?.write_upright(cli.format, output)
        }
        Command::Compare { policies, sets, each } => {
            let policies = sets.sample.policies(policies)?;
            let cases = sets.cases()?;
            let Sample { seed, clients, .. } = sets.sample;
            let table = if *each {
                show::each(&policies, &cases, seed)
            } else {
                show::compare(&policies, &cases, seed, clients)?
            };
            table.write(cli.format, output)
        }
        Command::Search { file, axes, sets, drains, lone_drop, lone_blip, all } => {
            let no_axis = || {
                Fault::Input("no axis; name a file, or write --axis backoff.max_ms=30000,60000".to_owned())
            };
            let grid = axes.grid(file.as_deref(), sets.sample)?.ok_or_else(no_axis)?;
            let seconds = |span: &Option<Duration>| span.map(|span| span.as_secs_f64());
            let bounds =
                Bounds { drains: *drains, lone_drop: seconds(lone_drop), lone_blip: seconds(lone_blip) };
            let Sample { seed, clients, .. } = sets.sample;
            let others = sets.cases_from(seed.wrapping_add(HELD_OUT))?;
            grid.search(&sets.cases()?, &others, seed, clients, bounds, *all)?.write(cli.format, output)
        }
        Command::Draw(Drawing::Load { policies, scenario, sample, until, out }) => {
            let case = library::one(scenario, sample.clients)?;
            draw::load::draw(&sample.policies(policies)?, &case, sample.seed, *until, out)
        }
        Command::Draw(Drawing::Frontier { policies, grid, axes, sets, attempts_to, ratio_to, out }) => {
            let grid = match axes.grid(grid.as_deref(), sets.sample)? {
                Some(grid) => grid.candidates()?.into_iter().map(|(_, policy)| policy).collect(),
                None => Vec::new(),
            };
            let edges = Edges { attempts: *attempts_to, ratio: *ratio_to };
            draw::frontier::draw(
                &sets.sample.policies(policies)?,
                &grid,
                &sets.cases()?,
                sets.sample.seed,
                edges,
                out,
            )
        }
        Command::List => show::list()?.write(cli.format, output),
        Command::Rewrite { file } => rewrite::rewrite(file),
    }
}
