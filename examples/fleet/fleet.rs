//! The fleet: a million policies, the server that they lost, and the network between them, on one clock.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use redial::{
    Action, Actions, Cause, Config, Disposition, Epoch, Event, Instant, IoKind, Phase, Policy, SplitMix64,
    presets,
};

use crate::wheel::Wheel;

/// One for all.
static CONFIG: Config = presets::RECOMMENDED;

/// What a dial or a message takes there and back, in milliseconds.
const ROUND_TRIP: u64 = 30;
/// Policies are touched this many at a time before they are stepped, so that their cache misses overlap.
const BATCH: usize = 16;

/// An answer on its way to a policy. All take the same time, so they arrive in the order in which they were caused.
#[derive(Clone, Copy)]
struct Answer {
    at: u64,
    id: u32,
    epoch: Epoch,
    to: Question,
}

#[derive(Clone, Copy)]
enum Question {
    Dial,
    Resume,
    Fresh,
}

/// The server: down until a time, then it accepts so many connections in each second and refuses the others.
struct Server {
    up_at: u64,
    accepts_per_second: u32,
    second: u64,
    accepted: u32,
}

impl Server {
    fn accepts(&mut self, now: u64) -> bool {
        if now / 1_000 != self.second {
            (self.second, self.accepted) = (now / 1_000, 0);
        }
        let accepts = now >= self.up_at && self.accepted < self.accepts_per_second;
        self.accepted += u32::from(accepts);
        accepts
    }
}

/// What one outage came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    /// Calls of `handle_event` and `handle_timeout`.
    pub(crate) events: u64,
    pub(crate) dials: u64,
    /// Most dials within a second of the outage.
    pub(crate) peak: u32,
    /// From the drop until the last policy was online and stable, by the fleet's clock.
    pub(crate) lasted: Duration,
    /// The same until the last policy was online.
    pub(crate) online_after: Duration,
    /// Over every action and every deadline.
    pub(crate) checksum: u64,
}

pub(crate) struct Fleet {
    policies: Vec<Policy<SplitMix64>>,
    wheel: Wheel,
    answers: VecDeque<Answer>,
    server: Server,
    now: u64,
    report: Report,
    /// The second that is counted, and the dials in it.
    second: (u64, u32),
}

impl Fleet {
    /// So many policies, all online and stable. Each has a seed of its own.
    pub(crate) fn new(policies: u32, seed: u64, accepts_per_second: u32) -> Self {
        let mut fleet = Self {
            policies: Vec::with_capacity(policies as usize),
            wheel: Wheel::new(policies as usize),
            answers: VecDeque::with_capacity(policies as usize),
            server: Server { up_at: 0, accepts_per_second: policies, second: 0, accepted: 0 },
            now: 0,
            report: Report::default(),
            second: (0, 0),
        };
        for id in 0..policies {
            // Neighbouring seeds of SplitMix64 are neighbouring places of one sequence; this stride is none of its own.
            let rng = SplitMix64::new(seed.wrapping_add(u64::from(id)).wrapping_mul(0xd134_2543_de82_ef95));
            fleet.policies.push(Policy::new(&CONFIG, rng));
            fleet.event(id, Event::Start);
        }
        fleet.run();
        fleet.server.accepts_per_second = accepts_per_second;
        fleet
    }

    /// One full outage: every connection drops at once, dials are refused for `outage`, and then no more are accepted in
    /// a second than the server can take; until every policy is online and stable.
    pub(crate) fn outage(&mut self, outage: Duration) -> Report {
        self.report = Report::default();
        self.now += 1;
        let began = self.now;
        self.server.up_at = began + outage.as_millis() as u64;
        for id in 0..self.policies.len() as u32 {
            if let Some(epoch) = self.policies[id as usize].epoch() {
                self.event(id, Event::Closed { epoch, cause: Cause::NoCloseFrame });
            }
        }
        self.run();
        self.report.lasted = Duration::from_millis(self.now - began);
        self.report.online_after = self.report.online_after.saturating_sub(Duration::from_millis(began));
        self.report
    }

    /// A number of the session for each policy, in this order: a fact that asks for nothing.
    pub(crate) fn quiet(&mut self, order: &[u32], n: u64) {
        // No transport was lost yet, so the first one of each is alive.
        let Some(epoch) = Epoch::from_raw(1) else { return };
        let now = Instant::from_millis(self.now);
        for id in order {
            let actions =
                self.policies[*id as usize].handle_event(now, Event::Sequence { epoch, sequence: n });
            debug_assert_eq!(actions.disposition(), Disposition::Applied);
            black_box(&actions);
        }
    }

    /// How many are online with nothing left to wait for.
    pub(crate) fn online(&self) -> usize {
        let stable =
            |policy: &&Policy<SplitMix64>| policy.phase() == Phase::Online && policy.poll_timeout().is_none();
        self.policies.iter().filter(stable).count()
    }

    /// Bytes a policy takes: itself, its timer, and its place among the answers under way.
    pub(crate) fn bytes(&self) -> [usize; 3] {
        let each = |bytes: usize| bytes / self.policies.len().max(1);
        let answers = self.answers.capacity() * size_of::<Answer>();
        [size_of::<Policy<SplitMix64>>(), each(self.wheel.bytes()), each(answers)]
    }

    /// Until no timer is set and no answer is under way.
    fn run(&mut self) {
        let mut due = Vec::new();
        let mut arrived = Vec::new();
        loop {
            let answer = self.answers.front().map(|answer| answer.at);
            let timer = self.wheel.next(self.now);
            let Some(now) = answer.into_iter().chain(timer).min() else { break };
            self.now = now;
            // Facts first, then the passing of time.
            while self.answers.front().is_some_and(|answer| answer.at <= now) {
                arrived.extend(self.answers.pop_front());
            }
            for batch in arrived.chunks(BATCH) {
                batch.iter().for_each(|answer| self.touch(answer.id));
                batch.iter().for_each(|answer| self.arrive(*answer));
            }
            arrived.clear();
            self.wheel.take(now, &mut due);
            for batch in due.chunks(BATCH) {
                batch.iter().for_each(|id| self.touch(*id));
                batch.iter().for_each(|id| self.timeout(*id));
            }
            due.clear();
        }
    }

    /// Reads of a policy what lies in the lines that its next step needs.
    fn touch(&self, id: u32) {
        let policy = &self.policies[id as usize];
        let lines =
            (policy.poll_timeout(), policy.epoch(), policy.stats().opens, policy.session().sequence());
        black_box((lines, self.wheel.due(id)));
    }

    fn arrive(&mut self, Answer { id, epoch, to, .. }: Answer) {
        let event = match to {
            Question::Dial if self.server.accepts(self.now) => Event::Opened { epoch },
            Question::Dial => {
                let cause = Cause::Io(IoKind::ConnectionRefused);
                Event::OpenFailed { epoch, cause, retry_after: None }
            }
            Question::Resume => Event::Resumed { epoch },
            Question::Fresh => {
                Event::Ready { epoch, token: Some(()), endpoint: None, sequence: Some(1), ttl: None }
            }
        };
        if !matches!(to, Question::Dial) {
            self.report.online_after = Duration::from_millis(self.now);
        }
        self.event(id, event);
    }

    fn event(&mut self, id: u32, event: Event) {
        let actions = self.policies[id as usize].handle_event(Instant::from_millis(self.now), event);
        debug_assert_eq!(actions.disposition(), Disposition::Applied);
        self.obey(id, actions);
    }

    fn timeout(&mut self, id: u32) {
        let actions = self.policies[id as usize].handle_timeout(Instant::from_millis(self.now));
        self.obey(id, actions);
    }

    /// Does what a driver must: every action, and a timer for the deadline.
    fn obey(&mut self, id: u32, actions: Actions) {
        self.report.events += 1;
        let at = self.now + ROUND_TRIP;
        for action in actions {
            let (decision, answer) = match action {
                Action::Open { epoch, .. } => {
                    self.count_dial();
                    (1, Some(Answer { at, id, epoch, to: Question::Dial }))
                }
                Action::Resume { epoch } => (2, Some(Answer { at, id, epoch, to: Question::Resume })),
                Action::Identify { epoch } => (3, Some(Answer { at, id, epoch, to: Question::Fresh })),
                Action::Close { .. } => (4, None),
                Action::DropSession { .. } => (5, None),
                Action::GaveUp { .. } => (6, None),
                Action::Heartbeat { .. }
                | Action::RefreshCredential { .. }
                | Action::Authenticate { .. }
                | Action::Promote { .. }
                | Action::Restore { .. } => (7, None),
            };
            if let Some(answer) = answer {
                self.answers.push_back(answer);
            }
            self.note(u64::from(id) << 8 | decision);
        }
        let deadline = self.policies[id as usize].poll_timeout();
        self.note(deadline.map_or(u64::MAX, Instant::as_micros));
        // The end of the millisecond in which it lies: the wheel is no finer.
        self.wheel.set(id, deadline.map(|at| at.as_micros().div_ceil(1_000).max(self.now)));
    }

    fn count_dial(&mut self) {
        let second = self.now / 1_000;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        self.report.dials += 1;
        self.report.peak = self.report.peak.max(self.second.1);
    }

    fn note(&mut self, decision: u64) {
        let mixed = (self.report.checksum ^ decision).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.report.checksum = mixed ^ (mixed >> 29);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTAGE: Duration = Duration::from_secs(60);

    #[test]
    fn every_policy_comes_back_and_nobody_was_dialled_past_the_server_s_limit() {
        let mut fleet = Fleet::new(2_000, 7, 50);
        assert_eq!(fleet.online(), 2_000);
        let report = fleet.outage(OUTAGE);
        assert_eq!(fleet.online(), 2_000);
        // 2,000 at 50 a second, after the minute; then 30 s until the last is stable.
        assert!(report.online_after >= OUTAGE + Duration::from_secs(39), "{report:?}");
        assert!(report.lasted >= report.online_after + Duration::from_secs(30));
        // For each: the drop, and for each dial its deadline and its answer; then the resume and stability.
        assert_eq!(report.events, 2_000 * 3 + 2 * report.dials);
        for policy in &fleet.policies {
            let stats = policy.stats();
            assert_eq!((stats.losses, stats.resumed, stats.fresh, stats.stale), (1, 1, 1, 0));
        }
    }

    #[test]
    fn a_seed_decides_everything() {
        let run = |seed| {
            let report = Fleet::new(500, seed, 20).outage(OUTAGE);
            (report.checksum, report.events, report.peak, report.lasted)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    }

    #[test]
    fn a_fleet_lives_through_one_outage_after_the_other() {
        let mut fleet = Fleet::new(100, 3, 10);
        for outages in 1..=3 {
            fleet.outage(OUTAGE);
            assert_eq!(fleet.online(), 100);
            assert!(fleet.policies.iter().all(|policy| policy.stats().losses == outages));
        }
    }
}
