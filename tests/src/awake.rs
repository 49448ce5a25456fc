//! Keeps the processors awake, for costs that are compared.
//!
//! A processor that sleeps between two pieces of work does each of them dearer, and sleeps more the less else there is
//! to do: a hub whose sinks are stopped costs a tenth more for that alone. Whoever compares costs must have the
//! processors as awake in the one case as in the other.

use std::process::Command;
use std::thread::available_parallelism;

use crate::Program;

/// On each processor, a loop that runs whenever nothing else wants to, and makes way at once. Ends when dropped, or with
/// this process.
pub struct Awake {
    _loops: Vec<Program>,
}

/// It looks up now and then whether whoever began it still is.
const LOOP: &str = "while kill -0 $PPID; do i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; done";

impl Awake {
    /// From now on.
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
