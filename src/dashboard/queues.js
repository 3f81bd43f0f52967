// Sections about queues: service level, waiting, abandonment, callbacks.

// More days do not fit beside each other with their values in them.
const LEVEL_DAYS = { wide: 14, narrow: 7 };

function levelSection() {
  const answer = report("service_level");
  if (!answer) return null;
  const all = { rows: answer.rows, level: ratioOfSums(answer.rows, "met", "counted") };
  const title = "Service level by queue and day";
  if (all.level === null) return section("level", title, nothing("queue entries that count"));
  const queues = byQueue(answer.rows, "counted");
  const below = queues.filter(({ rows }) => isBelow(ratioOfSums(rows, "met", "counted")));
  const within = answer.parameters.threshold_seconds;
  const caption =
    `${percent(all.level)} of entries were answered within ${within ? duration(Number(within)) : "the threshold"}, ` +
    `${isBelow(all.level) ? "below" : "at or above"} the target of ${percent(answers.target)}; ` +
    `${count(below.length)} of ${counted(queues.length, "queue is", "queues are")} below it over the whole time.`;
  const days = daysShown(answer.rows, LEVEL_DAYS.wide);
  return section(
    "level",
    title,
    figure("chart-level", caption, levelChart(answer.rows, queues.slice(0, TOP), days), levelLegend(), moreNote(queues, "queues", "entries"), earlierNote(answer.rows, days)),
    details("Service level by queue and day as a table", levelTable(answer.rows, queues)),
    wholeDetails(answer),
  );
}

function isBelow(level) {
  return level !== null && isNumber(answers.target) && level < answers.target;
}

function earlierNote(rows, days) {
  const all = daysShown(rows, Infinity).length;
  return all > days.length ? note(`The last ${days.length} of ${count(all)} days; all are in the table below.`) : null;
}

function levelLegend() {
  const target = percent(answers.target);
  return legend([
    { name: `▼ below the target of ${target}`, color: "under-more" },
    { name: `at or above ${target}`, color: "met-more" },
    { name: "values in %" },
    ...([...dayStates.values()].some((state) => state !== "final") ? [{ name: "* day not final" }] : []),
  ]);
}

/** Queues by day, with all queues above and the whole time at the right. */
function levelChart(rows, queues, days) {
  const chart = (shownDays) => {
    const lines = [{ name: "All queues", rows, bold: true }, ...queues.map((queue) => ({ name: queueName(queue.first), rows: queue.rows }))];
    return heatMap({
      columns: (narrow) => [...shownDays.map((day) => levelDay(day, narrow)), "all"],
      rows: lines.map(({ name }) => chartText(name, 26)),
      cells: lines.flatMap((line, y) => levelCells(line, y, shownDays)),
      color: levelColor,
      nameWidth: (width) => (isNarrow(width) ? 92 : 190),
    });
  };
  return turningHeatMap(chart(days), chart(days.slice(-LEVEL_DAYS.narrow)));
}

function levelDay(day, narrow) {
  const mark = isUnsettled(day) ? "*" : "";
  return `${weekdayOf(day)}\n${narrow ? dayOfMonth(day) : shortDay(day)}${mark}`;
}

function levelCells({ name, rows, bold }, y, days) {
  const byDay = new Map(grouped(rows, dayOf, "counted").map((group) => [dayOf(group.first), group.rows]));
  const daily = days.map((day, x) => ({ x, title: dayTitle(day), rows: byDay.get(day) ?? [], bold }));
  return [...daily, { x: days.length, title: "the whole time", rows, bold: true }]
    .map((cell) => ({ ...cell, y, level: ratioOfSums(cell.rows, "met", "counted") }))
    .filter(({ level }) => level !== null)
    .map((cell) => levelCell(name, cell));
}

function levelCell(name, { x, y, title, rows, level, bold }) {
  const mark = isBelow(level) ? "▼" : "";
  const [met, all] = [count(sum(rows, "met")), count(sum(rows, "counted"))];
  const tip = `${chartText(name)}, ${title}\n${met} of ${all} = ${percent(level)}${mark ? ", below target" : ""}`;
  return { x, y, level, bold, tip, text: `${mark} ${percent(level)}`.trim(), shortText: `${mark}${Math.floor(level * 100 + 1e-9)}` };
}

/** The farther from the target, the deeper: one colour to 40 points below it, another up to all. */
function levelColor({ level }, ink) {
  const target = isNumber(answers.target) ? answers.target : 0;
  if (isBelow(level)) return shade((target - level) / 0.4, ink["under-less"], ink["under-more"]);
  return shade((level - target) / Math.max(0.01, 1 - target), ink["met-less"], ink["met-more"]);
}

function levelTable(rows, queues) {
  const days = daysShown(rows, 31);
  const columns = [{ title: "Queue (%)" }, ...days.map((day) => ({ title: `${weekdayOf(day)} ${shortDay(day)}`, numeric: true })), { title: "All days", numeric: true }];
  const line = (name, rows) => {
    const cells = new Map(levelCells({ name, rows }, 0, days).map((cell) => [cell.x, `${isBelow(cell.level) ? "▼ " : ""}${hundreds(cell.level)}`]));
    return [name, ...columns.slice(1).map((_, x) => cells.get(x) ?? NONE)];
  };
  const lines = [line("All queues", rows), ...queues.map((queue) => line(queueName(queue.first), queue.rows))];
  return table("Service level by queue and day", columns, lines);
}

function waitSection() {
  const answer = report("queue_wait");
  if (!answer) return null;
  const answered = sum(answer.rows, "answered");
  const title = "Wait until answered, by queue";
  if (answered === 0) return section("wait", title, nothing("answered entries"));
  const queues = byQueue(answer.rows, "answered").filter((queue) => queue.weight > 0);
  const longest = highest(queues, ({ first }) => first.p90_seconds);
  const caption =
    `Speed of answer is ${duration(ratioOfSums(answer.rows, "wait_seconds", "answered"))} on average over ` +
    `${counted(answered, "answered entry", "answered entries")}` +
    (longest ? `; the longest 90th percentile shown is ${duration(longest.value)}, ${inQueue(longest.group.first)}.` : ".");
  const entries = [
    { name: "half waited at most this long (p50)", color: "teal" },
    { name: "nine in ten (p90)", color: "blue" },
    { name: "nineteen in twenty (p95)", color: "violet" },
  ];
  const chart = bars({ rows: queues.slice(0, TOP).map(waitRow), series: entries, format: clock, mark: { color: "ink" } });
  const keys = legend([...entries, { name: "◆ average (ASA)" }]);
  return section("wait", title, figure("chart-wait", caption, chart, keys, moreNote(queues, "queues", "answers")), wholeDetails(answer));
}

function waitRow({ first }) {
  const [p50, p90, p95] = [first.p50_seconds, first.p90_seconds, first.p95_seconds];
  const name = queueName(first);
  return {
    name,
    values: [p50, p90 - p50, p95 - p90],
    mark: first.asa_seconds,
    text: `p95 ${clock(p95)}`,
    tip: [
      chartText(name),
      `average (ASA): ${duration(first.asa_seconds)}`,
      `p50: ${duration(p50)}, p90: ${duration(p90)}, p95: ${duration(p95)}`,
      `longest: ${duration(first.max_seconds)}`,
      `${count(first.answered)} answered`,
    ].join("\n"),
  };
}

function abandonmentSection() {
  const answer = report("abandonment");
  if (!answer) return null;
  const rate = ratioOfSums(answer.rows, "abandoned", "counted");
  const title = "Abandonment by queue";
  const early = sum(answer.rows, "abandoned_before_queue");
  const before = early > 0 ? ` ${counted(early, "contact was", "contacts were")} abandoned before any queue, counted apart.` : "";
  if (rate === null) return section("abandonment", title, nothing("queue entries that count"), early > 0 ? note(before.trim()) : null);
  const queues = byQueue(answer.rows, "counted").filter((queue) => queue.weight > 0);
  const most = highest(queues, ({ rows }) => ratioOfSums(rows, "abandoned", "counted"));
  const caption =
    `${percent(rate)} abandoned, ${count(sum(answer.rows, "abandoned"))} of ${count(sum(answer.rows, "counted"))} entries; ` +
    `the highest share shown is ${percent(most.value)}, ${inQueue(most.group.first)}.${before}`;
  const rows = queues.slice(0, TOP).map((queue) => shareRow(queueName(queue.first), queue.rows, "abandoned", "counted"));
  const chart = bars({ rows, series: [{ name: "abandoned", color: "orange" }], format: percentTick });
  return section("abandonment", title, figure("chart-abandonment", caption, chart, moreNote(queues, "queues", "entries")), wholeDetails(answer));
}

function shareRow(name, rows, numerator, denominator) {
  const share = ratioOfSums(rows, numerator, denominator);
  const parts = `${count(sum(rows, numerator))} of ${count(sum(rows, denominator))}`;
  return { name, values: [share], text: percent(share), tip: `${chartText(name)}\n${parts} = ${percent(share)}` };
}

function callbackSection() {
  const answer = report("callbacks");
  if (!answer) return null;
  const opted = sum(answer.rows, "opted");
  if (opted === 0) return section("callbacks", "Callbacks", nothing("callbacks"));
  const queues = byQueue(answer.rows, "opted").filter((queue) => queue.weight > 0);
  const accepted = sum(answer.rows, "accepted");
  const caption =
    `${counted(opted, "caller", "callers")} chose a callback; ${percent(ratio(accepted, opted))} took the call when it came, ` +
    `after ${duration(ratioOfSums(answer.rows, "accept_seconds", "timed"))} (h:mm:ss) on average.`;
  const series = [
    { name: "taken by the caller", color: "teal" },
    { name: "not taken", color: "grey" },
  ];
  const chart = bars({ rows: queues.slice(0, TOP).map(callbackRow), series, format: count });
  return section("callbacks", "Callbacks by queue", figure("chart-callbacks", caption, chart, legend(series), moreNote(queues, "queues", "callbacks")), wholeDetails(answer));
}

function callbackRow({ first, rows }) {
  const name = queueName(first);
  const [opted, accepted] = [sum(rows, "opted"), sum(rows, "accepted")];
  const share = percent(ratio(accepted, opted));
  const wait = clock(ratioOfSums(rows, "accept_seconds", "timed"));
  return {
    name,
    values: [accepted, opted - accepted],
    text: `${count(accepted)} of ${count(opted)}`,
    tip: `${chartText(name)}\n${count(accepted)} of ${count(opted)} = ${share}\ntaken after ${wait} on average`,
  };
}
