//! What the page asks of the core. A log is replayed by the very code of the program `replay`, so that the page's decisions are
//! its bytes, and a storm is simulated by `redial::sim`.
//!
//! A call takes three steps: the page writes the question at [`input`], calls one of the functions below, and reads the answer, a
//! JSON object, at [`output`]. An answer with the key `error` is a failure in one line.

#[path = "../../../replay/engine.rs"]
mod engine;
#[path = "../../../replay/flight.rs"]
mod flight;
#[path = "../../../replay/timeline.rs"]
mod timeline;

mod config;
mod recording;
mod run;
mod storm;

use std::cell::RefCell;

use serde_json::{Value, json};

use run::Runs;

/// What one instance of the module holds between two calls.
#[derive(Default)]
struct Page {
    input: Vec<u8>,
    output: String,
    runs: Runs,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Takes the question, and leaves the answer.
fn answer(of: impl FnOnce(&mut Runs, &[u8]) -> Result<Value, String>) {
    PAGE.with_borrow_mut(|page| {
        let question = std::mem::take(&mut page.input);
        let answer = of(&mut page.runs, &question).unwrap_or_else(|error| json!({ "error": error }));
        page.output = answer.to_string();
    });
}

/// The functions that the page calls. The attribute counts as unsafe code because two symbols of one name would be one function;
/// these names are no other's.
#[expect(unsafe_code, reason = "a function is exported by its name alone")]
mod exports {
    use super::{PAGE, answer, config, recording, storm};

    /// Reserves so many bytes for the next question. The page writes them before its next call, while nothing here reads them.
    #[unsafe(no_mangle)]
    extern "C" fn input(length: usize) -> *mut u8 {
        PAGE.with_borrow_mut(|page| {
            page.input = vec![0; length];
            page.input.as_mut_ptr()
        })
    }

    /// Where the last answer is, until the next question.
    #[unsafe(no_mangle)]
    extern "C" fn output() -> *const u8 {
        PAGE.with_borrow(|page| page.output.as_ptr())
    }

    /// How many bytes it has.
    #[unsafe(no_mangle)]
    extern "C" fn output_length() -> usize {
        PAGE.with_borrow(|page| page.output.len())
    }

    /// The names of the presets.
    #[unsafe(no_mangle)]
    extern "C" fn presets() {
        answer(|_, _| Ok(config::presets()));
    }

    /// Every key of the config that a set-up line amounts to.
    #[unsafe(no_mangle)]
    extern "C" fn config() {
        answer(|_, question| config::of_set_up(question));
    }

    /// Begins a run, of which the next lines are told.
    #[unsafe(no_mangle)]
    extern "C" fn open() {
        answer(|runs, _| Ok(runs.open()));
    }

    /// Tells a run the next line of its log.
    #[unsafe(no_mangle)]
    extern "C" fn line(run: usize) {
        answer(|runs, question| runs.get(run)?.line(question));
    }

    /// What a run would decide by itself until a time in milliseconds, and how it explains what it does then. It stays what it is.
    #[unsafe(no_mangle)]
    extern "C" fn look(run: usize) {
        answer(|runs, question| runs.get(run)?.look(question));
    }

    /// Ends the log of a run.
    #[unsafe(no_mangle)]
    extern "C" fn finish(run: usize) {
        answer(|runs, _| runs.get(run)?.finish());
    }

    /// Forgets a run.
    #[unsafe(no_mangle)]
    extern "C" fn close(run: usize) {
        answer(|runs, _| Ok(runs.close(run)));
    }

    /// The log of a flight recording of so many bytes, with the set-up line that follows it, if one does.
    #[unsafe(no_mangle)]
    extern "C" fn flight(length: usize) {
        answer(|_, question| recording::log(question, length));
    }

    /// What a storm comes to.
    #[unsafe(no_mangle)]
    extern "C" fn storm() {
        answer(|_, question| storm::run(question));
    }
}
