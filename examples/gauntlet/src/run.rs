//! One fault played on one client, and many at a time.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::{Client, Output, Target};
use crate::fault::{Fault, Feature, Shape};
use crate::judge;
use crate::server::Server;
use crate::timeline::{Entry, Recorder, Seen, What, seconds};
use crate::verdict::Verdict;

/// How long a client has to come to where the fault begins: a Node program among twenty takes seconds.
const ARRIVAL: u64 = 40_000;

/// How often a timeline is judged.
const LOOK: Duration = Duration::from_millis(100);

/// How a run is made.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) shape: Shape,
    pub(crate) command: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) slow: f64,
    pub(crate) jobs: usize,
    /// How many clients a herd has, where that is not the fault's own number.
    pub(crate) herd: Option<usize>,
    pub(crate) without: Vec<Feature>,
    pub(crate) with: Vec<Feature>,
}

/// What became of one fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Played {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) source: String,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    pub(crate) timeline: Vec<Entry>,
    /// What the client wrote last.
    pub(crate) output: String,
}

impl Options {
    /// Whether the client does what the fault is about.
    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Subscriptions => self.with.contains(&feature),
            Feature::ResumeUrl => !self.without.contains(&feature),
        }
    }
}

/// Plays all of them, and tells each as it ends, in order.
pub(crate) async fn all(
    options: &Arc<Options>,
    faults: Vec<Fault>,
    mut tell: impl FnMut(&Played),
) -> Result<Vec<Played>, String> {
    let free = Arc::new(Semaphore::new(options.jobs.max(1)));
    let (done, mut results) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let count = faults.len();
    // The longest first, so that none is left to run alone; told in the order of the list.
    let mut order: Vec<_> = faults.into_iter().enumerate().collect();
    order.sort_by_key(|(_, fault)| std::cmp::Reverse(fault.watch));
    for (index, fault) in order {
        let (options, free, done) = (Arc::clone(options), Arc::clone(&free), done.clone());
        tasks.spawn(async move {
            // A herd is as much work as several others.
            let weight = if fault.stage.clients > 1 { options.jobs.clamp(1, 6) } else { 1 };
            let Ok(_permit) = free.acquire_many(u32::try_from(weight).unwrap_or(1)).await else { return };
            let played = one(&options, fault).await;
            // Nobody listens any more once the run was given up.
            drop(done.send((index, played)));
        });
    }
    drop(done);
    let mut waiting: Vec<Option<Played>> = (0..count).map(|_| None).collect();
    let mut told = 0;
    while let Some((index, played)) = results.recv().await {
        if let Some(slot) = waiting.get_mut(index) {
            *slot = Some(played?);
        }
        while let Some(Some(next)) = waiting.get(told) {
            tell(next);
            told += 1;
        }
    }
    Ok(waiting.into_iter().flatten().collect())
}

async fn one(options: &Options, mut fault: Fault) -> Result<Played, String> {
    if let Some(herd) = options.herd.filter(|_| fault.stage.clients > 1) {
        fault.stage.clients = herd;
    }
    // By the name, so that a fault is the same alone as among all.
    let name = fault.name.bytes();
    let seed = name.fold(options.seed, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    let played = |verdict, timeline: Vec<Entry>, output, took: u64| Played {
        name: fault.name.clone(),
        about: fault.about.clone(),
        source: fault.source.to_owned(),
        verdict,
        seconds: took as f64 / 1000.0,
        timeline,
        output,
    };
    if let Some(feature) = fault.needs.filter(|feature| !options.has(*feature)) {
        let how = match feature {
            Feature::Subscriptions => "without --with subscriptions",
            Feature::ResumeUrl => "with --without resume-url",
        };
        let verdict = Verdict::not_applicable(format!("the client was run {how}"));
        return Ok(played(verdict, Vec::new(), String::new(), 0));
    }
    let server = Server::start(fault.script.clone(), fault.stage, seed)
        .await
        .map_err(|error| format!("no port for {}: {error}; try fewer --jobs", fault.name))?;
    let hub = &server.hub;
    let output = Output::default();
    let count = fault.stage.clients.max(1);
    let mut watchers = JoinSet::new();
    let (ask, asked) = tokio::sync::watch::channel(false);
    for number in 0..count {
        let seed = seed.wrapping_mul(1_000).wrapping_add(u64::try_from(number).unwrap_or(0));
        let target = Target { scheme: options.shape.scheme(), port: hub.ports[0], seed };
        let client = Client::start(&options.command, &target, &output)?;
        watchers.spawn(watch(client, hub.recorder.clone(), asked.clone()));
    }
    let verdict = judged(options, &fault, &hub.recorder, &ask).await;
    watchers.shutdown().await;
    let took = hub.recorder.now();
    Ok(played(verdict, hub.recorder.entries(), output.text(), took))
}

/// Notes the end of a client, which ends with this future.
async fn watch(mut client: Client, recorder: Recorder, mut asked: tokio::sync::watch::Receiver<bool>) {
    loop {
        tokio::select! {
            status = client.ended() => {
                return recorder.note(0, What::Exit { status: status.and_then(|status| status.code()) });
            }
            changed = asked.changed() => match changed {
                Ok(()) => client.ask_to_end(),
                Err(_) => std::future::pending().await,
            },
        }
    }
}

async fn judged(
    options: &Options,
    fault: &Fault,
    recorder: &Recorder,
    ask: &tokio::sync::watch::Sender<bool>,
) -> Verdict {
    let stretch = |ms: u64| Seen { entries: &[], now: 0, over: false, slow: options.slow }.limit(ms);
    let mut signalled = false;
    loop {
        sleep(LOOK).await;
        let entries = recorder.entries();
        let now = recorder.now();
        let mut seen = Seen { entries: &entries, now, over: false, slow: options.slow };
        let Some(began) = seen.fault() else {
            if let Some(verdict) = never_began(&seen, stretch(ARRIVAL)) {
                return verdict;
            }
            continue;
        };
        if fault.stage.signal.is_some_and(|after| !signalled && now >= began + after) {
            signalled = true;
            recorder.note(0, What::Signal);
            ask.send_replace(true);
            continue;
        }
        seen.over = now > began + stretch(fault.watch);
        if fault.stage.clients <= 1 {
            if let Some(verdict) = judge::always(&seen) {
                return verdict;
            }
        }
        if let Some(verdict) = (fault.judge)(&seen) {
            return verdict;
        }
        if seen.over {
            let watched = seconds(now - began);
            return Verdict::fail(format!("did not do within {watched} what was to be judged"));
        }
    }
}

/// A client that does not come to where the fault begins.
fn never_began(seen: &Seen<'_>, arrival: u64) -> Option<Verdict> {
    let dials = seen.dials_from(0).len();
    let opens = seen.times(|what| *what == What::Open).count();
    let so_far = format!("after {dials} dials and {opens} usable connections");
    if let Some((at, status)) = seen.exit() {
        let status =
            status.map_or_else(|| "by a signal".to_owned(), |status| format!("with status {status}"));
        return Some(Verdict::fail(format!("ended {status} {} after its start, {so_far}", seconds(at))));
    }
    (seen.now > arrival)
        .then(|| Verdict::fail(format!("did not come to the fault in {}, {so_far}", seconds(seen.now))))
}

/// Whether the client can be started and connects to a server in order. The error is one line for the user.
pub(crate) async fn check(options: &Options) -> Result<(), String> {
    let script = options.shape.in_order();
    let server = Server::start(script, crate::fault::Stage::default(), options.seed)
        .await
        .map_err(|error| format!("no port: {error}"))?;
    let output = Output::default();
    let target = Target { scheme: options.shape.scheme(), port: server.hub.ports[0], seed: options.seed };
    let mut client = Client::start(&options.command, &target, &output)?;
    let recorder = server.hub.recorder.clone();
    let connected = async {
        while !recorder.entries().iter().any(|entry| entry.what == What::Open) {
            sleep(LOOK).await;
        }
    };
    let limit = Duration::from_secs_f64(20.0 * options.slow.max(1.0));
    let ended = tokio::select! {
        connected = timeout(limit, connected) => match connected {
            Ok(()) => return Ok(()),
            Err(_) => format!("did not connect to {} within {limit:?}", target.url()),
        },
        status = client.ended() => {
            let status = status.map_or_else(|| "without a status".to_owned(), |status| status.to_string());
            format!("ended before it was connected to {} ({status})", target.url())
        }
    };
    // What it wrote may still be on its way.
    sleep(LOOK).await;
    let program = options.command.first().map_or("", String::as_str);
    let text = output.text();
    let wrote = text.lines().rev().find(|line| !line.trim().is_empty());
    let wrote =
        wrote.map_or_else(|| "it wrote nothing".to_owned(), |line| format!("it wrote last: {}", line.trim()));
    Err(format!(
        "the client {program:?} {ended}; {wrote}; it must take the address from {{url}} or GAUNTLET_URL and speak {}",
        options.shape
    ))
}
