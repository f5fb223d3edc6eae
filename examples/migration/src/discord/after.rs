//! After.

use std::convert::Infallible;
use std::time::Duration;

use redial::driver::Ended;
use redial::presets;
use redial::websocket::{Connection, Decoded, Establish, Frame, Protocol, Ready, SetupError, connect};
use serde_json::{Value, json};

struct Gateway {
    token: String,
    intents: u64,
}

impl Protocol for Gateway {
    type Key = Infallible;
    type Outgoing = Value;
    type Incoming = Value;

    const ESTABLISHED: Establish = Establish::OnReady;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, payload: &Value) -> Frame {
        payload.to_string().into()
    }

    fn identify(&self, connection: &mut Connection<'_>) {
        let properties = json!({ "os": "linux", "browser": "redial", "device": "redial" });
        let identify = json!({ "token": self.token, "intents": self.intents, "properties": properties });
        connection.send(json!({ "op": 2, "d": identify }).to_string());
    }

    fn resume(&self, session: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
        let resume = json!({ "token": self.token, "session_id": session, "seq": sequence });
        connection.send(json!({ "op": 6, "d": resume }).to_string());
    }

    fn heartbeat(&self, sequence: Option<u64>) -> Option<Frame> {
        Some(json!({ "op": 1, "d": sequence }).to_string().into())
    }

    fn decode(&self, frame: Frame) -> Decoded<Infallible, Value> {
        let Some(payload) = frame.as_text().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return Decoded::Invalid("no JSON".to_owned());
        };
        match payload["op"].as_u64() {
            Some(0) => dispatch(payload),
            Some(1) => Decoded::HeartbeatRequested,
            Some(7) => Decoded::ReconnectRequested { retry_after: None, deadline: None },
            Some(9) => Decoded::SessionInvalid { resumable: payload["d"] == true },
            Some(10) => {
                let interval = payload["d"]["heartbeat_interval"].as_u64();
                Decoded::Greeting { heartbeat: interval.map(Duration::from_millis) }
            }
            Some(11) => Decoded::HeartbeatAcked,
            _ => Decoded::Ignored,
        }
    }
}

fn dispatch(payload: Value) -> Decoded<Infallible, Value> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (data, sequence) = (&payload["d"], payload["s"].as_u64());
    match (payload["t"].as_str(), sequence) {
        (Some("READY"), _) => {
            let (token, endpoint) = (text(&data["session_id"]), text(&data["resume_gateway_url"]));
            let ready = Decoded::Ready(Ready { token, endpoint, sequence, ttl: None });
            Decoded::Many(vec![ready, Decoded::Message(payload)])
        }
        (Some("RESUMED"), _) => Decoded::Many(vec![Decoded::Resumed { sequence }, Decoded::Message(payload)]),
        (_, Some(sequence)) => Decoded::Sequenced { sequence, message: payload },
        _ => Decoded::Message(payload),
    }
}

/// `url` is that of `GET /gateway/bot` with `?v=10&encoding=json`; a resume goes where READY said, with the same query.
pub async fn follow(url: &str, token: &str, on_event: impl Fn(String)) -> Result<Ended, SetupError> {
    let gateway = Gateway { token: token.to_owned(), intents: 0 };
    let mut socket = connect(url).config(presets::DISCORD_GATEWAY).with_protocol(gateway).spawn()?;
    while let Some(event) = socket.recv().await {
        on_event(event["t"].as_str().unwrap_or_default().to_owned());
    }
    Ok(socket.closed().await)
}
