//! A server's process, and those that it starts.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::time::eventually;

/// How many of the lines that it wrote are kept.
const LINES: usize = 200;

/// The groups that are running, for an end that drops nothing.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Kills everything that was started and has not ended.
pub(crate) fn kill_all() {
    for group in running().iter() {
        // Gone already is as good.
        killpg(Pid::from_raw(*group), Signal::SIGKILL).unwrap_or_default();
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A group of processes; none of it is left when this is dropped.
pub(crate) struct Process {
    group: Pid,
    log: Arc<Mutex<VecDeque<String>>>,
    /// All have ended, and were waited for.
    is_over: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// `hear` gets each line that it writes, on a thread of its own.
    pub(crate) fn start(
        command: &mut Command,
        hear: impl FnMut(&str) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let group = Pid::from_raw(i32::try_from(process.id()).map_err(io::Error::other)?);
        running().insert(group.as_raw());
        let process_log = Arc::<Mutex<VecDeque<String>>>::default();
        let started = Self { group, log: Arc::clone(&process_log), is_over: false };
        let outputs = [
            process.stdout.take().map(|output| Box::new(output) as Box<dyn Read + Send>),
            process.stderr.take().map(|output| Box::new(output) as Box<dyn Read + Send>),
        ];
        for output in outputs.into_iter().flatten() {
            let (log, hear) = (Arc::clone(&process_log), hear.clone());
            thread::Builder::new().name("log".into()).spawn(move || keep(output, &log, hear))?;
        }
        Ok(started)
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(killpg(self.group, signal)?)
    }

    /// SIGKILL, which needs no consent, and stopped ones obey.
    pub(crate) fn kill(&mut self) {
        if !self.is_over {
            // Gone already is as good.
            self.signal(Signal::SIGKILL).unwrap_or_default();
            eventually(Duration::from_secs(5), || self.reap()).unwrap_or_default();
        }
    }

    /// Whether all of the group have ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.reap().is_ok()
    }

    /// What it wrote last.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().skip(log.len().saturating_sub(count)).cloned().collect()
    }

    /// Waits for those that have ended. A worker whose master was killed is ours to wait for where this program is the first of its
    /// namespace.
    fn reap(&mut self) -> Result<(), String> {
        while !self.is_over {
            match waitpid(Pid::from_raw(-self.group.as_raw()), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return Err("a process does not end".to_owned()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => {
                    self.is_over = true;
                    running().remove(&self.group.as_raw());
                }
            }
        }
        Ok(())
    }
}

fn keep(output: impl Read, log: &Mutex<VecDeque<String>>, mut hear: impl FnMut(&str)) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        hear(&line);
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() >= LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}
