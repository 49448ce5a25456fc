//! A program under test as a process, with its output.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{programs, wait};

/// How long to wait for the last output of an ended program.
const LAST_OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);

/// A running program; killed when dropped.
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// How a program ended, and all that it printed.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// A command for one of the programs, without settings from the environment.
pub fn command(name: &str, variables: &[(String, String)]) -> Command {
    command_at(&programs::path(name), variables)
}

/// The same for a program at another path.
pub fn command_at(program: &Path, variables: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    for setting in settings::ALL {
        command.env_remove(setting.name).env_remove(format!("{}_FILE", setting.name));
    }
    command.envs(variables.iter().map(|(name, value)| (name, value))).current_dir("/");
    command
}

/// Runs a program to its end.
pub fn run(
    name: &str,
    variables: &[(String, String)],
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Ended {
    let output = command(name, variables).args(arguments).stdin(Stdio::null()).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Program {
    /// Starts a program that runs until it is stopped.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = Arc::new(Mutex::new(String::new()));
        let readers = [
            read_lines(child.stdout.take(), output.clone()),
            read_lines(child.stderr.take(), output.clone()),
        ];
        Self { child, output, readers: readers.into_iter().flatten().collect() }
    }

    /// Its process id.
    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process ids are small")
    }

    /// Everything that it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has printed this text.
    pub async fn prints(&mut self, text: &str) {
        let began = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            let output = self.output();
            if output.contains(text) {
                return;
            }
            let ended = self.child.try_wait().ok().flatten();
            let in_time = began.elapsed() < Duration::from_secs(60);
            assert!(
                ended.is_none() && in_time,
                "the program ({ended:?}) does not print {text:?} but:\n{output}"
            );
            ticks.tick().await;
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.id()).expect("a process id is not 0"), signal)
            .expect("it can be signalled");
    }

    /// Kills it, as a power cut would. Returns its output.
    pub fn kill(mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.output()
    }

    /// Waits until it ends. Returns its status and output.
    pub async fn ends(mut self, limit: Duration) -> (ExitStatus, String) {
        let mut status = None;
        wait::until("the program ends", limit, async || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        })
        .await;
        // Its last output may still be in the pipe, which programs that it started may keep open.
        let began = Instant::now();
        while !self.readers.iter().all(JoinHandle::is_finished) && began.elapsed() < LAST_OUTPUT_TIMEOUT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (status.expect("it has ended"), self.output())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(
    stream: Option<impl Read + Send + 'static>,
    output: Arc<Mutex<String>>,
) -> Option<JoinHandle<()>> {
    let stream = stream?;
    Some(std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&String::from_utf8_lossy(&line));
            output.push('\n');
        }
    }))
}
