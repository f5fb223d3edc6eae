//! A process of this program that is asked how it is.

use std::ffi::OsString;
use std::io;
use std::marker::PhantomData;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::sample::Sample;

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that answers each line with one of numbers. It is killed when this is dropped, and ends when its input does.
pub(crate) struct Child<S> {
    process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    sample: PhantomData<S>,
}

impl<S: Sample> Child<S> {
    /// Starts it and takes its first sample, which says that it is ready.
    ///
    /// # Errors
    /// It does not start, or ends.
    pub(crate) async fn start(arguments: impl IntoIterator<Item = OsString>) -> io::Result<(Self, S)> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let output = BufReader::new(output).lines();
        let mut child = Self { process, input, output, sample: PhantomData };
        let first = child.answer().await?;
        Ok((child, first))
    }

    /// # Errors
    /// It has ended, or is stuck.
    pub(crate) async fn ask(&mut self) -> io::Result<S> {
        self.input.write_all(b"\n").await?;
        self.answer().await
    }

    /// Ends it as a crash would: SIGKILL.
    ///
    /// # Errors
    /// It can't be killed.
    pub(crate) async fn kill(mut self) -> io::Result<()> {
        self.process.kill().await
    }

    async fn answer(&mut self) -> io::Result<S> {
        let line = timeout(PATIENCE, self.output.next_line()).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, "a process of this program does not answer")
        })??;
        let line = line.ok_or_else(|| io::Error::other("a process of this program has ended"))?;
        S::of_line(&line).ok_or_else(|| io::Error::other(format!("a process of this program says {line:?}")))
    }
}

/// The other side: a sample for now, and one for each line of standard input, until that ends.
///
/// # Errors
/// There is no sample, or nobody to read it.
pub(crate) async fn answer<S: Sample>(mut sample: impl FnMut() -> io::Result<S>) -> io::Result<()> {
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    let mut answers = tokio::io::stdout();
    loop {
        answers.write_all(format!("{}\n", sample()?.to_line()).as_bytes()).await?;
        answers.flush().await?;
        if asked.next_line().await?.is_none() {
            return Ok(());
        }
    }
}
