use super::LoadRequest;
use super::run::{Begun, begin, close};
use super::summary::Summary;
use crate::clock::TimeRange;
use crate::error::Error;
use crate::lake::{AccountHead, Lake, Owed, RunIntent, RunState, Writer, WriterSettings};
use crate::schema::RunId;

/// Closes by hand the owed windows of a stream that lie within `range`: they count as read, though nothing proves it,
/// and no later run tries them again. Returns them. What a killed run left staged is committed first.
///
/// # Errors
/// [`Error::Usage`] where no window is owed there; as a load where the lake cannot be written. Then nothing is closed.
pub async fn accept(lake: &Lake, request: &LoadRequest, range: TimeRange) -> Result<Vec<Owed>, Error> {
    let run_id = RunId::generate();
    let mut summary = Summary::begin("accept", run_id.clone(), lake.url().to_string(), Some(range));
    let settings = WriterSettings {
        run_id,
        wait_lock: request.wait_lock,
        memory_limit_bytes: request.memory_limit_bytes,
        ..WriterSettings::new(request.account_id.clone())
    };
    // An open intent of the stream stays: this run reads nothing of it.
    let intent = RunIntent::of("accept");
    let begun = begin(lake, settings, true, &mut summary, async |_: &AccountHead| Ok(intent)).await?;
    let Begun { mut writer, .. } = begun;
    match close_owed(&mut writer, request, range).await {
        Ok(closed) => {
            writer.finish(RunState::Complete, true).await?;
            Ok(closed)
        }
        Err(error) => {
            close(writer, RunState::Failed, true).await;
            Err(error)
        }
    }
}

async fn close_owed(writer: &mut Writer, request: &LoadRequest, range: TimeRange) -> Result<Vec<Owed>, Error> {
    let closed = writer.accept(&request.stream_id, range).await?;
    if !closed.is_empty() {
        return Ok(closed);
    }
    let stream = writer.head().stream(Some(&request.stream_id));
    let owed: Vec<_> = stream.iter().flat_map(|stream| &stream.owed).map(|owed| owed.range.to_string()).collect();
    let found = if owed.is_empty() { "none".to_owned() } else { owed.join(", ") };
    Err(Error::Usage(format!(
        "`--accept`: expected owed windows of stream `{}` within {range}, found {found}",
        request.stream_id
    )))
}
