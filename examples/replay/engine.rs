//! The virtual clock: facts and timers in order, one policy, every decision as a line of JSON.

#[path = "../shared/config.rs"]
pub(crate) mod config;
mod fact;

use redial::rand_core::SeedableRng;
use redial::{
    Action, Actions, ChaCha8Rng, Config, Disposition, Endpoint, Endpoints, Epoch, FixedEndpoints, Instant,
    Pace, Phase, Policy, Subscription, Subscriptions,
};
use serde_json::Value;

use config::{MAX_ENDPOINTS, SetUp};
use fact::{Fact, Holds};

/// A log being replayed: lines in, lines out, nothing else.
#[derive(Default)]
pub(crate) struct Replay {
    lines: u64,
    run: Option<Run>,
}

impl Replay {
    /// Takes one line and appends what follows from it to `out`. After an error, which names the line, there is nothing
    /// more to replay; `out` is as if the line had not been there.
    pub(crate) fn line(&mut self, line: &[u8], out: &mut String) -> Result<(), String> {
        self.lines += 1;
        let good = out.len();
        self.read(line, out).map_err(|error| {
            out.truncate(good);
            format!("line {}: {error}", self.lines)
        })
    }

    /// The input is over: what is due at its last instant still fires.
    pub(crate) fn finish(&mut self, out: &mut String) -> Result<(), String> {
        match &mut self.run {
            Some(run) => run.end_instant(out).map_err(|error| format!("line {}: {error}", self.lines)),
            None => Err(format!("line {}: {NO_SET_UP}", self.lines.max(1))),
        }
    }

    fn read(&mut self, line: &[u8], out: &mut String) -> Result<(), String> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        // The parser has seen one line only: its own line number would contradict the log's.
        let value: Value = serde_json::from_slice(line).map_err(|error| {
            format!("not valid JSON: {}", error.to_string().replace(" at line 1 column ", " at column "))
        })?;
        match &mut self.run {
            Some(run) => run.take(&value, out),
            None if value.get("at").is_some() || value.get("event").is_some() => Err(NO_SET_UP.to_owned()),
            None => {
                self.run = Some(Run::new(SetUp::parse(&value)?)?);
                Ok(())
            }
        }
    }
}

const NO_SET_UP: &str = "the first line must be the set-up, such as {\"seed\": 7, \"config\": {}} or {}";

/// How many timers may fire at one instant. Restoring at an interval of 0 takes one for each batch.
const MAX_TIMERS: u32 = 100_000;

/// How many timers one line may make fire: what they print is held until the line is known to be good, and a clock that
/// jumps by ages must not fill the memory.
const MAX_TIMERS_A_LINE: u32 = 250_000;

struct Run {
    policy: Policy<ChaCha8Rng, String, Wishes, Config, FixedEndpoints<MAX_ENDPOINTS>>,
    /// The names of the base endpoints.
    endpoints: Vec<String>,
    holds: Holds,
    newest: Epoch,
    /// The instant that is not over yet, ms.
    clock: u64,
    // What was printed last.
    phase: Phase,
    wake: Option<u64>,
}

impl Run {
    fn new(set_up: SetUp) -> Result<Self, String> {
        let seed = match set_up.seed {
            None if set_up.is_jittered() => {
                return Err("\"seed\" is required because a jitter is on".to_owned());
            }
            seed => seed.unwrap_or(0),
        };
        let endpoints = set_up.endpoints;
        let walk = u8::try_from(endpoints.len()).ok().and_then(|count| FixedEndpoints::new(count).ok());
        let walk = walk.ok_or("there is no room for so many endpoints")?;
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let policy = Policy::with_parts(set_up.config, rng, Wishes::default(), walk);
        let first = Epoch::from_raw(1).ok_or("epochs count from 1")?;
        let phase = policy.phase();
        Ok(Self { policy, endpoints, holds: Holds::default(), newest: first, clock: 0, phase, wake: None })
    }

    fn take(&mut self, value: &Value, out: &mut String) -> Result<(), String> {
        let newest = self.newest;
        let mut fact = Fact::parse(value, newest, &mut self.holds)?;
        if fact.at != self.clock {
            self.end_instant(out)?;
            self.fire_before(fact.at, out)?;
            self.clock = fact.at;
        }
        if newest != self.newest {
            // A timer has dialled since: that is the newest epoch of a fact that names none.
            fact = Fact::parse(value, self.newest, &mut self.holds)?;
        }
        let Fact { at, event } = fact;
        if let Some((name, event)) = event {
            let actions = self.policy.handle_event(Instant::from_millis(at), event);
            self.print(Some(name), actions, out);
        }
        Ok(())
    }

    /// All facts of this instant are in: now its timers. The policy is told the time even if none is due, so that it
    /// can notice a clock that runs backwards later.
    fn end_instant(&mut self, out: &mut String) -> Result<(), String> {
        self.fire(out);
        self.fire_before(self.clock + 1, out)
    }

    /// Every timer before `end`, each at its own time.
    fn fire_before(&mut self, end: u64, out: &mut String) -> Result<(), String> {
        let (mut fired, mut all) = (0, 0);
        while let Some(due) = self.due().map(|due| due.max(self.clock)).filter(|due| *due < end) {
            fired = if due == self.clock { fired + 1 } else { 0 };
            if fired > MAX_TIMERS {
                return Err(format!("more than {MAX_TIMERS} timers at {due}"));
            }
            all += 1;
            if all > MAX_TIMERS_A_LINE {
                return Err(format!(
                    "more than {MAX_TIMERS_A_LINE} timers would fire before this; the last was at {due}: \
                     put lines without an event between"
                ));
            }
            self.clock = due;
            self.fire(out);
        }
        Ok(())
    }

    fn fire(&mut self, out: &mut String) {
        let actions = self.policy.handle_timeout(Instant::from_millis(self.clock));
        self.print(None, actions, out);
    }

    /// The next deadline in ms: rounded up, so that no timer fires early.
    fn due(&self) -> Option<u64> {
        self.policy.poll_timeout().map(|at| at.as_micros().div_ceil(1_000))
    }

    /// What one call decided: the phase, the actions in order, the deadline.
    fn print(&mut self, event: Option<&str>, actions: Actions, out: &mut String) {
        let at = self.clock;
        let ignored = match actions.disposition() {
            Disposition::Applied => None,
            Disposition::Stale => Some("stale"),
            Disposition::Inapplicable => Some("inapplicable"),
            Disposition::Full => Some("full"),
        };
        if let (Some(ignored), Some(event)) = (ignored, event) {
            line(out, format_args!("\"at\": {at}, \"ignored\": \"{ignored}\", \"event\": \"{event}\""));
        }
        let explained = self.policy.explain();
        if explained.phase != self.phase {
            self.phase = explained.phase;
            let (state, why) = (explained.phase, explained.why);
            line(out, format_args!("\"at\": {at}, \"state\": \"{state}\", \"why\": \"{why}\""));
        }
        for action in actions {
            let text = self.action(action);
            line(out, format_args!("\"at\": {at}, \"action\": {text}"));
        }
        let wake = self.due();
        if wake != self.wake {
            self.wake = wake;
            let wake = number(wake);
            let why = explained.waiting_for.map_or(explained.phase.as_str(), |reason| reason.as_str());
            line(out, format_args!("\"at\": {at}, \"wake\": {wake}, \"why\": \"{why}\""));
        }
    }

    fn action(&mut self, action: Action) -> String {
        let seq = || number(self.policy.session().sequence());
        match action {
            Action::Open { epoch, mode, endpoint, attempt } => {
                self.newest = epoch;
                let endpoint = match endpoint {
                    Endpoint::Base => {
                        let current = usize::from(self.policy.endpoints().current());
                        quoted(self.endpoints.get(current).map_or("", String::as_str))
                    }
                    Endpoint::Session => quoted("session"),
                };
                let mode = mode.as_str();
                format!(
                    "\"open\", \"epoch\": {epoch}, \"mode\": \"{mode}\", \"endpoint\": {endpoint}, \"attempt\": {attempt}"
                )
            }
            Action::Close { epoch, code } => {
                format!("\"close\", \"epoch\": {epoch}, \"code\": {}", number(code))
            }
            Action::SendFresh { epoch } => format!("\"send_fresh\", \"epoch\": {epoch}"),
            Action::SendResume { epoch } => {
                format!("\"send_resume\", \"epoch\": {epoch}, \"seq\": {}", seq())
            }
            Action::Beat { epoch } => format!("\"beat\", \"epoch\": {epoch}, \"seq\": {}", seq()),
            Action::RefreshCredential => "\"refresh_credential\"".to_owned(),
            Action::Authenticate { epoch } => format!("\"authenticate\", \"epoch\": {epoch}"),
            Action::Restore { epoch } => {
                let keys: Vec<_> = self.policy.subscriptions().batch().map(|key| quoted(key)).collect();
                format!("\"restore\", \"epoch\": {epoch}, \"keys\": [{}]", keys.join(", "))
            }
            Action::DropSession { reason } => {
                format!("\"drop_session\", \"reason\": \"{}\"", reason.as_str())
            }
            Action::GaveUp { reason, cause } => {
                format!("\"gave_up\", \"reason\": \"{}\", \"detail\": \"{cause}\"", reason.as_str())
            }
        }
    }
}

fn line(out: &mut String, fields: std::fmt::Arguments<'_>) {
    out.push_str(&format!("{{{fields}}}\n"));
}

fn number(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The user's subscriptions: a plain sequence, as the trait asks for. (`redial::SubscriptionList` is the same behind
/// feature `alloc`; this program needs none.)
#[derive(Debug, Default)]
struct Wishes {
    entries: Vec<Subscription<String>>,
    pace: Option<Pace>,
}

impl Subscriptions for Wishes {
    type Key = String;

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, at: usize) -> Option<&Subscription<String>> {
        self.entries.get(at)
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut Subscription<String>> {
        self.entries.get_mut(at)
    }

    fn insert(&mut self, at: usize, entry: Subscription<String>) -> Result<(), Subscription<String>> {
        self.entries.insert(at.min(self.entries.len()), entry);
        Ok(())
    }

    fn remove(&mut self, at: usize) -> Option<Subscription<String>> {
        (at < self.entries.len()).then(|| self.entries.remove(at))
    }

    fn pace(&self) -> Pace {
        self.pace.unwrap_or(Pace::NONE)
    }

    fn set_pace(&mut self, pace: Pace) {
        self.pace = Some(pace);
    }
}
