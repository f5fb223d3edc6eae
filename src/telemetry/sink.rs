//! Where changes go.

use crate::time::Instant;

use super::change::Change;

/// Takes what changed: a log, a tracer, a counter. It observes and can't decide anything.
///
/// It is called from within the policy's call, so that one that blocks holds up the client. Pairs of sinks, `Option`, `Box` and
/// `&mut` of a sink are sinks.
///
/// ```
/// use redial::telemetry::{Change, Observed, Sink};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// /// Counts outages.
/// #[derive(Default)]
/// struct Outages(u32);
///
/// impl Sink for Outages {
///     fn change(&mut self, _: Instant, change: &Change) {
///         self.0 += u32::from(matches!(change, Change::OutageBegan { .. }));
///     }
/// }
///
/// let mut policy = Observed::new(Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)), Outages::default());
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!(policy.sink().0, 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no changes",
    note = "`Tracing`, `Metrics`, `Log` and `Defmt` do, each with the feature of its name, and so does what implements `telemetry::Sink`"
)]
pub trait Sink {
    /// This changed at `at`. Several changes of one step have the same time and come in their order.
    fn change(&mut self, at: Instant, change: &Change);
}

/// Nobody listens.
impl Sink for () {
    fn change(&mut self, _: Instant, _: &Change) {}
}

/// Both, in this order.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn change(&mut self, at: Instant, change: &Change) {
        self.0.change(at, change);
        self.1.change(at, change);
    }
}

impl<S: Sink> Sink for Option<S> {
    fn change(&mut self, at: Instant, change: &Change) {
        if let Some(sink) = self {
            sink.change(at, change);
        }
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn change(&mut self, at: Instant, change: &Change) {
        (**self).change(at, change);
    }
}

#[cfg(feature = "alloc")]
impl<S: Sink + ?Sized> Sink for alloc::boxed::Box<S> {
    fn change(&mut self, at: Instant, change: &Change) {
        (**self).change(at, change);
    }
}
