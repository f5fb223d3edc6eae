//! One process of a test program: which tests, with which mutant, for how long.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What a process that takes more has gone wild with. Address space, in KiB.
const MEMORY: &str = "8000000";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// This test failed, or the process with all of them.
    Failed(String),
    TimedOut,
}

pub(crate) struct Tests<'a> {
    pub(crate) program: &'a Path,
    pub(crate) names: &'a [&'a str],
    /// The copy of the checkout.
    pub(crate) folder: &'a Path,
    /// For what tests write.
    pub(crate) scratch: &'a Path,
}

impl Tests<'_> {
    /// Runs them one after the other, until one fails.
    pub(crate) fn run(&self, variable: (&str, &str), limit: Duration) -> Result<Ended> {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v \"$0\"; ulimit -c 0; exec \"$@\"", MEMORY]);
        command.arg(self.program).args(["--test-threads", "1", "--exact"]).args(self.names);
        command.current_dir(self.folder).env(variable.0, variable.1);
        command.env("CARGO_MANIFEST_DIR", self.folder).env("TMPDIR", self.scratch);
        // A mutant is judged by the same random cases as the code was, and a failure need not be a small one.
        command.env("PROPTEST_RNG_SEED", "1").env("PROPTEST_MAX_SHRINK_ITERS", "0");
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true").env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("sh")?;
        let ended = watch(&mut child, Instant::now() + limit);
        let _ = child.kill();
        let status = child.wait()?;
        Ok(match ended {
            Some(ended) => ended,
            None if status.success() => Ended::Passed,
            None => Ended::Failed(format!("{} ({status})", self.names.join(" "))),
        })
    }
}

/// What the lines of a process say before it ends.
fn watch(child: &mut Child, until: Instant) -> Option<Ended> {
    let lines = BufReader::new(child.stdout.take()?).lines();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(name) = failed(&line) {
                    return Some(Ended::Failed(name.to_owned()));
                }
            }
            Err(RecvTimeoutError::Timeout) => return Some(Ended::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn failed(line: &str) -> Option<&str> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    (result == "FAILED").then(|| name.trim_end_matches(" - should panic"))
}

/// The names of the tests of a program.
pub(crate) fn names(program: &Path, folder: &Path) -> Result<Vec<String>> {
    let output = Command::new(program).current_dir(folder).args(["--list", "--format", "terse"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_test_failed() {
        assert_eq!(failed("test a::b ... FAILED"), Some("a::b"));
        assert_eq!(failed("test a::b - should panic ... FAILED"), Some("a::b"));
        assert_eq!(failed("test a::b ... ok"), None);
        assert_eq!(failed("test result: FAILED. 1 passed"), None);
    }

    #[test]
    fn a_process_passes_fails_or_takes_too_long() {
        let run = |script: &str, limit| {
            let tests =
                Tests { program: "sh".as_ref(), names: &[], folder: ".".as_ref(), scratch: ".".as_ref() };
            let mut child =
                Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().expect("sh");
            let ended = watch(&mut child, Instant::now() + Duration::from_millis(limit));
            let _ = (tests, child.kill(), child.wait());
            ended
        };
        assert_eq!(run("echo test a ... ok", 60_000), None);
        assert_eq!(run("echo test a ... FAILED; exec sleep 60", 60_000), Some(Ended::Failed("a".to_owned())));
        assert_eq!(run("exec sleep 60", 50), Some(Ended::TimedOut));
    }
}
