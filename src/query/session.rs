use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::datatypes::Schema as ArrowSchema;
use datafusion::common::{DataFusionError, ParamValues, TableReference};
use datafusion::datasource::TableType;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::stream;
use url::Url;

use super::error::internal;
use super::files::{LakeFiles, Snapshot};
use super::headroom::Headroom;
use super::ledger::LedgerLines;
use super::pinned::PinnedStore;
use super::report::{Params, Report};
use super::rows::told;
use super::said::unknown_function;
use super::script::{self, Statement};
use super::suggest::near;
use super::table::{Conversations, STORE_URL};
use super::{QueryError, Rows, functions, steps, views};
use crate::schema::LedgerTableSchema;

/// How much a session may use.
#[derive(Debug, Clone, Default)]
pub struct SessionSettings {
    /// Memory of sorts, joins and aggregates together, in bytes; what needs more spills. None: no limit.
    pub memory_limit_bytes: Option<usize>,
    /// Folder to spill to; none: the system's temporary folder.
    pub spill_folder: Option<PathBuf>,
    /// Partitions worked on side by side; none: one a processor.
    pub parallelism: Option<usize>,
}

/// Tries of a statement whose days are replaced before its first rows are there: enough to outlast a load that commits
/// day after day (5 were not, with a rewrite every 50 ms on a busy machine).
const TRIES: usize = 20;

/// A lake one can ask: the table `conversations`, the flat views, and the functions of the prelude.
///
/// Views made by `CREATE VIEW` live as long as the session. The session's time zone is UTC.
pub struct Session {
    files: LakeFiles,
    context: SessionContext,
}

impl Session {
    /// A session over a lake. Nothing is read yet; a lake without objects has zero rows.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the spill folder cannot be used.
    pub async fn open(files: LakeFiles, settings: SessionSettings) -> Result<Self, QueryError> {
        let runtime = runtime(&settings).map_err(internal)?;
        let mut context = SessionContext::new_with_config_rt(config(&settings), runtime);
        functions::register(&mut context).map_err(internal)?;
        context.register_table("conversations", Arc::new(Conversations::declared())).map_err(internal)?;
        context.register_table(views::EXTRAS, Arc::new(Conversations::extras())).map_err(internal)?;
        for table in LedgerTableSchema::all() {
            context.register_table(table.name.as_str(), Arc::new(LedgerLines::of(table))).map_err(internal)?;
        }
        let flat = views::datafusion()?;
        for (name, table) in steps::tables(&context, &flat.sessions.parsed).await.map_err(internal)? {
            context.register_table(name, table).map_err(internal)?;
        }
        let session = Self { files, context };
        for statement in flat.views {
            session.run(&statement).await?;
        }
        Ok(session)
    }

    /// The statements of a text, to be run one after the other.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] where the text is no SQL, or empty; [`QueryError::Refused`] where a statement would write.
    /// Nothing of the text is to be run then.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        script::parse(sql)
    }

    /// The statements of several texts, numbered through.
    ///
    /// # Errors
    /// As [`Session::parse`].
    pub fn parse_all(&self, texts: &[String]) -> Result<Vec<Statement>, QueryError> {
        texts.iter().try_fold(Vec::new(), |mut all, text| {
            let more = script::parse_after(text, all.len())?;
            all.extend(more);
            Ok(all)
        })
    }

    /// Runs a statement; the rows are computed as they are taken. It sees the lake as one listing shows it.
    ///
    /// # Errors
    /// [`QueryErrorKind::Usage`](super::QueryErrorKind::Usage): the statement is refused or wrong, and fails
    /// again. `Lake`: the lake cannot be read; a day replaced before the first rows is tried again here.
    pub async fn run(&self, statement: &Statement) -> Result<Rows, QueryError> {
        let mut tries = 1;
        loop {
            match self.attempt(statement).await {
                Err(QueryError::Replaced { .. }) if tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    /// Runs a report with its parameters.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn report(&self, report: &Report, params: &Params) -> Result<Rows, QueryError> {
        let mut statement = script::parse(report.sql)?
            .pop()
            .ok_or_else(|| internal(format!("report `{}` has no statement", report.name)))?;
        statement.params = Some(ParamValues::from(params.values()));
        self.run(&statement).await
    }

    /// Names of the tables and views, sorted, without those that are steps of others (`_…`).
    pub fn tables(&self) -> Vec<String> {
        let schema = self.context.catalog("datafusion").and_then(|catalog| catalog.schema("public"));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.retain(|name| !name.starts_with('_'));
        names.sort();
        names
    }

    /// Names of the functions that a statement may use, sorted.
    pub fn functions(&self) -> Vec<String> {
        let state = self.context.state();
        let scalar = state.scalar_functions().keys();
        let names = scalar.chain(state.aggregate_functions().keys()).chain(state.window_functions().keys());
        let names: BTreeSet<String> = names.filter(|name| is_word(name)).cloned().collect();
        names.into_iter().collect()
    }

    /// How a statement is run, as the engine writes its plans; with `analyze` it is run, and the plan says how many
    /// rows each step gave and how long it took.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn explain(&self, statement: &Statement, analyze: bool) -> Result<Rows, QueryError> {
        self.run(&script::explained(statement, analyze)?).await
    }

    /// Columns of a table or view; none if there is no such table.
    pub async fn columns(&self, table: &str) -> Option<Arc<ArrowSchema>> {
        let provider = self.context.table_provider(table).await.ok()?;
        Some(told(&provider.schema()))
    }

    pub(super) async fn table_type(&self, table: &str) -> Option<TableType> {
        self.context.table_provider(table).await.ok().map(|provider| provider.table_type())
    }

    async fn attempt(&self, statement: &Statement) -> Result<Rows, QueryError> {
        let snapshot = Arc::new(Snapshot::new(self.files.clone()));
        let context = self.statement_context(&snapshot)?;
        let plan = self.plan(&context, statement, &snapshot).await?;
        let failed = |error| QueryError::of_statement(statement.number, error, &snapshot);
        if let LogicalPlan::Ddl(_) = plan {
            context.execute_logical_plan(plan).await.map_err(failed)?;
            return Ok(Rows::new(Arc::new(ArrowSchema::empty()), stream::empty()));
        }
        let physical = context.state().create_physical_plan(&plan).await.map_err(failed)?;
        let batches = execute_stream(physical, context.task_ctx()).map_err(failed)?;
        Rows::begin(statement.number, batches, Arc::clone(&snapshot)).await
    }

    async fn plan(
        &self,
        context: &SessionContext,
        statement: &Statement,
        snapshot: &Snapshot,
    ) -> Result<LogicalPlan, QueryError> {
        let failed = |error| QueryError::of_statement(statement.number, error, snapshot);
        let state = context.state();
        let plan = match state.statement_to_plan(statement.parsed.clone()).await {
            Ok(plan) => plan,
            Err(error) => {
                let error = self.unknown(context, statement, &error).unwrap_or_else(|| failed(error));
                return Err(self.with_places(error).await);
            }
        };
        statement.check_plan(&plan)?;
        match &statement.params {
            Some(params) => plan.with_param_values(params.clone()).map_err(failed),
            None => Ok(plan),
        }
    }

    /// The table or function that a statement names and that there is not.
    fn unknown(&self, context: &SessionContext, statement: &Statement, error: &DataFusionError) -> Option<QueryError> {
        self.unknown_table(context, statement).or_else(|| {
            let name = unknown_function(error)?;
            let functions = self.functions();
            let near = near(&name, functions.iter().map(String::as_str));
            Some(QueryError::UnknownFunction { number: statement.number, name, near })
        })
    }

    /// The error with the tables that have the column which the statement's own lack.
    async fn with_places(&self, error: QueryError) -> QueryError {
        let QueryError::UnknownColumn { number, name, near, mut elsewhere } = error else { return error };
        for table in self.tables() {
            let schema = self.columns(&table).await;
            if schema.is_some_and(|schema| schema.column_with_name(&name).is_some()) {
                elsewhere.push(table);
            }
        }
        QueryError::UnknownColumn { number, name, near, elsewhere }
    }

    /// The first table that a statement names and the session does not have.
    fn unknown_table(&self, context: &SessionContext, statement: &Statement) -> Option<QueryError> {
        let state = context.state();
        let references = state.resolve_table_references(&statement.parsed).ok()?;
        let known = |reference: &TableReference| {
            let exists = context.table_exist(reference.clone()).unwrap_or(false);
            exists || state.table_functions().contains_key(reference.table())
        };
        let name = references.iter().find(|reference| !known(reference))?.to_string();
        Some(self.no_table(statement.number, name))
    }

    /// The error of a table that there is not; statement 0 where none asked for it.
    pub(super) fn no_table(&self, number: usize, name: String) -> QueryError {
        let tables = self.tables();
        let near = near(&name, tables.iter().map(String::as_str));
        let near = if near.is_empty() { tables } else { near };
        QueryError::UnknownTable { number, name, near }
    }

    /// A context for one statement: catalog, functions, memory and spill folder are the session's; listing,
    /// store and caches are its own, so that nothing of an earlier listing is ever read.
    fn statement_context(&self, snapshot: &Arc<Snapshot>) -> Result<SessionContext, QueryError> {
        let state = self.context.state();
        let shared = state.runtime_env();
        let registry = DefaultObjectStoreRegistry::new();
        let url = Url::parse(STORE_URL).map_err(internal)?;
        registry.register_store(&url, Arc::new(PinnedStore::new(Arc::clone(snapshot))));
        let mut runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&shared.memory_pool))
            .with_object_store_registry(Arc::new(registry));
        runtime.disk_manager = Some(Arc::clone(&shared.disk_manager));
        let config = state.config().clone().with_extension(Arc::clone(snapshot));
        // Else an empty catalog takes the place of the session's.
        let config = config.with_create_default_catalog_and_schema(false);
        let runtime = runtime.build_arc().map_err(internal)?;
        let state = SessionStateBuilder::new_from_existing(state).with_config(config).with_runtime_env(runtime);
        Ok(SessionContext::new_with_state(state.build()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Whether a function is called by its name: some are operators only.
fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with('_')
}

fn config(settings: &SessionSettings) -> SessionConfig {
    SessionConfig::new()
        .with_information_schema(true)
        .with_collect_statistics(false)
        .with_sort_spill_reservation_bytes(spill_reservation_bytes(settings))
        .set_str("datafusion.execution.time_zone", "+00:00")
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .with_target_partitions(partitions(settings))
        .with_repartition_sorts(sorts_side_by_side(settings))
        .with_repartition_windows(sorts_side_by_side(settings))
}

/// Memory that a partition has at least where sorts work side by side.
const SORT_BYTES: usize = 512 << 20;

/// Whether partitions are sorted side by side. The merge of what a sort spilled takes what memory there is, and another
/// beside it then ends the statement: where sorts may have to spill, there is one at a time.
fn sorts_side_by_side(settings: &SessionSettings) -> bool {
    settings.memory_limit_bytes.is_none_or(|bytes| bytes / partitions(settings) >= SORT_BYTES)
}

/// Memory that a partition gets at least: with less, sorts of wide rows cannot even merge what they spilled.
const PARTITION_BYTES: usize = 16 << 20;

/// Partitions worked on side by side: no more than the memory is enough for.
fn partitions(settings: &SessionSettings) -> usize {
    let wanted = settings.parallelism.or_else(|| available_parallelism().ok().map(NonZero::get)).unwrap_or(1);
    let room = settings.memory_limit_bytes.map_or(wanted, |bytes| bytes / PARTITION_BYTES);
    wanted.min(room).max(1)
}

/// What the sort of a partition keeps for merging what it spilled: the engine's default, but no more than half of the
/// memory that is left to those who cannot spill.
fn spill_reservation_bytes(settings: &SessionSettings) -> usize {
    const USUAL: usize = 10 << 20;
    settings.memory_limit_bytes.map_or(USUAL, |bytes| USUAL.min(bytes / (8 * partitions(settings))))
}

fn runtime(settings: &SessionSettings) -> datafusion::common::Result<Arc<RuntimeEnv>> {
    let mut builder = RuntimeEnvBuilder::new();
    if let Some(bytes) = settings.memory_limit_bytes {
        builder = builder.with_memory_pool(Headroom::pool(bytes));
    }
    if let Some(folder) = &settings.spill_folder {
        let mode = DiskManagerMode::Directories(vec![folder.clone()]);
        builder = builder.with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode));
    }
    builder.build_arc()
}
