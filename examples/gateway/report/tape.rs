//! A recording of what the client's policy is told, for the `replay` program, and of what it decides, to compare.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use redial::driver::Notice;
use redial::handover::Decider;
use redial::policy::Endpoint;
use redial::record::{Recorder, Store};
use redial::{Action, Epoch, Event, Phase};
use serde_json::Value;

use super::decisions::{Decided, Decisions, Stamp, Unit, action, quoted};

/// Beside a policy that is not started yet.
pub(crate) struct Tape(Mutex<Lines>);

struct Lines {
    recorder: Recorder,
    log: String,
    printed: Decisions,
    /// The place that the server named last, as it stands in the log.
    named: String,
    decided: String,
}

impl Tape {
    /// Begins with this policy. The error is that it can't be recorded.
    pub(crate) fn new(policy: &(impl Decider + Store)) -> Result<Self, String> {
        let mut recorder = Recorder::new();
        let log = recorder.set_up(policy).map_err(|error| error.to_string())?.to_owned();
        let printed = Decisions::new(Phase::Idle);
        Ok(Self(Mutex::new(Lines { recorder, log, printed, named: String::new(), decided: String::new() })))
    }

    /// Takes a step down.
    pub(crate) fn observe(&self, notice: &Notice<'_, String, Infallible>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { recorder, log, printed, named, decided } = &mut *lines;
        // A session for each connection and a URL for each session: never too many to number.
        let line = recorder.step(notice.at, notice.event).unwrap_or_default();
        if let Some(Event::Redirected { .. }) = notice.event {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            *named = line["endpoint"].as_str().unwrap_or_default().to_owned();
        }
        log.push_str(line);
        let explained = notice.explanation();
        let sequence = notice.session_sequence();
        let shown = |taken| {
            let endpoint = || match taken {
                Action::Open { endpoint: Endpoint::Session, .. } => quoted("session"),
                Action::Open { endpoint: Endpoint::Redirect, .. } => quoted(named.as_str()),
                _ => quoted("primary"),
            };
            action(taken, Epoch::get, endpoint, sequence, String::new)
        };
        let step = Decided {
            at: Stamp { micros: notice.at.as_micros(), unit: Unit::Micros },
            event: notice.event.map(Event::as_str),
            actions: Some(*notice.actions),
            explained,
            deadline: explained.until.zip(explained.waiting_for),
        };
        printed.print(step, shown, decided);
    }

    /// The log, and what was decided.
    pub(crate) fn lines(&self) -> (String, String) {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.log.clone(), lines.decided.clone())
    }
}

#[cfg(all(test, feature = "chacha"))]
mod tests {
    use crate::fault::Fault;
    use crate::{engine::Replay, show};

    /// All its faults on real clients, a quarter on each, played again from the logs: the same decisions, byte for byte, and
    /// no names.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_show_is_played_as_it_was_decided() {
        let (_fatal, others) = Fault::SCRIPT.split_last().expect("faults");
        let parts = others.chunks(others.len().div_ceil(4)).map(part);
        assert_eq!(futures_util::future::join_all(parts).await, [8; 4]);
    }

    async fn part(faults: &[Fault]) -> usize {
        let script = Fault::script(faults);
        let played = show::run(show::rules(7, true), &script, true, true).await.expect("a loopback port");
        assert!(played.survived, "{faults:?}");
        let (log, decided) = played.recorded.expect("recorded");
        assert!(log.lines().count() > 70 && decided.lines().count() > 70, "{faults:?}");
        assert!(!log.contains("ws://"), "an endpoint");
        let (mut out, mut replay) = (String::new(), Replay::default());
        for line in log.lines() {
            replay.line(line.as_bytes(), &mut out).unwrap_or_else(|error| panic!("{error}"));
        }
        replay.finish(&mut out).expect("a log");
        for (at, (played, decided)) in out.lines().zip(decided.lines()).enumerate() {
            assert_eq!(played, decided, "line {}", at + 1);
        }
        assert_eq!(out.lines().count(), decided.lines().count());
        faults.len()
    }
}
