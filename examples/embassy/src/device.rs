//! What the tasks of a device and its driver say to each other.

use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use redial::driver::Notice;
use redial::driver::heapless::{Host, Request};
use redial::{Event, Phase};

use crate::lines::{Text, Token, Topic, cut};

/// How many of each wait at most.
const WAITING: usize = 4;

type Queue<T> = Channel<CriticalSectionRawMutex, T, WAITING>;

/// Between the tasks of a device and its driver, in a `static`.
pub struct Channels {
    events: Queue<Event<Token, Topic>>,
    outgoing: Queue<Text>,
    /// What the server sends.
    pub incoming: Queue<Text>,
    in_doubt: AtomicU32,
}

impl Channels {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            events: Channel::new(),
            outgoing: Channel::new(),
            incoming: Channel::new(),
            in_doubt: AtomicU32::new(0),
        }
    }

    /// Sends a text when the connection is there, and waits while four others wait. Of a text that is too long the beginning is sent.
    pub async fn send(&self, text: &str) {
        self.outgoing.send(cut(text)).await;
    }

    /// Subscribes to a topic, on this connection and on every later one.
    pub async fn subscribe(&self, topic: Topic) {
        self.tell(Event::Subscribe { key: topic, priority: 0 }).await;
    }

    /// Tells the driver anything else: that the network is down, that the device resumes from a sleep, that it is to stop.
    pub async fn tell(&self, event: Event<Token, Topic>) {
        self.events.send(event).await;
    }

    /// How many texts were being written when their connection was lost, so that only the server knows whether it has them.
    #[must_use]
    pub fn in_doubt(&self) -> u32 {
        self.in_doubt.load(Ordering::Relaxed)
    }
}

impl Default for Channels {
    fn default() -> Self {
        Self::new()
    }
}

/// The host of the driver: it reads the channels.
pub struct Device<'c> {
    channels: &'c Channels,
    phase: Phase,
}

impl<'c> Device<'c> {
    #[must_use]
    pub const fn new(channels: &'c Channels) -> Self {
        Self { channels, phase: Phase::Idle }
    }
}

impl Host<Token, Topic, Text> for Device<'_> {
    fn poll_next(&mut self, cx: &mut Context<'_>, writable: bool) -> Poll<Request<Token, Topic, Text>> {
        if let Poll::Ready(event) = self.channels.events.poll_receive(cx) {
            return Poll::Ready(Request::Event(event));
        }
        if writable { self.channels.outgoing.poll_receive(cx).map(Request::Message) } else { Poll::Pending }
    }

    fn sent(&mut self, written: bool) {
        self.channels.in_doubt.fetch_add(u32::from(!written), Ordering::Relaxed);
    }

    /// A device shows here what it is doing, with a light or in its log.
    fn observe(&mut self, notice: &Notice<'_, Token, Topic>) {
        self.phase = notice.explanation().phase;
    }
}
