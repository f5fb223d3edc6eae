//! Prints what the device decides, in the lines of `replay`, with the times of its flight recorder.

use core::fmt::{self, Display, Write};

use redial::subscriptions::Subscriptions;
use redial::{Actions, Epoch, Event, Instant, Phase};

use crate::decisions::{Decided, Decisions, Stamp, Unit, action};
use crate::device::Watch;
use crate::modem::Heard;
use crate::uplink::Recorded;

/// Prints every decision.
pub struct Printer<'a> {
    printed: Decisions,
    out: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    /// One for a device that has not begun.
    #[must_use]
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { printed: Decisions::new(Phase::Idle), out }
    }
}

impl Watch for Printer<'_> {
    fn decided(&mut self, now: Instant, event: Option<&Heard>, actions: Actions, node: &Recorded) {
        let link = &node.link;
        let decided = Decided {
            at: Stamp { micros: now.as_micros(), unit: Unit::Micros },
            event: event.map(Event::as_str),
            actions: Some(actions),
            explained: link.explain(),
            deadline: link.deadline(),
        };
        let sequence = link.session().sequence();
        let shown =
            |taken| action(taken, Epoch::get, || "\"primary\"", sequence, || Keys(link.subscriptions()));
        self.printed.print(decided, shown, self.out);
    }
}

/// The keys of the newest batch, as they stand in a list.
pub(crate) struct Keys<'a, S>(pub(crate) &'a S);

impl<S: Subscriptions<Key: Display>> Display for Keys<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys = self.0.batch().enumerate();
        keys.try_for_each(|(at, key)| write!(f, "{}\"{key}\"", if at == 0 { "" } else { ", " }))
    }
}
