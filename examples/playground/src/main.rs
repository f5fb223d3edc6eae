//! redial in a page, to look at rather than to read.
//!
//! ```sh
//! cargo run -p redial-playground                     # builds the page and serves it on http://127.0.0.1:8080
//! cargo run -p redial-playground -- --out folder     # writes it, for any server of files
//! ```

mod core_module;
mod files;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use files::Files;

#[derive(Parser)]
#[command(name = "playground", about = "Builds redial's playground and serves it on the loopback address")]
struct Arguments {
    /// The port to serve it on; 0: any that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Writes the page into this folder instead, for any server of files
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Takes this file as the core instead of building it
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("playground: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let core = match arguments.core {
        Some(file) => file,
        None => core_module::build(home)?,
    };
    let files = Files::new(&home.join("page"), &core)?;
    match arguments.out {
        Some(folder) => files.write(&folder),
        None => serve::serve(arguments.port, files).await,
    }
}
