//! Questions on a terminal: a secret without echo, a confirmation.

use std::io::{BufRead, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::Failure;
use crate::output::one_line;

/// A terminal without echo. Restores the terminal when it is dropped.
struct Silenced(Termios);

impl Silenced {
    /// Turns echo off. Signals are off too: Ctrl-C arrives as a character, since ending the process here would leave
    /// the terminal without echo.
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

/// Asks on standard error and reads a secret from the terminal.
pub(crate) fn secret(question: &str) -> Result<SecretString, Failure> {
    let silenced = Silenced::new()?;
    let _ = write!(std::io::stderr(), "{}", one_line(question));
    let line = read_line(std::io::stdin().lock());
    drop(silenced);
    let _ = writeln!(std::io::stderr());
    line
}

/// Asks on standard error. Anything but "y" or "yes" means no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let _ = write!(std::io::stderr(), "{} [y/N] ", one_line(question));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Failure::other)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
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
            INTERRUPT => return Err(Failure::Other("cancelled: nothing was entered".to_owned())),
            BACKSPACE | DELETE => {
                line.pop();
            }
            other => line.push(other),
        }
    }
    let text =
        str::from_utf8(&line).map_err(|_| Failure::Usage("the input is not valid UTF-8".to_owned()))?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn line_ends_with_return_and_can_be_corrected() {
        let read = |keys: &[u8]| read_line(keys).map(|line| line.expose_secret().to_owned()).ok();
        assert_eq!(read(b"secrex\x7ft\rmore").as_deref(), Some("secret"));
        assert_eq!(read(b"\x7fab\x04").as_deref(), Some("ab"));
        assert_eq!(read(b"ab\x03"), None);
    }
}
