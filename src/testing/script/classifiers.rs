//! Classifiers.

use core::time::Duration;

use crate::classify::{Cause, Class, Classifier, Match, Rule, Scope, Verdict, tables};

use super::Script;

/// A backoff of a verdict's own, in milliseconds.
static STEPS: [&[u32]; 3] = [&[], &[1_000, 5_000], &[0]];

impl Script<'_> {
    /// A valid classifier: every table, every default, up to three rules of any kind. Minimum waits are at most 100 s.
    pub(in crate::testing) fn classifier(&mut self) -> Classifier {
        let mut classifier =
            Classifier::new(self.choices.pick(&tables::ALL, &tables::WEBSOCKET)).build_const();
        if self.choices.flag() {
            let class = self.class();
            classifier = classifier.to_builder().default_class(class).build().unwrap_or(classifier);
        }
        // The first gives up after two failures.
        let fatal = Rule::new(Match::Is(Cause::CloseFrame(4_999)), Verdict::new(Class::Fatal).with_limit(2));
        classifier = classifier.to_builder().rule(fatal).build().unwrap_or(classifier);
        for _ in 0..self.choices.pick(&[0, 1, 2, 3], 0) {
            let rule = Rule::new(self.matches(), self.verdict());
            classifier = classifier.to_builder().rule(rule).build().unwrap_or(classifier);
        }
        classifier
    }

    fn matches(&mut self) -> Match {
        match self.choices.below(6) {
            0 => Match::Is(Cause::NoCloseFrame),
            1 => Match::Is(self.cause()),
            2 => {
                let first = self.between(1_000, 4_999);
                Match::CloseRange(first, self.between(first, 4_999))
            }
            3 => {
                let first = self.between(100, 599);
                Match::HttpRange(first, self.between(first, 599))
            }
            4 => Match::AnyIo,
            _ => Match::AnyTls,
        }
    }

    fn verdict(&mut self) -> Verdict {
        let mut verdict = Verdict::new(self.class());
        let settings = self.choices.byte();
        if settings & 1 != 0 {
            verdict = verdict.with_client_fault();
        }
        if settings & 2 != 0 {
            verdict = verdict.with_at_cap();
        }
        if settings & 4 != 0 {
            verdict = verdict.with_renewal();
        }
        if settings & 8 != 0 {
            verdict = verdict.with_limit(self.choices.pick(&[1, 2, 3, 255], 1));
        }
        if settings & 16 != 0 {
            let scopes = [Scope::Endpoint, Scope::Service, Scope::Client];
            verdict = verdict.with_scope(self.choices.pick(&scopes, Scope::Client));
        }
        if settings & 32 != 0 {
            verdict = verdict.with_steps_ms(self.choices.pick(&STEPS, &[]));
        }
        if settings & 64 != 0 {
            let longest = Duration::from_secs(100);
            let (one, other) = (self.duration().min(longest), self.duration().min(longest));
            verdict = verdict.with_wait(one.min(other), one.max(other)).unwrap_or(verdict);
        }
        verdict
    }
}
