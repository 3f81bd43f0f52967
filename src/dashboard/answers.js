// The page's data: reports as rows with names, and the sums that the page makes of them. A ratio over several rows is
// the ratio of their sums, never a mean of ratios.

const answers = JSON.parse(document.getElementById("data").textContent);

function named(columns, cells) {
  return Object.fromEntries(columns.map((column, at) => [column.name, cells[at] ?? null]));
}

/** A report with its rows as objects; null when the page has none of that key. */
function report(key) {
  const found = answers.reports[key];
  if (!found) return null;
  return { key, ...found, cells: found.rows, rows: found.rows.map((cells) => named(found.columns, cells)) };
}

function sum(rows, column) {
  return rows.reduce((total, row) => total + (isNumber(row[column]) ? row[column] : 0), 0);
}

function ratio(numerator, denominator) {
  return denominator > 0 ? numerator / denominator : null;
}

function ratioOfSums(rows, numerator, denominator) {
  return ratio(sum(rows, numerator), sum(rows, denominator));
}

/** Rows by key, the first by `weight` first. */
function grouped(rows, keyOf, weight) {
  const groups = new Map();
  for (const row of rows) {
    const key = JSON.stringify(keyOf(row));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  const all = [...groups.values()].map((rows) => ({ rows, first: rows[0], weight: sum(rows, weight) }));
  return all.sort((one, other) => other.weight - one.weight);
}

function queueName(row) {
  return row.queue_name || row.queue_id || "no queue";
}

function agentName(row) {
  return row.agent_name || row.agent_id || "no agent";
}

function channelName(row) {
  return row.channel || "no channel";
}

function byQueue(rows, weight) {
  return grouped(rows, (row) => [row.queue_id, row.queue_name], weight);
}

function dayOf(row) {
  return row.interval_start === null ? null : String(row.interval_start).slice(0, 10);
}

/** What the lake holds of each day: `final`, `provisional`, `owed` or `missing`. */
const dayStates = new Map((report("days")?.rows ?? []).map((row) => [row.day, row.state]));

const isUnsettled = (day) => dayStates.has(day) && dayStates.get(day) !== "final";

/** All days from the page's first to its last, those without a row too; at most the last `most`. */
function daysShown(rows, most) {
  const days = new Set([...rows.map(dayOf), ...dayStates.keys()].filter((day) => day !== null));
  const sorted = [...days].sort();
  // Days of the zone may lie a day before or behind those of the lake.
  const [first] = [answers.from, sorted[0]].filter(Boolean).sort();
  const last = [answers.to && dayAfter(answers.to, -1), sorted.at(-1)].filter(Boolean).sort().at(-1);
  if (!first || !last) return [];
  const all = [];
  for (let day = last; day >= first && all.length < most; day = dayAfter(day, -1)) all.unshift(day);
  return all;
}
