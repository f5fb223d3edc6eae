//! After.

use redial::policy::HoldReason;
use redial::{Action, Actions, Cause, Epoch, Event, Instant, Policy, SplitMix64, presets};

/// What the app lacks before it may dial.
pub const SIGNED_IN: HoldReason = HoldReason::new(0).unwrap();
pub const DEVICE_READY: HoldReason = HoldReason::new(1).unwrap();

/// What the app is to do; it crosses the boundary to Dart or Swift as plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Dial {
        epoch: u32,
    },
    Close {
        epoch: u32,
        code: u16,
    },
    RefreshToken {
        request: u16,
    },
    /// Nothing more will be tried: stop the recording too.
    StopRecording,
}

/// When the recorder's socket is dialled. The app owns the socket, the clock and the one timer.
pub struct Capture {
    policy: Policy<SplitMix64>,
}

impl Capture {
    pub fn new(seed: u64) -> Self {
        Self { policy: Policy::new(&presets::OMI, SplitMix64::new(seed)) }
    }

    pub fn start(&mut self, now: Instant) -> Vec<Order> {
        self.tell(now, Event::Start)
    }

    /// A precondition came or went. Nothing is dialled while one is missing, and no timer is lost by it.
    pub fn precondition(&mut self, now: Instant, which: HoldReason, met: bool) -> Vec<Order> {
        self.tell(now, if met { Event::Release(which) } else { Event::Hold(which) })
    }

    pub fn opened(&mut self, now: Instant, epoch: u32) -> Vec<Order> {
        self.about(now, epoch, |epoch| Event::Opened { epoch })
    }

    /// `onError` and `onClosed` both come here; the second one is of an epoch that has ended, and counts nothing.
    pub fn closed(&mut self, now: Instant, epoch: u32, code: Option<u16>) -> Vec<Order> {
        let cause = code.map_or(Cause::NoCloseFrame, Cause::CloseFrame);
        self.about(now, epoch, |epoch| Event::Closed { epoch, cause })
    }

    pub fn dial_failed(&mut self, now: Instant, epoch: u32, status: Option<u16>) -> Vec<Order> {
        let cause = status.map_or(Cause::Unknown, Cause::Http);
        self.about(now, epoch, |epoch| Event::OpenFailed { epoch, cause, retry_after: None })
    }

    pub fn token_refreshed(&mut self, now: Instant, request: u16) -> Vec<Order> {
        self.tell(now, Event::CredentialOk { request: Some(request), ttl: None })
    }

    /// The app's one timer: when it is to call `tick`. Ask again after every call.
    pub fn timer(&self) -> Option<Instant> {
        self.policy.poll_timeout()
    }

    pub fn tick(&mut self, now: Instant) -> Vec<Order> {
        orders(&self.policy.handle_timeout(now))
    }

    fn tell(&mut self, now: Instant, event: Event) -> Vec<Order> {
        orders(&self.policy.handle_event(now, event))
    }

    fn about(&mut self, now: Instant, epoch: u32, event: impl FnOnce(Epoch) -> Event) -> Vec<Order> {
        Epoch::from_raw(epoch).map_or_else(Vec::new, |epoch| self.tell(now, event(epoch)))
    }
}

fn orders(actions: &Actions) -> Vec<Order> {
    let order = |action: Action| match action {
        Action::Open { epoch, .. } => Some(Order::Dial { epoch: epoch.get() }),
        Action::Close { epoch, code } => {
            Some(Order::Close { epoch: epoch.get(), code: code.unwrap_or(1000) })
        }
        Action::RefreshCredential { request } => Some(Order::RefreshToken { request }),
        Action::GaveUp { .. } => Some(Order::StopRecording),
        // This protocol has no session, no subscriptions and no heartbeat of its own.
        _ => None,
    };
    actions.into_iter().filter_map(order).collect()
}
