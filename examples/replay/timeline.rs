//! A log and what was decided as a timeline for people: one line each, heartbeats and traffic counted instead of listed.

use serde_json::Value;

/// What was counted since the last line.
#[derive(Clone, Default)]
pub(crate) struct Timeline {
    beats: u64,
    received: u64,
    at: String,
    newest: u64,
    /// The one that was dialled without another being up, or promoted, last.
    connection: u64,
    /// The one that it replaced, while that drains.
    replaced: Option<u64>,
}

impl Timeline {
    /// The lines for an event of the log and for what followed from it, both as JSON.
    pub(crate) fn lines(&mut self, told: &str, decided: &str) -> String {
        let mut text = String::new();
        let told: Option<Value> = serde_json::from_str(told).ok();
        let told = told.filter(|told| told.get("event").is_some());
        let at = told.as_ref().map(when);
        let mut told = told.as_ref();
        for line in decided.lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            // The timers that fired before it.
            if let Some(event) = told.take_if(|_| at == Some(when(&line))) {
                self.event(event, &mut text);
            }
            self.decision(&line, &mut text);
        }
        if let Some(event) = told {
            self.event(event, &mut text);
        }
        text
    }

    /// The line for what was counted last.
    pub(crate) fn finish(&mut self) -> String {
        let mut text = String::new();
        self.flush(&mut text);
        text
    }

    fn event(&mut self, event: &Value, text: &mut String) {
        let name = event["event"].as_str().unwrap_or_default();
        let details = details(event, &["at", "at_us", "event", "epoch"]);
        match name {
            "beat_ack" | "timeout" => {}
            "seq" | "rx" => self.count(event, |counted| counted.received += 1),
            "opened" => self.line(event, "open", "the transport is open", text),
            "drained" => {
                let epoch = event["epoch"].as_u64().or(self.replaced).unwrap_or(self.newest);
                self.line_of(epoch, event, "drained", "nothing is under way on it", text);
            }
            "open_failed" | "closed" | "send_failed" => {
                self.gone(event);
                self.line(event, "LOST", &format!("{}{details}", name.replace('_', " ")), text);
            }
            _ => self.line(event, "told", &format!("{}{details}", name.replace('_', " ")), text),
        }
    }

    fn decision(&mut self, line: &Value, text: &mut String) {
        let words = |key: &str| line[key].as_str().map(|word| word.replace('_', " "));
        if let Some(action) = words("action") {
            let details = details(line, &["at", "at_us", "action", "epoch", "role"]);
            match action.as_str() {
                "beat" => self.count(line, |counted| counted.beats += 1),
                "open" => {
                    self.newest = line["epoch"].as_u64().unwrap_or(self.newest);
                    let label = if line.get("role").is_some() { "successor" } else { "dial" };
                    if label == "dial" {
                        self.connection = self.newest;
                    }
                    self.line(line, label, details.trim_start_matches(", "), text);
                }
                "promote" => {
                    let what = format!("the connection in place of #{}", self.connection);
                    self.replaced = Some(self.connection);
                    self.connection = line["epoch"].as_u64().unwrap_or(self.newest);
                    self.line(line, "promoted", &what, text);
                }
                "close" => {
                    self.gone(line);
                    self.line(line, "do", &format!("{action}{details}"), text);
                }
                "gave up" => self.line(line, "GAVE UP", details.trim_start_matches(", "), text),
                _ => self.line(line, "do", &format!("{action}{details}"), text),
            }
        } else if let Some(state) = words("state").filter(|_| line.get("explain").is_none()) {
            let why = words("why").unwrap_or_default();
            if ["connecting", "establishing"].contains(&state.as_str()) {
                // Also where the last connection ended before its successor was ready.
                self.connection = self.newest;
            }
            self.line(line, &state, &format!("because of {why}"), text);
        } else if line.get("wake").is_some() {
            if let (Some(millis), Some(why)) = (line["wake"].as_u64(), words("why")) {
                // The next heartbeat is no news.
                if why != "beat" {
                    self.line(line, "until", &format!("{} s ({why})", seconds(millis)), text);
                }
            }
        } else if let Some(ignored) = words("ignored") {
            let event = words("event").unwrap_or_default();
            if event != "beat ack" {
                self.line(line, "ignored", &format!("{event}: {ignored}"), text);
            }
        } else {
            let details = details(line, &["at", "at_us"]);
            self.line(line, "note", details.trim_start_matches(", "), text);
        }
    }

    /// The end of a transport.
    fn gone(&mut self, line: &Value) {
        let epoch = line["epoch"].as_u64();
        self.replaced = self.replaced.filter(|replaced| epoch != Some(*replaced));
    }

    fn count(&mut self, line: &Value, count: impl FnOnce(&mut Self)) {
        self.at = when(line);
        count(self);
    }

    fn flush(&mut self, text: &mut String) {
        let Self { beats, received, .. } = *self;
        let counted = [(beats, "heartbeat"), (received, "message")];
        let counted = counted.iter().filter(|(count, _)| *count > 0);
        let counted: Vec<_> = counted
            .map(|(count, thing)| format!("{count} {thing}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        if !counted.is_empty() {
            text.push_str(&format!("{:>9} s  {:>4}  {:<12}  {}\n", self.at, "", "...", counted.join("; ")));
        }
        (self.beats, self.received) = (0, 0);
    }

    fn line(&mut self, line: &Value, label: &str, what: &str, text: &mut String) {
        let epoch = line["epoch"].as_u64().unwrap_or(self.newest);
        self.line_of(epoch, line, label, what, text);
    }

    fn line_of(&mut self, epoch: u64, line: &Value, label: &str, what: &str, text: &mut String) {
        self.flush(text);
        let number = if epoch == 0 { String::new() } else { format!("#{epoch}") };
        text.push_str(format!("{:>9} s  {number:>4}  {label:<12}  {what}", when(line)).trim_end());
        text.push('\n');
    }
}

/// When, in seconds.
fn when(line: &Value) -> String {
    let micros = line["at_us"].as_u64().map(|micros| micros / 1_000);
    seconds(line["at"].as_u64().or(micros).unwrap_or_default())
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

/// The other fields of a line, as `, name value`.
fn details(line: &Value, known: &[&str]) -> String {
    let fields = line.as_object().into_iter().flatten();
    let fields = fields.filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null());
    fields.map(|(key, value)| format!(", {} {}", key.replace('_', " "), shown(value))).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!("{key} {}", shown(value))).collect();
            fields.join(" ")
        }
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
