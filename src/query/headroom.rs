use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// Of the memory, one part in so many is only for those who cannot spill.
const ONE_IN: usize = 4;

/// Memory that those who can spill share fairly and never take the whole of.
///
/// A sort spills and then has to merge, and its merge cannot spill. The memory that it set aside for that is given back for a
/// moment; where other sorts may take it in between, the merge ends the statement.
pub(super) struct Headroom {
    all: FairSpillPool,
    spilling: FairSpillPool,
}

impl Headroom {
    pub(super) fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
        Arc::new(Self { all: FairSpillPool::new(bytes), spilling: FairSpillPool::new(bytes - bytes / ONE_IN) })
    }

    /// The pools that a reservation counts in.
    fn pools(&self, reservation: &MemoryReservation) -> impl Iterator<Item = &FairSpillPool> {
        let can_spill = reservation.consumer().can_spill();
        std::iter::once(&self.all).chain(can_spill.then_some(&self.spilling))
    }
}

impl MemoryPool for Headroom {
    fn name(&self) -> &'static str {
        "headroom"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.all.register(consumer);
        self.spilling.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.all.unregister(consumer);
        self.spilling.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pools(reservation).for_each(|pool| pool.grow(reservation, additional));
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pools(reservation).for_each(|pool| pool.shrink(reservation, shrink));
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.all.try_grow(reservation, additional)?;
        if reservation.consumer().can_spill() {
            self.spilling
                .try_grow(reservation, additional)
                .inspect_err(|_| self.all.shrink(reservation, additional))?;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.all.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.all.memory_limit()
    }
}

impl fmt::Display for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

impl fmt::Debug for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headroom").field("all", &self.all).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_can_spill_leave_a_quarter_to_those_who_cannot() {
        let pool = Headroom::pool(400);
        let consumer = |name: &str, spills| MemoryConsumer::new(name).with_can_spill(spills).register(&pool);
        let (one, other, merge) = (consumer("one", true), consumer("other", true), consumer("merge", false));
        assert!(one.try_grow(151).is_err());
        assert_eq!(pool.reserved(), 0);
        one.try_grow(150).unwrap();
        other.try_grow(150).unwrap();
        merge.try_grow(100).unwrap();
        assert!(merge.try_grow(1).is_err());
        drop((one, other));
        merge.try_grow(300).unwrap();
        drop(merge);
        assert_eq!(pool.reserved(), 0);
    }
}
