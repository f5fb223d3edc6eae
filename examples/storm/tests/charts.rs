//! The charts: that they are there, with everything named, and that no text covers another.

mod common;

use std::fs;

use common::{folder, output, printed};

/// The texts of an SVG.
fn texts(svg: &str) -> Vec<String> {
    svg.split("<text")
        .skip(1)
        .filter_map(|text| Some(text.split_once('>')?.1.split_once("</text>")?.0.trim().to_owned()))
        .collect()
}

/// The left, upper, right and lower edge of each text that begins at its place, about.
fn boxes(svg: &str) -> Vec<(f64, f64, f64, f64)> {
    let boxed = |text: &str| {
        let (tag, rest) = text.split_once('>')?;
        let number =
            |key: &str| tag.split_once(&format!("{key}=\""))?.1.split_once('"')?.0.parse::<f64>().ok();
        let says = rest.split_once("</text>")?.0.trim();
        let (x, y, size) = (number(" x")?, number(" y")?, number("font-size")?);
        let is_label = tag.contains("text-anchor=\"start\"");
        // A letter is half as wide as it is high at least.
        is_label.then(|| (x, y - size / 2.0, x + 0.5 * size * says.len() as f64, y + size / 2.0))
    };
    svg.split("<text").skip(1).filter_map(boxed).collect()
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

/// So many points in one place that most of their labels must step aside.
#[test]
fn no_label_covers_another() {
    let policies: Vec<_> =
        (0..9).map(|number| format!("policies/full.json:backoff.max_ms={}", 30_000 + number)).collect();
    let mut arguments = vec!["draw", "frontier", "--count", "3", "--clients", "60"];
    arguments.extend(policies.iter().map(String::as_str));
    let boxes = boxes(&drawn(&arguments, "labels"));
    assert_eq!(boxes.len(), policies.len());
    for (number, a) in boxes.iter().enumerate() {
        for b in &boxes[number + 1..] {
            let apart = a.0 >= b.2 || b.0 >= a.2 || a.1 + 2.0 >= b.3 || b.1 + 2.0 >= a.3;
            assert!(apart, "{a:?} and {b:?}");
        }
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
