//! The clients, and the network between them and the servers.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::time::Duration;

use crate::classify::{Cause, IoKind};
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::policy::{Action, Actions, Config, Epoch, Event, Phase, Policy, RetryAfter};
use crate::rng::SplitMix64;
use crate::subscriptions::NoSubscriptions;
use crate::time::{Instant, Micros};

use super::calendar::{Calendar, Hint, Item, What};
use super::report::{Report, Second};
use super::scenario::{Loss, Scenario};
use super::server::{Dial, Lack, Reply, Server};

/// A policy as a run drives it.
pub(super) type Client<'a, E> = Policy<SplitMix64, (), NoSubscriptions, &'a Config, E>;

/// Policies are read this many ahead of their turn, so that their cache misses overlap.
const AHEAD: usize = 16;
/// The longest time that a policy is given to become stable before the run begins.
const DAY: Micros = Micros::DAY;

/// What a greeting brings; some policies close a connection whose greeting brings none. Discord's servers say so.
const HEARTBEAT: Duration = Duration::from_millis(41_250);

const NEVER: u32 = u32::MAX;

/// A number that follows from three others, and looks like none of them: SplitMix64's mixing.
const fn mix(seed: u64, client: u32, number: u32) -> u64 {
    let at = (client as u64) << 32 | number as u64;
    let mut z = seed.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A time in `[0, span)` for a draw.
const fn within(span: Micros, draw: u64) -> Micros {
    Micros(((span.0 as u128).wrapping_mul(draw as u128) >> 64) as u64)
}

/// What is known of a client beside its policy.
#[derive(Clone, Copy)]
struct Known {
    /// When it was lost last, in milliseconds.
    lost: u32,
    /// How long it was away before that, in milliseconds. [`NEVER`]: it was never lost.
    away: u32,
    /// When it was back, in milliseconds. [`NEVER`]: it is not.
    back: u32,
}

impl Known {
    const CONNECTED: Self = Self { lost: 0, away: NEVER, back: 0 };

    const fn is_online(self) -> bool {
        self.back != NEVER
    }
}

pub(super) struct Fleet<'a, V, E> {
    scenario: &'a Scenario,
    server: &'a mut V,
    seed: u64,
    policies: Vec<Client<'a, E>>,
    known: Vec<Known>,
    calendar: Calendar,
    /// The time of the policies at which the run begins.
    began: Micros,
    now: u64,
    /// Clients that are neither connected nor have given up.
    away: u32,
    /// Losses and cuts that are still to come.
    coming: u64,
    /// What comes next for the client at hand, if that concerns nobody else.
    next: Option<Item>,
    report: Report,
}

impl<'a, V: Server, E: Endpoints + Clone> Fleet<'a, V, E> {
    /// All of them are connected, and have been for so long that they are stable. `client` makes a client's policy of one that
    /// is connected, has a generator of its own and is otherwise like all others.
    pub(super) fn new(
        scenario: &'a Scenario,
        server: &'a mut V,
        seed: u64,
        first: Client<'a, E>,
        mut client: impl FnMut(u32, Client<'a, E>) -> Client<'a, E>,
    ) -> Self {
        let mut fleet = Self {
            scenario,
            server,
            seed,
            policies: vec![first],
            known: vec![Known::CONNECTED],
            calendar: Calendar::new(),
            began: Micros::ZERO,
            now: 0,
            away: 0,
            coming: 0,
            next: None,
            report: Report { clients: scenario.clients, ..Report::default() },
        };
        fleet.began = fleet.connect();
        if let Some(stable) = fleet.policies.pop() {
            fleet.policies = (0..scenario.clients)
                .map(|id| client(id, stable.clone().with_rng(SplitMix64::new(mix(seed, id, 0)))))
                .collect();
        }
        fleet.known = vec![Known::CONNECTED; fleet.policies.len()];
        fleet.calendar = Calendar::new();
        fleet.report = Report {
            clients: scenario.clients,
            online: scenario.clients,
            measured_from: scenario.measured_from.to_duration(),
            ..Report::default()
        };
        (fleet.away, fleet.coming, fleet.next) = (0, 0, None);
        fleet
    }

    /// Connects the only client and lets it become stable. Returns the time at which it is.
    fn connect(&mut self) -> Micros {
        self.call(0, |policy, now| policy.handle_event(now, Event::Start));
        let Some(epoch) = self.policies.first().and_then(Policy::epoch) else { return Micros::ZERO };
        self.opened(0, epoch);
        let stable = self.policies.first().map_or(Micros::ZERO, |policy| policy.config().reset_after_stable);
        let began = stable.min(DAY).saturating_add(Micros::from_millis(1_000));
        while let Some(at) = self.policies.first().and_then(Policy::poll_timeout) {
            if at.as_micros() > began.0 {
                break;
            }
            self.now = at.as_micros();
            self.call(0, |policy, now| policy.handle_timeout(now));
        }
        self.now = 0;
        began
    }

    /// Runs until everybody is back and nothing more happens, or to the horizon.
    pub(super) fn run(mut self) -> Report {
        self.lose();
        while self.coming > 0 || self.away > 0 {
            let Some(item) = self.calendar.take() else { break };
            if item.at > self.scenario.horizon.0 {
                break;
            }
            self.read_ahead();
            self.happens(item);
            self.run_ahead();
        }
        self.finish()
    }

    /// Goes on with the client at hand as long as nobody else is concerned: it waits, and the answer to its dial is certain.
    ///
    /// Its events come in their order, and none of them changes what another client meets, so that the result is the same. It
    /// is several times as fast: the policy is at hand, and nothing goes through the calendar.
    fn run_ahead(&mut self) {
        while let Some(item) = self.next.take() {
            let foreseen = match item.what {
                What::Arrival { region, .. } => self.server.foresee(Instant::from_micros(item.at), region),
                _ => None,
            };
            let alone = !matches!(item.what, What::Arrival { .. }) || foreseen.is_some();
            if !alone || item.at > self.scenario.horizon.0 {
                self.calendar.insert(item);
                return;
            }
            match (foreseen, item.epoch) {
                (Some(reply), Some(epoch)) => {
                    self.now = item.at;
                    self.answer(item.client, epoch, reply);
                }
                _ => self.happens(item),
            }
        }
    }

    /// Reads what the next policies' steps will need.
    fn read_ahead(&self) {
        if let Some(client) = self.calendar.next_clients(AHEAD).next() {
            if let Some(policy) = self.policies.get(client as usize) {
                black_box((policy.poll_timeout(), policy.epoch(), policy.stats().opens));
            }
        }
    }

    /// Enters the losses into the calendar.
    fn lose(&mut self) {
        let scenario = self.scenario;
        for (number, loss) in scenario.losses.iter().enumerate() {
            let Loss { at, over, zone: (zone, of), warning } = *loss;
            let first = (0..scenario.clients).skip(zone as usize);
            for client in first.step_by(of.max(1) as usize).filter(|_| zone < of) {
                let draw = mix(self.seed, client, u32::MAX.wrapping_sub(number as u32));
                let cut = at.saturating_add(within(over, draw));
                let (at, what) = match warning {
                    None => (cut, What::Cut),
                    Some((before, _)) => {
                        let loss = u16::try_from(number).unwrap_or(u16::MAX);
                        (cut.saturating_sub(before), What::Warning { loss })
                    }
                };
                self.coming = self.coming.saturating_add(1);
                self.calendar.insert(Item { at: at.0, client, epoch: None, what });
            }
        }
    }

    fn happens(&mut self, Item { at, client, epoch, what }: Item) {
        self.now = at;
        match (what, epoch) {
            (What::Deadline, _) => {
                let now = self.instant();
                let due = |policy: &Client<'_, E>| policy.poll_timeout().is_some_and(|at| at <= now);
                if self.policies.get(client as usize).is_some_and(due) {
                    self.call(client, |policy, now| policy.handle_timeout(now));
                }
            }
            (What::Arrival { region, resume }, Some(epoch)) => {
                let dial = Dial { client, region, resume, away: self.away };
                let reply = self.server.dial(Instant::from_micros(self.now), dial);
                self.answer(client, epoch, reply);
            }
            (What::Accepted, Some(epoch)) => self.opened(client, epoch),
            (What::Refused { hint }, Some(epoch)) => {
                let retry_after = hint.get();
                let cause = match retry_after {
                    None => Cause::Io(IoKind::ConnectionRefused),
                    Some(_) => Cause::Http(503),
                };
                self.event(client, Event::OpenFailed { epoch, cause, retry_after });
            }
            (What::TimedOut, Some(epoch)) => {
                let cause = Cause::Io(IoKind::TimedOut);
                self.event(client, Event::OpenFailed { epoch, cause, retry_after: None });
            }
            (What::Cut, epoch) => {
                self.coming = self.coming.saturating_sub(1);
                let open = self.policies.get(client as usize).and_then(Policy::epoch);
                if let Some(open) = open.filter(|open| epoch.is_none_or(|epoch| epoch == *open)) {
                    if self.known.get(client as usize).is_some_and(|known| known.is_online()) {
                        self.event(client, Event::Closed { epoch: open, cause: Cause::NoCloseFrame });
                    }
                }
            }
            (What::Warning { loss }, _) => self.warn(client, loss),
            (What::Arrival { .. } | What::Accepted | What::Refused { .. } | What::TimedOut, None) => {}
        }
    }

    /// The server asks for a reconnect, and will cut the connection.
    fn warn(&mut self, client: u32, loss: u16) {
        self.coming = self.coming.saturating_sub(1);
        let warning = self.scenario.losses.get(usize::from(loss)).and_then(|loss| loss.warning);
        let online = self.known.get(client as usize).is_some_and(|known| known.is_online());
        let epoch = self.policies.get(client as usize).and_then(Policy::epoch).filter(|_| online);
        let (Some((before, window)), Some(epoch)) = (warning, epoch) else { return };
        self.coming = self.coming.saturating_add(1);
        let at = self.now.saturating_add(before.0);
        self.calendar.insert(Item { at, client, epoch: Some(epoch), what: What::Cut });
        let event = match window {
            Some(window) => {
                let retry_after = Some(RetryAfter::Window(window.to_duration()));
                Event::ReconnectRequested { epoch, retry_after, deadline: None }
            }
            None => {
                Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(before.to_duration()) }
            }
        };
        self.event(client, event);
    }

    /// The server answers a dial that has just reached it.
    fn answer(&mut self, client: u32, epoch: Epoch, reply: Reply) {
        let began = self.now.saturating_sub(self.latency(client, epoch));
        let arrives = self.now.saturating_add(self.latency(client, epoch));
        let (answer, at) = match reply {
            Reply::Accept { after, .. } => {
                (Some(What::Accepted), arrives.saturating_add(Micros::from_duration(after).0))
            }
            Reply::Refuse { why, hint } => {
                self.report.failed(why);
                let hint = hint.filter(|_| self.heeds(client)).map_or(Hint::Nothing, Hint::new);
                (Some(What::Refused { hint }), arrives)
            }
            Reply::Silence { why } => {
                self.report.failed(why);
                (None, u64::MAX)
            }
        };
        let gives_up = self.scenario.patience.map_or(u64::MAX, |patience| began.saturating_add(patience.0));
        let deadline = self.policies.get(client as usize).and_then(Policy::poll_timeout);
        let deadline = deadline.map_or(u64::MAX, |at| at.as_micros().saturating_sub(self.began.0));
        // What comes later than another is not noticed any more.
        let (what, at) = match answer {
            Some(answer) if at <= gives_up && at <= deadline => (answer, at),
            _ if gives_up <= deadline => (What::TimedOut, gives_up),
            _ => (What::Deadline, deadline),
        };
        let item = Item { at, client, epoch: Some(epoch), what };
        match (what, reply) {
            (What::Accepted, Reply::Accept { drops, .. }) => {
                self.calendar.insert(item);
                if let Some(drops) = drops {
                    self.coming = self.coming.saturating_add(1);
                    let at = at.saturating_add(Micros::from_duration(drops).0);
                    self.calendar.insert(Item { at, what: What::Cut, ..item });
                }
            }
            (_, Reply::Accept { .. }) => {
                self.report.abandoned = self.report.abandoned.saturating_add(1);
                self.next = Some(item);
            }
            _ => self.next = Some(item),
        }
    }

    /// Whether a client is one of those that heed hints.
    const fn heeds(&self, client: u32) -> bool {
        mix(self.seed, client, u32::MAX / 2) >> 32 < self.scenario.heeded.of(Micros(1 << 32)).0
    }

    /// The connection is open, and the server says whatever the policy's protocol waits for.
    fn opened(&mut self, client: u32, epoch: Epoch) {
        self.event(client, Event::Opened { epoch });
        if self.policies.get(client as usize).is_some_and(|policy| policy.config().greeting()) {
            self.event(client, Event::Greeting { epoch, heartbeat: Some(HEARTBEAT) });
        }
    }

    fn event(&mut self, client: u32, event: Event) {
        self.call(client, |policy, now| policy.handle_event(now, event));
    }

    /// Calls a policy and does what it says.
    fn call(&mut self, client: u32, call: impl FnOnce(&mut Client<'a, E>, Instant) -> Actions) {
        let now = self.instant();
        let Some(policy) = self.policies.get_mut(client as usize) else { return };
        let actions = call(policy, now);
        for action in actions {
            self.obey(client, action);
        }
        let Some(policy) = self.policies.get(client as usize) else { return };
        let (phase, deadline) = (policy.phase(), policy.poll_timeout());
        // Who is back for good only beats, and no beat is lost here.
        let rests = phase == Phase::Online && self.coming == 0 && policy.config().max_age.is_none();
        self.observe(client, phase);
        // While a dial is under way, its arrival knows what comes first.
        if let Some(at) = deadline.filter(|_| phase != Phase::Connecting) {
            let at = at.as_micros().saturating_sub(self.began.0);
            let item = Item { at, client, epoch: None, what: What::Deadline };
            if phase == Phase::Waiting {
                self.next = Some(item);
            } else if !rests {
                self.calendar.insert(item);
            }
        }
    }

    fn obey(&mut self, client: u32, action: Action) {
        match action {
            Action::Open { epoch, mode, .. } => {
                self.count_dial();
                let at = self.now.saturating_add(self.latency(client, epoch));
                let what = What::Arrival { region: self.region(client), resume: mode == Mode::Resume };
                self.next = Some(Item { at, client, epoch: Some(epoch), what });
            }
            Action::Identify { epoch } => {
                let dial = Dial { client, region: self.region(client), resume: false, away: self.away };
                self.server.identify(Instant::from_micros(self.now), dial);
                let (token, sequence) = (Some(()), Some(1));
                self.event(client, Event::Ready { epoch, token, endpoint: None, sequence, ttl: None });
            }
            Action::Resume { epoch } if self.scenario.sessions => {
                self.event(client, Event::Resumed { epoch })
            }
            Action::Resume { epoch } => self.event(client, Event::SessionInvalid { epoch, resumable: false }),
            Action::Heartbeat { epoch } => self.event(client, Event::HeartbeatAcked { epoch }),
            Action::Authenticate { epoch } => self.event(client, Event::AuthOk { epoch }),
            Action::RefreshCredential { request } => {
                self.event(client, Event::CredentialOk { request: Some(request), ttl: None });
            }
            Action::GaveUp { .. } => {
                self.report.gave_up = self.report.gave_up.saturating_add(1);
                self.away = self.away.saturating_sub(1);
            }
            // There is nothing to restore, and a connection that the client ends takes nothing from the server.
            Action::Close { .. }
            | Action::DropSession { .. }
            | Action::Promote { .. }
            | Action::Restore { .. } => {}
        }
    }

    /// Notes whether the client is connected.
    fn observe(&mut self, client: u32, phase: Phase) {
        let millis = u32::try_from(self.now.wrapping_div(1_000)).unwrap_or(NEVER);
        let Some(known) = self.known.get_mut(client as usize) else { return };
        let change = match (phase == Phase::Online, known.is_online()) {
            (true, false) => {
                known.back = millis;
                known.away = known.away.saturating_add(millis.saturating_sub(known.lost));
                self.away = self.away.saturating_sub(1);
                self.report.online = self.report.online.saturating_add(1);
                1
            }
            (false, true) => {
                if known.away == NEVER {
                    known.away = 0;
                    self.report.lost = self.report.lost.saturating_add(1);
                }
                (known.lost, known.back) = (millis, NEVER);
                self.away = self.away.saturating_add(1);
                self.report.online = self.report.online.saturating_sub(1);
                u32::MAX
            }
            (true, true) | (false, false) => return,
        };
        let second = self.second();
        second.online = second.online.wrapping_add(change);
    }

    fn count_dial(&mut self) {
        self.report.attempts = self.report.attempts.saturating_add(1);
        let second = self.second();
        second.dials = second.dials.saturating_add(1);
    }

    /// The second of now. Until the end of the run it has the change of `online`, since clients run ahead.
    fn second(&mut self) -> &mut Second {
        let second = usize::try_from(self.now.wrapping_div(1_000_000)).unwrap_or(0);
        let seconds = &mut self.report.seconds;
        if seconds.len() <= second {
            seconds.resize(second.saturating_add(1), Second::default());
        }
        match seconds.get_mut(second) {
            Some(found) => found,
            None => &mut self.report.before,
        }
    }

    /// The region that a client dials: its own, or as many after it as its policy says.
    fn region(&self, client: u32) -> u8 {
        let current = self.policies.get(client as usize).map_or(0, |policy| policy.endpoints().current());
        let regions = self.scenario.regions.len().max(1);
        let home = (client as usize).wrapping_add(usize::from(current));
        home.checked_rem(regions).unwrap_or(0) as u8
    }

    /// How long a message of a dial takes, one way.
    const fn latency(&self, client: u32, epoch: Epoch) -> u64 {
        let (shortest, longest) = self.scenario.network;
        let draw = mix(self.seed, client, epoch.get());
        shortest.saturating_add(within(longest.saturating_sub(shortest), draw)).0
    }

    /// The time of the policies.
    const fn instant(&self) -> Instant {
        Instant::from_micros(self.began.0.saturating_add(self.now))
    }

    fn finish(mut self) -> Report {
        let lost = self.known.iter().filter(|known| known.away != NEVER);
        let back = lost.filter(|known| known.is_online());
        (self.report.back, self.report.away) = back.map(|known| (known.back, known.away)).unzip();
        self.report.back.sort_unstable();
        self.report.away.sort_unstable();
        self.report.ideal = self.scenario.ideal(self.report.lost);
        let mut online = self.report.clients;
        for second in &mut self.report.seconds {
            online = online.wrapping_add(second.online);
            second.online = online;
        }
        self.report
    }
}

impl Report {
    const fn failed(&mut self, why: Lack) {
        let count = match why {
            Lack::Server => &mut self.failed_down,
            Lack::Capacity => &mut self.failed_full,
        };
        *count = count.saturating_add(1);
    }
}
