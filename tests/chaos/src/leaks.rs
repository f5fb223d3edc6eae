//! What this process has: threads, descriptors, memory. A run that leaves more than it found has lost something.

use std::fs;

use crate::time::eventually;

/// The bytes of a page, as the kernel counts memory.
const PAGE: u64 = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    threads: usize,
    descriptors: usize,
}

impl Usage {
    pub(crate) fn now() -> Self {
        Self { threads: entries("/proc/self/task"), descriptors: entries("/proc/self/fd") }
    }

    /// Waits until no more is there than this.
    ///
    /// # Errors
    /// What is left.
    pub(crate) fn check(&self) -> Result<(), String> {
        // Threads of a pool that have nothing to do take their time to end.
        eventually(crate::time::PATIENCE, || {
            let now = Self::now();
            if now.threads > self.threads || now.descriptors > self.descriptors {
                return Err(format!("there were {self:?}, and there are {now:?}"));
            }
            Ok(())
        })
    }
}

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).map(Iterator::count).unwrap_or_default()
}

/// The bytes of memory that this process has.
pub(crate) fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * PAGE
}

/// By how many bytes a fault the memory grows, as a straight line through these samples has it.
pub(crate) fn slope(samples: &[(u32, u64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: &dyn Fn(&(u32, u64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (played, bytes) = (mean(&|sample| f64::from(sample.0)), mean(&|sample| sample.1 as f64));
    let (mut both, mut square) = (0.0, 0.0);
    for (at, value) in samples {
        let distance = f64::from(*at) - played;
        both += distance * (*value as f64 - bytes);
        square += distance * distance;
    }
    if square > 0.0 { both / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{Usage, resident, slope};

    #[test]
    fn a_slope_is_found_in_noise() {
        let line = |step: u64| {
            (0..100).map(|at| (at, 1_000 + u64::from(at) * step + u64::from(at % 7))).collect::<Vec<_>>()
        };
        assert!(slope(&line(0)).abs() < 1.0);
        assert!((slope(&line(50)) - 50.0).abs() < 1.0);
        assert!(slope(&[]).abs() < 1.0 && slope(&[(1, 1)]).abs() < 1.0);
    }

    #[test]
    fn what_is_open_is_counted() {
        let before = Usage::now();
        let file = File::open("/proc/self/stat").expect("it is there");
        assert!(Usage::now().descriptors > before.descriptors);
        drop(file);
        assert!(before.threads >= 1 && resident() > 0);
    }
}
