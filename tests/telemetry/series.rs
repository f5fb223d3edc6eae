//! `Metrics`: what is written, under which names, with which labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use redial::telemetry::{METRICS, Metric, MetricKind, Metrics};

use super::*;

/// What was written: a sum for each series, and of histograms also how many values.
#[derive(Clone, Default)]
pub(crate) struct Recorded(Arc<Mutex<State>>);

/// A name with its labels.
type Name = (String, Vec<(String, String)>);

#[derive(Default)]
struct State {
    described: BTreeMap<String, (MetricKind, Option<Unit>, String)>,
    series: BTreeMap<Name, (MetricKind, Arc<Series>)>,
}

#[derive(Debug, Default)]
struct Series(Mutex<(f64, u64)>);

impl Series {
    fn add(&self, value: f64) {
        let mut state = self.0.lock().expect("no panic");
        state.0 += value;
        state.1 += 1;
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, _: u64) {
        unreachable!("only increments")
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        unreachable!("clients of one name add up")
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Recorded {
    fn describe(&self, kind: MetricKind, key: &KeyName, unit: Option<Unit>, help: &SharedString) {
        let mut state = self.0.lock().expect("no panic");
        state.described.insert(key.as_str().to_owned(), (kind, unit, help.to_string()));
    }

    fn series(&self, kind: MetricKind, key: &Key) -> Arc<Series> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
        let mut state = self.0.lock().expect("no panic");
        state.series.entry((key.name().to_owned(), labels)).or_insert((kind, Arc::default())).1.clone()
    }

    /// The sum of all series with this name.
    pub(crate) fn counter(&self, name: &str) -> f64 {
        let state = self.0.lock().expect("no panic");
        state
            .series
            .iter()
            .filter(|((of, _), _)| of == name)
            .map(|(_, (_, series))| series.0.lock().expect("").0)
            .sum()
    }

    /// The series that were written, with their sums.
    fn all(&self) -> Vec<String> {
        let state = self.0.lock().expect("no panic");
        let show = |((name, labels), (_, series)): (&Name, &(MetricKind, Arc<Series>))| {
            let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            // Sums of floats: to the microsecond.
            let sum = (series.0.lock().expect("no panic").0 * 1e6).round() / 1e6;
            format!("{name}{{{}}} {sum}", labels.join(","))
        };
        state.series.iter().map(show).collect()
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(MetricKind::Counter, &key, unit, &help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(MetricKind::Gauge, &key, unit, &help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(MetricKind::Histogram, &key, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(MetricKind::Counter, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(MetricKind::Gauge, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(MetricKind::Histogram, key))
    }
}

#[test]
fn a_story_in_numbers() {
    let recorded = Recorded::default();
    metrics::with_local_recorder(&recorded, || {
        let mut policy = Observed::new(subject(config(), 7), Metrics::new("feed"));
        let mut tell = |millis, event| {
            let _actions = match event {
                Some(event) => policy.handle_event(at(millis), event),
                None => policy.handle_timeout(at(millis)),
            };
        };
        tell(0, Some(Event::Subscribe { key: 1, priority: 0 }));
        tell(0, Some(Event::Start));
        tell(10, Some(Event::Opened { epoch: epoch(1) }));
        tell(30, Some(ready(1)));
        tell(20_030, Some(Event::Closed { epoch: epoch(1), cause: Cause::NoCloseFrame }));
        assert_eq!(recorded.counter("redial_online"), 0.0);
        tell(21_030, None);
        tell(21_040, Some(refused(2)));
        tell(22_030, Some(Event::NetworkDown));
        tell(23_530, Some(Event::NetworkUp));
        tell(23_540, Some(Event::Opened { epoch: epoch(3) }));
        tell(23_570, Some(Event::Resumed { epoch: epoch(3) }));
        let seconds = [
            "redial_attempt_seconds{client=feed,result=established} 0.07",
            "redial_attempt_seconds{client=feed,result=failed} 0.01",
            "redial_outage_seconds{client=feed,result=recovered} 3.57",
            "redial_recovery_seconds{client=feed} 2.04",
            "redial_wait_seconds{client=feed,reason=backoff} 1",
            "redial_wait_seconds{client=feed,reason=endpoint} 0.99",
            "redial_wait_seconds{client=feed,reason=network} 1.5",
        ];
        let numbers = [
            "redial_attempt_failures_total{client=feed,cause=connection_refused} 1",
            "redial_attempts_total{client=feed,result=abandoned} 0",
            "redial_attempts_total{client=feed,result=established} 2",
            "redial_attempts_total{client=feed,result=failed} 1",
            "redial_breaker_open{client=feed} 0",
            "redial_clients{client=feed} 1",
            "redial_losses_total{client=feed,cause=no_close_frame} 1",
            "redial_online{client=feed} 1",
            "redial_outages_total{client=feed,trigger=lost} 1",
            "redial_outages_total{client=feed,trigger=start} 1",
            "redial_sessions_total{client=feed,mode=fresh} 1",
            "redial_sessions_total{client=feed,mode=resume} 1",
            "redial_subscriptions{client=feed} 1",
        ];
        let told = recorded.all();
        let (in_seconds, others): (Vec<_>, Vec<_>) =
            told.iter().map(String::as_str).partition(|line| line.contains("_seconds{"));
        assert_eq!(in_seconds, seconds);
        assert_eq!(others, numbers);
    });
}

/// Each name is described, with its unit, and each series has a described name and its labels, whatever happens.
#[test]
fn every_series_is_one_of_the_table() {
    let recorded = Recorded::default();
    metrics::with_local_recorder(&recorded, || {
        scripts::play(|seed| Metrics::new(["a", "b"][usize::from(seed % 2 == 0)]));
    });
    let state = recorded.0.lock().expect("no panic");
    let mut seen = BTreeSet::new();
    for ((name, labels), (kind, _)) in &state.series {
        let metric = METRICS.iter().find(|metric| metric.name == name).expect(name);
        assert_eq!(*kind, metric.kind, "{name}");
        let keys: Vec<_> = labels.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, [&["client"], metric.labels].concat(), "{name}");
        seen.insert(metric.name);
    }
    assert_eq!(
        seen.len(),
        METRICS.len(),
        "not written: {:?}",
        METRICS.map(|m| m.name).iter().filter(|name| !seen.contains(**name)).collect::<Vec<_>>()
    );
    for Metric { name, kind, help, .. } in METRICS {
        let (of, unit, described) = &state.described[name];
        let seconds = name.ends_with("_seconds");
        assert_eq!(
            (*of, unit.expect("a unit") == Unit::Seconds, described.as_str()),
            (kind, seconds, help),
            "{name}"
        );
        assert_eq!(name.ends_with("_total"), kind == MetricKind::Counter, "{name}");
    }
    drop(state);
    // All of the clients are gone.
    for gauge in METRICS.iter().filter(|metric| metric.kind == MetricKind::Gauge) {
        assert_eq!(recorded.counter(gauge.name), 0.0, "{}", gauge.name);
    }
}

/// Whatever a server sends, there are no more series than words.
#[test]
fn close_codes_make_no_series() {
    let recorded = Recorded::default();
    metrics::with_local_recorder(&recorded, || {
        for code in 1000..2_000 {
            let mut policy = Observed::new(subject(config(), 7), Metrics::new("feed"));
            let _open = policy.handle_event(at(0), Event::Start);
            let _opened = policy.handle_event(at(0), Event::Opened { epoch: epoch(1) });
            let _ready = policy.handle_event(at(0), ready(1));
            let _closed = policy.handle_event(at(1), closed(1, code));
        }
    });
    let lines = recorded.all();
    assert!(
        lines.iter().any(|line| line == "redial_losses_total{client=feed,cause=close} 1000"),
        "{lines:#?}"
    );
    assert!(lines.len() < 40, "{lines:#?}");
}
