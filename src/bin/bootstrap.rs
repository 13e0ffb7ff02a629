//! `bootstrap`: what Lambda starts. Small: no web server, no SQLite.

use std::process::ExitCode;

fn main() -> ExitCode {
    tieline::lambda::runtime::main()
}
