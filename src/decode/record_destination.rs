use arrow::array::Array;

use super::destination::AGENT_SEGMENT;
use super::record::{ExtraMember, MemberList, MemberWriter, ObjectWriter, Purpose, RecordError};
use super::record_value::ValueWriter;
use crate::schema::Column;

/// Writes an element of `destinations`; an agent segment in its flat shape where that says the same.
pub(super) struct DestinationWriter {
    element: ObjectWriter,
    /// The keys of an element's own columns.
    own_keys: Vec<&'static str>,
}

impl DestinationWriter {
    pub(super) fn new(element: ObjectWriter, columns: &'static [Column], purpose: Purpose) -> Self {
        let own_keys = match purpose {
            Purpose::Record => columns.iter().flat_map(Column::keys).collect(),
            Purpose::Lift => element.members.iter().flat_map(MemberWriter::keys).collect(),
        };
        Self { element, own_keys }
    }

    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let Some(agent) = self.segment_agent(row) else {
            return self.element.write(row, out);
        };
        let agent_extra = agent.extra_members(row)?;
        if !self.is_flat(agent, &agent_extra, row) {
            return self.element.write(row, out);
        }
        let extra = self.element.extra_members(row)?;
        let mut object = MemberList::open(out);
        let own = self.element.members.iter().filter(|member| member.column != "responding_agent");
        for member in own.filter(|member| !member.value.is_null(row)) {
            object.member(member, row, &extra)?;
        }
        for member in present(agent, row) {
            object.member(member, row, &agent_extra)?;
        }
        object.extra(&agent_extra);
        object.extra(&extra);
        object.close();
        Ok(())
    }

    /// The agent of an element that is an agent segment.
    fn segment_agent(&self, row: usize) -> Option<&ObjectWriter> {
        let column =
            |name| self.element.members.iter().find(|member| member.column == name).map(|member| &member.value);
        match (column("destination_type")?, column("responding_agent")?) {
            (ValueWriter::Text(types), ValueWriter::Object { structs, writer }) => {
                let is_segment = types.is_valid(row) && types.value(row) == AGENT_SEGMENT && structs.is_valid(row);
                is_segment.then_some(writer)
            }
            _ => None,
        }
    }

    /// Whether the agent's members, standing in the element itself, are read as the agent's again: there
    /// is one that says something, and none has a key of the destination's.
    fn is_flat(&self, agent: &ObjectWriter, agent_extra: &[ExtraMember<'_>], row: usize) -> bool {
        let is_own = |name: &[u8]| self.own_keys.iter().any(|key| key.as_bytes() == name);
        let says_something = |extra: &ExtraMember<'_>| {
            extra.value != "null" || !agent.members.iter().any(|member| member.is_key(&extra.name))
        };
        let mut columns = present(agent, row).peekable();
        let any = columns.peek().is_some() || agent_extra.iter().any(says_something);
        any && !columns.any(|member| is_own(member.main_key().as_bytes()))
            && !agent_extra.iter().any(|extra| is_own(&extra.name))
    }
}

fn present(object: &ObjectWriter, row: usize) -> impl Iterator<Item = &MemberWriter> {
    object.members.iter().filter(move |member| !member.value.is_null(row))
}
