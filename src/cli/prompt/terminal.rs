//! The terminal as it was found.

#[cfg(unix)]
pub use self::unix::{restore, state};

#[cfg(unix)]
mod unix {
    use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

    /// How the terminal is set; none where it does not say.
    pub fn state() -> Option<Termios> {
        tcgetattr(std::io::stdin()).ok()
    }

    /// Sets the terminal as it was.
    pub fn restore(state: Option<Termios>) {
        if let Some(state) = state {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, &state); // It may be gone.
        }
    }
}

#[cfg(not(unix))]
pub fn state() {}

#[cfg(not(unix))]
pub fn restore((): ()) {}
