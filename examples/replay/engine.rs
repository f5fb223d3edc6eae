//! The virtual clock: facts and timers in order, one policy with its handover, every decision as a line of JSON.

mod budget;
mod budgets;
#[path = "../../src/data/cause.rs"]
mod cause;
#[path = "../shared/decisions.rs"]
pub(crate) mod decisions;
mod fact;
#[path = "../../src/data/handover.rs"]
mod handover;
#[path = "../shared/json.rs"]
pub(crate) mod json;
#[path = "../../src/data/object.rs"]
mod object;
mod parts;
mod process;
pub(crate) mod set_up;
mod watch;

/// What the readers of the library are made of here.
mod tree {
    pub(crate) use redial::classify::{Class, TlsKind};
    pub(crate) use redial::{Cause, IoKind, Ratio, handover};
    pub(crate) use serde_json::{Map, Value};
}

use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::policy::Endpoint;
use redial::subscriptions::Subscriptions;
use redial::{Action, Actions, Epoch, Event, Instant, Mode, Phase, Stats};
use serde_json::Value;

use budget::{Budgets, Wish};
use decisions::{Decided, Decisions, Shown, Stamp, Unit, line, quoted};
use fact::{Corrupt, Epochs, Fact, Holds, What};
use parts::{Process, Walk, process, restored};
use process::Ended;
use set_up::{SetUp, Timers};
use watch::Watch;

/// A log being replayed: lines in, lines out, nothing else.
#[derive(Clone, Default)]
pub(crate) struct Replay {
    lines: u64,
    run: Option<Run>,
    notes: Vec<String>,
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

    /// What is odd about the lines since the last call and is no error: events that can't follow.
    pub(crate) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn read(&mut self, line: &[u8], out: &mut String) -> Result<(), String> {
        // The white space of JSON: a form feed is none.
        let blank = |byte: &u8| b" \t\r\n".contains(byte);
        let begin = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
        let end = line.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
        let line = line.get(begin..end).unwrap_or_default();
        if line.is_empty() {
            return Ok(());
        }
        if let Some((_, encoding)) = BYTE_ORDER_MARKS.iter().find(|(mark, _)| line.starts_with(mark)) {
            return Err(format!("a byte order mark (BOM) of {encoding}; save the log as UTF-8 without one"));
        }
        let value = json::parse(line)?;
        match &mut self.run {
            Some(run) => {
                let note = run.take(&value, out)?;
                self.notes.extend(note.map(|note| format!("line {}: {note}", self.lines)));
                Ok(())
            }
            None if ["at", "at_us", "event"].iter().any(|key| value.get(key).is_some()) => {
                Err(NO_SET_UP.to_owned())
            }
            None => {
                self.run = Some(Run::new(SetUp::parse(&value)?)?);
                Ok(())
            }
        }
    }
}

/// What some editors and shells write in front of a text.
const BYTE_ORDER_MARKS: [(&[u8], &str); 3] =
    [(b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")];

const NO_SET_UP: &str = "the first line must be the set-up, such as {\"seed\": 7, \"config\": {}} or {}";

/// How many timers may fire at one instant. Restoring at an interval of 0 takes one for each batch.
const MAX_TIMERS: u32 = 100_000;

/// How many timers one line may make fire: what they print is held until the line is known to be good, and a clock that
/// jumps by ages must not fill the memory.
const MAX_TIMERS_A_LINE: u32 = 250_000;

#[derive(Clone)]
struct Run {
    set_up: SetUp,
    /// Endpoints of which nothing is known.
    walk: Walk,
    policy: Process,
    /// How many processes ended.
    restarts: u64,
    /// The one that ended last, until the next one begins.
    ended: Option<Ended>,
    budgets: Budgets,
    watch: Option<Watch>,
    holds: Holds,
    epochs: Epochs,
    /// The successor that opened last.
    opened: Option<Epoch>,
    /// The instant that is not over yet.
    clock: Stamp,
    printed: Decisions,
}

impl Run {
    fn new(mut set_up: SetUp) -> Result<Self, String> {
        if set_up.needs_seed() && set_up.is_jittered() {
            return Err("\"seed\" is required because a jitter is on".to_owned());
        }
        if set_up.seed.is_none() && set_up.budgets.adaptive.is_some() {
            return Err("\"seed\" is required because an adaptive throttle draws".to_owned());
        }
        let (policy, walk) = match set_up.checkpoint.take() {
            Some(bytes) => {
                let policy = restored(&set_up, &bytes).map_err(|error| format!("\"checkpoint\": {error}"))?;
                set_up.name_endpoints(policy.endpoints().count())?;
                let walk = policy.endpoints().new_one();
                (policy, walk)
            }
            None => {
                let count = u8::try_from(set_up.endpoints().len()).ok();
                let walk = count.and_then(|count| FixedEndpoints::new(count).ok()).map(Walk::Several);
                let walk = walk.ok_or("there is no room for so many endpoints")?;
                (process(&set_up, walk.clone(), 0), walk)
            }
        };
        let budgets = Budgets::new(&set_up)?;
        let watch = set_up.health.map(Watch::new);
        let printed = Decisions::new(policy.phase());
        // Epochs count from 1, and so do the dials.
        let draining = policy.draining().map(Epoch::get);
        let epochs = Epochs { newest: policy.stats().opens, before: 0, draining };
        let opened = policy.successor();
        Ok(Self {
            set_up,
            walk,
            policy,
            restarts: 0,
            ended: None,
            budgets,
            watch,
            holds: Holds::default(),
            epochs,
            opened,
            clock: Stamp { micros: 0, unit: Unit::Millis },
            printed,
        })
    }

    /// Takes a line. Some events can't follow those before: what is wrong is returned as a note.
    fn take(&mut self, value: &Value, out: &mut String) -> Result<Option<String>, String> {
        let epochs = self.epochs;
        let mut fact = Fact::parse(value, epochs, &mut self.holds)?;
        if fact.at != self.clock {
            self.end_instant(out)?;
            self.clock.unit = fact.at.unit;
            self.begin_process(fact.at.micros, out);
            self.fire_until(fact.at.micros.checked_sub(1), out)?;
            self.clock = fact.at;
        }
        if epochs != self.epochs {
            // A timer has dialled since, or ended a drain: that is of whom a fact speaks that names no epoch.
            fact = Fact::parse(value, self.epochs, &mut self.holds)?;
        }
        let Fact { at, event } = fact;
        let Some((name, what)) = event else { return Ok(None) };
        let ours = !matches!(what, What::Calls { .. } | What::StartLimit { .. });
        if ours && self.ended.is_some() {
            line(out, format_args!("{at}, \"ignored\": \"down\", \"event\": \"{name}\""));
            return Ok(None);
        }
        let now = at.instant();
        let mut note = None;
        match what {
            What::Timeout => {
                let actions = self.policy.handle_timeout(now);
                self.print(None, Some(actions), out);
            }
            What::Event { redirected, event } => {
                note = self.odd(value, &event, name);
                // Of a transport that is gone, or drains, both are stale, and that is one fact.
                let up = [self.policy.epoch(), self.policy.successor()];
                if let Some(redirected) = redirected.filter(|fact| up.contains(&fact.epoch())) {
                    let actions = self.policy.handle_event(now, redirected);
                    self.print(None, Some(actions), out);
                }
                // A clock that stood still has not counted the sleep.
                if let (Event::HostResumed { gap, counted: true }, Some(watch)) = (&event, &mut self.watch) {
                    watch.slept(now, *gap);
                }
                if let Event::Opened { epoch } = event {
                    self.opened = self.policy.successor().filter(|it| *it == epoch).or(self.opened);
                }
                if let Event::Release(reason) = event {
                    self.holds.released(reason);
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
                let explained = watch::explained(&self.policy, self.epochs);
                line(out, format_args!("{at}, {explained}"));
            }
            What::Stats => {
                line(out, format_args!("{at}, {}", watch::counted(&self.policy)));
                if let Some(left) = self.budgets.left(now) {
                    line(out, format_args!("{at}, {left}"));
                }
                if let Some(watch) = &self.watch {
                    line(out, format_args!("{at}, {}", watch.recoveries(now)));
                }
            }
        }
        Ok(note)
    }

    /// Why this event can't follow, if it can't.
    fn odd(&self, line: &Value, event: &Event<String, String>, name: &str) -> Option<String> {
        let (epoch, newest) = (event.epoch()?, u64::from(self.epochs.newest));
        // That of an earlier process has no number here any more.
        let number = line.get("epoch").and_then(Value::as_u64).unwrap_or(newest);
        if number > newest || newest == 0 {
            let dialled = match newest {
                0 => "none was dialled".to_owned(),
                newest => format!("the newest that was dialled is {newest}"),
            };
            return Some(format!(
                "\"{name}\" can't follow: it is of connection {}, and {dialled}",
                number.max(1)
            ));
        }
        let up = [self.policy.epoch(), self.policy.successor(), self.policy.draining()];
        let is_up = line.get("epoch").is_some() || up.contains(&Some(epoch));
        if let (false, Some(connection)) = (is_up, self.policy.epoch()) {
            let connection = self.epochs.shown(connection);
            return Some(format!(
                "\"{name}\" is of connection {number}, the newest, which is over; \"epoch\": {connection} is up"
            ));
        }
        let opening = match Some(epoch) {
            it if it == self.policy.epoch() => self.policy.phase() == Phase::Connecting,
            it if it == self.policy.successor() => it != self.opened,
            _ => return None,
        };
        let ends = matches!(
            event,
            Event::OpenFailed { .. } | Event::NotNow { .. } | Event::Closed { .. } | Event::Redirected { .. }
        );
        match event {
            Event::Opened { .. } if !opening => {
                Some(format!("\"{name}\" can't follow: connection {number} is open already"))
            }
            Event::Opened { .. } => None,
            _ if opening && !ends => {
                Some(format!("\"{name}\" can't follow: connection {number} is not open yet"))
            }
            _ => None,
        }
    }

    /// The process ends; the next one begins at `up_at`, with what this one leaves behind.
    fn end_process(&mut self, up_at: u64, corrupt: Option<Corrupt>, out: &mut String) {
        let at = self.clock;
        let snapshot = self.policy.snapshot(at.instant());
        let ended = Ended::new(at.micros, up_at, snapshot, corrupt);
        if up_at > at.micros {
            line(out, format_args!("{at}, \"restart\": \"down\", \"bytes\": {}", ended.len()));
        }
        self.ended = Some(ended);
        self.restarts += 1;
        self.policy = process(&self.set_up, self.walk.clone(), self.restarts);
        self.epochs.before = self.epochs.newest;
        if let Some(watch) = &mut self.watch {
            watch.begin();
        }
        self.budgets.begin();
        self.begin_process(at.micros, out);
        self.print(None, None, out);
    }

    /// The next process begins, if it does so until `latest`.
    fn begin_process(&mut self, latest: u64, out: &mut String) {
        let Some(ended) = self.ended.take_if(|ended| ended.up_at <= latest) else { return };
        self.clock.micros = ended.up_at;
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
        line(out, format_args!("{at}, \"restart\": {result}"));
    }

    /// All facts of this instant are in: now its timers. The policy is told the time even if none is due, so that it
    /// can notice a clock that runs backwards later.
    fn end_instant(&mut self, out: &mut String) -> Result<(), String> {
        if self.set_up.timers == Timers::Auto {
            self.fire(out);
        }
        self.fire_until(Some(self.clock.micros), out)
    }

    /// Every timer up to `end`, each at its own time.
    fn fire_until(&mut self, end: Option<u64>, out: &mut String) -> Result<(), String> {
        let (Some(end), Timers::Auto) = (end, self.set_up.timers) else { return Ok(()) };
        let (mut fired, mut all) = (0, 0);
        while let Some(due) = self.due().map(|due| due.max(self.clock.micros)).filter(|due| *due <= end) {
            fired = if due == self.clock.micros { fired + 1 } else { 0 };
            let shown = Stamp { micros: due, ..self.clock };
            if fired > MAX_TIMERS {
                return Err(format!("more than {MAX_TIMERS} timers at {}", shown.number()));
            }
            all += 1;
            if all > MAX_TIMERS_A_LINE {
                return Err(format!(
                    "more than {MAX_TIMERS_A_LINE} timers would fire before this; the last was at {}: \
                     put lines without an event between",
                    shown.number()
                ));
            }
            self.clock.micros = due;
            self.fire(out);
        }
        Ok(())
    }

    fn fire(&mut self, out: &mut String) {
        let actions = self.policy.handle_timeout(self.clock.instant());
        self.print(None, Some(actions), out);
    }

    /// The next deadline, by a clock of the log's unit: rounded up, so that no timer fires early. The end of time never comes.
    fn due(&self) -> Option<u64> {
        let at = self.policy.poll_timeout().filter(|at| *at != Instant::MAX)?.as_micros();
        Some(match self.clock.unit {
            Unit::Millis => at.div_ceil(1_000).saturating_mul(1_000),
            Unit::Micros => at,
        })
    }

    /// What one call decided.
    fn print(&mut self, event: Option<&str>, actions: Option<Actions>, out: &mut String) {
        let at = self.clock;
        let mut dialled = None;
        for action in actions.iter().flat_map(Actions::iter) {
            if let Action::Open { epoch, mode, attempt, .. } = action {
                self.epochs.newest = self.epochs.shown(epoch);
                dialled = Some((epoch, Wish { fresh: mode == Mode::Fresh, attempt }));
            }
        }
        let policy = &self.policy;
        self.epochs.draining = policy.draining().map(|epoch| self.epochs.shown(epoch));
        let deadline =
            policy.poll_timeout().map(|until| (until, policy.deadline().map(|(_, reason)| reason)));
        let explained = policy.explain();
        let deadline = deadline.and_then(|(until, reason)| Some((until, reason.or(explained.waiting_for)?)));
        let decided = Decided { at, event, actions, explained, deadline };
        let (epochs, set_up) = (self.epochs, &self.set_up);
        self.printed.print(decided, |action| shown(policy, set_up, epochs, action), out);
        let (now, stats) = (at.instant(), self.stats());
        let phase = self.printed.phase();
        if let Some(news) = self.watch.as_mut().and_then(|watch| watch.look(now, stats, phase)) {
            line(out, format_args!("{at}, {news}"));
        }
        self.budgets.look(now, stats);
        self.ask(dialled, out);
    }

    /// A dial asks the budgets at once. Where one says no, the host can't dial just now.
    fn ask(&mut self, dialled: Option<(Epoch, Wish)>, out: &mut String) {
        let (at, now) = (self.clock, self.clock.instant());
        let Some((epoch, wish)) = dialled else {
            // Whoever waits for a dial may be in line, and for its outcome has paid; nobody else is.
            let dials =
                matches!(self.printed.phase(), Phase::Waiting | Phase::Connecting | Phase::Establishing);
            if !dials && !self.policy.is_under_way() {
                self.budgets.withdraw();
            }
            return;
        };
        let mut said = Vec::new();
        let answer = self.budgets.ask(now, wish, &mut said);
        for answer in said {
            line(out, format_args!("{at}, {answer}"));
        }
        if let Err(retry_after) = answer {
            let actions = self.policy.handle_event(now, Event::NotNow { epoch, retry_after });
            self.print(None, Some(actions), out);
        }
    }

    fn stats(&self) -> Stats {
        self.policy.stats()
    }
}

/// An action, with what the policy knows of it.
fn shown(policy: &Process, set_up: &SetUp, epochs: Epochs, action: Action) -> Shown<String, String> {
    let Action::Open { endpoint, .. } = action else {
        let keys = || {
            let keys: Vec<_> = policy.subscriptions().batch().map(|key| quoted(key).to_string()).collect();
            keys.join(", ")
        };
        let sequence = policy.session().sequence();
        return decisions::action(action, |epoch| epochs.shown(epoch), String::new, sequence, keys);
    };
    let name = match endpoint {
        Endpoint::Base => {
            let current = usize::from(policy.endpoints().current());
            set_up.endpoints().get(current).map_or("", String::as_str)
        }
        Endpoint::Session => "session",
        Endpoint::Redirect => policy.redirect().map_or("", String::as_str),
    };
    decisions::action(action, |epoch| epochs.shown(epoch), || quoted(name).to_string(), None, String::new)
}
