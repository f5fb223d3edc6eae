//! The history on this machine: `history` prints each chapter with its decisions and its hash, `history CHAPTER FROM TO`, all of
//! them numbers from 0, the decisions of a chapter from the one to before the other.

use std::fmt;
use std::process::ExitCode;

use history::{Log, chapters, name, play};

/// Standard output for `core::fmt`.
struct Out;

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        print!("{text}");
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => (0..chapters()).for_each(|chapter| {
            let mut log = Log::new();
            play(chapter, &mut log);
            println!("{}\t{}\t{:016x}", name(chapter).unwrap_or(""), log.decisions(), log.hash());
        }),
        [chapter, from, to] => {
            let (Ok(chapter), Ok(from), Ok(to)) = (chapter.parse(), from.parse(), to.parse()) else {
                eprintln!("no three numbers: {chapter} {from} {to}");
                return ExitCode::FAILURE;
            };
            play(chapter, &mut Log::showing(from..to, &mut Out));
        }
        _ => {
            eprintln!("usage: history [CHAPTER FROM TO]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
