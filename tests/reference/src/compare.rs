//! The core beside the model: the same events, and after each of them everything that both can say.

use std::sync::Arc;

use redial::policy::WaitReason;
use redial::record::Recorder;
use redial::subscriptions::{FixedSubscriptions, SubscriptionState, Subscriptions};
use redial::{Action, Actions, Config, Disposition, Instant, Phase, Policy, SessionState, SplitMix64, Stats};

use crate::configs::Case;
use crate::dice::Dice;
use crate::model::Model;
use crate::parts::{CAPACITY, Wish};
use crate::steps::{Fact, Step};

pub type Core = Policy<SplitMix64, u8, FixedSubscriptions<u8, CAPACITY>, Arc<Config>>;

/// The core and the model after the same steps.
#[derive(Clone, Debug)]
pub struct Pair {
    pub model: Model,
    pub core: Core,
    now: Instant,
    story: Option<String>,
    log: Option<(Recorder, String)>,
}

/// Reads a case and steps from bytes, and panics with the story where core and model differ.
pub fn run(bytes: &[u8]) {
    let mut dice = Dice(bytes);
    let case = Case::read(&mut dice);
    let (mut pair, mut steps) = (Pair::new(&case), vec![]);
    while !dice.is_empty() && steps.len() < 500 {
        steps.push(Step::read(&pair.model, &mut dice));
        if pair.step(&steps[steps.len() - 1]).is_err() {
            panic!("{}", story(&case, &steps));
        }
    }
}

/// The run step by step, as far as core and model agree, and as a log that `replay` plays.
pub fn story(case: &Case, steps: &[Step]) -> String {
    let mut pair = Pair::new(case);
    let mut log = Recorder::showing_names();
    let head = log.set_up(&pair.core).map_or_else(|error| format!("({error})\n"), String::from);
    (pair.story, pair.log) =
        (Some(settings(&case.config) + &format!("session {:?}\n", case.session)), Some((log, head)));
    let end = steps.iter().find_map(|step| pair.step(step).err()).unwrap_or_else(|| "no difference".into());
    let (story, log) = (pair.story.unwrap_or_default(), pair.log.map_or_else(String::new, |log| log.1));
    format!("{story}{end}\n\nAs a log for `cargo run --release --example replay`:\n{log}")
}

impl Pair {
    pub fn new(case: &Case) -> Self {
        let mut core = Policy::new(Arc::clone(&case.config), SplitMix64::new(case.seed))
            .with_window_phase(case.phase)
            .with_session_type::<u8>()
            .with_subscriptions(FixedSubscriptions::new());
        let (token, endpoint, sequence) = case.session;
        if let Some(token) = token {
            core = core.with_session(SessionState::resumable(token, endpoint, sequence));
        }
        let model = Model::new(case);
        Self { model, core, now: Instant::ZERO, story: None, log: None }
    }

    /// Makes a step. The error says what differs.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        let micros = |at: Instant| at.as_micros() as f64;
        let at = step.at(micros(self.now), self.core.poll_timeout().map(micros));
        let at = Instant::from_micros(at as u64);
        self.pass_until(at.max(self.now))?;
        match step.event_for(&self.model) {
            Some(event) => self.event(&event),
            None => self.timeout(),
        }
    }

    /// Every deadline before `at` fires at its own time.
    fn pass_until(&mut self, at: Instant) -> Result<(), String> {
        for _ in 0..100_000 {
            match self.core.poll_timeout() {
                Some(due) if due < at => self.now = self.now.max(due),
                _ => {
                    self.now = at;
                    return Ok(());
                }
            }
            self.timeout()?;
        }
        Err("the core fires without end".into())
    }

    fn event(&mut self, event: &Fact) -> Result<(), String> {
        if let Some((log, text)) = &mut self.log {
            *text += log.event(self.now, event).unwrap_or("(no line)\n");
        }
        let actions = self.core.handle_event(self.now, event.clone());
        self.model.core = Some(actions.iter().collect());
        let disposition = self.model.event(self.now.as_micros() as f64, event);
        self.check(&format!("{event:?}"), actions, disposition)
    }

    fn timeout(&mut self) -> Result<(), String> {
        if let Some((log, text)) = &mut self.log {
            *text += log.timeout(self.now);
        }
        let actions = self.core.handle_timeout(self.now);
        self.model.core = Some(actions.iter().collect());
        self.model.timeout(self.now.as_micros() as f64);
        self.check("(timeout)", actions, Disposition::Applied)
    }

    fn check(&mut self, what: &str, actions: Actions, disposition: Disposition) -> Result<(), String> {
        let (core, model) = (&self.core, &self.model);
        let told = core.explain();
        if let Some(story) = &mut self.story {
            let done: Vec<Action> = actions.iter().collect();
            let at = self.now.as_micros();
            *story += &format!(
                "{at:>12} us  {what}
{:14} {done:?}
{:14} {told}
",
                "", ""
            );
        }
        same("actions", &actions.iter().collect::<Vec<_>>(), &model.out)?;
        same("disposition", &actions.disposition(), &disposition)?;
        same("phase", &core.phase(), &model.phase())?;
        same("attempt", &told.attempt, &model.attempt)?;
        same("failures", &told.failures, &model.failures)?;
        same("last cause", &told.last_cause, &model.last_cause)?;
        let parked = if core.phase() == Phase::Parked { told.waiting_for } else { None };
        same("parked on", &parked, &model.condition().filter(|_| model.phase() == Phase::Parked))?;
        let session = core.session();
        let session = (session.token().copied(), session.endpoint().copied(), session.sequence());
        same("session", &session, &model.session)?;
        same("batch", &core.subscriptions().batch().copied().collect(), &model.wishes.batch)?;
        let wishes: Vec<_> =
            core.subscriptions().iter().map(|wish| (*wish.key(), name(wish.state()))).collect();
        let known = model.wishes.list.iter().map(|wish| (wish.0, wish_name(wish.2))).collect();
        same("subscriptions", &wishes, &known)?;
        same("counters", &counters(core.stats()), &counters(model.stats))?;
        self.adopt(told.until.filter(|_| core.poll_timeout().is_some()))
    }

    /// The deadline, and with it what the core drew.
    fn adopt(&mut self, until: Option<Instant>) -> Result<(), String> {
        let shown = self.core.deadline().map(|(at, why)| (at.as_micros() as f64, why));
        same("deadline", &self.core.poll_timeout(), &until)?;
        let set = self.core.subscriptions();
        for wish in &mut self.model.wishes.list {
            if let (Wish::Waiting((low, high)), Some(SubscriptionState::Waiting { until })) =
                (wish.2, set.find(&wish.0).map(|wish| wish.state()))
            {
                let at = until.as_micros() as f64;
                if at + 1. < low || at - 1. > high {
                    return Err(format!("{} is sent again at {at}, not from {low} to {high}", wish.0));
                }
                wish.2 = Wish::Waiting((at, at));
            }
        }
        let (all, waiting) = (self.model.deadlines(), self.model.phase() == Phase::Waiting);
        let Some((at, why)) = shown else {
            return if all.is_empty() { Ok(()) } else { Err(format!("no deadline, expected {all:?}")) };
        };
        let slack = |(low, high): (f64, f64)| if low < high { 1. } else { 0. };
        let since = |span: (f64, f64)| span.0 - slack(span) <= at;
        let until = |span: (f64, f64)| at <= span.1 + slack(span);
        // The distance of a millisecond between two dials has no reason of its own.
        let gate = matches!(why, WaitReason::Backoff | WaitReason::Appointment | WaitReason::Window);
        let is = |other| other == why || other == WaitReason::MinInterval && gate;
        let fits = |one: &(WaitReason, (f64, f64))| is(one.0) && since(one.1) && until(one.1);
        let over = waiting && at == self.now.as_micros() as f64; // Which of those that are over is shown is open.
        if !(over || all.iter().any(fits))
            || !all.iter().all(|one| if waiting { since(one.1) } else { until(one.1) })
        {
            return Err(format!("the deadline is {why} at {at}, expected {all:?}"));
        }
        let parked = self.model.phase() == Phase::Parked;
        for one in self.model.due.iter_mut().filter(|_| !parked) {
            let (low, high) = one.1;
            one.1 = match waiting {
                _ if fits(one) => (at, at),
                true => (low.min(at), high.min(at)),
                false => (low.max(at), high.max(at)),
            };
        }
        Ok(())
    }
}

/// The settings that the model knows, a line for each of its parts.
fn settings(config: &Config) -> String {
    let backoff = config.backoff();
    format!(
        "{:?}, initial {:?}, first {:?}, cap {:?}, fresh {:?}, floor {:?}, {:?}\n\
         stable after {:?}, least interval {:?}, attempts {:?}, elapsed {:?}, ready {:?}, greeting {} {:?}\n\
         {:?}\n{:?}\n{:?}\n{:?}\n{:?}\nnetwork {:?}, hidden {}\n",
        backoff.curve(),
        backoff.initial_delay(),
        backoff.first_delay(),
        backoff.max_delay(redial::Mode::Resume),
        backoff.max_delay(redial::Mode::Fresh),
        backoff.floor(),
        backoff.jitter(),
        config.reset_after_stable(),
        config.min_interval(),
        config.max_attempts(),
        config.max_elapsed(),
        config.ready_timeout(),
        config.greeting(),
        config.greeting_timeout(),
        config.resume(),
        config.heartbeat(),
        config.breaker(),
        config.restore(),
        config.credential(),
        config.network(),
        config.defer_while_hidden(),
    )
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, core: &T, model: &T) -> Result<(), String> {
    if core == model { Ok(()) } else { Err(format!("{what}: the core has {core:?}, the model {model:?}")) }
}

fn name(state: SubscriptionState) -> &'static str {
    state.as_str()
}

fn wish_name(wish: Wish) -> &'static str {
    match wish {
        Wish::Pending => "pending",
        Wish::Sent => "sent",
        Wish::Confirmed => "confirmed",
        Wish::Waiting(_) => "waiting",
        Wish::Refused => "rejected",
    }
}

/// The counters that the rules fix.
fn counters(stats: Stats) -> [(&'static str, u32); 12] {
    [
        ("opens", stats.opens),
        ("established", stats.established),
        ("failed", stats.failed),
        ("abandoned", stats.abandoned),
        ("losses", stats.losses),
        ("resumed", stats.resumed),
        ("fresh", stats.fresh),
        ("zombies", stats.zombies),
        ("heartbeats missed", stats.heartbeats_missed),
        ("client faults", stats.client_faults),
        ("waits cut", stats.retry_after_cut),
        ("stale", stats.stale),
    ]
}
