//! How many files a process may have open.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a process has open beside its connections.
const BESIDE: u64 = 64;

/// Raises the limit as far as it goes, for this process and those that it starts. Each holds one end of each connection.
///
/// # Errors
/// It is too low for so many connections.
pub(crate) fn raise(connections: u32) -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    enough(connections, most).map_err(io::Error::other)
}

fn enough(connections: u32, most: u64) -> Result<(), String> {
    let needed = u64::from(connections) + BESIDE;
    if needed <= most {
        return Ok(());
    }
    let fewer = most.saturating_sub(BESIDE);
    Err(format!(
        "{connections} connections need {needed} open files a process, and the limit is {most}: raise it as root with `ulimit -Hn {needed}`, \
         or measure `--connections {fewer}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_too_low_says_what_to_do() {
        assert_eq!(enough(10_000, 10_064), Ok(()));
        let error = enough(10_000, 10_063).unwrap_err();
        assert!(error.contains("ulimit -Hn 10064") && error.contains("--connections 9999"), "{error}");
        assert!(enough(1, 10).unwrap_err().contains("--connections 0"));
    }
}
