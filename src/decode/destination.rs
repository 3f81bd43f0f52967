use arrow::array::ArrayRef;

use super::column::{ColumnDecoder, Taken};
use super::object::{Left, ObjectDecoder, Why};
use super::scan::{Failed, Scan};
use crate::schema::Column;

/// The type of a destination that is an agent leg itself.
pub(super) const AGENT_SEGMENT: &str = "AgentSegment";

/// Takes an element of `destinations`, in both its shapes.
///
/// In an `AgentSegment` the agent's fields stand in the element itself; they move to
/// `responding_agent`, so that every agent leg is found in one place. As the type may come behind
/// them, members that are not a destination's are settled when the element ends.
pub(super) struct DestinationDecoder {
    element: ObjectDecoder,
    type_column: usize,
    agent_column: usize,
}

impl DestinationDecoder {
    /// Whether the members of a struct are those of a destination.
    pub(super) fn is_for(members: &[Column]) -> bool {
        position(members, "destination_type").and(position(members, "responding_agent")).is_some()
    }

    pub(super) fn new(members: &[Column]) -> Self {
        let column = |name| position(members, name).expect("a destination has this column");
        let agent_column = column("responding_agent");
        let mut element = ObjectDecoder::new(members);
        element.held_column = Some(agent_column);
        Self { element, type_column: column("destination_type"), agent_column }
    }

    fn settle_agent(&mut self, row: usize, scan: &Scan<'_>) -> Result<(), Failed> {
        if self.element.text_of(self.type_column, row) != Some(AGENT_SEGMENT) {
            return Ok(());
        }
        let (of_agent, mut left): (Vec<Left>, Vec<Left>) =
            self.element.left.drain(..).partition(|left| left.why == Why::Unknown);
        let agent = self.element.column(self.agent_column);
        let object = agent.object().expect("the agent is a struct");
        let mut of_agent_kept = Vec::new();
        for member in of_agent {
            if !object.is_known_null(&member, scan)? {
                of_agent_kept.push(member);
            }
        }
        if !of_agent_kept.is_empty() {
            left.iter_mut().filter(|left| left.why == Why::Settled).for_each(|left| left.why = Why::Refused);
            object.truncate(row);
            object.gather(row, scan, &of_agent_kept)?;
        }
        self.element.left = left;
        Ok(())
    }
}

fn position(members: &[Column], name: &str) -> Option<usize> {
    members.iter().position(|column| column.name == name)
}

impl ColumnDecoder for DestinationDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
        if scan.peek() != b'{' {
            return Ok(scan.skip()?.map_or(Taken::Null, Taken::Misfit));
        }
        let hash = self.element.members(row, scan)?;
        self.settle_agent(row, scan)?;
        self.element.close(row, scan)?;
        Ok(Taken::Fits(hash))
    }

    fn truncate(&mut self, rows: usize) {
        self.element.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.element.finish(rows)
    }
}
