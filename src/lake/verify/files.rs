use std::collections::{BTreeSet, HashMap};

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::{Finding, FindingKind};
use crate::lake::layout::{self, CONVERSATIONS, OURS, PARTITION_OBJECT};
use crate::lake::{Lake, LakeError, LedgerTable};
use crate::schema::{AccountId, RunId};

/// The accounts in whose ledger a run stands.
pub(super) type RunOwners = HashMap<String, BTreeSet<AccountId>>;

/// Accounts that the lake has anything of.
pub(super) async fn accounts(lake: &Lake) -> Result<BTreeSet<AccountId>, LakeError> {
    let mut accounts = BTreeSet::new();
    for folder in ["ledger/accounts", "ledger/runs", "rejects"].map(|folder| format!("{OURS}/{folder}")) {
        accounts.extend(names_in(lake, &folder, "account_id=").await?);
    }
    accounts.extend(names_in(lake, CONVERSATIONS, "account_id=").await?);
    accounts.extend(names_in(lake, &format!("{OURS}/staging"), "").await?);
    Ok(accounts)
}

/// The accounts that folders of a folder name behind `prefix`.
async fn names_in(lake: &Lake, folder: &str, prefix: &str) -> Result<Vec<AccountId>, LakeError> {
    let listing = match lake.store().list_with_delimiter(Some(&Path::from(folder))).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
        listing => listing.map_err(|source| LakeError::store("list", folder, source))?,
    };
    let name = |path: &Path| path.filename()?.strip_prefix(prefix)?.parse().ok();
    Ok(listing.common_prefixes.iter().filter_map(name).collect())
}

/// Every run of every account.
pub(super) async fn run_owners(lake: &Lake) -> Result<RunOwners, LakeError> {
    let mut owners = RunOwners::new();
    for object in lake.list(&Path::from(format!("{OURS}/ledger/{}", LedgerTable::Runs.name()))).await? {
        let parts: Vec<_> = object.location.as_ref().rsplit('/').collect();
        let [name, folder, ..] = parts[..] else { continue };
        let (run, account) = (name.strip_suffix(".ndjson"), folder.strip_prefix("account_id="));
        let account = account.and_then(|account| account.parse().ok());
        if let Some((run, account)) = run.zip(account) {
            owners.entry(run.to_owned()).or_default().insert(account);
        }
    }
    Ok(owners)
}

/// Files of one account, or of all accounts and of none, that are none of the lake's.
pub(super) async fn strays(lake: &Lake, account: Option<&AccountId>) -> Result<Vec<Finding>, LakeError> {
    let folders = match account {
        Some(account) => layout::account_folders(account),
        None => [CONVERSATIONS, OURS].map(Path::from).to_vec(),
    };
    let mut strays = Vec::new();
    for folder in folders {
        strays.extend(lake.list(&folder).await?.iter().filter(|object| !is_ours(&object.location)).map(stray));
    }
    Ok(strays)
}

/// Whether a path is one that the lake makes, or what a writer has half-written.
pub(super) fn is_ours(path: &Path) -> bool {
    let parts: Vec<_> = path.as_ref().split('/').collect();
    if layout::is_leftover(path) {
        return true;
    }
    match parts[..] {
        [CONVERSATIONS, ..] => layout::parse_partition(path).is_some(),
        [OURS, "staging", account, ..] => is_id(account) && layout::parse_staged(path).is_some(),
        [OURS, "locks", account, name] => is_id(account) && (name == "machine" || is_number(name)),
        [OURS, "rejects", account, name] => of(account) && is_bucket(name),
        [OURS, "ledger", "accounts", account, name] => of(account) && name == "head.json",
        [OURS, "ledger", "runs" | "days" | "windows", account, name] => {
            of(account) && name.strip_suffix(".ndjson").is_some_and(|run| run.parse::<RunId>().is_ok())
        }
        _ => false,
    }
}

fn of(folder: &str) -> bool {
    folder.strip_prefix("account_id=").is_some_and(is_id)
}

fn is_id(text: &str) -> bool {
    text.parse::<AccountId>().is_ok()
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_bucket(name: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.strip_suffix(".ndjson").is_some_and(|name| name.len() == 2 && name.bytes().all(hex))
}

fn stray(object: &ObjectMeta) -> Finding {
    let parts: Vec<_> = object.location.as_ref().split('/').collect();
    let named = |part: &&str| part.strip_prefix("account_id=")?.parse::<AccountId>().ok();
    let account = parts.iter().find_map(named).or_else(|| match parts[..] {
        [OURS, "staging" | "locks", account, ..] => account.parse().ok(),
        _ => None,
    });
    let expected = match parts[0] {
        CONVERSATIONS => format!("`account_id=…/session_date=…/{PARTITION_OBJECT}` alone"),
        _ => "the lake's own files alone".to_owned(),
    };
    let found = format!("a file of {} bytes that is none of them", object.size);
    Finding::at(FindingKind::StrayFile, account.as_ref(), &object.location, expected, found)
}
