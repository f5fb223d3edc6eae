//! `redial_errno.h` reads an errno as the library does.

use std::io::Error;
use std::path::Path;
use std::process::Command;
use std::string::String;

use core_policy::IoKind;

const PROGRAM: &str = r#"
#include <stdio.h>
#include "redial_errno.h"
int main(void) {
    for (int error = 1; error < 134; error++) printf("%u\n", (unsigned)redial_cause_of_errno(error).detail);
    return 0;
}
"#;

/// What `std` has no kind for, as in `src/causes/io.rs` of the library.
const OTHERS: &[(i32, IoKind)] = &[
    (23, IoKind::TooManyOpenFiles),
    (24, IoKind::TooManyOpenFiles),
    (64, IoKind::NetworkDown),
    (93, IoKind::Unsupported),
    (96, IoKind::Unsupported),
    (97, IoKind::Unsupported),
    (102, IoKind::NetworkReset),
    (105, IoKind::NoBufferSpace),
    (108, IoKind::BrokenPipe),
    (112, IoKind::HostDown),
];

/// The kind with the name of that of `std`.
fn kind_of(number: i32) -> IoKind {
    if let Some((_, kind)) = OTHERS.iter().find(|(other, _)| *other == number) {
        return *kind;
    }
    let mut name = String::new();
    for c in format!("{:?}", Error::from_raw_os_error(number).kind()).chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    IoKind::from_name(&name).unwrap_or(IoKind::Other)
}

#[test]
fn an_errno_is_read_as_the_library_reads_it() {
    let folder = std::env::temp_dir().join(format!("redial-errno-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, program) = (folder.join("errno.c"), folder.join("errno"));
    std::fs::write(&source, PROGRAM).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiled = Command::new("cc").arg("-I").arg(include).arg(&source).arg("-o").arg(&program).status();
    assert!(compiled.unwrap().success());
    let printed = Command::new(&program).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    for (error, line) in (1..).zip(text.lines()) {
        let kind = crate::cause::redial_io_kind::read(line.parse().unwrap());
        assert_eq!(kind, Some(kind_of(error)), "{}", Error::from_raw_os_error(error));
    }
    assert_eq!(text.lines().count(), 133);
}
