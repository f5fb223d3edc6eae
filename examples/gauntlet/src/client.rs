//! The command under test: started, watched, and ended with everything that it started.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much of a client's output is kept, in bytes from its end.
const KEPT: usize = 4 << 10;

/// Where a client finds its server.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) scheme: &'static str,
    pub(crate) port: u16,
    pub(crate) seed: u64,
}

impl Target {
    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    fn fill(&self, argument: &str) -> String {
        let pairs = [
            ("{url}", self.url()),
            ("{host}", "127.0.0.1".to_owned()),
            ("{port}", self.port.to_string()),
            ("{seed}", self.seed.to_string()),
        ];
        pairs.iter().fold(argument.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// What a client wrote last, standard output and error together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    async fn read(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = [0; 1 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            self.push(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// A running client in a process group of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
    group: Option<Pid>,
}

impl Client {
    /// The error is one line for the user.
    pub(crate) fn start(command: &[String], target: &Target, output: &Output) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("no client: name its command after --")?;
        let mut started = Command::new(program);
        started.args(arguments.iter().map(|argument| target.fill(argument)));
        started.env("GAUNTLET_URL", target.url()).env("GAUNTLET_HOST", "127.0.0.1");
        started.env("GAUNTLET_PORT", target.port.to_string()).env("GAUNTLET_SEED", target.seed.to_string());
        started.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = started.kill_on_drop(true).spawn().map_err(|error| {
            format!("the client {program:?} can't be started: {error}; check the command after --")
        })?;
        if let Some(from) = child.stdout.take() {
            tokio::spawn(output.clone().read(from));
        }
        if let Some(from) = child.stderr.take() {
            tokio::spawn(output.clone().read(from));
        }
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, group })
    }

    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    pub(crate) fn ask_to_end(&self) {
        self.signal(Signal::SIGTERM);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may have ended by itself.
            killpg(group, signal).unwrap_or_default();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_gets_the_address() {
        let target = Target { scheme: "ws", port: 7, seed: 1 };
        assert_eq!(target.fill("--at={url}/x"), "--at=ws://127.0.0.1:7/x");
        assert_eq!(target.fill("{host} {port} {seed}"), "127.0.0.1 7 1");
    }

    #[test]
    fn only_the_end_of_the_output_is_kept() {
        let output = Output::default();
        output.push(&[b'a'; KEPT]);
        output.push(b"the end");
        assert_eq!(output.text().len(), KEPT);
        assert!(output.text().ends_with("the end"));
    }
}
