use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, TimeUnit};
use datafusion::datasource::TableType;
use futures::stream;

use super::{QueryError, Rows, Session};

/// What there is to ask, as rows: for people who look around.
impl Session {
    /// The tables and views, one a row: name, kind, number of columns.
    pub async fn catalog(&self) -> Rows {
        let mut rows: [Vec<String>; 3] = Default::default();
        for name in self.tables() {
            let columns = self.columns(&name).await.map_or(0, |schema| schema.fields().len());
            let kind = match self.table_type(&name).await {
                Some(TableType::View) => "view",
                _ => "table",
            };
            let row = [name, kind.to_owned(), columns.to_string()];
            rows.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
        }
        texts(["name", "kind", "columns"], rows)
    }

    /// The columns of a table or view, one a row: name and type.
    ///
    /// # Errors
    /// [`QueryError::UnknownTable`] with the near names.
    pub async fn describe(&self, table: &str) -> Result<Rows, QueryError> {
        let schema = self.columns(table).await.ok_or_else(|| self.no_table(0, table.to_owned()))?;
        let column = |field: &Arc<Field>| (field.name().clone(), type_name(field.data_type()));
        let (names, types) = schema.fields().iter().map(column).unzip();
        Ok(texts(["column", "type"], [names, types]))
    }
}

/// Rows of text.
fn texts<const N: usize>(names: [&str; N], columns: [Vec<String>; N]) -> Rows {
    let fields: Vec<_> = names.into_iter().map(|name| Field::new(name, DataType::Utf8, false)).collect();
    let schema = Arc::new(ArrowSchema::new(fields));
    let columns: Vec<_> = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("as many columns of text as names");
    Rows::new(schema, stream::iter([Ok(batch)]))
}

/// A type in the words of SQL.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp in UTC".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp".to_owned(),
        DataType::List(element) => format!("list of {}", type_name(element.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|field| format!("{} {}", field.name(), type_name(field.data_type()))).collect();
            format!("struct({})", fields.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}
