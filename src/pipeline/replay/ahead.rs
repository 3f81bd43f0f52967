use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use super::files::Group;
use crate::decode::Decoder;
use crate::error::Error;
use crate::pipeline::held::count;

/// Groups that are read ahead of the one that is taken: while rows are staged, the other threads go on reading.
const AHEAD: usize = 24;

/// Memory that groups take, in steps of this.
const STEP_BYTES: u64 = 1 << 20;

/// Does `work` for each group on blocking threads, one a core at a time. Results come in the order of the groups; the
/// files behind those that were begun and not taken are not larger than `memory_bytes` together, or a single group's.
pub(super) fn in_order<C: Send + 'static, T: Send + 'static>(
    groups: Vec<(Group, C)>,
    memory_bytes: usize,
    work: impl Fn(Group, C, &mut Decoder) -> T + Send + Sync + 'static,
) -> BoxStream<'static, Result<T, Error>> {
    let steps = u32::try_from(count(memory_bytes) / STEP_BYTES).unwrap_or(u32::MAX).clamp(1, 1 << 20);
    let memory = Arc::new(Semaphore::new(usize::try_from(steps).unwrap_or(1)));
    let threads = Arc::new(Threads::default());
    let work = Arc::new(work);
    // A group takes its room before any later one does, so the one that is waited for is never without.
    let with_room = stream::iter(groups).then(move |(group, context)| {
        let wanted = u32::try_from(group.bytes / STEP_BYTES + 1).unwrap_or(u32::MAX).min(steps);
        let room = Arc::clone(&memory).acquire_many_owned(wanted);
        async move { (group, context, room.await) }
    });
    let begun = with_room.map(move |(group, context, room)| {
        let (threads, work) = (Arc::clone(&threads), Arc::clone(&work));
        let running = tokio::spawn(threads.run(move |decoder| work(group, context, decoder)));
        async move { (running.await.flatten(), room) }
    });
    // The room is free when the result is taken, not when it is there.
    let taken = begun.buffered(AHEAD).map(|(done, _room)| done.map_err(|error| Error::Unexpected(error.to_string())));
    taken.boxed()
}

/// The threads, each with a decoder of its own.
struct Threads {
    turns: Semaphore,
    decoders: Mutex<Vec<Decoder>>,
}

impl Default for Threads {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { turns: Semaphore::new(cores), decoders: Mutex::default() }
    }
}

impl Threads {
    /// Does a piece of work when its turn comes.
    async fn run<T: Send + 'static>(
        self: Arc<Self>,
        piece: impl FnOnce(&mut Decoder) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let threads = Arc::clone(&self);
        let _turn = self.turns.acquire().await;
        let piece = move || {
            let decoders = || threads.decoders.lock().unwrap_or_else(PoisonError::into_inner);
            let mut decoder = decoders().pop().unwrap_or_default();
            let result = piece(&mut decoder);
            decoders().push(decoder);
            result
        };
        tokio::task::spawn_blocking(piece).await
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_groups_however_little_memory_there_is() {
        for memory_bytes in [0, 5 << 20, 1 << 30] {
            let groups =
                (0..60).map(|number| (Group { files: Vec::new(), bytes: (number % 9) << 20 }, number)).collect();
            // Later ones are done sooner.
            let work = |_, number: u64, _: &mut Decoder| {
                std::hint::black_box((0..(60 - number) * 500).map(std::hint::black_box).sum::<u64>());
                number
            };
            let results: Vec<_> = in_order(groups, memory_bytes, work).try_collect().await.unwrap();
            assert!(results.into_iter().eq(0..60));
        }
    }

    #[tokio::test]
    async fn what_was_begun_and_not_taken_stays_within_the_memory() {
        let begun = Arc::new(Mutex::new(0));
        let work = {
            let begun = Arc::clone(&begun);
            move |_, (): (), _: &mut Decoder| *begun.lock().unwrap() += 1
        };
        let groups = (0..20).map(|_| (Group { files: Vec::new(), bytes: 3 << 20 }, ())).collect();
        let mut results = in_order(groups, 8 << 20, work);
        for taken in 1..=20 {
            results.next().await.unwrap().unwrap();
            // Two groups, each of which takes four steps of a mebibyte, and the one just taken.
            assert!(*begun.lock().unwrap() <= taken + 2);
        }
    }
}
