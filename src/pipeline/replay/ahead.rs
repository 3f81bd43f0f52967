use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use super::files::Group;
use crate::decode::Decoder;
use crate::error::Error;

/// Groups that are read ahead of the one that is taken: while rows are staged, the other threads go on reading.
const AHEAD: usize = 24;

/// Memory that groups take, in steps of this.
const STEP_BYTES: u64 = 1 << 20;

/// Does `work` for each group on blocking threads, one a core at a time. Results come in the order of the groups; the
/// files behind those that were begun are not larger than `memory_bytes` together, or a single group's.
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
        async move {
            let done = running.await.flatten().map_err(|error| Error::Unexpected(error.to_string()));
            drop(room);
            done
        }
    });
    begun.buffered(AHEAD).boxed()
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

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}
