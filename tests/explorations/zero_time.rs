//! An adversary that needs no time: whatever it says, in whatever order, it gets no second dial at one instant, and in an
//! hour no more dials than the backoff alone would give, plus what its host events may add.
//!
//! The user's own word (`Start`, `Stop`, `RetryNow`, `Redial`) is not in its hands: that overrides every wait but the least
//! interval, as the contract says. Nor is a `NotNow` in the count of an hour: how often the host wants to be asked is its
//! own.

mod configs;
mod glitch;
mod hour;
mod orders;

use core::convert::Infallible;
use core::time::Duration;

use redial::backoff::{AfterTable, Curve};
use redial::classify::Class;
use redial::endpoints::{EndpointsConfig, FixedEndpoints};
use redial::policy::{
    CredentialConfig, Establish, HoldReason, OnNetworkChange, OnNetworkDown, OnVisible, RefreshOn,
};
use redial::rand_core::TryRng;
use redial::subscriptions::NoSubscriptions;
use redial::{
    Action, BackoffConfig, Cause, Config, Disposition, Epoch, Event, Instant, IoKind, Jitter, Phase, Policy,
    Ratio, SessionState, presets,
};

use crate::harness::Lent;
use configs::{Case, all, nasty};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: u64 = 1_000;

/// Always the same draw. The bounds hold for every run of draws; with one draw forever they are exact, and the lowest is
/// the luck of which an adversary dreams: full jitter then never waits at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Draw(u64);

const LOWEST: Draw = Draw(0);
const MIDDLE: Draw = Draw(1 << 63);
const HIGHEST: Draw = Draw(u64::MAX);

/// What is drawn in a run: the lowest, and in a proof the others too.
fn draws() -> &'static [Draw] {
    if crate::harness::deeper() == 0 { &[LOWEST] } else { &[LOWEST, MIDDLE, HIGHEST] }
}

impl TryRng for Draw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0 >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        into.fill((self.0 >> 56) as u8);
        Ok(())
    }
}

type Tested<'c> = Policy<Draw, u8, NoSubscriptions, Lent<'c>, FixedEndpoints<5>>;
type Fact = Event<u8>;

/// What the adversary may say. None of it takes time but [`Self::Await`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Refuse,
    Accept,
    AcceptDrop,
    Ready,
    ReadyDrop,
    /// A session that is over in a millisecond.
    ReadyBrieflyDrop,
    Reject,
    ReadyReject,
    NotFound,
    Throttle,
    RetryAfterNothing,
    Redirect,
    RedirectForGood,
    Replace,
    ReconnectRequested,
    PleaseReconnectInNoTime,
    PleaseReconnectByNow,
    SessionInvalid,
    CredentialNew,
    CredentialOk,
    CredentialFailed,
    NetworkDown,
    NetworkUp,
    NetworkChanged,
    Hidden,
    Visible,
    HostResumed,
    /// The clock stood still meanwhile.
    WokeUncounted,
    Hold,
    Release,
    HintNothing,
    NotNow,
    /// Until the next deadline.
    Await,
}

impl Move {
    const ALL: [Self; 33] = [
        Self::Refuse,
        Self::Accept,
        Self::AcceptDrop,
        Self::Ready,
        Self::ReadyDrop,
        Self::ReadyBrieflyDrop,
        Self::Reject,
        Self::ReadyReject,
        Self::NotFound,
        Self::Throttle,
        Self::RetryAfterNothing,
        Self::Redirect,
        Self::RedirectForGood,
        Self::Replace,
        Self::ReconnectRequested,
        Self::PleaseReconnectInNoTime,
        Self::PleaseReconnectByNow,
        Self::SessionInvalid,
        Self::CredentialNew,
        Self::CredentialOk,
        Self::CredentialFailed,
        Self::NetworkDown,
        Self::NetworkUp,
        Self::NetworkChanged,
        Self::Hidden,
        Self::Visible,
        Self::HostResumed,
        Self::WokeUncounted,
        Self::Hold,
        Self::Release,
        Self::HintNothing,
        Self::NotNow,
        Self::Await,
    ];

    /// What the host or the user says that may have mended something.
    const fn is_news(self) -> bool {
        matches!(
            self,
            Self::CredentialNew
                | Self::NetworkUp
                | Self::NetworkChanged
                | Self::Visible
                | Self::HostResumed
                | Self::WokeUncounted
        )
    }
}

/// A policy at play, and what its dials tell.
#[derive(Clone)]
struct Play<'c> {
    policy: Tested<'c>,
    now: Instant,
    dialled_at: Option<Instant>,
    dials: u64,
    /// Sessions that ended by their time.
    expired: u64,
    story: Vec<Move>,
}

impl<'c> Play<'c> {
    fn new(case: &'c Case, draw: Draw) -> Self {
        Self::resuming(case, draw, SessionState::new())
    }

    fn resuming(case: &'c Case, draw: Draw, session: SessionState<u8>) -> Self {
        let endpoints = FixedEndpoints::new(case.endpoints).expect("1 to 5 endpoints");
        let policy = Policy::new(Lent(&case.config), draw).with_endpoints(endpoints).with_session(session);
        let mut play =
            Self { policy, now: Instant::ZERO, dialled_at: None, dials: 0, expired: 0, story: Vec::new() };
        play.say(Event::Start);
        play
    }

    /// An event of this instant; whether it was used.
    fn say(&mut self, fact: Fact) -> bool {
        let actions = self.policy.handle_event(self.now, fact);
        let applied = actions.disposition() == Disposition::Applied;
        self.obey(actions);
        applied
    }

    fn tick(&mut self) {
        let actions = self.policy.handle_timeout(self.now);
        self.obey(actions);
    }

    fn obey(&mut self, actions: impl IntoIterator<Item = Action>) {
        for action in actions {
            match action {
                Action::Open { .. } => {
                    assert_ne!(
                        self.dialled_at,
                        Some(self.now),
                        "a second dial at one instant: {:?}",
                        self.story
                    );
                    self.dialled_at = Some(self.now);
                    self.dials += 1;
                }
                Action::DropSession { reason: redial::policy::DropReason::Expired } => self.expired += 1,
                _ => {}
            }
        }
    }

    /// Fires what is due, and asserts that this ends.
    fn settle(&mut self) {
        for _ in 0..8 {
            if self.policy.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            self.tick();
        }
        panic!("it spins: {:?}, {:?}", self.story, self.policy.explain());
    }

    /// The next deadline; where there is none, when the gates would be open. False where nothing will ever be due.
    fn sleep(&mut self) -> bool {
        let parked = self.policy.explain().not_before.or(Some(self.now.saturating_add(SECOND)));
        let due = self.policy.poll_timeout().filter(|at| *at != Instant::MAX);
        let due = due.or(parked.filter(|_| self.policy.phase() == Phase::Parked));
        let Some(at) = due else { return false };
        self.now = self.now.max(at);
        self.tick();
        true
    }

    fn connecting(&self) -> Option<Epoch> {
        self.policy.epoch().filter(|_| self.policy.phase() == Phase::Connecting)
    }

    fn is_open(&self) -> bool {
        self.policy.epoch().is_some() && self.policy.phase() != Phase::Connecting
    }

    fn fails(&mut self, cause: Cause, retry_after: Option<Duration>) -> bool {
        self.connecting().is_some_and(|epoch| {
            self.say(Event::OpenFailed { epoch, cause, retry_after: retry_after.map(Into::into) })
        })
    }

    fn opens(&mut self) -> Option<Epoch> {
        let epoch = self.connecting()?;
        self.say(Event::Opened { epoch });
        if self.policy.config().greeting() {
            self.say(Event::Greeting { epoch, heartbeat: Some(45 * SECOND) });
        }
        Some(epoch)
    }

    fn readies(&mut self, ttl: Option<Duration>) -> Option<Epoch> {
        let epoch = self.opens().or(self.policy.epoch())?;
        self.say(Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl });
        Some(epoch)
    }

    fn closes(&mut self, epoch: Option<Epoch>, cause: Cause) -> bool {
        epoch.is_some_and(|epoch| self.say(Event::Closed { epoch, cause }))
    }

    /// Makes a move. False where it changed nothing.
    fn make(&mut self, step: Move) -> bool {
        self.story.push(step);
        let hold = HoldReason::new(0).expect("a valid number");
        let on_ready = |play: &mut Self, fact: fn(Epoch) -> Fact| {
            play.readies(None).is_some_and(|epoch| play.say(fact(epoch)))
        };
        match step {
            Move::Refuse => self.fails(Cause::Io(IoKind::ConnectionRefused), None),
            Move::Reject => self.fails(Cause::Http(401), None),
            Move::NotFound => self.fails(Cause::Http(404), None),
            Move::Throttle => self.fails(Cause::Http(429), None),
            Move::RetryAfterNothing => self.fails(Cause::Http(503), Some(Duration::ZERO)),
            Move::Accept => self.opens().is_some(),
            Move::AcceptDrop => {
                let epoch = self.opens();
                self.closes(epoch, Cause::NoCloseFrame)
            }
            Move::Ready => self.readies(None).is_some(),
            Move::ReadyDrop => {
                let epoch = self.readies(None);
                self.closes(epoch, Cause::NoCloseFrame)
            }
            Move::ReadyBrieflyDrop => {
                let epoch = self.readies(Some(Duration::from_millis(1)));
                self.closes(epoch, Cause::NoCloseFrame)
            }
            Move::ReadyReject => {
                let epoch = self.readies(None);
                self.closes(epoch, Cause::AuthRejected)
            }
            Move::Redirect | Move::RedirectForGood => {
                let permanent = step == Move::RedirectForGood;
                let epoch = self.opens().or(self.policy.epoch());
                if let Some(epoch) = epoch {
                    self.say(Event::Redirected { epoch, endpoint: 9, permanent });
                }
                self.closes(epoch, Cause::NoCloseFrame)
            }
            Move::Replace => {
                let epoch = self.readies(None);
                self.closes(epoch, Cause::Class(Class::Replaced))
            }
            Move::ReconnectRequested => {
                on_ready(self, |epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: None })
            }
            Move::PleaseReconnectInNoTime => {
                let after = Some(Duration::ZERO);
                let epoch = self.policy.epoch();
                epoch.is_some_and(|epoch| {
                    self.say(Event::ReconnectRequested {
                        epoch,
                        retry_after: after.map(Into::into),
                        deadline: None,
                    })
                })
            }
            Move::PleaseReconnectByNow => on_ready(self, |epoch| Event::ReconnectRequested {
                epoch,
                retry_after: None,
                deadline: Some(Duration::ZERO),
            }),
            Move::SessionInvalid => on_ready(self, |epoch| Event::SessionInvalid { epoch, resumable: false }),
            Move::CredentialNew => self.say(Event::CredentialNew),
            Move::CredentialOk => self.say(Event::CredentialOk { request: None, ttl: None }),
            Move::CredentialFailed => self.say(Event::CredentialFailed { request: None, fatal: false }),
            Move::NetworkDown => self.say(Event::NetworkDown),
            Move::NetworkUp => self.say(Event::NetworkUp),
            Move::NetworkChanged => self.say(Event::NetworkChanged),
            Move::Hidden => self.say(Event::Hidden),
            Move::Visible => self.say(Event::Visible),
            Move::HostResumed => self.say(Event::HostResumed { gap: 3_600 * SECOND, counted: true }),
            Move::WokeUncounted => self.say(Event::HostResumed { gap: 3_600 * SECOND, counted: false }),
            Move::Hold => self.say(Event::Hold(hold)),
            Move::Release => self.say(Event::Release(hold)),
            Move::HintNothing => self.say(Event::BackoffHint { base: Duration::ZERO }),
            Move::NotNow => self
                .connecting()
                .is_some_and(|epoch| self.say(Event::NotNow { epoch, retry_after: Some(Duration::ZERO) })),
            Move::Await => self.sleep(),
        }
    }
}
