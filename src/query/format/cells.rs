use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder, UnionArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_functions_json::{JSON_UNION_DATA_TYPE, JsonUnionEncoder, JsonUnionValue};

use super::io;

/// The schema of [`plain`] batches.
pub(super) fn plain_schema(schema: &ArrowSchema) -> ArrowSchema {
    with_text(schema, is_union)
}

/// The schema with text in place of the columns whose type is chosen.
fn with_text(schema: &ArrowSchema, chosen: fn(&DataType) -> bool) -> ArrowSchema {
    let text = |field: &FieldRef| Arc::new(Field::new(field.name(), DataType::Utf8, true));
    let field = |field: &FieldRef| if chosen(field.data_type()) { text(field) } else { Arc::clone(field) };
    ArrowSchema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

/// The batch with the unions that `json_get` gives as text: no writer takes a union.
pub(super) fn plain(batch: &RecordBatch) -> io::Result<RecordBatch> {
    let schema = plain_schema(&batch.schema());
    let columns = batch
        .columns()
        .iter()
        .map(|column| if is_union(column.data_type()) { union_text(column) } else { Arc::clone(column) });
    RecordBatch::try_new(Arc::new(schema), columns.collect()).map_err(io::Error::other)
}

fn is_union(data_type: &DataType) -> bool {
    *data_type == *JSON_UNION_DATA_TYPE
}

fn union_text(column: &ArrayRef) -> ArrayRef {
    let union = column.as_any().downcast_ref::<UnionArray>().cloned();
    let union = union.and_then(JsonUnionEncoder::from_union).expect("its type is the JSON union's");
    let text = |at| match union.get_value(at) {
        JsonUnionValue::JsonNull => None,
        JsonUnionValue::Bool(value) => Some(value.to_string()),
        JsonUnionValue::Int(value) => Some(value.to_string()),
        JsonUnionValue::Float(value) => Some(format!("{value:?}")),
        JsonUnionValue::Str(value) | JsonUnionValue::Array(value) | JsonUnionValue::Object(value) => {
            Some(value.to_owned())
        }
    };
    Arc::new((0..union.len()).map(text).collect::<StringArray>())
}

/// The batch with nested columns as JSON text.
pub(super) fn flat(batch: &RecordBatch) -> io::Result<RecordBatch> {
    let schema = batch.schema();
    let column = |(field, column): (&FieldRef, &ArrayRef)| {
        if column.data_type().is_nested() { json_text(field, column) } else { Ok(Arc::clone(column)) }
    };
    let columns: Result<Vec<_>, _> = schema.fields().iter().zip(batch.columns()).map(column).collect();
    let schema = Arc::new(with_text(&schema, DataType::is_nested));
    columns.and_then(|columns| RecordBatch::try_new(schema, columns)).map_err(io::Error::other)
}

fn json_text(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default();
    let mut encoder = make_encoder(field, column, &options)?;
    let mut texts = StringBuilder::new();
    let mut text = Vec::new();
    for at in 0..column.len() {
        if encoder.is_null(at) {
            texts.append_null();
            continue;
        }
        text.clear();
        encoder.encode(at, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Ok(Arc::new(texts.finish()))
}

/// The cells of a flat batch, row by row; null is empty.
pub(super) fn texts(batch: &RecordBatch) -> io::Result<Vec<Vec<String>>> {
    let options = FormatOptions::default().with_display_error(true);
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns: Vec<_> = columns.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let row = |at| columns.iter().map(|column| column.value(at).to_string()).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}
