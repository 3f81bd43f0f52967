use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

/// Reads columns of which an older object has some leaves, but none of those asked for: the engine refuses to make such a
/// struct of nothing. One leaf that is there is read with them then, and left out again.
#[derive(Debug)]
pub(super) struct OlderObjects;

impl PhysicalExprAdapterFactory for OlderObjects {
    fn create(&self, asked: SchemaRef, stored: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let widened =
            ArrowSchema::new(asked.fields().iter().map(|field| widened_by(field, &stored)).collect::<Vec<_>>());
        let engine = DefaultPhysicalExprAdapterFactory;
        if widened.fields() == asked.fields() {
            return engine.create(asked, stored);
        }
        let inner = engine.create(Arc::new(widened.clone()), stored)?;
        Ok(Arc::new(Narrowing { asked, widened, inner }))
    }
}

fn widened_by(field: &FieldRef, stored: &ArrowSchema) -> FieldRef {
    stored.field_with_name(field.name()).map_or_else(|_| Arc::clone(field), |stored| widened(field, stored))
}

/// The field, with a leaf of what is stored wherever they have none in common.
fn widened(field: &FieldRef, stored: &Field) -> FieldRef {
    let data_type = match (field.data_type(), stored.data_type()) {
        (DataType::List(element), DataType::List(stored)) => DataType::List(widened(element, stored)),
        (DataType::Struct(members), DataType::Struct(stored)) => {
            let of_stored = |name: &str| stored.iter().find(|field| field.name() == name);
            let member = |field: &FieldRef| {
                of_stored(field.name()).map_or_else(|| Arc::clone(field), |stored| widened(field, stored))
            };
            let in_common = members.iter().any(|member| of_stored(member.name()).is_some());
            let added = stored.iter().take(usize::from(!in_common)).map(leaf_of);
            DataType::Struct(members.iter().map(member).chain(added).collect())
        }
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// The field with nothing but its first leaf.
fn leaf_of(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(element) => DataType::List(leaf_of(element)),
        DataType::Struct(members) => DataType::Struct(members.iter().take(1).map(leaf_of).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

#[derive(Debug)]
struct Narrowing {
    asked: SchemaRef,
    widened: ArrowSchema,
    inner: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Narrowing {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let narrowed = expr.transform_up(|part| {
            let Some(column) = part.downcast_ref::<Column>() else { return Ok(Transformed::no(part)) };
            let Some((at, asked)) = self.asked.column_with_name(column.name()) else {
                return Ok(Transformed::no(part));
            };
            if self.widened.field(at) == asked {
                return Ok(Transformed::no(part));
            }
            let target = Arc::new(asked.clone());
            Ok(Transformed::yes(Arc::new(CastExpr::new_with_target_field(part, target, None)) as _))
        });
        self.inner.rewrite(narrowed.data()?)
    }
}
