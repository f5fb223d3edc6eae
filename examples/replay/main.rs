//! Replays a log of facts through one policy and prints every decision.
//!
//! ```text
//! cargo run --release --example replay < incident.jsonl
//! ```
//!
//! `--help` prints the format. There is no policy logic here: parse, call the core, print.

#[path = "engine.rs"]
mod engine;

use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use engine::Replay;

const HELP: &str = include_str!("help.txt");

/// Exit status for a log, or a command line, that can't be read.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return finish(io::stdout().write_all(HELP.as_bytes()));
    }
    if let Some(argument) = arguments.first() {
        eprintln!("replay: unknown argument \"{argument}\"; the log is read from standard input, see --help");
        return ExitCode::from(UNUSABLE);
    }
    let mut output = BufWriter::new(io::stdout().lock());
    let replayed = replay(BufReader::new(io::stdin().lock()), &mut output);
    match (replayed, output.flush()) {
        (Err(error), _) | (_, Err(error)) => finish(Err(error)),
        (Ok(Err(error)), Ok(())) => {
            eprintln!("replay: {error}");
            ExitCode::from(UNUSABLE)
        }
        (Ok(Ok(())), Ok(())) => ExitCode::SUCCESS,
    }
}

/// The inner error is the log's, the outer one that of reading or writing it.
fn replay<R: io::Read>(mut input: BufReader<R>, output: &mut impl Write) -> io::Result<Result<(), String>> {
    let mut replay = Replay::default();
    let (mut line, mut decided) = (Vec::new(), String::new());
    loop {
        if input.buffer().is_empty() {
            // Nothing more to read for now: somebody may be watching.
            output.flush()?;
        }
        line.clear();
        let read = input.read_until(b'\n', &mut line)?;
        decided.clear();
        let result = if read == 0 { replay.finish(&mut decided) } else { replay.line(&line, &mut decided) };
        output.write_all(decided.as_bytes())?;
        if read == 0 || result.is_err() {
            return Ok(result);
        }
    }
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
