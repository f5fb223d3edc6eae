//! The client alone, against a gateway of the user's.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redial::driver::{Outcome, Runtime, Tokio};
use redial::policy::ConfigOver;
use redial::websocket::Url;
use redial::{Config, handover, presets};
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::Value;

use crate::Arguments;
use crate::client::{self, Client, Rules, signal};
use crate::protocol::TOKEN;
use crate::report::client_event::ClientEvent;
use crate::report::view::View;

/// What the arguments come to. The error is one line for the user.
pub(crate) fn set_up(arguments: &Arguments, url: &str, seed: u64) -> Result<(Url, Rules), String> {
    let url = client::gateway_url(url).map_err(|error| error.to_string())?;
    let name = preset(arguments);
    let preset = presets::by_name(name).ok_or_else(|| {
        let known: Vec<_> = presets::ALL.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("unknown preset \"{name}\"; use one of {}", known.join(", "))
    })?;
    let (mut config, handover) = match &arguments.config {
        Some(path) => read(path, preset)?,
        None => (*preset, Some(handover::Config::DEFAULT)),
    };
    if !config.greeting() {
        // This protocol greets, whatever the preset is made for: nothing may be said before the hello.
        let greeting = config.greeting_timeout();
        config = config.to_builder().greeting(greeting).build().map_err(|error| error.to_string())?;
    }
    Ok((url, Rules { config, handover: handover.filter(|_| !arguments.no_handover), seed }))
}

fn preset(arguments: &Arguments) -> &str {
    arguments.preset.as_deref().unwrap_or("discord-gateway")
}

/// The settings of a file over a preset, and how it hands over.
fn read(path: &Path, preset: &Config) -> Result<(Config, Option<handover::Config>), String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let wrong = |error: serde_json::Error| {
        let syntax = if error.is_data() { "" } else { "not valid JSON: " };
        format!("{shown}: {syntax}{error}")
    };
    let over = ConfigOver::new(preset).named("config");
    let mut keys: Value = serde_json::from_str(&text).map_err(wrong)?;
    let Some(handover) = keys.as_object_mut().and_then(|keys| keys.remove("handover")) else {
        // From the text, so that an error says where.
        let mut json = serde_json::Deserializer::from_str(&text);
        let config = over.deserialize(&mut json).and_then(|config| json.end().map(|()| config));
        return Ok((config.map_err(wrong)?, Some(handover::Config::DEFAULT)));
    };
    let config = over.deserialize(keys).map_err(wrong)?;
    let handover = Option::<handover::Config>::deserialize(handover)
        .map_err(|error| format!("{shown}: handover: {error}"))?;
    Ok((config, handover))
}

pub(crate) async fn run(arguments: &Arguments, url: Url, rules: Rules) -> ExitCode {
    let clock = Tokio::new();
    let view = Arc::new(View::new(arguments.json));
    let (seed, preset) = (rules.seed, preset(arguments).to_owned());
    view.show(clock.now(), 0, &ClientEvent::Start { seed, url: url.as_str().to_owned(), preset });
    let token = arguments.token.clone().unwrap_or_else(|| TOKEN.to_owned());
    let client = Client::new(&url, token, rules, clock, Arc::clone(&view), None);
    let mut client = match client {
        Ok(client) => client,
        Err(error) => return crate::unusable(&error.to_string()),
    };
    if arguments.record.is_some() {
        if let Err(error) = client.record() {
            return crate::unusable(&error);
        }
    }
    let handle = client.driver.handle();
    let stop = async {
        tokio::select! {
            () = signal::interrupted() => {}
            () = over(arguments.limit) => {}
        }
        handle.stop();
        // A second one does not wait for the close.
        signal::interrupted().await;
    };
    let outcome = tokio::select! {
        outcome = client.run() => outcome,
        () = stop => return ExitCode::from(130),
    };
    if let Err(error) = arguments.write(client.recorded()) {
        return crate::unusable(&error);
    }
    if outcome != Outcome::Stopped {
        return ExitCode::FAILURE;
    }
    let stats = client.driver.policy().stats();
    let handovers = client.driver.policy().handover_stats().handovers;
    let (opens, resumed, fresh) = (stats.opens, stats.resumed, stats.fresh);
    let stopped = ClientEvent::Stopped { opens, resumed, fresh, handovers };
    view.show(clock.now(), client.newest(), &stopped);
    ExitCode::SUCCESS
}

/// Ends when the time is over, where there is a limit.
async fn over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
