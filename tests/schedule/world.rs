//! All of a schedule but the run: the clock, the server, and the tasks of the application.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use redial::driver::{Handle, Messages, SendError};
use redial::policy::HoldReason;
use redial::testing::VirtualClock;

use super::bytes::Bytes;
use super::checks::{Checks, Seen};
use super::server::Server;

/// More than a driver does in one go.
pub(crate) const MANY: u32 = 150;

/// Whether a future was woken. Only the flag of the last poll counts, as with any executor.
#[derive(Clone)]
pub(crate) struct Flag(Arc<Raised>);

struct Raised(AtomicBool);

impl Wake for Raised {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Flag {
    /// Raised: what is new is polled once.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Raised(AtomicBool::new(true))))
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Polls with this flag as the waker.
    pub(crate) fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.0.0.store(false, Ordering::SeqCst);
        future.poll(&mut Context::from_waker(&Waker::from(self.0.clone())))
    }
}

/// What a task of the application waits for.
pub(crate) enum Told {
    /// The fate of a message.
    Sent(u32, Result<(), SendError<u32>>),
    /// Anything else, which must come, but says nothing that is checked.
    Other,
}

pub(crate) struct Task {
    future: Pin<Box<dyn Future<Output = Told>>>,
    flag: Flag,
    /// The message whose fate it waits for.
    pub(crate) message: Option<u32>,
}

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) bytes: Bytes,
    pub(crate) server: Server,
    pub(crate) handle: Handle<u8, u8, u32>,
    pub(crate) checks: Checks,
    pub(crate) tasks: Vec<Task>,
    pub(crate) messages: Option<Messages<u32>>,
    consumer: Flag,
    next_message: u32,
}

impl World {
    pub(crate) fn new(
        clock: VirtualClock,
        bytes: Bytes,
        server: Server,
        handle: Handle<u8, u8, u32>,
        checks: Checks,
        messages: Option<Messages<u32>>,
    ) -> Self {
        let (tasks, consumer) = (Vec::new(), Flag::new());
        Self { clock, bytes, server, handle, checks, tasks, messages, consumer, next_message: 0 }
    }

    /// One thing that is not the run's.
    pub(crate) fn act(&mut self) {
        match self.bytes.below(16) {
            0..=2 => self.pass_time(),
            3..=5 => self.server.act(),
            6 => self.ask(),
            7 | 8 => self.send_some(),
            9 => self.wait(),
            10 | 11 => _ = self.poll_tasks(false),
            12 => _ = self.poll_tasks(true),
            13 => self.drop_task(),
            _ => self.consume(),
        }
        self.check();
    }

    pub(crate) fn check(&mut self) {
        self.server.look();
        self.checks.check(&self.server.transport);
    }

    fn pass_time(&mut self) {
        let next = self.clock.next_sleep();
        let gap = next.map(|at| at.saturating_duration_since(self.clock.now()));
        let micro = Duration::from_micros(1);
        self.clock.advance(match (self.bytes.below(8), gap) {
            (0..=3, Some(gap)) => gap,
            (4, Some(gap)) => gap.saturating_sub(micro),
            (5, _) if self.bytes.below(4) == 0 => Duration::from_secs(70),
            (5 | 6, _) => Duration::from_millis(40),
            _ => Duration::from_millis(1),
        });
    }

    /// A request of the user or the host.
    fn ask(&mut self) {
        let handle = &self.handle;
        let reason = HoldReason::new(3).expect("below 32");
        let key = self.bytes.below(3);
        let _ = match self.bytes.below(32) {
            0..=4 => handle.subscribe(key, 0),
            5 | 6 => handle.unsubscribe(key),
            7 => handle.network_down(),
            8..=11 => handle.network_up(),
            12 => handle.hold(reason),
            13..=16 => handle.release(reason),
            17..=20 => handle.redial(),
            21 => handle.drained(),
            22 => handle.host_resumed(Duration::from_secs(60)),
            23 => handle.network_changed(),
            24 => handle.credential_new(),
            25 => handle.hidden() && handle.visible(),
            26 if self.bytes.below(3) == 0 => handle.stop_keeping_session(),
            27 if self.bytes.below(3) == 0 => handle.stop(),
            _ => handle.retry_now(),
        };
    }

    /// A message; or more than are written in one go.
    fn send_some(&mut self) {
        let number = if self.bytes.below(24) == 23 { MANY } else { 1 };
        for _ in 0..number {
            self.send();
        }
    }

    fn send(&mut self) {
        self.next_message += 1;
        let message = self.next_message;
        let future: Pin<Box<dyn Future<Output = Told>>> = if self.bytes.below(2) == 0 {
            match self.handle.try_send(message) {
                Ok(receipt) => Box::pin(async move { Told::Sent(message, receipt.await) }),
                Err(error) => return self.checks.told(message, Err(error)),
            }
        } else {
            let send = self.handle.send(message);
            Box::pin(async move { Told::Sent(message, send.await) })
        };
        self.tasks.push(Task { future, flag: Flag::new(), message: Some(message) });
    }

    /// Waits for something that the driver says.
    fn wait(&mut self) {
        let handle = self.handle.clone();
        let which = self.bytes.below(4);
        let future = Box::pin(async move {
            match which {
                0 => _ = handle.online().await,
                1 => _ = handle.closed().await,
                2 => _ = handle.explain().await,
                _ => _ = handle.changes().recv().await,
            }
            Told::Other
        });
        self.tasks.push(Task { future, flag: Flag::new(), message: None });
    }

    /// `all`: also those that were not woken. True if one was polled.
    pub(crate) fn poll_tasks(&mut self, all: bool) -> bool {
        let mut polled = false;
        let mut left = Vec::new();
        for mut task in core::mem::take(&mut self.tasks) {
            if !all && !task.flag.is_raised() {
                left.push(task);
                continue;
            }
            polled = true;
            match task.flag.poll(task.future.as_mut()) {
                Poll::Pending => left.push(task),
                Poll::Ready(Told::Sent(message, result)) => self.checks.told(message, result),
                Poll::Ready(Told::Other) => {}
            }
        }
        self.tasks = left;
        polled
    }

    /// The sender of a message, or another who waits, loses interest.
    fn drop_task(&mut self) {
        if !self.tasks.is_empty() {
            let index = usize::from(self.bytes.next()) % self.tasks.len();
            let task = self.tasks.swap_remove(index);
            self.checks.given_up(task.message);
        }
    }

    /// The application takes a message, or stops taking them.
    fn consume(&mut self) {
        if self.bytes.below(24) == 23 {
            self.messages = None;
        } else {
            self.poll_messages();
        }
    }

    /// True if it took one.
    fn poll_messages(&mut self) -> bool {
        let Some(messages) = &mut self.messages else { return false };
        let mut recv = Box::pin(messages.recv());
        let Poll::Ready(Some(message)) = self.consumer.poll(recv.as_mut()) else { return false };
        self.checks.received(message);
        // It asks again: there may be more.
        drop(recv);
        self.consumer = Flag::new();
        true
    }

    /// Polls what was woken of the application's, as often as it takes. True if something was.
    pub(crate) fn settle(&mut self) -> bool {
        let mut any = false;
        loop {
            let polled = self.poll_tasks(false);
            let took = self.consumer.is_raised() && self.poll_messages();
            if !polled && !took {
                break;
            }
            any = true;
        }
        self.check();
        any
    }

    /// Nothing was woken, so another poll of any of them finds nothing.
    pub(crate) fn assert_idle(&mut self) {
        let waiting = self.tasks.len();
        self.poll_tasks(true);
        assert_eq!(self.tasks.len(), waiting, "a task of the application was ready and not woken");
        assert!(!self.poll_messages(), "a message waited, and its consumer was not woken");
    }

    /// A run is over, so that everybody who waits was woken, and is told.
    pub(crate) fn assert_told(&mut self) {
        self.settle();
        let waiting: Vec<_> = self.tasks.iter().map(|task| task.message).collect();
        assert!(waiting.is_empty(), "after the end somebody still waits, for the fate of {waiting:?}");
    }

    /// The driver is gone, so that everybody who waits is told.
    pub(crate) fn finish(mut self, discarded: u64, whole: bool) -> Seen {
        self.assert_told();
        while self.poll_messages() {}
        if let Some(messages) = &mut self.messages {
            assert!(messages.try_recv().is_none());
        }
        assert!(!self.handle.stop(), "a request to a driver that is gone");
        self.checks.finish(&self.server, discarded, whole)
    }
}
