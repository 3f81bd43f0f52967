use tokio::sync::oneshot;

use super::LakeError;

/// The turn of a day to be encoded: for the memory's sake it is one day's at a time, and days are written in their order. It
/// comes when the day before is done with its own, and never where that one failed.
pub(super) struct Turn {
    before: oneshot::Receiver<()>,
    after: oneshot::Sender<()>,
}

/// A turn that has come.
pub(super) struct TurnTaken(oneshot::Sender<()>);

/// What the first day waits for: nothing.
pub(super) fn first_turn() -> oneshot::Receiver<()> {
    let (after, before) = oneshot::channel();
    TurnTaken(after).done();
    before
}

impl Turn {
    /// The turn behind the `last` one, whose place it takes.
    pub(super) fn behind(last: &mut oneshot::Receiver<()>) -> Self {
        let (after, next) = oneshot::channel();
        Self { before: std::mem::replace(last, next), after }
    }

    /// Waits for it.
    pub(super) async fn taken(self) -> Result<TurnTaken, LakeError> {
        self.before.await.map_err(|_| LakeError::Stopped)?;
        Ok(TurnTaken(self.after))
    }
}

impl TurnTaken {
    pub(super) fn done(self) {
        // Where nobody waits, there is no day behind.
        let _ = self.0.send(());
    }
}
