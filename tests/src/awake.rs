//! Keeps the processors awake while costs are compared.
//!
//! Work costs more on a processor that sleeps between two pieces of work, and it sleeps more the less else there is
//! to do: for that reason alone, a hub whose sinks are stopped costs a tenth more. To compare costs, keep the
//! processors equally awake in both cases.

use std::process::Command;
use std::thread::available_parallelism;

use crate::Program;

/// A loop of the lowest priority on each processor. It ends when dropped, or with
/// this process.
pub struct Awake {
    _loops: Vec<Program>,
}

/// It checks now and then whether the process that started it still runs.
const LOOP: &str = "while kill -0 $PPID; do i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; done";

impl Awake {
    /// Starts the loops.
    pub fn begin() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let spin = || {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0", "sh", "-c", LOOP]);
            Program::start(command)
        };
        Self { _loops: std::iter::repeat_with(spin).take(processors).collect() }
    }
}
