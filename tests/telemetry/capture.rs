//! What a thread tells `tracing` and `log`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Everything that was told.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    pub(crate) spans: Vec<Span>,
    pub(crate) events: Vec<Told>,
    /// Of `log`.
    pub(crate) lines: Vec<(log::Level, String)>,
}

#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// The number of the span.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
    pub(crate) open: bool,
}

#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) level: Level,
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
}

/// In the order in which they were recorded.
pub(crate) type Fields = BTreeMap<&'static str, String>;

struct Values<'a>(&'a mut Fields);

impl Visit for Values<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

thread_local! {
    static TOLD: RefCell<Option<Spans>> = const { RefCell::new(None) };
}

/// For the whole program; each thread has what it told itself.
struct Capture;

fn told<R: Default>(with: impl FnOnce(&mut Spans) -> R) -> R {
    TOLD.with_borrow_mut(|told| told.as_mut().map(with).unwrap_or_default())
}

fn number(id: &Id) -> usize {
    usize::try_from(id.into_u64()).expect("a small number") - 1
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "redial" && TOLD.with_borrow(Option::is_some)
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        assert!(!span.is_contextual(), "the parent is given");
        let mut fields = Fields::new();
        span.record(&mut Values(&mut fields));
        told(|told| {
            let parent = span.parent().map(number);
            told.spans.push(Span { name: span.metadata().name(), parent, fields, open: true });
            Some(Id::from_u64(told.spans.len() as u64))
        })
        .expect("only a thread that listens has spans")
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        told(|told| values.record(&mut Values(&mut told.spans[number(span)].fields)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert!(!event.is_contextual(), "the parent is given");
        let mut fields = Fields::new();
        event.record(&mut Values(&mut fields));
        let (level, parent) = (*event.metadata().level(), event.parent().map(number));
        told(|told| told.events.push(Told { level, parent, fields }));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        told(|told| told.spans[number(&id)].open = false);
        true
    }
}

impl log::Log for Capture {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "redial"
    }

    fn log(&self, record: &log::Record<'_>) {
        if log::Log::enabled(self, record.metadata()) {
            told(|told| told.lines.push((record.level(), record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

/// What this thread tells in `run`.
pub(crate) fn listen(run: impl FnOnce()) -> Spans {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::dispatcher::set_global_default(tracing::Dispatch::new(Capture)).expect("the first");
        log::set_logger(&Capture).expect("the first");
        log::set_max_level(log::LevelFilter::Trace);
    });
    TOLD.set(Some(Spans::default()));
    run();
    TOLD.take().expect("what was told")
}
