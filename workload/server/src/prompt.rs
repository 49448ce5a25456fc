//! Asking for a secret on a terminal, which does not show what is typed.

use std::io::{BufRead, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Restores the terminal however the question ends.
struct Silenced(Termios);

impl Silenced {
    /// Turns echo off. Ctrl-C comes as a character too, or it would end the process with a silent terminal.
    fn new() -> Result<Self, Failure> {
        let before = tcgetattr(std::io::stdin()).map_err(Failure::other)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).map_err(Failure::other)?;
        Ok(Self(before))
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks on standard error, reads a line from the terminal.
pub(crate) fn secret(question: &str) -> Result<SecretString, Failure> {
    let silenced = Silenced::new()?;
    let _ = write!(std::io::stderr(), "{question}");
    let line = read_line(std::io::stdin().lock());
    drop(silenced);
    let _ = writeln!(std::io::stderr());
    line
}

fn read_line(from: impl BufRead) -> Result<SecretString, Failure> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: u8 = 8;
    const DELETE: u8 = 127;
    let mut line = Zeroizing::new(Vec::new());
    for byte in from.bytes() {
        match byte.map_err(Failure::other)? {
            b'\r' | b'\n' | END => break,
            INTERRUPT => return Err(Failure::Other("nothing was entered".to_owned())),
            BACKSPACE | DELETE => {
                line.pop();
            }
            other => line.push(other),
        }
    }
    let text = str::from_utf8(&line).map_err(|_| Failure::Usage("this is not text".to_owned()))?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_line_ends_with_return_and_can_be_mended() {
        let read = |keys: &[u8]| read_line(keys).map(|line| line.expose_secret().to_owned()).ok();
        assert_eq!(read(b"secrex\x7ft\rmore").as_deref(), Some("secret"));
        assert_eq!(read(b"\x7fab\x04").as_deref(), Some("ab"));
        assert_eq!(read(b"ab\x03"), None);
    }
}
