//! Replays a log of facts through one policy and prints every decision.
//!
//! ```text
//! cargo run --release --example replay < incident.jsonl
//! ```
//!
//! `--help` prints the format. There is no policy logic here: parse, call the core, print.

#[path = "engine.rs"]
mod engine;
#[path = "flight.rs"]
mod flight;
#[path = "timeline.rs"]
mod timeline;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engine::Replay;
use redial::record::CheckpointError;
use timeline::Timeline;

const HELP: &str = include_str!("help.txt");

/// Exit status for a log, or a command line, that can't be read.
const UNUSABLE: u8 = 2;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    /// The dump of a flight recorder, to be played in place of a log.
    flight: Option<PathBuf>,
    /// For people.
    timeline: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return finish(io::stdout().write_all(HELP.as_bytes()));
    }
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return unusable(&error),
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let input = BufReader::new(io::stdin().lock());
    let mut shown = Shown { replay: Replay::default(), timeline: arguments.timeline.then(Timeline::default) };
    let replayed = match &arguments.flight {
        Some(file) => fly(file, input, &mut shown, &mut output),
        None => replay(input, &mut shown, &mut output),
    };
    match (replayed, output.flush()) {
        (Err(error), _) | (_, Err(error)) => finish(Err(error)),
        (Ok(Err(error)), Ok(())) => unusable(&error),
        (Ok(Ok(())), Ok(())) => ExitCode::SUCCESS,
    }
}

impl Arguments {
    fn parse(arguments: Vec<OsString>) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some("--timeline") => parsed.timeline = true,
                Some("--flight") => match rest.next() {
                    Some(file) => parsed.flight = Some(file.into()),
                    None => return Err("\"--flight\" needs a file: the dump of a flight recorder".to_owned()),
                },
                _ => {
                    return Err(format!(
                        "unknown argument \"{}\"; the log is read from standard input, see --help",
                        argument.to_string_lossy()
                    ));
                }
            }
        }
        Ok(parsed)
    }
}

/// What is done with the lines of a log.
struct Shown {
    replay: Replay,
    timeline: Option<Timeline>,
}

impl Shown {
    /// Plays a line, or the end, and writes what is to be shown. The inner error is the log's.
    fn line(&mut self, line: Option<&[u8]>, output: &mut impl Write) -> io::Result<Result<(), String>> {
        let mut decided = String::new();
        let result = match line {
            Some(line) => self.replay.line(line, &mut decided),
            None => self.replay.finish(&mut decided),
        };
        if let Some(timeline) = &mut self.timeline {
            let told = line.map_or_else(String::new, |line| String::from_utf8_lossy(line).into_owned());
            decided = timeline.lines(if result.is_ok() { &told } else { "" }, &decided);
            if line.is_none() || result.is_err() {
                decided += &timeline.finish();
            }
        }
        output.write_all(decided.as_bytes())?;
        for note in self.replay.notes() {
            eprintln!("replay: {note}");
        }
        Ok(result)
    }
}

/// The inner error is the log's, the outer one that of reading or writing it.
fn replay<R: io::Read>(
    mut input: BufReader<R>,
    shown: &mut Shown,
    output: &mut impl Write,
) -> io::Result<Result<(), String>> {
    let mut line = Vec::new();
    loop {
        if input.buffer().is_empty() {
            // Nothing more to read for now: somebody may be watching.
            output.flush()?;
        }
        line.clear();
        let read = input.read_until(b'\n', &mut line)?;
        let result = shown.line((read > 0).then_some(&line), output)?;
        if read == 0 || result.is_err() {
            return Ok(result);
        }
    }
}

/// The same for the dump of a flight recorder; its set-up comes from the input where it has none.
fn fly(
    file: &Path,
    mut input: impl BufRead,
    shown: &mut Shown,
    output: &mut impl Write,
) -> io::Result<Result<(), String>> {
    let bytes = std::fs::read(file);
    let file = file.display();
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(format!("{file}: {error}"))),
    };
    let mut log = flight::log(&bytes, None);
    let from_input = log.as_ref().is_err_and(|error| error == flight::NO_SET_UP);
    if from_input {
        let mut set_up = String::new();
        input.read_line(&mut set_up)?;
        log = flight::log(&bytes, Some(set_up.as_str()).filter(|line| !line.trim().is_empty()));
    }
    let log = match log {
        Ok(log) => log,
        Err(error) => return Ok(Err(format!("{file}: {error}"))),
    };
    for line in log.iter().map(|line| Some(line.as_bytes())).chain([None]) {
        let result = shown.line(line, output)?;
        if let Err(error) = result {
            return Ok(Err(format!("{file}: {}", explained(&error, from_input))));
        }
    }
    Ok(Ok(()))
}

/// An error of the log, for somebody who wrote no log: a state that is refused stands in the dump, and the config of the set-up
/// is another one.
fn explained(error: &str, from_input: bool) -> String {
    match error.strip_prefix("line 1: \"checkpoint\": ") {
        Some(reason) if reason == CheckpointError::OtherConfig.to_string() => {
            let other = if from_input { "the one on standard input" } else { "the set-up in it says" };
            format!(
                "the dump was taken under another config than {other}; one of Config::new in Rust has \"hint\": {{\"spread\": \"1\"}}, \
                 where a set-up without it has \"0\""
            )
        }
        Some(reason) => format!("the state in the dump: {reason}"),
        None => error.to_owned(),
    }
}

fn unusable(error: &str) -> ExitCode {
    eprintln!("replay: {error}");
    ExitCode::from(UNUSABLE)
}

fn finish(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader (`head`) has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}
