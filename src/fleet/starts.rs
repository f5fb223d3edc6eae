//! The start budget of a fleet.

use core::fmt;
use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::{Call, Run, STARTS, at_least_a_milli, not_now, wait};
use crate::budget::StartBudgetConfig;
use crate::driver::DialError;
use crate::time::{Instant, Micros};

/// Which part of a start budget is this process's while Redis does not answer: one turn in `of`.
///
/// Processes without Redis can't agree, so they take turns by the server's clock, as far as they have seen it: a turn is
/// one window and three times the longer of a lease and a quarter of the window, and its starts are granted in the first third of
/// what exceeds the window. So the budget holds in any window, over all processes together, as long as no two have the same number
/// and their monotonic clocks have run apart by less than a lease. Each turn grants the starts of one window.
///
/// The first turn is a lease and a window after Redis was missed, when everything it has granted is over. Once it is back, it grants
/// nobody a start until one lease and one window after the last start that the asking process made without it. A process that has
/// never reached Redis knows no turn and starts nothing. Of a day, each process has the `of`-th part of what was left when Redis
/// was last heard; after a day without Redis, the `of`-th part of the budget.
///
/// ```
/// use core::time::Duration;
/// use redial::budget::StartBudgetConfig;
/// use redial::fleet::{Share, Starts};
///
/// const ONE_A_SECOND: StartBudgetConfig = StartBudgetConfig::new(1, 1, Duration::from_secs(1)).build_const();
///
/// /// The pod `feed-3` of eight has every eighth turn while Redis does not answer.
/// fn starts(pod: &str) -> Option<Starts> {
///     let member = pod.rsplit_once('-')?.1.parse().ok()?;
///     Some(Starts::new("feed", ONE_A_SECOND).with_share(Share { member, of: 8 }))
/// }
/// assert!(starts("feed-3").is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number of so many")]
pub struct Share {
    /// The number of this process, from 0: the ordinal of a StatefulSet's pod, for instance. Taken modulo `of`.
    pub member: u32,
    /// How many processes there are at most. 0 is taken as 1.
    pub of: u32,
}

/// A budget of fresh starts that the processes of a fleet share: what [`StartBudget`](crate::budget::StartBudget) is in one
/// process, with a lease for each permit and for each place in the queue. See the [module](super) for an example, and for what
/// happens without Redis. One value serves all connections of a process; it is `Sync`.
///
/// # Tickets and the queue
///
/// A ticket is the number of a connection, such as its shard, and unique in the fleet. Its bucket is `ticket mod buckets`. In each
/// bucket the order is that of the first asks. A refused connection that is in the queue asks again at the time that it is told,
/// and before its [place's lease](Self::with_place_lease) is over, or it loses its place. It is told at most a third of that lease,
/// so that two asks may be lost. A full queue, or a used-up day, gives no place.
///
/// # Permits
///
/// A permit is for one start, within its [lease](Self::with_lease). Report it with [`StartPermit::started`] as soon as the start
/// is on its way, and the start counts from then; give one that was not used back with [`StartPermit::release`], and don't start
/// after [`StartPermit::until`]. One that nobody
/// reports, since its holder died, comes back one window after the end of its lease, because the start may have been made until then.
///
/// ```
/// use core::time::Duration;
/// use redial::budget::StartBudgetConfig;
/// use redial::driver::DialError;
/// use redial::fleet::{Run, Starts};
///
/// const CONFIG: StartBudgetConfig = StartBudgetConfig::new(16, 1, Duration::from_secs(5)).build_const();
///
/// /// In the dial of a shard: its place in the queue is kept while it asks again.
/// async fn identify(starts: &Starts, redis: &impl Run, shard: u32) -> Result<(), DialError> {
///     let permit = starts.ask(redis, shard).await?;
///     if connect().await.is_err() {
///         permit.release(redis).await; // the server was never reached: others may have the start
///         return Err(redial::Cause::Timeout.into());
///     }
///     permit.started(redis).await;
///     Ok(())
/// }
/// # async fn connect() -> Result<(), DialError> { Ok(()) }
/// let starts = Starts::new("my-bot", CONFIG).with_lease(Duration::from_secs(20));
/// # let _ = (starts, |it: &Starts, redis: &Nothing| drop(identify(it, redis, 1)));
/// # struct Nothing;
/// # impl Run for Nothing {
/// #     fn now(&self) -> redial::Instant { redial::Instant::ZERO }
/// #     async fn run(&self, _: &redial::fleet::Call) -> Option<Vec<i64>> { None }
/// # }
/// ```
pub struct Starts {
    name: String,
    config: StartBudgetConfig,
    lease: Micros,
    place: Micros,
    places: u32,
    share: Option<Share>,
    inner: Mutex<Inner>,
}

impl fmt::Debug for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starts")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    /// What the server's clock was, and ours.
    heard: Option<(u64, Instant)>,
    /// When it was first missed since.
    missed: Option<Instant>,
    /// The starts that are left of the day; `None` without a limit.
    left: Option<u64>,
    last_local: Option<Instant>,
    /// The queue while Redis is away: a ticket and when it asked.
    line: Vec<(u32, Instant)>,
    turn: u64,
    /// The buckets of the starts in this turn.
    used: Vec<u32>,
}

/// The permission for one fresh start. Dropped without a report, it comes back as that of a process that died.
#[derive(Debug)]
#[must_use = "report that it was used, or release it"]
pub struct StartPermit<'a> {
    starts: &'a Starts,
    ticket: u32,
    until: Instant,
    /// `None` if it was granted without Redis.
    number: Option<i64>,
}

impl StartPermit<'_> {
    /// The start must be made before this time, by the clock of [`Run::now`]: one lease after the moment before the budget was
    /// asked. Without a lease it says nothing.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// Whether it was granted without Redis, by the [`Share`].
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.number.is_none()
    }

    /// The start was made. A report that does not arrive costs the fleet a lease, and nothing else.
    pub async fn started(self, fleet: &impl Run) {
        self.report(fleet, "started").await;
    }

    /// The start was not made, and won't be: others may have it. Only where the server can't have counted it, for instance
    /// because it was never reached.
    pub async fn release(self, fleet: &impl Run) {
        self.report(fleet, "release").await;
    }

    async fn report(self, fleet: &impl Run, what: &str) {
        if let Some(number) = self.number {
            let call = self.starts.call(what, self.ticket, &number.to_string(), Micros::ZERO);
            self.starts.heard(fleet.run(&call).await.as_deref(), fleet.now());
        }
    }
}

impl Starts {
    /// The budget with this name, which is the hash tag of its keys and must not contain `}`. All processes give the same name and
    /// the same config; a changed config applies from the next call on. A permit's lease is 10 s, a place's 15 s, and the queue has
    /// 10,000 places (this project's choices). There is no [`Share`].
    #[must_use]
    pub fn new(name: &str, config: StartBudgetConfig) -> Self {
        Self {
            name: name.to_string(),
            config,
            lease: Micros::from_millis(10_000),
            place: Micros::from_millis(15_000),
            places: 10_000,
            share: None,
            inner: Mutex::default(),
        }
    }

    /// How long a permit may be used. As long as a dial takes at most, with all that precedes the start on the wire; with 0 a start
    /// counts from its permit on, as in a [`StartBudget`](crate::budget::StartBudget), and need not be reported.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = Micros::from_duration(lease);
        self
    }

    /// How long a place in the queue is kept for a connection that does not ask again, at least 1 ms. A dead process holds up those
    /// behind it for this long; a living one asks three times as often.
    #[must_use]
    pub const fn with_place_lease(mut self, lease: Duration) -> Self {
        self.place = at_least_a_milli(lease);
        self
    }

    /// How many places the queue has, over all buckets.
    #[must_use]
    pub const fn with_places(mut self, places: u32) -> Self {
        self.places = places;
        self
    }

    /// What this process may do while Redis does not answer. Without it, nothing.
    #[must_use]
    pub const fn with_share(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    /// Asks for a fresh start. A ticket that is in the queue keeps its place. If the future is dropped, a permit may be lost until
    /// its lease is over.
    ///
    /// # Errors
    /// [`DialError::NotNow`], with the time after which to ask again.
    pub async fn ask(&self, fleet: &impl Run, ticket: u32) -> Result<StartPermit<'_>, DialError> {
        let asked = fleet.now();
        let held = self.held();
        let local = self.lock().last_local.map_or(Micros::ZERO, |at| held.saturating_sub(asked.since(at)));
        let call = self.call("ask", ticket, &local.0.to_string(), Micros::ZERO);
        let reply = fleet.run(&call).await;
        let now = fleet.now();
        self.heard(reply.as_deref(), now);
        let permit = |number, from: Instant| StartPermit {
            starts: self,
            ticket,
            until: from.after(self.lease),
            number,
        };
        match reply.as_deref() {
            Some([_, 1, number, _]) => Ok(permit(Some(*number), asked)),
            Some([server, 2, until, _]) => Err(not_now(wait(*server, *until).min(self.patience()))),
            Some([server, _, until, _]) => Err(not_now(wait(*server, *until))),
            _ => match self.ask_locally(now, ticket) {
                Ok(()) => Ok(permit(None, now)),
                Err(wait) => Err(not_now(wait)),
            },
        }
    }

    /// Takes a ticket out of the queue, because its connection has ended. Without it the place is lost when its lease is over.
    pub async fn withdraw(&self, fleet: &impl Run, ticket: u32) {
        self.lock().line.retain(|(other, _)| *other != ticket);
        let call = self.call("withdraw", ticket, "0", Micros::ZERO);
        self.heard(fleet.run(&call).await.as_deref(), fleet.now());
    }

    /// Sets the day as the server reports it: `remaining` starts until it ends in `reset_after`, at most one day (Discord's
    /// `session_start_limit`). Without a daily limit it changes nothing.
    pub async fn set_remaining(&self, fleet: &impl Run, remaining: u32, reset_after: Duration) {
        let reset_after = Micros::from_duration(reset_after);
        let call = self.call("remaining", 0, &remaining.to_string(), reset_after);
        self.heard(fleet.run(&call).await.as_deref(), fleet.now());
    }

    fn call(&self, what: &str, ticket: u32, value: &str, reset_after: Micros) -> Call {
        let (buckets, each, window) = self.config.window();
        let (per_day, day) =
            self.config.daily().map_or((0, Micros::DAY), |(n, day)| (n, Micros::from_duration(day)));
        let bucket = ticket.checked_rem(buckets.into()).unwrap_or(0);
        let key = format!("redial:{{{}}}:starts", self.name);
        let mut args: Vec<String> = [String::new(), what.to_string()].into();
        let numbers = [
            ticket.into(),
            bucket.into(),
            each.into(),
            Micros::from_duration(window).0,
            per_day.into(),
            day.0,
            self.lease.0,
            self.place.0,
            self.places.into(),
        ];
        args.extend(numbers.iter().map(u64::to_string));
        args.extend([value.to_string(), reset_after.0.to_string()]);
        let keys = [format!("{key}:line"), format!("{key}:kept"), format!("{key}:{bucket}")];
        Call { script: STARTS, keys: core::iter::once(key).chain(keys).collect(), args }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long an unreported permit holds its start.
    const fn held(&self) -> Micros {
        let (_, _, window) = self.config.window();
        self.lease.saturating_add(Micros::from_duration(window))
    }

    /// The longest that one in the queue waits between two asks.
    const fn patience(&self) -> Micros {
        self.place.divided_up(3)
    }

    fn heard(&self, reply: Option<&[i64]>, now: Instant) {
        let mut inner = self.lock();
        let Some([server, _, _, left]) = reply else {
            inner.missed.get_or_insert(now);
            return;
        };
        inner.heard = u64::try_from(*server).ok().map(|server| (server, now));
        inner.left = u64::try_from(*left).ok();
        inner.missed = None;
        inner.line.clear();
    }

    /// By the [`Share`]; the error is how long to wait.
    fn ask_locally(&self, now: Instant, ticket: u32) -> Result<(), Micros> {
        let (buckets, each, window) = self.config.window();
        let window = Micros::from_duration(window);
        let inner = &mut *self.lock();
        let (Some(share), Some((server, at)), Some(missed)) = (self.share, inner.heard, inner.missed) else {
            return Err(self.patience());
        };
        let of = u64::from(share.of.max(1));
        let grace = self.lease.max(window.divided_up(4));
        let turn_length = window.saturating_add(grace.saturating_mul(3));

        inner.line.retain(|(_, seen)| now.since(*seen) < self.place);
        let place = inner.line.iter().position(|(other, _)| *other == ticket).unwrap_or(inner.line.len());
        match inner.line.get_mut(place) {
            Some((_, seen)) => *seen = now,
            None if place as u64 >= self.places.into() => return Err(window),
            None => inner.line.push((ticket, now)),
        }

        let clock = server.saturating_add(now.since(at).0);
        let turn = clock.checked_div(turn_length.0).unwrap_or(0);
        let into = clock.checked_rem(turn_length.0).unwrap_or(0);
        let number = turn.checked_rem(of).unwrap_or(0);
        let mine = u64::from(share.member).checked_rem(of).unwrap_or(0);
        if turn != inner.turn {
            inner.turn = turn;
            inner.used.clear();
        }
        let bucket_of = |ticket: u32| ticket.checked_rem(buckets.into()).unwrap_or(0);
        let bucket = bucket_of(ticket);
        let ahead = inner.line.iter().take(place).filter(|(other, _)| bucket_of(*other) == bucket).count();
        let used = inner.used.iter().filter(|other| **other == bucket).count();
        let ready = missed.after(self.held());
        if number == mine
            && into < grace.0
            && now >= ready
            && ahead.saturating_add(used) < each.into()
            && inner.spend_daily(now, missed, of, self.config.daily())
        {
            inner.used.push(bucket);
            inner.last_local = Some(now);
            inner.line.remove(place);
            return Ok(());
        }
        // The next turn, counted from this one; in its own turn, the one after that unless the first has still to come.
        let turns = mine.saturating_add(of).saturating_sub(number).checked_rem(of).unwrap_or(0);
        let turns = if turns == 0 { of } else { turns };
        let next = turn_length.saturating_mul(turns).saturating_sub(Micros(into));
        Err(if now < ready { ready.since(now).max(Micros(1)) } else { next }.min(self.patience()))
    }
}

impl Inner {
    /// One start of this process's part of the day, if there is one.
    fn spend_daily(
        &mut self,
        now: Instant,
        missed: Instant,
        of: u64,
        daily: Option<(u32, Duration)>,
    ) -> bool {
        let Some((per_day, day)) = daily else { return true };
        if now.since(missed) >= Micros::from_duration(day) {
            // As if it were missed now, so that the next day is as long.
            self.missed = Some(now);
            self.left = Some(per_day.into());
        }
        // What is left is that of all: a start of ours is one of `of`.
        match self.left.map(|left| left.checked_sub(of)) {
            Some(None) => false,
            Some(left) => {
                self.left = left;
                true
            }
            None => true,
        }
    }
}
