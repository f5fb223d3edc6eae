//! The naive policy. What it covers, and what it leaves out, is said in the documentation of the crate.

mod connection;
mod outage;

use std::sync::Arc;
use std::time::Duration;

use redial::policy::{OnNetworkDown, RefreshOn, WaitReason as Why};
use redial::{Action, Cause, Disposition, Epoch, Event as E, Mode, Phase, Stats};

use crate::configs::{Case, Knobs};
use crate::parts::{Breaker, Heartbeat, Span, Wish, Wishes, first_wait, float, us, wait, windowed};

/// Where a policy is. `Down`: it is to dial.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum At {
    #[default]
    Idle,
    Down,
    Dial,
    Greeting,
    Session,
    Auth,
    Live,
    Stopped,
    Failed,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub config: Knobs,
    pub at: At,
    pub now: f64,
    pub out: Vec<Action>,
    pub stats: Stats,
    pub epoch: u32,
    pub attempt: u32,
    pub failures: u32,
    /// Token, endpoint and sequence number.
    pub session: (Option<u8>, Option<u8>, Option<u64>),
    pub wishes: Wishes,
    /// What the core did in this call, where that hangs on a draw. `None`: every draw is the lowest.
    pub core: Option<Vec<Action>>,
    /// What is due, and while it is down all that a dial waits for.
    pub due: Vec<(Why, Span)>,
    /// The newest transport: whether it resumes, at the session's endpoint, is open, and since when it is established.
    link: (bool, bool, bool, Option<f64>),
    heartbeat: Heartbeat,
    last_batch: Option<f64>,
    sends: u32,
    restored: bool,
    delivered: Option<u64>,
    unmet: Vec<(Why, u8)>,
    counts: (u32, u32, Option<(Cause, u32)>),
    pub last_cause: Option<Cause>,
    began: f64,
    parked: Option<f64>,
    last_dial: Option<f64>,
    at_once: bool,
    restart: bool,
    ever: bool,
    unauthenticated: bool,
    failed_resumes: u32,
    unreachable: Option<(u32, f64)>,
    renew: bool,
    requests: u16,
    asked_at: Option<f64>,
    breaker: Breaker,
    /// The phase, and where in an outage the window of the last wait begins.
    windows: (f64, f64),
}

impl Model {
    pub fn new(case: &Case) -> Self {
        let (config, session) = (Knobs(Arc::clone(&case.config)), case.session);
        let renew = config.credential().refresh_on() == RefreshOn::Dial;
        let windows = (f64::from(case.phase.to_bits()) / 2f64.powi(32), 0.);
        Self { config, session, renew, windows, ..Self::default() }
    }

    pub fn phase(&self) -> Phase {
        match self.at {
            At::Idle => Phase::Idle,
            At::Down if self.condition().is_some() => Phase::Parked,
            At::Down => Phase::Waiting,
            At::Dial => Phase::Connecting,
            At::Greeting | At::Session | At::Auth => Phase::Establishing,
            At::Live if self.restored => Phase::Online,
            At::Live => Phase::Restoring,
            At::Stopped => Phase::Stopped,
            At::Failed => Phase::Failed,
        }
    }

    /// F15, F19, lifecycle 38 and 52: what must end before a dial, however late it is.
    pub fn condition(&self) -> Option<Why> {
        let order = [Why::Hold, Why::Network, Why::Hidden, Why::Credential];
        order.into_iter().find(|why| self.unmet.iter().any(|unmet| unmet.0 == *why))
    }

    /// A condition begins or ends. Whether that is news.
    fn unmet(&mut self, why: Why, number: u8, unmet: bool) -> bool {
        let was = self.unmet.contains(&(why, number));
        self.unmet.retain(|one| *one != (why, number));
        self.unmet.extend(unmet.then_some((why, number)));
        was != unmet
    }

    /// S91: what a dial waits for, the latest of which counts.
    fn gates(&self) -> Vec<(Why, Span)> {
        let apart = self.last_dial.map_or(0., |last| last + us(self.config.min_interval()));
        let open = self.breaker.until.unwrap_or(0.);
        let own = [(Why::MinInterval, (apart, apart)), (Why::Breaker, (open, open))];
        let mut gates: Vec<_> = self.due.iter().copied().chain(own).collect();
        let last = gates.iter().map(|gate| gate.1.0).fold(0., f64::max);
        gates.retain(|gate| gate.1.1 >= last && gate.0 != Why::CredentialTimeout);
        gates
    }

    /// S93: what is due and when, of which the earliest counts; but while it waits, the gates.
    pub fn deadlines(&self) -> Vec<(Why, Span)> {
        let mut due = self.due.clone();
        if self.phase() == Phase::Waiting {
            return self.gates();
        } else if self.at == At::Down {
            due.retain(|due| due.0 == Why::CredentialTimeout);
        } else if self.at == At::Live && self.config.restore().enabled() {
            let least = self.last_batch.map_or(0., |last| last + us(self.config.restore().batches().1));
            let (low, high) = self.wishes.due(self.now).unwrap_or((f64::INFINITY, f64::INFINITY));
            due.push((Why::Restore, (low.max(least), high.max(least))));
        }
        due.retain(|due| due.1.0 < f64::INFINITY);
        due
    }

    /// When it is to be called again, where nothing is drawn.
    pub fn next_deadline(&self) -> Option<f64> {
        let due = self.deadlines().into_iter().map(|due| due.1.1);
        if self.phase() == Phase::Waiting { due.reduce(f64::max) } else { due.reduce(f64::min) }
    }

    pub fn event(&mut self, now: f64, event: &E<u8, u8>) -> Disposition {
        (self.now, self.out) = (now, vec![]);
        let alive = !matches!(self.at, At::Idle | At::Down | At::Stopped | At::Failed);
        let disposition = match event.epoch() {
            Some(epoch) if !alive || epoch.get() != self.epoch => Disposition::Stale, // F06
            Some(_) => {
                let local = ["opened", "open_failed", "closed", "send_failed", "not_now", "beat_ack"];
                _ = local.contains(&event.as_str()) || self.heartbeat.heard(&self.config.heartbeat()); // F81
                self.take(event, alive)
            }
            None => self.take(event, alive),
        };
        self.stats.stale += u32::from(disposition == Disposition::Stale);
        self.park();
        disposition
    }

    /// Lifecycle 10: whatever is due by now, in the order of its time.
    pub fn timeout(&mut self, now: f64) {
        (self.now, self.out) = (now, vec![]);
        let mut fired = vec![]; // Lifecycle 66: each batch has a call of its own.
        loop {
            let (mut due, waiting) = (self.deadlines(), self.phase() == Phase::Waiting);
            due.retain(|due| !fired.contains(&due.0));
            // Of two at one instant the limit of the stage comes first: what is over is not asked.
            let later = |why: Why| !why.as_str().ends_with("_timeout");
            due.sort_by(|a, b| a.1.1.total_cmp(&b.1.1).then(later(a.0).cmp(&later(b.0))));
            let next = if waiting { due.last() } else { due.first() };
            let Some((why, _)) = next.filter(|next| next.1.1 <= now).copied() else { break };
            let up = self.at != At::Down;
            fired.push(why);
            _ = match why {
                Why::ConnectTimeout => self.lose(Cause::ConnectTimeout, None, true),
                Why::GreetingTimeout => self.lose(Cause::GreetingTimeout, None, true),
                Why::ReadyTimeout => self.lose(Cause::ReadyTimeout, None, true),
                Why::AuthTimeout => self.lose(Cause::AuthTimeout, None, true),
                Why::CredentialTimeout => self.credential(Some(false)),
                Why::Stable => self.outage_over(),
                Why::Restore => self.restore(),
                Why::Heartbeat => self.beat(),
                _ => self.go(Some(1e3)),
            };
            self.park();
            if up && self.at == At::Down {
                break; // lifecycle 3: a loss never dials in its own call
            }
        }
    }

    /// D-POLICY-11: parked time is no time of an outage.
    fn park(&mut self) {
        let parked = self.phase() == Phase::Parked;
        self.began += self.parked.filter(|_| !parked).map_or(0., |since| self.now - since);
        self.parked = parked.then(|| self.parked.unwrap_or(self.now));
    }

    /// A deadline or gate, from `low` to `high` after `from`, as the core draws it.
    fn set(&mut self, why: Why, from: f64, (low, high): Span) -> bool {
        let high = if self.core.is_some() { high } else { low };
        self.due.retain(|due| due.0 != why);
        self.due.push((why, ((from + low).max(self.now), (from + high).max(self.now))));
        true
    }

    fn limit(&mut self, why: Why, own: Option<Duration>) -> bool {
        let limit = us(own.unwrap_or(self.config.connect_timeout()));
        self.set(why, self.now, (limit, limit))
    }

    fn act(&mut self, action: impl Fn(Epoch) -> Action) -> bool {
        self.out.push(action(Epoch::from_raw(self.epoch).expect("a dial has been made")));
        true
    }

    fn take(&mut self, event: &E<u8, u8>, alive: bool) -> Disposition {
        let down = self.at == At::Down;
        let applied = match *event {
            E::RetryNow if down => self.start_over(),
            E::Start | E::RetryNow => {
                let starts = !alive && !down && (*event == E::Start || self.at == At::Failed && self.restart);
                self.ever &= !starts;
                self.renew |= starts && self.config.credential().refresh_on() == RefreshOn::Dial;
                starts && self.start_over()
            }
            E::Stop { keep } => self.stop(keep, alive),
            E::Hold(reason) => self.unmet(Why::Hold, reason.get(), true),
            E::Release(reason) => self.unmet(Why::Hold, reason.get(), false) && self.go(Some(1e3)),
            E::Hidden => self.config.defer_while_hidden() && self.unmet(Why::Hidden, 0, true),
            E::Visible => self.unmet(Why::Hidden, 0, false) && self.good_news(),
            E::NetworkDown | E::NetworkUp if self.config.network().0 == OnNetworkDown::Ignore => false,
            E::NetworkDown if self.at == At::Dial && self.unmet(Why::Network, 0, true) => {
                self.act(|epoch| Action::Close { epoch, code: None });
                let first = first_wait(&self.config.backoff());
                self.undo_dial(Why::Backoff, self.last_dial.unwrap_or(0.), first)
            }
            E::NetworkDown => self.unmet(Why::Network, 0, true),
            E::NetworkUp => {
                let was_down = self.unmet(Why::Network, 0, false);
                let news = was_down || down || alive && self.failures > 0;
                _ = news && self.good_news();
                if alive && was_down && self.link.3.is_none() {
                    let code = Some(self.config.close_code());
                    self.act(|epoch| Action::Close { epoch, code }); // R71
                    self.undo_dial(
                        Why::Backoff,
                        self.last_dial.unwrap_or(0.),
                        first_wait(&self.config.backoff()),
                    );
                }
                news
            }
            E::Opened { .. } => self.at == At::Dial && self.opened(),
            E::OpenFailed { cause, retry_after, .. } => self.lose(cause, retry_after, false),
            E::Closed { cause, .. } => self.lose(cause, None, false),
            E::SendFailed { .. } => self.lose(Cause::SendFailed, None, true),
            E::ReconnectRequested { retry_after, .. } => {
                self.lose(Cause::ReconnectRequested, retry_after, true)
            }
            E::SessionInvalid { resumable, .. } => self.lose(
                [Cause::SessionInvalid, Cause::SessionInvalidResumable][usize::from(resumable)],
                None,
                true,
            ),
            E::NotNow { retry_after, .. } => {
                self.at == At::Dial && {
                    let wait = retry_after.map_or(first_wait(&self.config.backoff()), us);
                    self.undo_dial(Why::NotNow, self.now, wait.clamp(1e3, 86_400e6))
                }
            }
            E::Greeting { heartbeat, .. } => self.link.2 && self.greeting(heartbeat),
            E::Ready { token, endpoint, sequence, .. } => self.ready(token, endpoint, sequence),
            E::Resumed { .. } => {
                self.at == At::Session && self.link.0 && {
                    self.stats.resumed += 1;
                    self.established(self.unauthenticated)
                }
            }
            E::Sequence { sequence, .. } => self.link.2 && self.sequence(sequence),
            E::Received { .. } => self.link.2,
            E::HeartbeatAcked { .. } => self.heartbeat.acknowledged(),
            E::HeartbeatRequested { .. } if self.link.2 => {
                self.heartbeat.asked = true;
                self.act(|epoch| Action::Heartbeat { epoch }) // F83
            }
            E::CredentialOk { request: Some(number), .. }
            | E::CredentialFailed { request: Some(number), .. }
                if number != self.requests =>
            {
                return Disposition::Stale;
            } // lifecycle 59
            E::CredentialOk { .. } => self.credential(None),
            E::CredentialFailed { fatal, .. } => self.credential(Some(fatal)),
            E::AuthOk { .. } => self.at == At::Auth && self.live(),
            E::AuthFailed { fatal, .. } => {
                self.at == At::Auth
                    && self.lose([Cause::AuthRejected, Cause::AuthDenied][usize::from(fatal)], None, true)
            }
            E::Subscribe { key, priority } => {
                let disposition = self.wishes.subscribe(key, priority);
                if disposition == Disposition::Applied && self.at == At::Live {
                    self.restore();
                }
                return disposition;
            }
            E::Unsubscribe { key } => self.wishes.unsubscribe(key) && self.restored_if_sent(),
            E::SubscriptionConfirmed { key, .. } => self.wishes.answered(key, Wish::Confirmed),
            E::SubscriptionFailed { key, retryable: false, .. } => self.wishes.answered(key, Wish::Refused),
            E::SubscriptionFailed { key, .. } => {
                let nth = self.wishes.failures(key) + 1;
                let wait = wait(&self.config.backoff(), Mode::Resume, nth, 0.).filter(|wait| wait.1 > 0.);
                let first = first_wait(&self.config.backoff());
                let (low, high) = wait.unwrap_or((first, first));
                let high = if self.core.is_some() { high } else { low };
                self.wishes.answered(key, Wish::Waiting((self.now + low, self.now + high)))
            }
            _ => false,
        };
        if applied { Disposition::Applied } else { Disposition::Inapplicable }
    }
}
