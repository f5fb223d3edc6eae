//! Network namespaces: one for this program, so that nothing that it does to links is seen outside, and one for each server.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sched::CloneFlags;
use nix::unistd::Uid;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::time::pause;

/// Set where this program runs in namespaces of its own.
const INSIDE: &str = "REDIAL_CHAOS_INSIDE";

/// How many connections may wait for a server to accept them, so that the queue can be filled.
const QUEUE: u8 = 8;

/// Where this process is.
pub(crate) enum Here {
    /// In namespaces of its own, in which it may make others.
    Inside,
    /// In those of the user, who may make none, for this reason.
    Outside(String),
    /// It was another that ran inside, with this status.
    Ran(ExitCode),
}

/// Runs this program again in namespaces of its own, where the user may make them. With the process that this starts everything ends
/// that the other one has started.
pub(crate) fn enter() -> Here {
    if std::env::var_os(INSIDE).is_some() {
        return match with_short_tables() {
            Ok(()) => Here::Inside,
            Err(error) => Here::Outside(format!("a second namespace: {error}")),
        };
    }
    if !Path::new("/dev/net/tun").exists() {
        return Here::Outside("there is no /dev/net/tun".to_owned());
    }
    // Whether it can be done, and with devices.
    let probe = isolated("sh")
        .args(["-c", "ip link set lo up && ip tuntap add chaos mode tun"])
        .stdin(Stdio::null())
        .output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            return Here::Outside(said.lines().next().unwrap_or("unshare failed").trim().to_owned());
        }
        Err(error) => return Here::Outside(format!("unshare (util-linux): {error}")),
    }
    match run_again() {
        Ok(status) => Here::Ran(status),
        Err(error) => Here::Outside(error.to_string()),
    }
}

/// A command in new namespaces of network and processes, all of which end with it.
fn isolated(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("unshare");
    if !Uid::effective().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"]).arg(program);
    command
}

fn run_again() -> io::Result<ExitCode> {
    let asked = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    let arguments = std::env::args_os().skip(1);
    let mut inside = isolated(std::env::current_exe()?).args(arguments).env(INSIDE, "1").spawn()?;
    loop {
        if let Some(status) = inside.try_wait()? {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        if asked.load(Ordering::Relaxed) {
            inside.kill()?;
        }
        pause(Duration::from_millis(20));
    }
}

/// Moves to a namespace whose table of connections is its own. The table that all others share has hundreds of thousands of places on
/// some machines, and whoever lists the connections of one namespace walks through all of them.
fn with_short_tables() -> io::Result<()> {
    const PLACES: &str = "1024";
    // Before Linux 6.1 there is no such setting, and the list takes its time.
    std::fs::write("/proc/sys/net/ipv4/tcp_child_ehash_entries", PLACES).unwrap_or_default();
    nix::sched::unshare(CloneFlags::CLONE_NEWNET)?;
    loopback_up()
}

/// Moves this thread, and those that it starts, to a new network namespace, whose servers have a short queue.
pub(crate) fn leave_for_another() -> io::Result<()> {
    nix::sched::unshare(CloneFlags::CLONE_NEWNET)?;
    loopback_up()?;
    std::fs::write("/proc/sys/net/core/somaxconn", QUEUE.to_string())
}

fn loopback_up() -> io::Result<()> {
    let status = Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("ip link set lo up: {status}"))) }
}
