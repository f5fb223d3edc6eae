//! A copy of the checkout in which all mutants are, built until all of them compile.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cfgs::Cfgs;
use crate::files;
use crate::listed::Mutant;
use crate::places::{Place, Standing, places};
use crate::schema::Schema;
use crate::text::Text;

/// What the tests below need. `record`, `testing`, `proptest` and `arbitrary` are those of every test build.
pub(crate) const FEATURES: [&str; 11] = [
    "default",
    "std",
    "alloc",
    "chacha",
    "serde",
    "record",
    "testing",
    "proptest",
    "arbitrary",
    "driver",
    "sim",
];
/// The features that these stand for, too.
const IMPLIED: [&str; 1] = ["driver-core"];
/// The test programs that judge the core.
const TESTS: [&str; 8] =
    ["decisions", "explorations", "history", "record", "replay", "corpus", "states", "schedule"];
const SWITCH: [(&str, &str); 2] = [
    ("Cargo.toml", include_str!("../switch/Cargo.toml")),
    ("src/lib.rs", include_str!("../switch/src/lib.rs")),
];

const DEPENDENCY: &str = "[dependencies]\nredial-switch = { path = \"../switch\" }\n";

/// A program of tests: its name, and where it is.
pub(crate) type Program = (String, PathBuf);

pub(crate) struct Copy<'a> {
    root: &'a Path,
    work: &'a Path,
    mutants: &'a [Mutant],
    texts: &'a HashMap<String, Text>,
    /// Of each mutant, by its number less one.
    pub(crate) standings: Vec<Standing>,
    /// What the compiler says of those that it refuses, and whether a part of the file that only the mutant has is to blame.
    pub(crate) refused: BTreeMap<u32, (String, bool)>,
}

impl<'a> Copy<'a> {
    pub(crate) fn new(
        root: &'a Path,
        work: &'a Path,
        mutants: &'a [Mutant],
        texts: &'a HashMap<String, Text>,
    ) -> Result<Self> {
        let cfgs = Cfgs::new(&[&FEATURES[..], &IMPLIED[..]].concat())?;
        let mut standings = vec![Standing::Absent; mutants.len()];
        for (file, text) in texts {
            let of_file: Vec<usize> = (0..mutants.len()).filter(|at| mutants[*at].file == *file).collect();
            let listed: Vec<&Mutant> = of_file.iter().map(|at| &mutants[*at]).collect();
            for (at, standing) in of_file.into_iter().zip(places(text, &listed, &cfgs)?) {
                standings[at] = standing;
            }
        }
        Ok(Self { root, work, mutants, texts, standings, refused: BTreeMap::new() })
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.work.join("copy")
    }

    /// The programs of the tests, once everything in them compiles.
    pub(crate) fn build(&mut self) -> Result<Vec<Program>> {
        self.copy_the_rest()?;
        self.recall();
        for round in 1.. {
            let schemata = self.write()?;
            let (messages, built) = self.compile()?;
            let refused = self.refused.len();
            for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
                self.refuse(&message["message"], &schemata)?;
            }
            if self.refused.len() == refused {
                if !built {
                    bail!("the copy does not compile, see {}", self.work.join("cargo.log").display());
                }
                self.keep()?;
                return Ok(programs(&messages));
            }
            eprintln!("compiled {round} times, {} mutants are refused", self.refused.len());
        }
        unreachable!("a loop without an end")
    }

    /// What is no source of the core: as it is, but for the dependency on the switch.
    fn copy_the_rest(&self) -> Result<()> {
        for (file, text) in SWITCH {
            files::write_changed(&self.work.join("switch").join(file), text.as_bytes())?;
        }
        files::mirror(self.root, &self.folder(), |file, text| match file {
            "Cargo.toml" => Some(text.replacen("[dependencies]\n", DEPENDENCY, 1)),
            _ => (!self.texts.contains_key(file)).then_some(text),
        })
    }

    /// The sources of the core, with what is not refused.
    fn write(&self) -> Result<HashMap<&'a str, Schema>> {
        let mut schemata = HashMap::new();
        for (file, text) in self.texts {
            let placed: Vec<_> = self.compiled().filter(|(_, mutant, _)| mutant.file == *file).collect();
            let schema = Schema::new(text, &placed);
            files::write_changed(&self.folder().join(file), schema.text.as_bytes())?;
            schemata.insert(file.as_str(), schema);
        }
        Ok(schemata)
    }

    /// What is in the copy: the numbers, counted from 1.
    pub(crate) fn compiled(&self) -> impl Iterator<Item = (u32, &'a Mutant, &Place)> {
        (1..).zip(self.mutants).zip(&self.standings).filter_map(|((number, mutant), standing)| match standing
        {
            Standing::At(place) if !self.refused.contains_key(&number) => Some((number, mutant, place)),
            _ => None,
        })
    }

    /// What was refused the last time is so again, if no source has changed.
    fn recall(&mut self) {
        let Ok(kept) = fs::read_to_string(self.work.join("refused.tsv")) else { return };
        let mut rows = kept.lines();
        if rows.next() != Some(&self.fingerprint()) {
            return;
        }
        for row in rows {
            if let [number, alone, said] = row.splitn(3, '\t').collect::<Vec<_>>()[..] {
                self.refused
                    .extend(number.parse().map(|number: u32| (number, (said.to_owned(), alone == "true"))));
            }
        }
    }

    /// Of the sources and their mutants.
    fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.mutants.iter().for_each(|mutant| mutant.name.hash(&mut hasher));
        let mut files: Vec<_> = self.texts.iter().map(|(file, text)| (file, &text.whole)).collect();
        files.sort();
        files.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn keep(&self) -> Result<()> {
        let mut kept = self.fingerprint() + "\n";
        for (number, (said, alone)) in &self.refused {
            kept += &format!("{number}\t{alone}\t{}\n", said.replace('\n', " "));
        }
        Ok(fs::write(self.work.join("refused.tsv"), kept)?)
    }

    fn compile(&self) -> Result<(Vec<Value>, bool)> {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.folder()).args([
            "+nightly",
            "test",
            "--no-run",
            "--message-format",
            "json",
            "--lib",
        ]);
        for test in TESTS {
            cargo.args(["--test", test]);
        }
        cargo.args(["--no-default-features", "--features", &FEATURES.join(",")]);
        // A mutant may be as careless as it likes, and the tests of all of them are to be quick.
        cargo.env("RUSTFLAGS", "--cap-lints allow").env("CARGO_TARGET_DIR", self.work.join("target"));
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        cargo.stdin(Stdio::null()).stderr(fs::File::create(self.work.join("cargo.log"))?);
        let output = cargo.output().context("cargo")?;
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{"));
        Ok((lines.map(serde_json::from_slice).collect::<Result<_, _>>()?, output.status.success()))
    }

    fn refuse(&mut self, message: &Value, schemata: &HashMap<&str, Schema>) -> Result<()> {
        let text = message["message"].as_str().unwrap_or_default();
        let spans = spans(message);
        if spans.is_empty() && (text.starts_with("aborting") || text.starts_with("could not compile")) {
            return Ok(());
        }
        let code = message["code"]["code"].as_str().unwrap_or("error");
        let mut blamed: Vec<(Vec<u32>, bool)> = Vec::new();
        for (file, range) in &spans {
            blamed.extend(schemata.get(file.as_str()).map(|schema| schema.blamed(range)));
        }
        let (mutants, alone) = blamed
            .iter()
            .find(|(mutants, alone)| *alone && !mutants.is_empty())
            .or_else(|| blamed.iter().find(|(mutants, _)| !mutants.is_empty()))
            .with_context(|| {
                format!("no mutant is to blame: {}", message["rendered"].as_str().unwrap_or(text))
            })?;
        // Of several around it, one at a time: without the last, the others may compile.
        let from = if *alone { 0 } else { mutants.len() - 1 };
        for mutant in &mutants[from..] {
            self.refused
                .entry(*mutant)
                .or_insert_with(|| (format!("{code}: {text}"), *alone || mutants.len() > 1));
        }
        Ok(())
    }
}

/// The places in the sources that a message shows, the one it is about first.
fn spans(message: &Value) -> Vec<(String, Range<usize>)> {
    let mut spans: Vec<&Value> = message["spans"].as_array().into_iter().flatten().collect();
    spans.sort_by_key(|span| span["is_primary"] != true);
    let mut found = Vec::new();
    for mut span in spans {
        while let Some(outer) = span.pointer("/expansion/span").filter(|outer| outer.is_object()) {
            span = outer;
        }
        let at = |end: &str| span[end].as_u64().map(|at| at as usize);
        if let (Some(file), Some(start), Some(end)) =
            (span["file_name"].as_str(), at("byte_start"), at("byte_end"))
        {
            found.push((file.to_owned(), start..end));
        }
    }
    found
}

fn programs(messages: &[Value]) -> Vec<Program> {
    let tests = messages.iter().filter(|message| message["profile"]["test"] == true);
    tests
        .filter_map(|message| {
            Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect()
}
