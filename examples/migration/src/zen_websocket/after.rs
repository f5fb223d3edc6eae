//! After.

use std::time::Duration;

use redial::breaker;
use redial::policy::RestoreConfig;
use redial::presets;
use redial::websocket::{Connect, Connection, Decoded, Frame, Protocol, connect};
use serde_json::{Value, json};

/// A market's JSON-RPC: log in, then subscribe, then take the news.
pub struct Market {
    client_id: String,
    client_secret: String,
}

impl Protocol for Market {
    type Key = String;
    type Outgoing = Value;
    type Incoming = Value;

    fn authenticate(&self, connection: &mut Connection<'_>) {
        let login = json!({
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        });
        connection.send(request(1, "public/auth", &login));
    }

    fn subscribe(&self, channel: &String) -> Frame {
        request(2, "private/subscribe", &json!({ "channels": [channel] }))
    }

    fn unsubscribe(&self, channel: &String) -> Option<Frame> {
        Some(request(3, "private/unsubscribe", &json!({ "channels": [channel] })))
    }

    fn encode(&self, request: &Value) -> Frame {
        request.to_string().into()
    }

    fn decode(&self, frame: Frame) -> Decoded<String, Value> {
        let Some(message) = frame.as_text().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return Decoded::Invalid("no JSON".to_owned());
        };
        match (message["id"].as_u64(), message["method"].as_str()) {
            (Some(1), _) if message["error"].is_null() => Decoded::AuthOk,
            (Some(1), _) => Decoded::AuthFailed { fatal: true },
            (Some(2), _) => {
                let channels = message["result"].as_array().into_iter().flatten();
                let channels = channels.filter_map(|channel| channel.as_str().map(str::to_owned));
                Decoded::Many(channels.map(Decoded::confirmed).collect())
            }
            (_, Some("subscription")) => Decoded::Message(message["params"].clone()),
            _ => Decoded::Ignored,
        }
    }
}

fn request(id: u64, method: &str, params: &Value) -> Frame {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string().into()
}

/// Connect, then authenticate, then restore: each step waits for the one before.
pub fn market(
    url: &str,
    client_id: &str,
    client_secret: &str,
) -> Result<Connect<Market>, redial::ConfigError> {
    let config = presets::WEBSOCKET
        .to_builder()
        .restore(RestoreConfig::new().authentication(true).build()?)
        .breaker(Some(breaker::Config::new(5, Duration::from_secs(60)).build()?))
        .build()?;
    let login = Market { client_id: client_id.to_owned(), client_secret: client_secret.to_owned() };
    Ok(connect(url).config(config).with_protocol(login))
}
