//! `kore-lake completions`.

use clap_complete::Shell;
use kore_lake::error::Error;

use super::{End, args, print};

pub fn run(shell: Shell) -> Result<End, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "kore-lake", &mut script);
    print::result(&String::from_utf8_lossy(&script)).map_err(Error::Output)?;
    Ok(End::Done)
}
