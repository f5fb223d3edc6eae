//! NATS, whose monitor lists the subscriptions of each connection.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Asker, Site, compare};
use crate::speech::NAME;

pub(super) struct Service;

impl super::Service for Service {
    fn command(&self, site: &Site) -> io::Result<Command> {
        let text = format!(
            "listen: \"{}:{}\"\nhttp: \"127.0.0.1:{}\"\nping_interval: \"1s\"\nping_max: 2\nwrite_deadline: \"1s\"\n",
            site.bind, site.port, site.second_port
        );
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(site.write("nats.conf", &text)?);
        Ok(command)
    }

    /// Lame duck mode, in which it tells its clients and listens no more, and its end before the mode would end it. To a SIGTERM it would
    /// not listen there.
    fn end(&self) -> &'static [(u64, Signal)] {
        &[(0, Signal::SIGUSR2), (300, Signal::SIGINT)]
    }

    fn audit(&mut self, site: &Site, keys: &BTreeSet<String>) -> Result<(), String> {
        match &clients(site)?[..] {
            [subscriptions] => compare(keys, subscriptions),
            clients => Err(format!("{} connections of the client", clients.len())),
        }
    }

    fn nobody(&mut self, site: &Site) -> Result<(), String> {
        match clients(site)?.len() {
            0 => Ok(()),
            count => Err(format!("{count} connections of the client")),
        }
    }

    fn publish(&mut self, site: &Site, key: &str, text: &str) -> Result<Option<usize>, String> {
        let mut asker = Asker::connect(site.address())?;
        let connect = "CONNECT {\"verbose\":false,\"name\":\"publisher\"}\r\n";
        asker.say(format!("{connect}PUB {key} {}\r\n{text}\r\nPING\r\n", text.len()).as_bytes())?;
        // It has taken what stands before.
        asker.hear(|input| Ok(input.windows(6).any(|bytes| bytes == b"PONG\r\n").then_some(())))?;
        Ok(None)
    }
}

/// The subscriptions of each connection of the client.
fn clients(site: &Site) -> Result<Vec<Vec<String>>, String> {
    let mut asker = Asker::connect(site.second())?;
    asker.say(b"GET /connz?subs=1 HTTP/1.0\r\n\r\n")?;
    let answer = asker.rest()?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).ok_or("no answer of the monitor")?;
    let body: Value = serde_json::from_str(body).map_err(|error| format!("connz: {error}"))?;
    let connections = body["connections"].as_array().cloned().unwrap_or_default();
    let texts = |list: &Value| {
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let clients = connections.iter().filter(|connection| connection["name"] == NAME);
    Ok(clients.map(|connection| texts(&connection["subscriptions_list"])).collect())
}
