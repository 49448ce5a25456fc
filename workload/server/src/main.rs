//! `cluster-manager`.

use std::process::ExitCode;

use server::Program;

/// A hub makes many small allocations on one thread and frees them on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main(&Program)
}
