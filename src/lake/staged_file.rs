use std::collections::HashMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::ipc::{Block, CompressionType, MetadataVersion, root_as_footer};
use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{Lake, LakeError};
use crate::schema::Schema;

/// Length of the footer and the word that ends a file.
const TRAILER_BYTES: usize = 10;

/// Rows under the fixed schema as an Arrow IPC file.
pub(super) fn encode<'a>(
    batches: impl IntoIterator<Item = &'a RecordBatch>,
    metadata: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<Bytes, ArrowError> {
    let compressed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &Schema::conversations_arrow(), compressed)?;
    for batch in batches {
        writer.write(batch)?;
    }
    for (key, value) in metadata {
        writer.write_metadata(key, value);
    }
    writer.finish()?;
    Ok(writer.into_inner()?.into())
}

/// What the file of a staged object says at its end.
#[derive(Debug)]
pub(super) struct Footer {
    pub metadata: HashMap<String, String>,
    pub batches: Batches,
}

/// Where the batches of a file lie, and what their columns are.
#[derive(Debug, Clone)]
pub(super) struct Batches {
    pub schema: SchemaRef,
    version: MetadataVersion,
    blocks: Vec<Block>,
}

impl Footer {
    /// Of the object at `path`.
    pub(super) async fn read(lake: &Lake, path: &Path) -> Result<Self, LakeError> {
        let failed = |source| LakeError::store("read", path.to_string(), source);
        let file = lake.store().get(path).await.map_err(failed)?.bytes().await.map_err(failed)?;
        Self::of(&file).map_err(|error| corrupt(path, error.to_string()))
    }

    /// Of a file's bytes.
    pub(super) fn of(file: &[u8]) -> Result<Self, ArrowError> {
        let broken = |error: String| ArrowError::ParseError(error);
        let (rest, trailer) = file
            .split_last_chunk::<TRAILER_BYTES>()
            .ok_or_else(|| broken("expected a footer, found none".to_owned()))?;
        let start = rest.len().checked_sub(read_footer_length(*trailer)?);
        let start = start.ok_or_else(|| broken("expected a whole footer, found a part".to_owned()))?;
        let footer = root_as_footer(&rest[start..]).map_err(|error| broken(error.to_string()))?;
        let schema = fb_to_schema(footer.schema().ok_or_else(|| broken("expected a schema, found none".to_owned()))?);
        // Kept for every staged object, so shared where it can be.
        let current = Schema::conversations_arrow();
        let schema = if schema.fields() == current.fields() { current } else { schema.into() };
        let metadata = footer.custom_metadata().into_iter().flatten();
        let metadata = metadata.filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned())));
        let blocks: Vec<_> = footer.recordBatches().into_iter().flatten().copied().collect();
        if let Some(outside) = blocks.iter().find(|block| range(block).is_none_or(|range| range.end > start)) {
            return Err(broken(format!("expected batches within the file, found {outside:?}")));
        }
        let batches = Batches { schema, version: footer.version(), blocks };
        Ok(Self { metadata: metadata.collect(), batches })
    }
}

impl Batches {
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Reads some batches; of all columns, or of those named that the file has.
    pub(super) async fn read(
        &self,
        lake: &Lake,
        path: &Path,
        numbers: &[usize],
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut decoder = FileDecoder::new(self.schema.clone(), self.version);
        if let Some(names) = columns {
            decoder =
                decoder.with_projection(names.iter().filter_map(|name| self.schema.index_of(name).ok()).collect());
        }
        let blocks: Vec<_> = numbers.iter().map(|number| self.blocks[*number]).collect();
        let ranges: Vec<_> = blocks.iter().filter_map(range).map(|range| wide(range.start)..wide(range.end)).collect();
        let read = lake.store().get_ranges(path, &ranges).await;
        let read = read.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        // An object that is no longer what was listed must not end in fewer rows.
        let expected: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let found: u64 = read.iter().map(|bytes| wide(bytes.len())).sum();
        if (read.len(), found) != (numbers.len(), expected) {
            let reason =
                format!("expected {} batches of {} bytes, found {} of {found}", numbers.len(), expected, read.len());
            return Err(corrupt(path, reason));
        }
        let decoded = blocks.iter().zip(read).map(|(block, bytes)| {
            let batch = decoder.read_record_batch(block, &Buffer::from(bytes))?;
            batch.ok_or_else(|| ArrowError::IpcError("expected a batch, found nothing".to_owned()))
        });
        decoded.collect::<Result<_, _>>().map_err(|error| corrupt(path, error.to_string()))
    }
}

pub(super) fn corrupt(path: &Path, reason: String) -> LakeError {
    LakeError::CorruptStaged { path: path.to_string(), reason }
}

/// Where a batch lies in its file; none where that is nowhere.
fn range(block: &Block) -> Option<Range<usize>> {
    let start = usize::try_from(block.offset()).ok()?;
    let metadata = usize::try_from(block.metaDataLength()).ok()?;
    let end = start.checked_add(metadata)?.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
    // A message begins with a mark and its length.
    (metadata >= 8).then_some(start..end)
}

fn wide(position: usize) -> u64 {
    u64::try_from(position).expect("a position in memory fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_was_written_and_a_part_of_it_says_nothing() {
        let batch = RecordBatch::new_empty(Schema::conversations_arrow());
        let file = encode([&batch, &batch], [("name", "what it says")]).unwrap();
        let footer = Footer::of(&file).unwrap();
        assert_eq!(footer.metadata, HashMap::from([("name".to_owned(), "what it says".to_owned())]));
        assert_eq!(footer.batches.len(), 2);
        for end in 0..file.len() {
            assert!(Footer::of(&file[..end]).is_err(), "{end} of {} bytes", file.len());
        }
    }

    #[test]
    fn a_batch_that_lies_outside_its_file_is_an_error() {
        let batch = RecordBatch::new_empty(Schema::conversations_arrow());
        let file = encode([&batch], [("name", "")]).unwrap();
        let footer = Footer::of(&file).unwrap();
        let offset = footer.batches.blocks[0].offset().to_le_bytes();
        let at = file.windows(8).rposition(|bytes| bytes == offset).unwrap();
        for wrong in [-1, i64::MAX, i64::try_from(file.len()).unwrap()] {
            let mut spoilt = file.to_vec();
            spoilt[at..at + 8].copy_from_slice(&wrong.to_le_bytes());
            assert!(Footer::of(&spoilt).is_err(), "{wrong}");
        }
    }
}
