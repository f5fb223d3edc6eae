//! Logs that are being told, line by line.

use serde_json::{Value, json};

use super::engine::Replay;
use super::timeline::Timeline;

/// So many a page may have at a time.
const MOST: usize = 16;

/// The runs by their numbers.
#[derive(Default)]
pub(crate) struct Runs([Option<Run>; MOST]);

impl Runs {
    /// Begins one, or says that there are too many.
    pub(crate) fn open(&mut self) -> Value {
        match self.0.iter_mut().enumerate().find(|(_, run)| run.is_none()) {
            Some((number, free)) => {
                *free = Some(Run::default());
                json!({ "run": number })
            }
            None => json!({ "error": format!("{MOST} runs are open; close one") }),
        }
    }

    pub(crate) fn get(&mut self, number: usize) -> Result<&mut Run, String> {
        let run = self.0.get_mut(number).and_then(Option::as_mut);
        run.ok_or_else(|| format!("there is no run {number}"))
    }

    pub(crate) fn close(&mut self, number: usize) -> Value {
        let run = self.0.get_mut(number).and_then(Option::take);
        json!({ "closed": run.is_some() })
    }
}

/// A log with its decisions, as JSON and for people.
#[derive(Clone, Default)]
pub(crate) struct Run {
    replay: Replay,
    timeline: Timeline,
}

impl Run {
    pub(crate) fn line(&mut self, line: &[u8]) -> Result<Value, String> {
        let mut decided = String::new();
        self.replay.line(line, &mut decided)?;
        let told = String::from_utf8_lossy(line);
        let timeline = self.timeline.lines(&told, &decided);
        Ok(json!({ "decisions": decided, "timeline": timeline, "notes": self.replay.notes() }))
    }

    pub(crate) fn finish(&mut self) -> Result<Value, String> {
        let mut decided = String::new();
        self.replay.finish(&mut decided)?;
        let timeline = self.timeline.lines("", &decided) + &self.timeline.finish();
        Ok(json!({ "decisions": decided, "timeline": timeline, "notes": self.replay.notes() }))
    }

    /// What the log would give if it ended at `at`, in milliseconds: the decisions since its last line, and what the policy says
    /// of itself.
    pub(crate) fn look(&self, at: &[u8]) -> Result<Value, String> {
        let at: u64 = std::str::from_utf8(at).ok().and_then(|at| at.parse().ok()).ok_or("no time")?;
        let mut ahead = self.clone();
        let mut answer = ahead.line(format!("{{\"at\": {at}}}").as_bytes())?;
        let end = ahead.finish()?;
        for key in ["decisions", "timeline"] {
            let (told, last) =
                (answer[key].as_str().unwrap_or_default(), end[key].as_str().unwrap_or_default());
            answer[key] = format!("{told}{last}").into();
        }
        for question in ["explain", "stats"] {
            let line = ahead.line(format!("{{\"at\": {at}, \"event\": \"{question}\"}}").as_bytes())?;
            let said = line["decisions"].as_str().unwrap_or_default();
            answer[question] =
                serde_json::from_str(said.lines().next().unwrap_or_default()).unwrap_or_default();
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{MOST, Run, Runs};

    const LOG: &str = include_str!("../../../../tests/replay/worked_example.jsonl");
    const DECISIONS: &str = include_str!("../../../../tests/replay/worked_example.out.jsonl");
    const TIMELINE: &str = include_str!("../../../../tests/replay/worked_example.timeline.txt");

    fn text(answer: &Value, key: &str) -> String {
        answer[key].as_str().expect(key).to_owned()
    }

    /// A run of these lines, with what it said.
    fn told(log: &str) -> (Run, String, String) {
        let (mut run, mut decisions, mut timeline) = (Run::default(), String::new(), String::new());
        for line in log.lines() {
            let answer = run.line(line.as_bytes()).expect(line);
            decisions += &text(&answer, "decisions");
            timeline += &text(&answer, "timeline");
        }
        (run, decisions, timeline)
    }

    #[test]
    fn a_log_gives_the_bytes_of_the_program() {
        let (mut run, mut decisions, mut timeline) = told(LOG);
        let end = run.finish().expect("an end");
        decisions += &text(&end, "decisions");
        timeline += &text(&end, "timeline");
        assert_eq!((decisions.as_str(), timeline.as_str()), (DECISIONS, TIMELINE));
    }

    #[test]
    fn a_look_ahead_changes_nothing_and_sees_what_will_be() {
        // Without the last line, which moves the clock to 1100.
        let until = LOG.trim_end().rfind('\n').expect("lines");
        let (run, decisions, timeline) = told(&LOG[..until]);
        let early = run.look(b"500").expect("a look");
        let late = run.look(b"1100").expect("a look");
        assert_eq!(text(&early, "decisions"), "");
        assert_eq!(decisions + &text(&late, "decisions"), DECISIONS);
        assert_eq!(timeline + &text(&late, "timeline"), TIMELINE);
        assert_eq!(late["explain"]["state"], "connecting");
        assert_eq!(late["stats"]["stats"]["opens"], 2);
        assert!(run.look(b"soon").is_err());
    }

    #[test]
    fn runs_are_bounded() {
        let mut runs = Runs::default();
        for number in 0..MOST {
            assert_eq!(runs.open()["run"], number);
        }
        assert!(runs.open()["error"].is_string());
        assert_eq!(runs.close(3)["closed"], true);
        assert_eq!(runs.close(3)["closed"], false);
        assert!(runs.get(3).is_err() && runs.get(MOST).is_err());
        assert_eq!(runs.open()["run"], 3);
    }
}
