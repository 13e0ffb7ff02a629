//! `tieline`: the command line with every role.

use std::process::ExitCode;

fn main() -> ExitCode {
    tieline::cli::main()
}
