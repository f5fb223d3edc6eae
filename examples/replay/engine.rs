//! The virtual clock: facts and timers in order, one policy, every decision as a line of JSON.

mod budget;
#[path = "../shared/config.rs"]
pub(crate) mod config;
mod fact;
mod process;
mod watch;

use std::collections::BTreeMap;

use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::policy::Endpoint;
use redial::rand_core::SeedableRng;
use redial::subscriptions::{SubscriptionSet, SubscriptionSlot, SubscriptionStorage, Subscriptions};
use redial::{
    Action, Actions, ChaCha8Rng, Config, Disposition, Epoch, Event, Instant, Mode, Phase, Policy, Stats,
};
use serde_json::Value;

use budget::{Budgets, Wish};
use config::{MAX_ENDPOINTS, SetUp};
use fact::{Corrupt, Epochs, Fact, Holds, What};
use process::Ended;
use watch::Watch;

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
    set_up: SetUp,
    /// Endpoints of which nothing is known.
    walk: FixedEndpoints<MAX_ENDPOINTS>,
    policy: Process,
    /// How many processes ended.
    restarts: u64,
    /// The one that ended last, until the next one begins.
    ended: Option<Ended>,
    budgets: Budgets,
    watch: Option<Watch>,
    holds: Holds,
    epochs: Epochs,
    /// The instant that is not over yet, ms.
    clock: u64,
    // What was printed last.
    phase: Phase,
    wake: Option<u64>,
}

type Process = Policy<ChaCha8Rng, String, SubscriptionSet<Wishes>, Config, FixedEndpoints<MAX_ENDPOINTS>>;

impl Run {
    fn new(set_up: SetUp) -> Result<Self, String> {
        if set_up.seed.is_none() && set_up.is_jittered() {
            return Err("\"seed\" is required because a jitter is on".to_owned());
        }
        if set_up.seed.is_none() && set_up.budgets.adaptive.is_some() {
            return Err("\"seed\" is required because an adaptive throttle draws".to_owned());
        }
        let walk =
            u8::try_from(set_up.endpoints.len()).ok().and_then(|count| FixedEndpoints::new(count).ok());
        let walk = walk.ok_or("there is no room for so many endpoints")?;
        let policy = process(&set_up, walk.clone(), 0);
        let budgets = Budgets::new(&set_up)?;
        let watch = set_up.health.map(Watch::new);
        let phase = policy.phase();
        Ok(Self {
            set_up,
            walk,
            policy,
            restarts: 0,
            ended: None,
            budgets,
            watch,
            holds: Holds::default(),
            epochs: Epochs::default(),
            clock: 0,
            phase,
            wake: None,
        })
    }

    fn take(&mut self, value: &Value, out: &mut String) -> Result<(), String> {
        let epochs = self.epochs;
        let mut fact = Fact::parse(value, epochs, &mut self.holds)?;
        if fact.at != self.clock {
            self.end_instant(out)?;
            self.begin_process(fact.at, out);
            self.fire_before(fact.at, out)?;
            self.clock = fact.at;
        }
        if epochs != self.epochs {
            // A timer has dialled since: that is the newest epoch of a fact that names none.
            fact = Fact::parse(value, self.epochs, &mut self.holds)?;
        }
        let Fact { at, event } = fact;
        let Some((name, what)) = event else { return Ok(()) };
        let ours = !matches!(what, What::Calls { .. } | What::StartLimit { .. });
        if ours && self.ended.is_some() {
            line(out, format_args!("\"at\": {at}, \"ignored\": \"down\", \"event\": \"{name}\""));
            return Ok(());
        }
        let now = Instant::from_millis(at);
        match what {
            What::Event { redirected, event } => {
                // Of a connection that is gone both are stale, and that is one fact.
                if let Some(redirected) = redirected.filter(|fact| fact.epoch() == self.policy.epoch()) {
                    let actions = self.policy.handle_event(now, redirected);
                    self.print(None, Some(actions), out);
                }
                // A clock that stood still has not counted the sleep.
                if let (Event::HostResumed { gap, counted: true }, Some(watch)) = (&event, &mut self.watch) {
                    watch.slept(now, *gap);
                }
                let actions = self.policy.handle_event(now, event);
                self.print(Some(name), Some(actions), out);
            }
            What::Restart { up_at, corrupt } => self.end_process(up_at, corrupt, out),
            What::StartLimit { remaining, reset_after } => {
                if !self.budgets.limit(now, remaining, reset_after) {
                    return Err(format!("event \"{name}\": the set-up has no \"start_budget\""));
                }
            }
            What::Calls { succeeded, failed } => {
                if !self.budgets.elsewhere(now, succeeded, failed) {
                    return Err(format!("event \"{name}\": the set-up has no budget or throttle of calls"));
                }
            }
            What::Explain => {
                let epoch = self.policy.epoch().map(|epoch| self.epochs.shown(epoch));
                let explained =
                    watch::explained(&self.policy.explain(), epoch, self.policy.session().token());
                line(out, format_args!("\"at\": {at}, {explained}"));
            }
            What::Stats => {
                line(out, format_args!("\"at\": {at}, {}", watch::counted(self.stats())));
                if let Some(left) = self.budgets.left(now) {
                    line(out, format_args!("\"at\": {at}, {left}"));
                }
                if let Some(watch) = &self.watch {
                    line(out, format_args!("\"at\": {at}, {}", watch.recoveries(now)));
                }
            }
        }
        Ok(())
    }

    /// The process ends; the next one begins at `up_at`, with what this one leaves behind.
    fn end_process(&mut self, up_at: u64, corrupt: Option<Corrupt>, out: &mut String) {
        let at = self.clock;
        let snapshot = self.policy.snapshot(Instant::from_millis(at));
        let ended = Ended::new(at, up_at, snapshot, corrupt);
        if up_at > at {
            line(out, format_args!("\"at\": {at}, \"restart\": \"down\", \"bytes\": {}", ended.len()));
        }
        self.ended = Some(ended);
        self.restarts += 1;
        self.policy = process(&self.set_up, self.walk.clone(), self.restarts);
        self.epochs.before = self.epochs.newest;
        if let Some(watch) = &mut self.watch {
            watch.begin();
        }
        self.budgets.begin();
        self.begin_process(at, out);
        self.print(None, None, out);
    }

    /// The next process begins, if it does so until `latest`.
    fn begin_process(&mut self, latest: u64, out: &mut String) {
        let Some(ended) = self.ended.take_if(|ended| ended.up_at <= latest) else { return };
        self.clock = ended.up_at;
        let (at, bytes) = (self.clock, ended.len());
        let result = match ended.read() {
            Ok(None) => "\"empty\", \"bytes\": 0".to_owned(),
            Ok(Some(snapshot)) => {
                let policy = process(&self.set_up, self.walk.clone(), self.restarts);
                self.policy = policy.with_snapshot(ended.up(), snapshot);
                format!("\"snapshot\", \"bytes\": {bytes}")
            }
            Err(error) => format!("\"refused\", \"bytes\": {bytes}, \"error\": {}", quoted(&error)),
        };
        line(out, format_args!("\"at\": {at}, \"restart\": {result}"));
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
        self.print(None, Some(actions), out);
    }

    /// The next deadline in ms: rounded up, so that no timer fires early.
    fn due(&self) -> Option<u64> {
        self.policy.poll_timeout().map(|at| at.as_micros().div_ceil(1_000))
    }

    /// What one call decided: the phase, the actions in order, the deadline.
    fn print(&mut self, event: Option<&str>, actions: Option<Actions>, out: &mut String) {
        let at = self.clock;
        let ignored = match actions.map(|actions| actions.disposition()) {
            None | Some(Disposition::Applied) => None,
            Some(Disposition::Stale) => Some("stale"),
            Some(Disposition::Inapplicable) => Some("inapplicable"),
            Some(Disposition::Full) => Some("full"),
        };
        if let (Some(ignored), Some(event)) = (ignored, event) {
            line(out, format_args!("\"at\": {at}, \"ignored\": \"{ignored}\", \"event\": \"{event}\""));
        }
        let explained = self.policy.explain();
        if explained.phase != self.phase {
            self.phase = explained.phase;
            let (state, why) = (explained.phase, explained.trigger);
            line(out, format_args!("\"at\": {at}, \"state\": \"{state}\", \"why\": \"{why}\""));
        }
        let mut dialled = None;
        for action in actions.into_iter().flatten() {
            if let Action::Open { epoch, mode, attempt, .. } = action {
                dialled = Some((epoch, Wish { fresh: mode == Mode::Fresh, attempt }));
            }
            let text = self.action(action);
            line(out, format_args!("\"at\": {at}, \"action\": {text}"));
        }
        let wake = self.due();
        if wake != self.wake {
            self.wake = wake;
            let wake = number(wake);
            let why = self.policy.deadline().map(|(_, reason)| reason).or(explained.waiting_for);
            let why = why.map_or(explained.phase.as_str(), |reason| reason.as_str());
            line(out, format_args!("\"at\": {at}, \"wake\": {wake}, \"why\": \"{why}\""));
        }
        let (now, stats) = (Instant::from_millis(at), self.stats());
        if let Some(news) = self.watch.as_mut().and_then(|watch| watch.look(now, stats, self.phase)) {
            line(out, format_args!("\"at\": {at}, {news}"));
        }
        self.budgets.look(now, stats);
        self.ask(dialled, out);
    }

    /// A dial asks the budgets at once. Where one says no, the host can't dial just now.
    fn ask(&mut self, dialled: Option<(Epoch, Wish)>, out: &mut String) {
        let (at, now) = (self.clock, Instant::from_millis(self.clock));
        let Some((epoch, wish)) = dialled else {
            // Whoever waits for a dial may be in line, and for its outcome has paid; nobody else is.
            if !matches!(self.phase, Phase::Waiting | Phase::Connecting | Phase::Establishing) {
                self.budgets.withdraw();
            }
            return;
        };
        let mut said = Vec::new();
        let answer = self.budgets.ask(now, wish, &mut said);
        for answer in said {
            line(out, format_args!("\"at\": {at}, {answer}"));
        }
        if let Err(retry_after) = answer {
            let actions = self.policy.handle_event(now, Event::NotNow { epoch, retry_after });
            self.print(None, Some(actions), out);
        }
    }

    fn stats(&self) -> Stats {
        self.policy.stats()
    }

    fn action(&mut self, action: Action) -> String {
        let seq = || number(self.policy.session().sequence());
        let epochs = self.epochs;
        let shown = |epoch| epochs.shown(epoch);
        match action {
            Action::Open { epoch, mode, endpoint, attempt } => {
                let epoch = shown(epoch);
                self.epochs.newest = epoch;
                let endpoint = match endpoint {
                    Endpoint::Base => {
                        let current = usize::from(self.policy.endpoints().current());
                        quoted(self.set_up.endpoints.get(current).map_or("", String::as_str))
                    }
                    Endpoint::Session => quoted("session"),
                    Endpoint::Redirect => quoted(self.policy.redirect().map_or("", String::as_str)),
                };
                let mode = mode.as_str();
                format!(
                    "\"open\", \"epoch\": {epoch}, \"mode\": \"{mode}\", \"endpoint\": {endpoint}, \"attempt\": {attempt}"
                )
            }
            Action::Close { epoch, code } => {
                format!("\"close\", \"epoch\": {}, \"code\": {}", shown(epoch), number(code))
            }
            Action::Identify { epoch } => format!("\"send_fresh\", \"epoch\": {}", shown(epoch)),
            Action::Resume { epoch } => {
                format!("\"send_resume\", \"epoch\": {}, \"seq\": {}", shown(epoch), seq())
            }
            Action::Heartbeat { epoch } => {
                format!("\"beat\", \"epoch\": {}, \"seq\": {}", shown(epoch), seq())
            }
            Action::RefreshCredential { .. } => "\"refresh_credential\"".to_owned(),
            Action::Authenticate { epoch } => format!("\"authenticate\", \"epoch\": {}", shown(epoch)),
            Action::Restore { epoch, send } => {
                let keys: Vec<_> = self.policy.subscriptions().batch().map(|key| quoted(key)).collect();
                format!(
                    "\"restore\", \"epoch\": {}, \"keys\": [{}], \"send\": {send}",
                    shown(epoch),
                    keys.join(", ")
                )
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

/// A policy as the n-th restart makes it: nothing is known but the set-up, and the seed is another one each time.
fn process(set_up: &SetUp, walk: FixedEndpoints<MAX_ENDPOINTS>, restarts: u64) -> Process {
    let seed = set_up.seed.unwrap_or(0).wrapping_add(restarts);
    let wishes = SubscriptionSet::with_storage(Wishes::default());
    Policy::new(set_up.config, ChaCha8Rng::seed_from_u64(seed))
        .with_session_type::<String>()
        .with_subscriptions(wishes)
        .with_endpoints(walk)
}

/// Where the user's subscriptions are kept. (`redial::subscriptions::SubscriptionList` is the same behind feature `alloc`; this program
/// needs none.)
#[derive(Default)]
struct Wishes {
    slots: Vec<SubscriptionSlot<String>>,
    by_key: BTreeMap<String, usize>,
}

impl SubscriptionStorage for Wishes {
    type Key = String;

    fn slot(&self, at: usize) -> Option<&SubscriptionSlot<String>> {
        self.slots.get(at)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut SubscriptionSlot<String>> {
        self.slots.get_mut(at)
    }

    fn grow(&mut self) -> bool {
        self.slots.push(SubscriptionSlot::EMPTY);
        true
    }

    fn position(&self, key: &String) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    fn index(&mut self, key: &String, at: usize) {
        self.by_key.insert(key.clone(), at);
    }

    fn unindex(&mut self, key: &String) {
        self.by_key.remove(key);
    }
}
