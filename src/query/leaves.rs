use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};

/// Columns and leaves of them, as dotted paths of names: `channel`, `destinations.responding_agent.email`. The path of a
/// struct or list stands for all that is below it.
pub(super) type Leaves = BTreeSet<String>;

/// The schema with nothing but these leaves. Plans prune no leaves below a list, but a scan decodes only the leaves of the
/// type that it is asked for.
///
/// Texts are views here: a reader hands out what it decoded without copying it once more.
pub(super) fn only(schema: &SchemaRef, leaves: &Leaves) -> SchemaRef {
    let fields = schema.fields().iter().filter_map(|field| kept(field, field.name(), leaves));
    Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
}

/// The schema with its texts as views, at any depth.
pub(super) fn viewed(schema: &SchemaRef) -> SchemaRef {
    only(schema, &schema.fields().iter().map(|field| field.name().clone()).collect())
}

/// The type at a path below a type, through lists.
pub(super) fn type_at<'a>(data_type: &'a DataType, path: &str) -> Option<&'a DataType> {
    if path.is_empty() {
        return Some(data_type);
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match data_type {
        DataType::List(element) => type_at(element.data_type(), path),
        DataType::Struct(members) => {
            let member = members.iter().find(|member| member.name() == name)?;
            type_at(member.data_type(), rest)
        }
        _ => None,
    }
}

fn kept(field: &FieldRef, path: &str, leaves: &Leaves) -> Option<FieldRef> {
    let whole = leaves.contains(path);
    let below = format!("{path}.");
    if !whole && leaves.range(below.clone()..).next().is_none_or(|leaf| !leaf.starts_with(&below)) {
        return None;
    }
    let data_type = match field.data_type() {
        DataType::List(element) => DataType::List(kept(element, path, leaves)?),
        DataType::Struct(members) => {
            let member = |member: &FieldRef| {
                let path = format!("{below}{}", member.name());
                if whole { kept(member, &path, &BTreeSet::from([path.clone()])) } else { kept(member, &path, leaves) }
            };
            DataType::Struct(members.iter().filter_map(member).collect())
        }
        DataType::Utf8 => DataType::Utf8View,
        other => other.clone(),
    };
    Some(Arc::new(Field::new(field.name(), data_type, field.is_nullable())))
}

/// The schema of what was kept in `extra`: the key columns, and of all others the `extra` texts below them.
pub(super) fn extras(schema: &SchemaRef) -> SchemaRef {
    let mut leaves = Leaves::from(["session_id".to_owned(), "conversation_id".to_owned()]);
    schema.fields().iter().for_each(|field| collect_extras(field, field.name(), &mut leaves));
    only(schema, &leaves)
}

fn collect_extras(field: &FieldRef, path: &str, leaves: &mut Leaves) {
    match field.data_type() {
        DataType::List(element) => collect_extras(element, path, leaves),
        DataType::Struct(members) => {
            members.iter().for_each(|member| collect_extras(member, &format!("{path}.{}", member.name()), leaves));
        }
        _ if path.rsplit('.').next() == Some("extra") => drop(leaves.insert(path.to_owned())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    fn names(data_type: &DataType) -> Vec<&str> {
        match data_type {
            DataType::List(element) => names(element.data_type()),
            DataType::Struct(members) => members.iter().map(|member| member.name().as_str()).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_schema_keeps_the_leaves_named_and_what_is_below_them() {
        let leaves = ["channel", "destinations.responding_agent.email", "customer_info", "destinations.queue_id"];
        let schema = only(&Schema::conversations_arrow(), &leaves.into_iter().map(str::to_owned).collect());
        let fields: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(fields, ["channel", "customer_info", "destinations"]);
        let all = Schema::conversations_arrow();
        let whole = names(all.field_with_name("customer_info").unwrap().data_type());
        assert_eq!(names(schema.field(1).data_type()), whole);
        assert_eq!(names(schema.field(2).data_type()), ["queue_id", "responding_agent"]);
        let email = type_at(schema.field(2).data_type(), "responding_agent.email");
        assert_eq!(email, Some(&DataType::Utf8View));
        assert_eq!(type_at(schema.field(2).data_type(), "responding_agent.name"), None);
    }
}
