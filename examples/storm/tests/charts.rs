//! The charts: that they are there, with everything named, and that no text covers another.

mod common;

use std::fs;

use common::{folder, output, printed};

/// The texts of an SVG: left edge, baseline, and what they say.
fn texts(svg: &str) -> Vec<String> {
    svg.split("<text")
        .skip(1)
        .filter_map(|text| Some(text.split_once('>')?.1.split_once("</text>")?.0.trim().to_owned()))
        .collect()
}

fn drawn(arguments: &[&str], name: &str) -> String {
    let out = folder(name).join("chart-1.5");
    let out = out.display().to_string();
    assert_eq!(printed(&[arguments, &["--out", &out]].concat()), "");
    let png = fs::read(format!("{out}.png")).expect("a chart");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{} bytes", png.len());
    let svg = fs::read_to_string(format!("{out}.svg")).expect("a chart");
    assert!(svg.contains("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
    svg
}

#[test]
fn load_and_recovery_over_time() {
    let policies = ["draw", "load", "policies/full.json", "policies/steady.toml"];
    let svg = drawn(&[policies.as_slice(), &["--scenario", "flapping", "--clients", "200"]].concat(), "load");
    let texts = texts(&svg);
    for name in
        ["full", "steady", "dials a second", "clients connected, %", "what the servers take; the ideal"]
    {
        assert!(texts.iter().any(|text| text == name), "{name} in {texts:?}");
    }
    // The grey of four outages, in both panels.
    assert_eq!(svg.matches("fill=\"#E1E1E1\"").count(), 8);
}

#[test]
fn attempts_against_recovery() {
    let policies = ["draw", "frontier", "policies/full.json", "policies/full.json:backoff.max_ms=60000"];
    let more = ["policies/full.json:max_attempts=2", "policies/full.json:backoff.max_ms=5000"];
    let rest = ["--count", "4", "--clients", "100", "--attempts-to", "25", "--grid", "grid.toml"];
    let svg = drawn(&[policies.as_slice(), &more, &rest].concat(), "frontier");
    let texts = texts(&svg);
    for name in [
        "full",
        "policies/full.json:backoff.max_ms=60000",
        "Not shown, since some clients never come back: policies/full.json:max_attempts=2",
        "Beyond the edges: policies/full.json:backoff.max_ms=5000",
    ] {
        assert!(texts.iter().any(|text| text == name), "{name} in {texts:?}");
    }
}

#[test]
fn what_can_not_be_drawn_is_said() {
    let out = folder("no-chart").join("missing/chart").display().to_string();
    let run = |arguments: &[&str]| {
        let output = output(&[arguments, &["--out", &out]].concat());
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let many = ["draw", "load", "grpc", "grpc", "grpc", "grpc", "grpc", "grpc", "grpc", "grpc"];
    let (status, said) = run(&[many.as_slice(), &["--scenario", "lone-drop"]].concat());
    assert_eq!((status, said.as_str()), (Some(2), "storm: 8 policies; a chart has 7 at most\n"));
    let (status, said) = run(&["draw", "load", "grpc", "--scenario", "lone-drop"]);
    assert!(
        status == Some(1) && said.contains("chart.svg") && said.lines().count() == 1,
        "{status:?} {said}"
    );
    let gives_up = ["draw", "frontier", "grpc:max_attempts=1", "--count", "2", "--clients", "20"];
    let (status, said) = run(&gives_up);
    assert!(status == Some(2) && said.contains("nothing to draw"), "{status:?} {said}");
}
