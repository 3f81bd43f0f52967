use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements,
    Partitioning, PlanProperties,
};
use futures::{StreamExt, future};

use super::unfold::Unfolding;

/// The rows of a step, batch by batch, from those of `_sessions`: nothing is sorted, joined or kept.
#[derive(Debug)]
pub(super) struct UnfoldExec {
    input: Arc<dyn ExecutionPlan>,
    step: &'static str,
    unfolding: Arc<Unfolding>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl UnfoldExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, step: &'static str, unfolding: Arc<Unfolding>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&unfolding.schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, step, unfolding, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl ExecutionPlan for UnfoldExec {
    fn name(&self) -> &'static str {
        "UnfoldExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("a step has one input, found none") };
        Ok(Arc::new(Self::new(input, self.step, Arc::clone(&self.unfolding))))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(Recompute))
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::UnspecifiedDistribution])
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let unfolding = Arc::clone(&self.unfolding);
        let batches = input.map(move |batch| {
            let batch = batch?;
            let timer = metrics.elapsed_compute().timer();
            let rows = unfolding.of(&batch);
            timer.done();
            rows.inspect(|rows| metrics.record_output(rows.num_rows()))
        });
        let batches = batches.filter(|rows| future::ready(!rows.as_ref().is_ok_and(|rows| rows.num_rows() == 0)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.unfolding.schema), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

impl DisplayAs for UnfoldExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let columns = self.unfolding.schema.fields().iter().map(|field| field.name().as_str());
        write!(f, "UnfoldExec: step={}, columns=[{}]", self.step, columns.collect::<Vec<_>>().join(", "))
    }
}
