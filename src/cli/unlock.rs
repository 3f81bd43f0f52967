//! `kore-lake unlock`.

use kore_lake::config::Settings;
use kore_lake::error::{Error, Kind};
use kore_lake::lake::{self, LakeError, Unlocked};
use kore_lake::pipeline;
use kore_lake::schema::AccountId;

use super::{End, Invocation, print};

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let settings = &invocation.settings;
    let account = Settings::needed("account_id", settings.account_id.as_ref())?;
    let lake = pipeline::open_lake(settings, &invocation.options).await?;
    let force = invocation.matches.get_flag("force");
    match lake::unlock(&lake, account, force, None).await {
        Ok(unlocked) => {
            if !invocation.quiet {
                print::result(&text(account, &unlocked)).map_err(Error::Output)?;
            }
            Ok(End::Done)
        }
        Err(error @ LakeError::LockHeld { .. }) => {
            print::note(&format!("error: {}", Error::from(error).line()));
            print::note(
                "hint: wait until it is done; `--force` takes the account from it, if it surely writes no more",
            );
            Ok(End::Short(Kind::LockHeld))
        }
        Err(error) => Err(error.into()),
    }
}

fn text(account: &AccountId, unlocked: &Unlocked) -> String {
    match unlocked {
        Unlocked::NotLocked => format!("account `{account}` was not locked\n"),
        Unlocked::Freed { holder, heartbeat, was_alive, .. } => {
            let holder = holder.as_ref().map_or_else(|| "a lock that cannot be read".to_owned(), ToString::to_string);
            let alive = if *was_alive { "; it still lived" } else { "" };
            format!("account `{account}` is free; it was held by {holder}, last heard of at {heartbeat}{alive}\n")
        }
    }
}
