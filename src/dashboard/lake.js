// Sections about the lake itself: how fresh and how complete it is, and what the numbers of the page mean.

const STATES = {
  final: "can no longer change",
  provisional: "later reads can still change it",
  owed: "a read of it was not whole; the next load tries again",
  missing: "not all of it was read",
};

// Two weeks as marks; more days are told in words and in the table.
const DAYS_MARKED = 14;

function freshnessSection() {
  const [days, streams] = [report("days"), report("freshness")];
  if (!days && !streams) return null;
  const rows = days?.rows ?? [];
  const isWhole = rows.length > 0 && rows.every((row) => row.state === "final");
  const made = section(
    "freshness",
    "Data freshness",
    element("p", { class: "verdict" }, freshnessVerdict(rows)),
    rows.length > 0 ? dayStrip(rows) : null,
    rows.length > DAYS_MARKED ? note(`The last ${DAYS_MARKED} of ${count(rows.length)} days.`) : null,
    streams && streams.rows.length > 0 ? streamTable(streams) : null,
    streams && streams.rows.length > 0 ? note(`Times in ${answers.time_zone}; days of the lake are UTC days.`) : null,
    days ? wholeDetails(days) : null,
    streams && streams.rows.length > TOP ? wholeDetails(streams) : null,
  );
  made.classList.add("freshness", isWhole ? "settled" : "unsettled");
  return made;
}

function freshnessVerdict(rows) {
  if (rows.length === 0) return "The lake has no days in this time.";
  const said = Object.keys(STATES).map((state) => {
    const days = rows.filter((row) => row.state === state).map((row) => row.day);
    if (days.length === 0) return null;
    if (state === "final") return days.length === rows.length ? `All ${counted(days.length, "day is", "days are")} final.` : `${counted(days.length, "day is", "days are")} final.`;
    return `${state.charAt(0).toUpperCase()}${state.slice(1)} (${STATES[state]}): ${listed(days.map(shortDay))}.`;
  });
  return said.filter((words) => words !== null).join(" ");
}

function dayStrip(rows) {
  const marks = rows.slice(-DAYS_MARKED).map(({ day, rows, state }) =>
    element(
      "li",
      { class: Object.hasOwn(STATES, state) ? `day ${state}` : "day" },
      element("span", { class: "date" }, `${weekdayOf(day)} ${shortDay(day)}`),
      element("span", { class: "state" }, state),
      element("span", { class: "rows" }, counted(rows, "row", "rows")),
    ),
  );
  return element("ol", { class: "days", "aria-label": "Days and their state" }, ...marks);
}

function streamTable({ rows }) {
  const columns = ["Account", "Stream", "Final through", "Loaded through", "Last run"].map((title) => ({ title }));
  const time = (text) => moment(text, answers.time_zone);
  const row = (one) => [one.account_id ?? NONE, one.stream_id ?? NONE, time(one.final_through), time(one.loaded_through), time(one.last_run_at)];
  return table("Streams and up to when they were read", columns, rows.slice(0, TOP).map(row));
}

function qualitySection() {
  const answer = report("data_quality");
  if (!answer) return null;
  if (answer.rows.length === 0) return section("quality", "Data quality", note("Nothing to report: no time missing or owed, no row flagged, no record rejected."));
  const kinds = grouped(answer.rows, (row) => row.kind, "count");
  const columns = [
    { title: "Kind" },
    { title: "Days", numeric: true },
    { title: "Rows, values or records", numeric: true },
    { title: "Time (h:mm:ss)", numeric: true },
    { title: "Most often" },
  ];
  return section(
    "quality",
    "Data quality",
    note(`${counted(kinds.length, "kind", "kinds")} of finding in the days of this page; what each means stands under “What these numbers mean”.`),
    table("Findings by kind", columns, kinds.map(kindRow)),
    wholeDetails(answer),
  );
}

function kindRow({ first, rows }) {
  const days = new Set(rows.map((row) => row.session_date).filter((day) => day !== null)).size;
  const hasCount = rows.some((row) => row.count !== null);
  const [most] = grouped(rows, (row) => row.detail, hasCount ? "count" : "seconds");
  const seconds = rows.some((row) => row.seconds !== null) ? clock(sum(rows, "seconds")) : NONE;
  return [first.kind, days > 0 ? count(days) : NONE, hasCount ? count(sum(rows, "count")) : NONE, seconds, most.first.detail ?? NONE];
}

// Reports that the page has under a name of its own, and those that no command prints alone.
const COMMANDS = { volume_week: "volume", freshness: null, days: null };

function commandName(key) {
  return Object.hasOwn(COMMANDS, key) ? COMMANDS[key] : key;
}

function command({ key, parameters }) {
  return ["kore-lake report", commandName(key), ...Object.entries(parameters).map(([key, value]) => `--param ${key}=${quoted(String(value))}`)].join(" ");
}

/** As a shell takes it. */
function quoted(value) {
  return /^[\w.:/+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

function definitionSection() {
  const all = Object.keys(answers.reports).map(report);
  if (all.length === 0) return null;
  const reports = grouped(all, ({ key }) => commandName(key) ?? key, null);
  return section("definitions", "What these numbers mean", element("dl", { class: "definitions" }, ...reports.map(definition)));
}

/** Text in which words between backticks stand as they are in data or commands. */
function prose(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? element("code", {}, part) : part));
}

/** One for all that the page has of a report. */
function definition({ first: answer, rows: same }) {
  const commands = same.filter(({ key }) => commandName(key) !== null).map(command);
  const columns = answer.columns.map(({ name, about }) => element("li", {}, element("code", {}, name), " ", ...prose(about ?? "")));
  return element(
    "div",
    {},
    element("dt", {}, fromData(answer.title ?? answer.key)),
    element("dd", {}, ...prose(answer.purpose ?? "")),
    ...commands.map((text) => element("dd", {}, element("code", { class: "command" }, text))),
    element("dd", {}, details(`Its ${counted(columns.length, "column", "columns")}`, element("ul", { class: "columns" }, ...columns))),
  );
}
