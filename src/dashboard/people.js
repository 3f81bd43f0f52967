// Sections about people: agents, what customers say of them, what conversations were about.

const TOP_AGENTS = 20;

function agentSection() {
  const answer = report("agent_performance");
  if (!answer) return null;
  const agents = grouped(answer.rows, (row) => [row.agent_id, row.agent_name], "answered");
  if (agents.length === 0) return section("agents", "Agents", nothing("offers to agents"));
  const aht = ratioOfSums(answer.rows, "handle_seconds", "handled");
  const caption =
    `${counted(agents.length, "agent", "agents")} answered ${count(sum(answer.rows, "answered"))} of ` +
    `${count(sum(answer.rows, "offered"))} offers; a contact took ${duration(aht)} (h:mm:ss) of handle time on average.`;
  const chart = bars({ rows: agents.filter(hasHandled).slice(0, TOP).map(handleRow), series: HANDLE_PARTS, format: clock });
  const more = agents.length > TOP_AGENTS ? note(`And ${count(agents.length - TOP_AGENTS)} more agents in the table of all columns.`) : null;
  return section(
    "agents",
    "Agents",
    figure("chart-agents", caption, chart, legend(HANDLE_PARTS), agents.length > TOP ? note(`The ${TOP} agents with the most answers.`) : null),
    agentTable(agents.slice(0, TOP_AGENTS)),
    more,
    wholeDetails(answer),
  );
}

const HANDLE_PARTS = [
  { name: "talk", color: "blue", column: "talk_seconds" },
  { name: "hold", color: "orange", column: "hold_seconds" },
  { name: "after-call work", color: "grey", column: "after_call_seconds" },
];

const hasHandled = ({ rows }) => sum(rows, "handled") > 0;

function handleRow({ first, rows }) {
  const name = agentName(first);
  const parts = HANDLE_PARTS.map(({ name, column }) => ({ name, mean: ratioOfSums(rows, column, "handled") }));
  const aht = clock(ratioOfSums(rows, "handle_seconds", "handled"));
  const tip = [chartText(name), `AHT ${aht}`, ...parts.map(({ name, mean }) => `${name} ${clock(mean)}`), `${count(sum(rows, "handled"))} handled`];
  return { name, values: parts.map(({ mean }) => mean), text: aht, tip: tip.join("\n") };
}

/** One row per agent, all channels together. */
function agentTable(agents) {
  const numeric = ["Offered", "Answered", "Missed", "Answered (%)", "AHT (h:mm:ss)", "Talk (h:mm:ss)", "Hold (h:mm:ss)", "After-call (h:mm:ss)"];
  const columns = [{ title: "Agent" }, ...numeric.map((title) => ({ title, numeric: true }))];
  const row = ({ first, rows }) => [
    agentName(first),
    ...["offered", "answered", "missed"].map((column) => count(sum(rows, column))),
    hundreds(ratioOfSums(rows, "answered", "offered")),
    ...["handle_seconds", "talk_seconds", "hold_seconds", "after_call_seconds"].map((column) => clock(ratioOfSums(rows, column, "handled"))),
  ];
  return table("Agents, all channels together", columns, agents.map(row));
}

/** The two ways that `csat` is defined, as the report was run. */
function csatOf(answer, rows) {
  const isMean = answer.parameters.csat === "mean";
  const value = ratioOfSums(rows, isMean ? "csat_sum" : "csat_satisfied", "csat_answers");
  const text = isMean && value !== null ? hundredths.format(value) : percent(value);
  return { value, text, isMean };
}

function npsOf(rows) {
  const net = ratio(sum(rows, "nps_promoters") - sum(rows, "nps_detractors"), sum(rows, "nps_answers"));
  return net === null ? NONE : tenths.format(100 * net);
}

function satisfactionSection() {
  const answer = report("satisfaction");
  if (!answer) return null;
  const { rows } = answer;
  const answered = sum(rows, "csat_answers") + sum(rows, "nps_answers") + sum(rows, "like_answers");
  if (answered === 0) return section("satisfaction", "Satisfaction", nothing("survey answers"));
  const figures = [csatFigure(answer), npsFigure(answer)].filter((made) => made !== null);
  const likes = ratioOfSums(rows, "likes", "like_answers");
  return section(
    "satisfaction",
    "Satisfaction by first queue",
    note(
      `${percent(ratioOfSums(rows, "handled_with_answer", "handled"))} of handled contacts have an answer` +
        (likes === null ? "." : `; ${percent(likes)} of ${counted(sum(rows, "like_answers"), "like or dislike is a like", "likes and dislikes are likes")}.`),
    ),
    element("div", { class: "pair" }, ...figures),
    wholeDetails(answer),
  );
}

function csatFigure(answer) {
  const total = csatOf(answer, answer.rows);
  if (total.value === null) return null;
  const queues = byQueue(answer.rows, "csat_answers").filter((queue) => queue.weight > 0);
  const what = total.isMean ? "mean score" : "share of scores 4 and 5";
  const caption = `CSAT is ${total.text}, the ${what} of ${counted(sum(answer.rows, "csat_answers"), "answer", "answers")}.`;
  const row = ({ first, rows, weight }) => {
    const { value, text } = csatOf(answer, rows);
    const name = queueName(first);
    return { name, values: [value], text, tip: `${chartText(name)}\nCSAT ${text}\n${counted(weight, "answer", "answers")}` };
  };
  const format = total.isMean ? count : percentTick;
  const chart = bars({ rows: queues.slice(0, TOP).map(row), series: [{ name: "CSAT", color: "teal" }], format, max: total.isMean ? 5 : 1 });
  return figure("chart-csat", caption, chart, moreNote(queues, "queues", "answers"));
}

const NPS_PARTS = [
  { name: "promoters (9–10)", color: "blue", column: "nps_promoters" },
  { name: "passives (7–8)", color: "grey", column: "nps_passives" },
  { name: "detractors (0–6)", color: "orange", column: "nps_detractors" },
];

function npsFigure({ rows }) {
  const all = sum(rows, "nps_answers");
  if (all === 0) return null;
  const queues = byQueue(rows, "nps_answers").filter((queue) => queue.weight > 0);
  const caption = `NPS is ${npsOf(rows)} points, of ${counted(all, "answer", "answers")}.`;
  const row = ({ first, rows, weight }) => {
    const name = queueName(first);
    const parts = NPS_PARTS.map(({ name, column }) => `${name}: ${count(sum(rows, column))}`);
    return {
      name,
      values: NPS_PARTS.map(({ column }) => ratio(sum(rows, column), weight)),
      text: npsOf(rows),
      tip: [chartText(name), `NPS ${npsOf(rows)}`, ...parts].join("\n"),
    };
  };
  const chart = bars({ rows: queues.slice(0, TOP).map(row), series: NPS_PARTS, format: percentTick, max: 1 });
  return figure("chart-nps", caption, chart, legend(NPS_PARTS), moreNote(queues, "queues", "answers"));
}

function dispositionSection() {
  const answer = report("dispositions");
  if (!answer) return null;
  const [first] = answer.rows;
  if (!first || !(first.disposed > 0)) return section("dispositions", "Dispositions", nothing("dispositions"));
  const codes = grouped(answer.rows, (row) => row.code, "contacts");
  const caption =
    `${counted(first.disposed, "contact has", "contacts have")} a disposition, of ${counted(codes.length, "code", "codes")}; the most ` +
    `frequent is ${short(codes[0].first.code ?? "no code", 60)} with ${percent(ratio(codes[0].weight, first.disposed))}. ` +
    "A contact may have several.";
  const row = ({ first, weight }) => {
    const share = ratio(weight, first.disposed);
    const name = first.code ?? "no code";
    const aht = clock(first.aht_seconds);
    return { name, values: [share], text: `${percent(share)} · AHT ${aht}`, shortText: percent(share), tip: `${chartText(name)}\n${count(weight)} of ${count(first.disposed)} = ${percent(share)}\nAHT ${aht}` };
  };
  const chart = bars({ rows: codes.slice(0, TOP).map(row), series: [{ name: "share", color: "blue" }], format: percentTick });
  return section("dispositions", "Dispositions", figure("chart-dispositions", caption, chart, moreNote(codes, "codes", "contacts")), wholeDetails(answer));
}
