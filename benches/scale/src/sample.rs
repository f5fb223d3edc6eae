//! What the two kinds of processes say of themselves when they are asked: numbers, one line.

use std::fs;
use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// Numbers in a line.
pub(crate) trait Sample: Sized {
    fn numbers(&self) -> Vec<u64>;

    /// `None`: these are not its numbers.
    fn read(numbers: &[u64]) -> Option<Self>;

    fn to_line(&self) -> String {
        self.numbers().iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
    }

    fn of_line(line: &str) -> Option<Self> {
        let numbers: Option<Vec<_>> = line.split_whitespace().map(|number| number.parse().ok()).collect();
        Self::read(&numbers?)
    }
}

/// What a server has taken since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Connections that are open, with their upgrade done.
    pub(crate) open: u64,
    /// The most that it accepted within a second.
    pub(crate) peak: u64,
}

impl Sample for Served {
    fn numbers(&self) -> Vec<u64> {
        vec![self.open, self.peak]
    }

    fn read(numbers: &[u64]) -> Option<Self> {
        let [open, peak] = *numbers else { return None };
        Some(Self { open, peak })
    }
}

/// What a client has done, with all of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) dials: u64,
    /// Dials that led to a connection.
    pub(crate) connected: u64,
    /// Bytes of the process in memory.
    pub(crate) resident: u64,
    /// The most that there ever were. The kernel notes a new most late and counts in shares, so that it says less than it had
    /// said were resident before: a reader takes the larger of both.
    pub(crate) most_resident: u64,
    /// Of the processor, the kernel's part as well.
    pub(crate) cpu: Duration,
}

impl Used {
    /// The part of it that is this process'.
    ///
    /// # Errors
    /// The kernel does not say it.
    pub(crate) fn now(dials: u64, connected: u64) -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let bytes = |name| {
            kibibytes(&status, name)
                .map(|kibibytes| kibibytes * 1_024)
                .ok_or_else(|| io::Error::other(format!("/proc/self/status has no {name}")))
        };
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let micros = [usage.user_time(), usage.system_time()]
            .iter()
            .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec())
            .sum::<i64>();
        Ok(Self {
            dials,
            connected,
            resident: bytes("VmRSS:")?,
            most_resident: bytes("VmHWM:")?,
            cpu: Duration::from_micros(micros.unsigned_abs()),
        })
    }
}

/// The number behind this name.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

impl Sample for Used {
    fn numbers(&self) -> Vec<u64> {
        let Self { dials, connected, resident, most_resident, cpu } = *self;
        vec![dials, connected, resident, most_resident, u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX)]
    }

    fn read(numbers: &[u64]) -> Option<Self> {
        let [dials, connected, resident, most_resident, micros] = *numbers else { return None };
        let cpu = Duration::from_micros(micros);
        Some(Self { dials, connected, resident, most_resident, cpu })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_as_it_was_written() {
        let served = Served { open: 7, peak: 3 };
        assert_eq!(Served::of_line(&served.to_line()), Some(served));
        let used = Used {
            dials: 5,
            connected: 2,
            resident: 4_096,
            most_resident: 8_192,
            cpu: Duration::from_millis(12),
        };
        assert_eq!(Used::of_line(&used.to_line()), Some(used));
        for other in ["", "1", "1 2 3", "1 x"] {
            assert_eq!(Served::of_line(other), None, "{other}");
        }
    }

    #[test]
    fn the_size_of_a_process_is_found_in_what_the_kernel_says() {
        let status = "Name:\tscale\nVmHWM:\t  123 kB\nVmRSS:\t   45 kB\n";
        assert_eq!(kibibytes(status, "VmRSS:"), Some(45));
        assert_eq!(kibibytes(status, "VmHWM:"), Some(123));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }
}
