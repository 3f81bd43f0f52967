use std::collections::BTreeMap;
use std::sync::Arc;

use super::staging::StagedObject;
use super::{Lake, LakeError, RejectLine, layout, tables};
use crate::schema::AccountId;

/// Rejects of one commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RejectCount {
    /// Distinct texts.
    pub distinct: u64,
    /// Those that no commit has told of: one that was killed may have written them already.
    pub new: u64,
}

/// Keeps the rejects of staged objects, each text once.
///
/// One object for each first two hex digits of the hash: whether a text is known is one small read, and a
/// commit rewrites only the objects it adds to.
pub(super) async fn keep(
    lake: &Lake,
    account: &AccountId,
    staged: &[Arc<StagedObject>],
) -> Result<RejectCount, LakeError> {
    let mut buckets: BTreeMap<String, BTreeMap<String, RejectLine>> = BTreeMap::new();
    for object in staged {
        for line in object.rejects(lake).await? {
            let bucket = buckets.entry(line.text_hash[..2].to_owned()).or_default();
            bucket.entry(line.text_hash.clone()).or_insert(line);
        }
    }
    let mut counts = RejectCount::default();
    for (name, found) in buckets {
        counts.distinct += u64::try_from(found.len()).unwrap_or(u64::MAX);
        counts.new += add(lake, account, &name, found).await?;
    }
    Ok(counts)
}

/// Adds what a bucket does not have, and says how much of it is new.
async fn add(
    lake: &Lake,
    account: &AccountId,
    bucket: &str,
    found: BTreeMap<String, RejectLine>,
) -> Result<u64, LakeError> {
    let path = layout::account_rejects(account).join(format!("{bucket}.ndjson"));
    let mut lines: Vec<RejectLine> = tables::read(lake, &path).await?;
    let known: BTreeMap<_, _> = lines.iter().map(|line| (line.text_hash.clone(), line.clone())).collect();
    // A line that is the same to the last member comes from these very objects, by a commit that was killed.
    let (again, added): (Vec<_>, Vec<_>) = found
        .into_values()
        .filter(|line| known.get(&line.text_hash).is_none_or(|known| known == line))
        .partition(|line| known.contains_key(&line.text_hash));
    let new = again.len() + added.len();
    if !added.is_empty() {
        lines.extend(added);
        tables::write(lake, &path, &lines).await?;
    }
    Ok(u64::try_from(new).unwrap_or(u64::MAX))
}
