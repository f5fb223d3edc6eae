//! Redis, which knows how many subscribers each channel has.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;

use bytes::BytesMut;
use nix::sys::signal::Signal;

use super::{Asker, Site, compare};
use crate::speech::resp::{Value, command};

pub(super) struct Service;

impl super::Service for Service {
    fn command(&self, site: &Site) -> io::Result<Command> {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &site.port.to_string(), "--bind", &site.bind.to_string()])
            .args(["--save", "", "--appendonly", "no", "--protected-mode", "no"])
            // A client that is gone and could not say so is noticed after some seconds.
            .args(["--tcp-keepalive", "1"])
            .arg("--dir")
            .arg(site.folder.path());
        Ok(command)
    }

    fn end(&self) -> &'static [(u64, Signal)] {
        &[(0, Signal::SIGTERM)]
    }

    fn audit(&mut self, site: &Site, keys: &BTreeSet<String>) -> Result<(), String> {
        let mut asker = Asker::connect(site.address())?;
        let clients = subscribers(&mut asker)?;
        if clients != 1 {
            return Err(format!("{clients} clients have subscriptions"));
        }
        let channels = ask(&mut asker, ["PUBSUB", "CHANNELS"])?.into_array().unwrap_or_default();
        let channels: Vec<&str> = channels.iter().filter_map(Value::as_text).collect();
        let counts = ask(&mut asker, ["PUBSUB", "NUMSUB"].into_iter().chain(channels))?;
        let counts = counts.into_array().unwrap_or_default();
        let mut found = Vec::new();
        for pair in counts.chunks_exact(2) {
            if let (Some(channel), Value::Number(count)) = (pair[0].as_text(), &pair[1]) {
                (0..*count).for_each(|_| found.push(channel.to_owned()));
            }
        }
        compare(keys, &found)
    }

    fn nobody(&mut self, site: &Site) -> Result<(), String> {
        match subscribers(&mut Asker::connect(site.address())?)? {
            0 => Ok(()),
            clients => Err(format!("{clients} clients have subscriptions")),
        }
    }

    fn publish(&mut self, site: &Site, key: &str, text: &str) -> Result<Option<usize>, String> {
        match ask(&mut Asker::connect(site.address())?, ["PUBLISH", key, text])? {
            Value::Number(count) => Ok(usize::try_from(count).ok()),
            answer => Err(format!("PUBLISH: {answer:?}")),
        }
    }
}

fn subscribers(asker: &mut Asker) -> Result<usize, String> {
    let clients = ask(asker, ["CLIENT", "LIST", "TYPE", "pubsub"])?;
    clients
        .as_text()
        .map(|clients| clients.lines().count())
        .ok_or_else(|| format!("CLIENT LIST: {clients:?}"))
}

fn ask<'a>(asker: &mut Asker, words: impl IntoIterator<Item = &'a str>) -> Result<Value, String> {
    let mut out = BytesMut::new();
    command(words, &mut out);
    asker.say(&out)?;
    asker.hear(|input| Value::take(input).map_err(|cause| format!("no answer of Redis: {cause}")))
}
