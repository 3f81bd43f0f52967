use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, stream};

use super::day::{self, DayRead};
use super::keys::{self, Clashes};
use super::staged::Pending;
use super::{Finding, FindingKind, VerifyReport, WriterAtWork, files, ledger};
use crate::lake::key::KeyHash;
use crate::lake::lock::{self, Seen};
use crate::lake::{AccountHead, Clock, Lake, LakeError, PartitionObject, SessionDate, layout};
use crate::schema::AccountId;

/// How often what a writer changed meanwhile is looked at again.
const LOOKS: usize = 10;
/// Partitions read side by side: decoding keeps a processor busy, and each holds a row group.
const DAYS_AT_ONCE: usize = 2;

impl Lake {
    /// Proves the lake again, of one account or of all: reads every row, and holds keys, days, order, clocks and
    /// the ledger against each other. Writes nothing. What a writer does at the same time is no finding.
    ///
    /// # Errors
    /// [`LakeError::Store`] where the store cannot be listed: a retry can help. Everything else is a finding.
    pub async fn verify(&self, account: Option<&AccountId>, clock: &Clock) -> Result<VerifyReport, LakeError> {
        let known = files::accounts(self).await?;
        let accounts: Vec<_> = known.iter().filter(|known| account.is_none_or(|asked| asked == *known)).collect();
        let owners = files::run_owners(self).await?;
        let mut report = VerifyReport::default();
        if let Some(asked) = account.filter(|_| accounts.is_empty()) {
            let path = layout::account_partitions(asked);
            let (kind, found) = (FindingKind::UnknownAccount, "nothing of it");
            report.findings.push(Finding::at(kind, Some(asked), &path, format!("the account `{asked}`"), found));
        }
        for account in accounts {
            let mut look = AccountLook { lake: self, account, clock, days: BTreeMap::new() };
            look.run(&owners, &mut report).await?;
        }
        report.findings.extend(files::strays(self, account).await?);
        report.sort();
        Ok(report)
    }
}

struct AccountLook<'a> {
    lake: &'a Lake,
    account: &'a AccountId,
    clock: &'a Clock,
    days: BTreeMap<SessionDate, DayRead>,
}

/// What a writer replaces: as long as it stays the same, all that was read belongs together.
#[derive(PartialEq)]
struct Standing {
    head: Option<AccountHead>,
    corrupt: Option<Finding>,
    objects: Vec<PartitionObject>,
}

/// What was read beside the days.
struct Beside {
    pending: Pending,
    writer: Option<Seen>,
    objects: u64,
    findings: Vec<Finding>,
}

impl AccountLook<'_> {
    async fn run(&mut self, owners: &files::RunOwners, report: &mut VerifyReport) -> Result<(), LakeError> {
        let mut before = self.standing().await?;
        let mut looks = 0;
        let (beside, settled) = loop {
            self.read(&before.objects).await;
            // Before the ledger knows of a commit its staged objects are there: so they are listed between two equal
            // looks at the ledger.
            let beside = self.beside(before.head.as_ref()).await?;
            let after = self.standing().await?;
            let settled = after == before && self.days.len() == after.objects.len();
            looks += 1;
            if settled || looks == LOOKS {
                break (beside, settled);
            }
            before = after;
        };
        let compared = if settled { self.compare(before, &beside).await? } else { vec![self.still_changing()] };
        self.count(report, &beside);
        report.findings.extend(compared);
        report.findings.extend(self.other_accounts(owners));
        report.findings.extend(self.days.values_mut().flat_map(|day| std::mem::take(&mut day.findings)));
        report.findings.extend(beside.findings);
        report.findings.extend(beside.pending.corrupt);
        Ok(())
    }

    async fn standing(&self) -> Result<Standing, LakeError> {
        let (head, corrupt) = match self.lake.head(self.account).await {
            Err(error @ LakeError::CorruptLedger { .. }) => {
                (None, Some(Finding::of_error(self.account, &layout::head(self.account), &error)))
            }
            head => (head?, None),
        };
        Ok(Standing { head, corrupt, objects: self.lake.account_partitions(self.account).await? })
    }

    /// Reads the objects of which this version was not read yet.
    async fn read(&mut self, objects: &[PartitionObject]) {
        self.days.retain(|_, day| objects.iter().any(|object| object.meta == day.meta));
        let new: Vec<_> = objects.iter().filter(|object| !self.days.contains_key(&object.date)).cloned().collect();
        let reads = stream::iter(new).map(|object| read(self.lake.clone(), object));
        let mut reads = reads.buffer_unordered(DAYS_AT_ONCE);
        while let Some(read) = reads.next().await {
            self.days.extend(read.map(|day| (day.date, day)));
        }
    }

    async fn beside(&self, head: Option<&AccountHead>) -> Result<Beside, LakeError> {
        let pending = Pending::of(self.lake, self.account, head).await?;
        let (objects, mut findings) = ledger::tables(self.lake, self.account).await?;
        let writer = match lock::look(self.lake, self.account, self.clock).await {
            Err(LakeError::CorruptLedger { path, reason }) => {
                let at = object_store::path::Path::from(path.as_str());
                let error = LakeError::CorruptLedger { path, reason };
                findings.push(Finding { action: "run `unlock`", ..Finding::of_error(self.account, &at, &error) });
                None
            }
            seen => seen?.filter(|seen| seen.alive),
        };
        Ok(Beside { pending, writer, objects, findings })
    }

    /// Holds the days against each other and against the ledger.
    async fn compare(&self, standing: Standing, beside: &Beside) -> Result<Vec<Finding>, LakeError> {
        let mut findings = self.clashes(&beside.pending.moving).await?;
        let at_work = beside.writer.as_ref().map(|seen| &seen.holder.run_id);
        if at_work.is_none() {
            findings.extend(beside.pending.finding(self.account));
        }
        if let Some(head) = &standing.head {
            let unfinished = at_work.is_some() || beside.pending.objects > 0;
            findings.extend(ledger::differences(head, &self.days, unfinished));
            findings.extend(ledger::open_intents(head, at_work));
        } else if standing.corrupt.is_none() && !standing.objects.is_empty() {
            let path = layout::head(self.account);
            let found = format!("none beside {} days", standing.objects.len());
            let kind = FindingKind::LedgerMissing;
            findings.push(Finding::at(kind, Some(self.account), &path, "the account's ledger", found));
        }
        findings.extend(standing.corrupt);
        Ok(findings)
    }

    /// Keys that clash over two days. A commit that was cut off can leave those that move: the next one ends it.
    async fn clashes(&self, moving: &HashSet<KeyHash>) -> Result<Vec<Finding>, LakeError> {
        let mut findings = Vec::new();
        let twice = (FindingKind::KeyTwice, "each key once", keys::in_two_days(&self.days));
        let superseded = "no row of a session alone where there is its conversation";
        let superseded = (FindingKind::SupersededRow, superseded, keys::superseded_elsewhere(&self.days));
        for (kind, expected, clashes) in [twice, superseded] {
            findings.extend(self.named(kind, expected, clashes, moving).await?);
        }
        Ok(findings)
    }

    async fn named(
        &self,
        kind: FindingKind,
        expected: &str,
        clashes: Clashes,
        moving: &HashSet<KeyHash>,
    ) -> Result<Vec<Finding>, LakeError> {
        let mut findings = Vec::new();
        for ((date, other), keys) in clashes {
            let keys: HashSet<_> = keys.into_iter().filter(|key| !moving.contains(key)).collect();
            let Some(day) = self.days.get(&date).filter(|_| !keys.is_empty()) else { continue };
            let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            let named = match day::named(self.lake, &day.meta, &keys).await {
                Err(error) if day::is_replaced(&error) => Vec::new(),
                named => named?,
            };
            let found = format!("{count} that stand in {other} too");
            let finding = Finding::at(kind, Some(self.account), &day.meta.location, expected, found);
            findings.push(finding.of_rows(count, named));
        }
        Ok(findings)
    }

    /// Objects that name a run of another account, and none of this one: they lie in the wrong folder.
    fn other_accounts(&self, owners: &files::RunOwners) -> Vec<Finding> {
        let of_day = |day: &DayRead| {
            let known = day.runs.iter().filter_map(|run| Some((run, owners.get(run)?)));
            let mut others = known.filter(|(_, owners)| !owners.contains(self.account));
            let (run, owner) = others.find_map(|(run, owners)| Some((run, owners.first()?)))?;
            let (expected, found) =
                (format!("rows of account `{}`", self.account), format!("run `{run}` of `{owner}`"));
            Some(Finding::at(FindingKind::OtherAccount, Some(self.account), &day.meta.location, expected, found))
        };
        self.days.values().filter_map(of_day).collect()
    }

    fn still_changing(&self) -> Finding {
        let path = layout::account_partitions(self.account);
        let found = format!("changes at each of {LOOKS} looks: days and ledger were not compared");
        Finding::at(FindingKind::StillChanging, Some(self.account), &path, "days that stay while they are read", found)
    }

    fn count(&self, report: &mut VerifyReport, beside: &Beside) {
        report.accounts.push(self.account.clone());
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        report.days += length(self.days.len());
        report.rows += self.days.values().map(|day| day.rows).sum::<u64>();
        report.bytes += self.days.values().map(|day| day.meta.size).sum::<u64>();
        report.objects += length(self.days.len()) + beside.objects + beside.pending.objects;
        report.writers.extend(beside.writer.as_ref().map(|seen| WriterAtWork {
            account_id: self.account.clone(),
            holder: seen.holder.clone(),
            heartbeat: seen.heartbeat,
        }));
    }
}

/// Reads a day in a task of its own: what a damaged object does to the decoder ends there.
async fn read(lake: Lake, object: PartitionObject) -> Option<DayRead> {
    match tokio::spawn(DayRead::of(lake, object.clone())).await {
        Ok(read) => read,
        Err(error) => Some(DayRead::broken_off(object, &format!("an object that cannot be decoded: {error}"))),
    }
}
