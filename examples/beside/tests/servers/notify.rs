//! `postgres_listen`.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio_postgres::{Client, NoTls};

use crate::common::{Example, Running, connections, eventually, free_port, is_short};

/// Whom the server runs as where the test runs as root, which it refuses.
const NOBODY: u32 = 65_534;

/// A server, in a folder of its own.
struct Postgres {
    process: Option<Running>,
    port: u16,
    folder: PathBuf,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.process = None;
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).arg("-D").arg(folder.join("data"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if fs::metadata(folder).unwrap().uid() == NOBODY {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

impl Postgres {
    /// `None` where there is none to be had.
    fn start() -> Option<Self> {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("redial-postgres-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        if fs::metadata(&folder).unwrap().uid() == 0 {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut postgres = Self { process: None, port, folder };
        let mut initdb = command("initdb", &postgres.folder);
        initdb.args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        assert!(Running::start(&mut initdb)?.end(), "initdb has failed");
        postgres.restart();
        Some(postgres)
    }

    fn kill(&mut self) {
        self.process = None;
    }

    fn restart(&mut self) {
        let mut postgres = command("postgres", &self.folder);
        postgres.args(["-p", &self.port.to_string(), "-k", "", "-c", "listen_addresses=127.0.0.1"]);
        postgres.args(["-c", "fsync=off", "-c", "shared_buffers=1MB", "-c", "max_connections=10"]);
        // What is left of the one before notices its end a moment later, and until then this one refuses to start.
        eventually(|| {
            let mut process = Running::start(&mut postgres).unwrap();
            let listens = process.listens_or_ends(self.port);
            self.process = Some(process);
            listens
        });
    }

    /// As soon as it has recovered.
    async fn connect(&self) -> Client {
        let config = format!("host=127.0.0.1 user=postgres port={}", self.port);
        loop {
            if let Ok((client, connection)) = tokio_postgres::connect(&config, NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// A notification on each channel comes once; of those that listen there is one.
    fn all_is_well(&self, example: &Example, text: &str) {
        assert_eq!(example.line(), "resync: jobs Users");
        let notify = async {
            let client = self.connect().await;
            for channel in ["jobs", "Users"] {
                client.batch_execute(&format!("NOTIFY \"{channel}\", '{text}'")).await.unwrap();
                assert_eq!(example.line(), format!("{channel}: {text}"));
            }
        };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(notify);
        eventually(|| connections(self.port) == 1);
        assert_eq!(example.rest(), [""; 0]);
    }
}

#[test]
fn channels_are_restored_and_what_was_missed_is_told() {
    let Some(mut postgres) = Postgres::start() else { return };
    let config = format!("host=127.0.0.1 user=postgres port={}", postgres.port);
    let example = Example::start(env!("CARGO_BIN_EXE_postgres_listen"), [config.as_str(), "jobs", "Users"]);
    postgres.all_is_well(&example, "1");
    postgres.kill();
    postgres.restart();
    postgres.all_is_well(&example, "2");
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../postgres_listen.rs"), 120);
}
