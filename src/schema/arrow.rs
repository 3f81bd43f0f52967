use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema as ArrowSchema, SchemaRef, TimeUnit};

use super::column::{Column, Kind, Schema};

impl Schema {
    /// The Arrow schema of a batch of `conversations`: one field a column of the root, in order;
    /// the partition columns are not among them.
    pub fn arrow(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(fields(&self.columns)))
    }

    /// The Arrow schema of the compiled-in document, made once.
    pub fn conversations_arrow() -> SchemaRef {
        static ARROW: LazyLock<SchemaRef> = LazyLock::new(|| Schema::conversations().arrow());
        Arc::clone(&ARROW)
    }

    /// The partition columns as Arrow fields: `account_id` Utf8, `session_date` Date32.
    pub fn arrow_partition_fields(&self) -> Vec<Field> {
        let field = |column: &super::PartitionColumn| {
            let data_type = if column.type_name == "date" { DataType::Date32 } else { DataType::Utf8 };
            Field::new(&column.name, data_type, false)
        };
        self.partition_columns.iter().map(field).collect()
    }
}

fn fields(columns: &[Column]) -> Fields {
    columns.iter().map(field).collect()
}

fn field(column: &Column) -> Field {
    let field = Field::new(&column.name, column.kind.arrow(), column.nullable);
    if column.kind == Kind::Json {
        return field.with_extension_type(arrow_schema::extension::Json::default());
    }
    field
}

impl Kind {
    /// The Arrow type. List elements are named `element`, as in Parquet's own convention.
    pub fn arrow(&self) -> DataType {
        match self {
            Kind::Utf8 | Kind::Json => DataType::Utf8,
            Kind::Int32 => DataType::Int32,
            Kind::Int64 => DataType::Int64,
            Kind::Float64 => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Struct(members) => DataType::Struct(fields(members)),
            Kind::List(element) => DataType::List(Arc::new(Field::new("element", element.arrow(), true))),
        }
    }
}
