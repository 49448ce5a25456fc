//! `cluster-manager`.

use std::process::ExitCode;

/// Thousands of short connections a second are mostly small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::commands::main()
}
