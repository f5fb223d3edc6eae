//! The dashboard and the rules of `docs/operations`, and the table of the module, name what is there.

use std::collections::BTreeSet;

use redial::telemetry::{METRICS, MetricKind};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../docs/operations/grafana-dashboard.json");
const RULES: &str = include_str!("../../docs/operations/prometheus-rules.yml");
const TESTS: &str = include_str!("../../docs/operations/prometheus-rules.test.yml");
const MODULE: &str = include_str!("../../src/telemetry.rs");

/// The names of this crate's metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("redial_")).collect()
}

/// What Prometheus calls it.
fn series(name: &'static str, kind: MetricKind) -> Vec<String> {
    let suffixes: &[&str] =
        if kind == MetricKind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

#[test]
fn dashboard_and_rules_name_only_metrics_that_are_written() {
    let written: Vec<_> = METRICS.iter().flat_map(|metric| series(metric.name, metric.kind)).collect();
    let is_written = |name: &&str| written.iter().any(|known| known == name);
    let expressions: String = panels().iter().flat_map(expressions).collect::<Vec<_>>().join("\n");
    let rules: Vec<_> = RULES.lines().filter(|line| !line.contains("description:")).collect();
    for text in [&expressions, &rules.join("\n"), TESTS.split("exp_").next().unwrap_or_default()] {
        let unknown: Vec<_> = named(text).into_iter().filter(|name| !is_written(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    // The descriptions name a metric, not its series.
    for name in named(RULES).iter().filter(|name| !is_written(name)) {
        assert!(METRICS.iter().any(|metric| metric.name == *name), "{name}");
    }
    // And the dashboard shows them all.
    let shown = named(&expressions);
    let hidden = METRICS
        .iter()
        .filter(|metric| !series(metric.name, metric.kind).iter().any(|name| shown.contains(name.as_str())));
    assert_eq!(hidden.map(|metric| metric.name).collect::<Vec<_>>(), [""; 0]);
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("JSON")
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().expect("panels").clone()
}

fn expressions(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().cloned().unwrap_or_default();
    targets.iter().map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect()
}

/// What Grafana needs of an import, as far as it does not fill it in itself.
#[test]
fn the_dashboard_can_be_imported() {
    let all = dashboard();
    assert_eq!((all["title"].as_str(), all["uid"].as_str()), (Some("redial"), Some("redial")));
    assert!(all["schemaVersion"].as_u64().is_some_and(|version| version >= 36) && all["id"].is_null());
    let variables = all["templating"]["list"].as_array().expect("variables");
    let variables: BTreeSet<_> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels() {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()), "{panel}");
        let place = |key: &str| panel["gridPos"][key].as_u64().expect(key);
        assert!(place("x") + place("w") <= 24, "{panel}");
        for (x, y) in (0..place("w")).flat_map(|x| (0..place("h")).map(move |y| (x, y))) {
            assert!(taken.insert((place("x") + x, place("y") + y)), "two panels in one place: {panel}");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}");
        let expressions = expressions(&panel);
        assert!(!expressions.is_empty() && !panel["description"].is_null(), "{panel}");
        for expression in expressions {
            let used = expression.split('$').skip(1).map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            });
            for variable in used {
                assert!(
                    variables.contains(variable) || variable.starts_with("__"),
                    "${variable}: {expression}"
                );
            }
        }
    }
    assert!(ids.len() > 15);
}

/// The table in the documentation is the constant.
#[test]
fn the_table_of_metrics_is_whole() {
    let table = MODULE.split("# Metrics").nth(1).expect("a table");
    let rows: Vec<[&str; 3]> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `redial_"))
        .map(|row| {
            let mut cells = row.split('|').map(|cell| cell.trim_matches(['`', ' ']));
            [(); 3].map(|()| cells.next().expect("a cell"))
        })
        .collect();
    let expected = METRICS.map(|metric| {
        let labels = metric.labels.first().copied().unwrap_or_default();
        [metric.name.trim_start_matches("redial_"), metric.kind.as_str(), labels]
    });
    assert_eq!(rows, expected);
}
