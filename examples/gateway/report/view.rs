//! Where the client's events go: a timeline for people, or a line of JSON each.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redial::Instant;

use crate::report::client_event::ClientEvent;
use crate::report::quota::Quota;
use crate::report::timeline::Timeline;

/// Standard output. Every line is flushed at once. What a server can bring about at will has a quota; beyond it lines
/// are counted, and the count is printed before the next line that is not of this sort.
pub(crate) struct View(Mutex<Output>);

struct Output {
    form: Form,
    quota: Quota,
    /// The newest epoch shown.
    epoch: u32,
}

enum Form {
    Nothing,
    Json,
    Timeline(Timeline),
}

impl View {
    pub(crate) fn new(json: bool) -> Self {
        let colour =
            io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        Self::of(if json { Form::Json } else { Form::Timeline(Timeline::new(colour)) })
    }

    /// Prints nothing.
    pub(crate) fn silent() -> Self {
        Self::of(Form::Nothing)
    }

    fn of(form: Form) -> Self {
        Self(Mutex::new(Output { form, quota: Quota::default(), epoch: 0 }))
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, at: Instant, epoch: u32, event: &ClientEvent) {
        let output = &mut *self.output();
        if matches!(output.form, Form::Nothing) {
            return;
        }
        output.epoch = output.epoch.max(epoch);
        let mut text = String::new();
        if event.is_chatter() && output.form.prints(event) {
            let Some(count) = output.quota.take(event.name(), at) else { return };
            if count > 0 {
                let left_out = ClientEvent::LeftOut { event: event.name(), count };
                text.push_str(&output.form.lines(at, epoch, &left_out));
            }
        } else if !matches!(event, ClientEvent::Dispatch { .. }) && output.form.prints(event) {
            for (event, count) in output.quota.left_out() {
                text.push_str(&output.form.lines(at, epoch, &ClientEvent::LeftOut { event, count }));
            }
        }
        text.push_str(&output.form.lines(at, epoch, event));
        print(&text);
    }

    /// Anything else: `json`, which takes the newest epoch, in the one form, `text` in the other. Both are whole lines.
    pub(crate) fn note(&self, json: impl FnOnce(u32) -> String, text: impl FnOnce(&Timeline) -> String) {
        let mut output = self.output();
        let epoch = output.epoch;
        let text = match &mut output.form {
            Form::Nothing => return,
            Form::Json => json(epoch),
            Form::Timeline(timeline) => timeline.flush() + &text(timeline),
        };
        print(&text);
    }
}

impl Form {
    /// Whether this has a line of its own.
    const fn prints(&self, event: &ClientEvent) -> bool {
        let counted = matches!(
            event,
            ClientEvent::Dispatch { .. }
                | ClientEvent::Heartbeat { .. }
                | ClientEvent::BeatAck
                | ClientEvent::Request
                | ClientEvent::Answer { .. }
        );
        !counted || matches!(self, Self::Json)
    }

    fn lines(&mut self, at: Instant, epoch: u32, event: &ClientEvent) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Json => event.json(at, epoch) + "\n",
            Self::Timeline(timeline) => timeline.lines(at, epoch, event),
        }
    }
}

fn print(text: &str) {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        // The reader (`head`) has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        // Nothing can be told to anybody.
        Err(_) => std::process::exit(1),
        Ok(()) => {}
    }
}
