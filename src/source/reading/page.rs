use std::collections::HashSet;

use super::super::PageFacts;

/// What is remembered of a page.
#[derive(Debug, Clone)]
pub(super) struct PageRead {
    pub(super) offset: u32,
    pub(super) records: usize,
    /// Records of the larger group, of those that have a key: so many at least.
    pub(super) group: usize,
    pub(super) unkeyed: usize,
    /// In the page's order.
    pub(super) keys: Vec<u128>,
}

impl PageRead {
    pub(super) fn of(offset: u32, page: &PageFacts) -> Self {
        let (group, unkeyed) = (page.larger_group(), page.unkeyed());
        Self { offset, records: page.records, group, unkeyed, keys: keys_of(page).collect() }
    }

    pub(super) fn most_of_a_group(&self) -> usize {
        self.group + self.unkeyed
    }

    /// Whether `page` has the same rows in the same order.
    pub(super) fn repeats(&self, page: &PageFacts) -> bool {
        keys_of(page).eq(self.keys.iter().copied())
    }

    /// Whether the rows of this page that `page` has too stand there in the same order.
    pub(super) fn is_repeated_in_order(&self, page: &PageFacts) -> bool {
        let known: HashSet<_> = self.keys.iter().copied().collect();
        let mut keys = self.keys.iter();
        keys_of(page).filter(|key| known.contains(key)).all(|key| keys.any(|known| *known == key))
    }
}

fn keys_of(page: &PageFacts) -> impl Iterator<Item = u128> {
    page.rows.iter().map(|row| row.key)
}
