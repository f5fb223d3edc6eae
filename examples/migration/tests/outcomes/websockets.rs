//! Clients of WebSocket servers that cut their connections.

use std::time::Duration;

use redial_migration::{discord, ezsockets, twilight, websockex, zen_websocket};
use serde_json::{Value, json};

use crate::server::{Client, Server};
use crate::{SOON, run_for, told};

/// Answers a subscription with the number of the connection, and cuts the first.
async fn lobby(mut client: Client) {
    let number = client.number;
    while client.hear().await.is_some_and(|text| text == "SUB lobby") {
        client.say(number.to_string()).await;
        if number == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn ezsockets_both_subscribe_on_every_connection() {
    let server = Server::start(lobby).await;
    assert_eq!(told(SOON, 2, |tell| ezsockets::before::follow(&server.url, tell)).await, ["0", "1"]);
    assert_eq!(server.heard(), [["SUB lobby"], ["SUB lobby"]]);
    let server = Server::start(lobby).await;
    assert_eq!(told(SOON, 2, |tell| ezsockets::after::follow(&server.url, tell)).await, ["0", "1"]);
    assert_eq!(server.heard(), [["SUB lobby"], ["SUB lobby"]]);
}

/// Upgrades, and cuts.
async fn nothing(client: Client) {
    drop(client);
}

/// In the same time, for both.
const WHILE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn ezsockets_dials_a_server_that_cuts_at_once_without_pause() {
    let server = Server::start(nothing).await;
    run_for(WHILE, ezsockets::before::follow(&server.url, |_| {})).await;
    let before = server.heard().len();
    let server = Server::start(nothing).await;
    run_for(WHILE, ezsockets::after::follow(&server.url, |_| {})).await;
    let after = server.heard().len();
    assert!(after >= 1 && before > 10 * after, "{before} dials, and {after}");
}

#[tokio::test]
async fn twilight_dials_a_server_that_cuts_at_once_without_pause() {
    let server = Server::start(nothing).await;
    run_for(WHILE, twilight::before::follow(&server.url, "token", |_| {})).await;
    let before = server.heard().len();
    let server = Server::start(nothing).await;
    run_for(WHILE, discord::after::follow(&server.url, "token", |_| {})).await;
    let after = server.heard().len();
    assert!(after >= 1 && before > 10 * after, "{before} dials, and {after}");
}

/// A gateway: READY and an event, then op 7 and the end; the resume replays what came in between.
async fn gateway(mut client: Client) {
    let dispatch = |name: &str, sequence: u64, data: Value| {
        json!({ "op": 0, "t": name, "s": sequence, "d": data }).to_string()
    };
    let gone = json!({ "id": "1", "unavailable": true });
    client.say(json!({ "op": 10, "d": { "heartbeat_interval": 45_000 } }).to_string()).await;
    while let Some(text) = client.hear().await {
        let payload: Value = serde_json::from_str(&text).unwrap();
        match payload["op"].as_u64() {
            Some(1) => client.say(json!({ "op": 11 }).to_string()).await,
            Some(2) => {
                let user = json!({
                    "id": "1", "username": "bot", "discriminator": "0001", "avatar": null, "bot": true,
                    "mfa_enabled": true, "verified": true, "email": null,
                });
                let ready = json!({
                    "v": 10, "user": user, "guilds": [], "session_id": "session",
                    "resume_gateway_url": client.url, "application": { "id": "1", "flags": 0 }, "shard": [0, 1],
                });
                client.say(dispatch("READY", 1, ready)).await;
                client.say(dispatch("GUILD_DELETE", 2, gone.clone())).await;
                client.say(json!({ "op": 7, "d": null }).to_string()).await;
            }
            Some(6) => {
                client.say(dispatch("GUILD_DELETE", 3, gone.clone())).await;
                client.say(dispatch("RESUMED", 4, json!({}))).await;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn twilight_both_resume_after_a_reconnect_request() {
    let events = ["READY", "GUILD_DELETE", "GUILD_DELETE", "RESUMED"];
    let resumes = |server: &Server| -> Vec<Value> {
        let payloads = server.heard().concat();
        let payloads = payloads.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        payloads.filter(|payload| payload["op"] == 6).map(|payload| payload["d"].clone()).collect()
    };
    let server = Server::start(gateway).await;
    let told_before = told(SOON, 4, |tell| twilight::before::follow(&server.url, "token", tell)).await;
    assert_eq!(told_before, events);
    let before = resumes(&server);
    let server = Server::start(gateway).await;
    let url = format!("{}/?v=10&encoding=json", server.url);
    assert_eq!(told(SOON, 4, |tell| discord::after::follow(&url, "token", tell)).await, events);
    let resume = json!({ "token": "token", "session_id": "session", "seq": 2 });
    assert_eq!(resumes(&server), std::slice::from_ref(&resume));
    assert_eq!(before.len(), 1);
    assert_eq!((&before[0]["session_id"], &before[0]["seq"]), (&resume["session_id"], &resume["seq"]));
}

/// Logs in, confirms subscriptions with news of them, and cuts the first connection after that.
async fn market(mut client: Client) {
    while let Some(text) = client.hear().await {
        let request: Value = serde_json::from_str(&text).unwrap();
        let (id, params) = (request["id"].clone(), request["params"].clone());
        match request["method"].as_str() {
            Some("public/auth") => client.say(json!({ "id": id, "result": {} }).to_string()).await,
            Some("private/subscribe") => {
                client.say(json!({ "id": id, "result": params["channels"] }).to_string()).await;
                let news = json!({ "channel": params["channels"][0], "data": client.number });
                client.say(json!({ "method": "subscription", "params": news }).to_string()).await;
                if client.number == 0 {
                    return;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn zen_websocket_logs_in_and_then_restores() {
    let server = Server::start(market).await;
    let market = zen_websocket::after::market(&server.url, "me", "secret").unwrap();
    let mut socket = market.subscribe("ticker").spawn().unwrap();
    for connection in [0, 1] {
        let news = tokio::time::timeout(SOON, socket.recv()).await.unwrap();
        assert_eq!(news, Some(json!({ "channel": "ticker", "data": connection })));
    }
    for heard in server.heard() {
        let methods: Vec<Value> =
            heard.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()["method"].clone()).collect();
        assert_eq!(methods, ["public/auth", "private/subscribe"]);
    }
}

#[tokio::test]
async fn websockex_frames_come_through_a_loss_and_a_text_comes_back_without_a_connection() {
    let server = Server::start(lobby).await;
    let socket = websockex::after::start(&server.url).unwrap();
    let sender = socket.sender();
    assert_eq!(told(SOON, 2, |tell| websockex::after::handle_frames(socket, tell)).await, ["0", "1"]);
    // The client was dropped.
    assert_eq!(websockex::after::say(&sender, "hello").await, Err(Some("hello".to_owned())));
}
