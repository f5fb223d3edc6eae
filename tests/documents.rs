//! The documents of the repository name files, functions and decisions that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 10] = [
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "VERIFICATION.md",
    "docs/decisions.md",
    "docs/releasing.md",
    "docs/rules.md",
];

/// And every document of these folders.
const DOCUMENT_FOLDERS: [&str; 2] = ["docs/guide/src", "docs/migration"];

fn documents() -> Vec<String> {
    let mut documents = DOCUMENTS.map(str::to_owned).to_vec();
    for folder in DOCUMENT_FOLDERS {
        for entry in fs::read_dir(root().join(folder)).expect("a folder of documents") {
            let name = entry.expect("readable").file_name().into_string().expect("a plain name");
            if name.ends_with(".md") {
                documents.push(format!("{folder}/{name}"));
            }
        }
    }
    documents
}

/// The folders whose files a document names by their path.
const FOLDERS: [&str; 10] =
    [".ci", ".github", "benches", "bindings", "ci", "docs", "examples", "fuzz", "src", "tests"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    found
}

/// What stands between backticks outside of blocks of code.
fn code_spans(document: &str) -> Vec<&str> {
    let mut spans = Vec::new();
    let mut in_block = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            spans.extend(line.split('`').skip(1).step_by(2));
        }
    }
    spans
}

/// The path at the beginning of a code span, if it is one of the project's: `ci/sizes.sh --accept` names a file.
fn path_in(span: &str) -> Option<&str> {
    let path = span.split_whitespace().next()?.trim_end_matches(['/', ':', ',']);
    let (folder, _) = path.split_once('/')?;
    (FOLDERS.contains(&folder) && !path.contains(['*', '{', '<'])).then_some(path)
}

#[test]
fn documents_name_files_that_exist() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = read(&document);
        let spans = code_spans(&text).into_iter().filter_map(path_in);
        missing.extend(
            spans.filter(|path| !root().join(path).exists()).map(|path| format!("{document}: {path}")),
        );
    }
    assert!(missing.is_empty(), "no such file: {missing:#?}");
}

#[test]
fn documents_link_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document).parent().expect("a folder").to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { root().join(&document) } else { folder.join(path) };
            let found = file.exists() && (heading.is_empty() || headings(&read(&file)).contains(heading));
            if !found {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "broken links: {broken:#?}");
}

/// The workflows run scripts of the repository, and dependabot looks at packages of it.
#[test]
fn the_workflows_call_what_is_there() {
    let workflows = [".github/workflows/ci.yml", ".github/workflows/slow.yml"];
    let mut scripts = BTreeSet::new();
    for workflow in workflows {
        let text = read(workflow);
        let words =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
        scripts.extend(
            words.filter(|word| word.starts_with("ci/") || word.starts_with(".ci/")).map(str::to_owned),
        );
    }
    assert!(scripts.contains(".ci/run") && scripts.len() > 7, "{scripts:?}");
    let text = read(".github/dependabot.yml");
    let folders = text
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| word.len() > 1)
        .filter_map(|word| word.strip_prefix('/'));
    scripts.extend(folders.map(|folder| format!("{folder}/Cargo.toml")));
    let missing: Vec<_> = scripts.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "no such file: {missing:?}");
}

/// The anchors of a document's headings, as GitHub makes them.
fn headings(document: &str) -> BTreeSet<String> {
    let titles = document.lines().filter(|line| line.starts_with('#'));
    let anchor = |title: &str| {
        let kept = title.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .collect::<String>()
            .replace(' ', "-")
    };
    titles.map(anchor).collect()
}

/// `lose()` in `ARCHITECTURE.md` is a function in `src`.
#[test]
fn the_architecture_names_functions_that_exist() {
    let code: String = all_sources().iter().map(read).collect();
    let text = read("ARCHITECTURE.md");
    let names: BTreeSet<_> =
        code_spans(&text).into_iter().filter_map(|span| span.strip_suffix("()")).collect();
    assert!(names.len() > 15, "the trace names functions: {names:?}");
    let missing: Vec<_> = names
        .into_iter()
        .filter(|name| !["(", "<"].iter().any(|after| code.contains(&format!("fn {name}{after}"))))
        .collect();
    assert!(missing.is_empty(), "no such function in src: {missing:?}");
}

/// Each module of the crate, and each of the policy, is in the code map.
#[test]
fn the_code_map_names_every_module() {
    let text = read("ARCHITECTURE.md");
    let map = text.split("## Code map").nth(1).expect("the section is there");
    let map = map.split("\n## ").next().unwrap_or_default();
    let words: BTreeSet<&str> = map.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut missing = BTreeSet::new();
    for file in all_sources() {
        let path = file.strip_prefix(root().join("src")).expect("below src");
        let mut parts = path.iter().map(|part| part.to_string_lossy().trim_end_matches(".rs").to_owned());
        let first = parts.next().expect("a name");
        let second = parts.next().filter(|_| first == "policy");
        missing.extend(
            [Some(first), second].into_iter().flatten().filter(|module| {
                !["lib", "mod"].contains(&module.as_str()) && !words.contains(module.as_str())
            }),
        );
    }
    assert!(missing.is_empty(), "not in the code map of ARCHITECTURE.md: {missing:?}");
}

/// Ids such as `D-POLICY-07` in a text.
fn decisions_in(text: &str) -> Vec<String> {
    let id = |rest: &str| {
        let (module, rest) = rest.split_once('-')?;
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let named = !module.is_empty() && module.chars().all(|c| c.is_ascii_uppercase());
        (named && number.len() == 2).then(|| format!("D-{module}-{number}"))
    };
    text.match_indices("D-").filter_map(|(at, _)| id(&text[at + 2..])).collect()
}

/// Every decision has an id of its own, counted within its module without a gap, and a reason; and no document names a
/// decision that there is not.
#[test]
fn decisions_have_ids_and_reasons() {
    let text = read("docs/decisions.md");
    let entries: Vec<&str> = text.split("\n- **D-").skip(1).collect();
    assert!(entries.len() >= 98, "a decision that is replaced stays, and names its successor");
    let mut ids = BTreeSet::new();
    for entry in entries {
        let entry = format!("D-{}", entry.split("\n#").next().unwrap_or_default());
        let id = decisions_in(&entry).into_iter().next().unwrap_or_else(|| panic!("no id: {entry}"));
        let (module, number) = id.rsplit_once('-').expect("two parts");
        let before = format!("{module}-{:02}", number.parse::<u32>().expect("two digits") - 1);
        assert!(number == "01" || ids.contains(&before), "{id} does not follow {before}");
        assert!(ids.insert(id.clone()), "{id} is there twice");
        assert!(entry.contains("*Why:*"), "{id} has no reason");
    }
    for document in documents() {
        let unknown: Vec<_> =
            decisions_in(&read(&document)).into_iter().filter(|id| !ids.contains(id)).collect();
        assert!(unknown.is_empty(), "{document} names {unknown:?}, which are no decisions");
    }
}

/// The code of an example, without the comment on top.
fn example(name: &str) -> String {
    let servers = format!("examples/beside/{name}.rs");
    read(if root().join(&servers).exists() { servers } else { format!("examples/{name}.rs") })
        .lines()
        .filter(|line| !line.starts_with("//!"))
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// The README says how many lines each client takes: those that are neither blank nor a comment.
#[test]
fn the_readme_counts_the_lines_of_the_examples() {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, _, lines, name, command, _] = cells[..] else { return None };
        let name = name.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let lines = lines.parse::<usize>().ok()?;
        let begins =
            [format!("`cargo run --example {name} "), format!("`cargo run -p redial-beside --bin {name} ")];
        assert!(begins.iter().any(|begin| command.starts_with(begin)), "{name}: {command}");
        Some((name, lines))
    });
    let rows: Vec<_> = rows.collect();
    let servers =
        ["redis_pubsub", "mqtt", "nats", "postgres_listen", "sse", "watch", "pool"].map(|name| (name, 120));
    let mut bounds = vec![("websocket", 12), ("chat", 40), ("supervise", 16)];
    bounds.extend(servers);
    bounds.push(("blocking", 60));
    assert_eq!(rows.len(), bounds.len(), "{rows:?}");
    for ((name, lines), bound) in rows.iter().zip(bounds) {
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        assert_eq!(example(name).lines().filter(is_code).count(), *lines, "{name}");
        assert!(name == bound.0 && *lines <= bound.1, "{name} has {lines} lines, and may have {}", bound.1);
    }
}

/// What the README shows is what is tested.
#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = read("README.md");
    for name in ["supervise", "websocket"] {
        assert!(
            readme.contains(&format!("```rust,ignore\n{}\n```\n", example(name))),
            "{name} is another in the README"
        );
    }
}

/// The programs of the examples: a file for each, or a folder with a `main.rs`.
fn examples() -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["examples", "examples/beside"] {
        for entry in
            fs::read_dir(root().join(folder)).expect("examples").map(|entry| entry.expect("readable").path())
        {
            let is_program = entry.extension().is_some_and(|extension| extension == "rs")
                || entry.join("main.rs").exists();
            let name = entry.file_stem().expect("a name").to_string_lossy().into_owned();
            names.extend(Some(name).filter(|name| is_program && name != "tests"));
        }
    }
    names
}

/// Somebody can find it, and it can't stop working without notice.
#[test]
fn every_example_is_listed_and_tested() {
    let examples = examples();
    assert!(examples.len() > 20, "{examples:?}");
    let documents: String = documents().iter().map(read).collect();
    let mut tests = Vec::new();
    for folder in ["tests", "examples/beside/tests"] {
        sources(&root().join(folder), &mut tests);
    }
    let own = Path::new(file!()).file_name();
    let tests: String = tests.iter().filter(|path| path.file_name() != own).map(read).collect();
    let manifest = read("Cargo.toml");
    for name in examples {
        let listed =
            [format!("`{name}`"), format!("{name}.rs"), format!("--example {name}"), format!("--bin {name}")];
        assert!(listed.iter().any(|words| documents.contains(words)), "no document names the example {name}");
        let tests_itself = manifest.split("[[example]]").any(|section| {
            section.contains(&format!("name = \"{name}\"\n")) && section.contains("\ntest = true")
        });
        let run = [format!("\"{name}\""), format!("/{name}.rs"), format!("CARGO_BIN_EXE_{name}\"")];
        let tested = tests_itself || run.iter().any(|words| tests.contains(words));
        assert!(tested, "no test runs the example {name}");
    }
}
