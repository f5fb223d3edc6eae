//! The show: the misbehaving server and the client in one process, and the table at the end.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use redial::driver::{Outcome, Runtime, Tokio};
use redial::policy::ResumeConfig;
use redial::{BackoffConfig, Config, GiveUp, Jitter, Ratio, handover, presets};
use serde_json::json;
use tokio::time::sleep;

use crate::client::{self, Client, Rules, signal};
use crate::fault::Fault;
use crate::protocol::TOKEN;
use crate::report::client_event::ClientEvent;
use crate::report::table;
use crate::report::timeline::seconds;
use crate::report::view::View;
use crate::server::{self, Server};

/// A show that takes longer has failed.
const MAX_SHOW: Duration = Duration::from_secs(60);

/// The Discord preset in fast motion: the same rules with smaller numbers, so that three dozen faults fit into a minute.
const FAST: Config = presets::DISCORD_GATEWAY
    .to_builder()
    .connect_timeout(Duration::from_millis(500))
    .greeting(Some(Duration::from_millis(500)))
    .ready_timeout(Some(Duration::from_millis(500)))
    .backoff(
        BackoffConfig::exponential(Duration::from_millis(80), Ratio::TWO, Duration::from_millis(1_500))
            .jitter(Jitter::Full)
            .floor(Duration::from_millis(20))
            .build_const(),
    )
    .reset_after_stable(Duration::from_millis(500))
    .requested_spread(Some(Duration::from_millis(200)))
    .resume(
        ResumeConfig::new()
            .failures_max(10)
            .invalid_wait(Duration::from_millis(300), Duration::from_millis(800))
            .build_const(),
    )
    .build_const();

/// Requests are made for this long while the fault is on that is about them: the last is answered before that is over.
const REQUESTS: Duration = Duration::from_millis(700);
const REQUEST_EVERY: Duration = Duration::from_millis(40);
/// Longer than the server takes to answer one, shorter than the calm between two faults.
const DRAIN: Duration = Duration::from_millis(400);
const HANDOVER: handover::Config = handover::Config::new().drain(DRAIN).build_const();

/// How the client of the show decides.
pub(crate) fn rules(seed: u64, hands_over: bool) -> Rules {
    Rules { config: FAST, handover: hands_over.then_some(HANDOVER), seed }
}

/// How the show went.
pub(crate) struct Played {
    /// The client has survived everything.
    pub(crate) survived: bool,
    /// What its policy was told, and what it decided, where that was to be recorded.
    pub(crate) recorded: Option<(String, String)>,
}

pub(crate) async fn run(rules: Rules, script: &[Fault], json: bool, record: bool) -> Result<Played, String> {
    let seed = rules.seed;
    let failed = |error: std::io::Error| format!("the server can't start: {error}");
    let server = Server::start(server::Config::default()).await.map_err(failed)?;
    let recorder = server.recorder().clone();
    let url = client::gateway_url(server.gateway_url()).map_err(|error| error.to_string())?;
    let view = Arc::new(View::new(json));
    view.note(|_| String::new(), |_| {
        format!(
            "A gateway that misbehaves in {} ways, and a client on redial that rides through all of them.\n\
             Repeat this run with --seed {seed}. The server: {}, and for resumes {}\n\n",
            script.len(),
            server.gateway_url(),
            server.resume_url()
        )
    });
    let clock = Tokio::new();
    let start =
        ClientEvent::Start { seed, url: url.as_str().to_owned(), preset: "discord-gateway, fast".to_owned() };
    view.show(clock.now(), 0, &start);

    let token = TOKEN.to_owned();
    let mut client = Client::new(&url, token, rules, clock, Arc::clone(&view), Some(recorder.clone()))
        .map_err(|error| error.to_string())?;
    if record {
        client.record()?;
    }
    let handle = client.driver.handle();
    let number = Cell::new(0);
    let asker = client.asker(recorder.clone());
    let announce = |fault: Fault| {
        if fault == Fault::Drained {
            let asker = asker.clone();
            tokio::spawn(async move {
                let over = async {
                    sleep(REQUESTS).await;
                    asker.stop();
                };
                tokio::join!(asker.ask(REQUEST_EVERY), over)
            });
        }
        number.set(number.get() + 1);
        let at = clock.now().as_millis();
        view.note(
            |epoch| {
                let (name, text) = (json!(fault.name()), json!(fault.description()));
                format!("{{\"t\": {at}, \"what\": \"fault\", \"epoch\": {epoch}, \"name\": {name}, \"text\": {text}}}\n")
            },
            |timeline| {
                let back = recorder.rows().last().map_or_else(String::new, |row| {
                    format!("              {}\n", timeline.verdict(row.recovered, &table::summary(row)))
                });
                let title = format!("{}/{} {}", number.get(), script.len(), fault.name());
                back + &timeline.heading(&title, fault.description())
            },
        );
    };
    let show = async {
        let played = tokio::select! {
            played = server.play(script, announce) => Some(played),
            () = signal::interrupted() => None,
        };
        handle.stop();
        played
    };
    let (played, outcome) = tokio::join!(show, client.run());
    let Some(played) = played else {
        view.note(|_| String::new(), |_| "interrupted\n".to_owned());
        return Ok(Played { survived: false, recorded: client.recorded() });
    };
    let took = Duration::from_micros(clock.now().as_micros());

    let mut complaints = recorder.complaints();
    if played.is_err() {
        complaints.push("the show did not reach its end".to_owned());
    }
    if !matches!(outcome, Outcome::GaveUp { reason: GiveUp::Fatal, .. }) {
        complaints.push("the fatal code did not stop the client for good".to_owned());
    }
    if took >= MAX_SHOW {
        complaints.push(format!("the show took {}", seconds(took)));
    }
    table::show(&view, &recorder, script.len(), &complaints, took);
    Ok(Played { survived: complaints.is_empty(), recorded: client.recorded() })
}
