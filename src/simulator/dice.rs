//! Chance that is the same on every machine and in every version.

/// A stream of random numbers (splitmix64). Own, because a seed must mean the same data for ever:
/// the generators of crates promise that only within a version.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Another stream that depends on this one's state and `topic`; this one does not move. What one
    /// topic draws therefore never changes what another gets.
    pub(super) fn fork(&self, topic: u64) -> Self {
        Self(mix(self.0 ^ mix(topic.wrapping_add(1))))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Below `sides`, 0 if there are none.
    pub(super) fn roll(&mut self, sides: u32) -> u32 {
        let product = (self.next() >> 32) * u64::from(sides);
        u32::try_from(product >> 32).expect("the upper half of a 64-bit product has 32 bits")
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        let sides = u32::try_from(len).unwrap_or(u32::MAX);
        usize::try_from(self.roll(sides)).expect("an index below a length fits")
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    pub(super) fn pick_ref<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.roll(100) < percent
    }

    /// From `low` to `high`, both included, evenly.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let sides = u32::try_from(high - low + 1).unwrap_or(u32::MAX);
        low + i64::from(self.roll(sides))
    }

    /// From `low` to `high`, most of them near `low`: the shape of waits and talk times.
    pub(super) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let part = self.between(0, 1023);
        low + (((high - low) * part / 1023) * part / 1023) * part / 1023
    }

    /// The position that a roll over `weights` gives.
    pub(super) fn weighted(&mut self, weights: impl IntoIterator<Item = u32> + Clone) -> usize {
        let mut left = self.roll(weights.clone().into_iter().sum());
        weights
            .into_iter()
            .position(|weight| {
                let hit = left < weight;
                left = left.saturating_sub(weight);
                hit
            })
            .expect("a roll lies below the sum of its weights")
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_forks_do_not_move_it() {
        let mut one = Dice::new(7);
        let mut two = Dice::new(7);
        let _ = two.fork(3).next();
        assert_eq!((one.next(), one.roll(10)), (two.next(), two.roll(10)));
        assert_ne!(Dice::new(7).fork(1).next(), Dice::new(7).fork(2).next());
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut dice = Dice::new(1);
        for _ in 0..2_000 {
            assert!(dice.roll(6) < 6);
            assert!((-3..=3).contains(&dice.between(-3, 3)));
            assert!((5..=500).contains(&dice.skewed(5, 500)));
            assert!([0, 2].contains(&dice.weighted([1, 0, 5])));
        }
    }
}
