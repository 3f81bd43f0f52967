use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};

/// Leaves of `destinations` that the views name. Plans prune no leaves below a list, but a scan decodes only the
/// leaves of the type it is asked for (DataFusion 55: unnesting ran in half the time, measured in a dev build).
const DESTINATION: [&str; 12] = [
    "destination_type",
    "queue_id",
    "queue_name",
    "enter_time",
    "callback_opted",
    "callback_opted_time",
    "user_callback_accept_time",
    "callback_initiated_time",
    "external_transfer_time",
    "external_transfer_destination",
    "responding_agent",
    "non_responding_agents",
];
const RESPONDING: [&str; 16] = [
    "agent_id",
    "name",
    "email",
    "status",
    "assigned_at",
    "accepted_time",
    "first_response_time",
    "first_response_duration",
    "interaction_end_time",
    "interaction_duration",
    "hold_duration",
    "after_call_work_duration",
    "after_call_work_end_time",
    "external_transfer_time",
    "external_transfer_destination",
    "consulting_agents",
];
const NON_RESPONDING: [&str; 7] =
    ["agent_id", "name", "email", "status", "assigned_at", "accepted_time", "non_response_event"];

/// The schema with `destinations` narrowed to what the views name; all else as it is.
pub(super) fn narrow(schema: &SchemaRef) -> SchemaRef {
    let column = |field: &FieldRef| match field.name().as_str() {
        "destinations" => kept(field, &DESTINATION),
        _ => Arc::clone(field),
    };
    Arc::new(ArrowSchema::new(schema.fields().iter().map(column).collect::<Vec<_>>()))
}

/// The field with only those members of its struct, or of its list's structs, that are named.
fn kept(field: &FieldRef, names: &[&str]) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(element) => DataType::List(kept(element, names)),
        DataType::Struct(members) => {
            let stays = |field: &&FieldRef| names.contains(&field.name().as_str());
            DataType::Struct(members.iter().filter(stays).map(member).collect())
        }
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}

/// The schema of what was kept in `extra`: the key columns, and of all others the `extra` texts below them.
pub(super) fn extras(schema: &SchemaRef) -> SchemaRef {
    let column = |field: &FieldRef| match field.name().as_str() {
        "session_id" | "conversation_id" => Some(Arc::clone(field)),
        _ => extras_below(field),
    };
    Arc::new(ArrowSchema::new(schema.fields().iter().filter_map(column).collect::<Vec<_>>()))
}

/// The field with no leaves but `extra`; none where it has no such leaf.
fn extras_below(field: &FieldRef) -> Option<FieldRef> {
    let data_type = match field.data_type() {
        DataType::List(element) => DataType::List(extras_below(element)?),
        DataType::Struct(members) => DataType::Struct(members.iter().filter_map(extras_below).collect()),
        _ => return (field.name() == "extra").then(|| Arc::clone(field)),
    };
    Some(Arc::new(Field::new(field.name(), data_type, field.is_nullable())))
}

fn member(field: &FieldRef) -> FieldRef {
    match field.name().as_str() {
        "responding_agent" => kept(field, &RESPONDING),
        "non_responding_agents" => kept(field, &NON_RESPONDING),
        _ => Arc::clone(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn every_leaf_named_is_kept_and_all_other_columns_stay() {
        let schema = Schema::conversations_arrow();
        let narrowed = narrow(&schema);
        assert_eq!(narrowed.fields().len(), schema.fields().len());
        let changed = schema.fields().iter().zip(narrowed.fields()).filter(|(wide, narrow)| wide != narrow);
        assert_eq!(changed.map(|(wide, _)| wide.name().as_str()).collect::<Vec<_>>(), ["destinations"]);
        let members = |data_type: &DataType| -> Vec<FieldRef> {
            let element = if let DataType::List(element) = data_type { element.data_type() } else { data_type };
            let DataType::Struct(members) = element else { panic!("a struct") };
            members.iter().cloned().collect()
        };
        let destination = members(narrowed.field_with_name("destinations").unwrap().data_type());
        assert_eq!(destination.len(), DESTINATION.len());
        let below = |name: &str| members(destination.iter().find(|field| field.name() == name).unwrap().data_type());
        assert_eq!(below("responding_agent").len(), RESPONDING.len());
        assert_eq!(below("non_responding_agents").len(), NON_RESPONDING.len());
    }
}
