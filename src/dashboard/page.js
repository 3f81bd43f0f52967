// The page put together: scope, headline, sections, contents.

/** In the page's order, with their names in its contents. */
const SECTIONS = [
  ["Headline", headlineSection],
  ["Freshness", freshnessSection],
  ["Weekday and hour", weekSection],
  ["Volume", volumeSection],
  ["Containment", containmentSection],
  ["Service level", levelSection],
  ["Wait", waitSection],
  ["Abandonment", abandonmentSection],
  ["Callbacks", callbackSection],
  ["Dispositions", dispositionSection],
  ["Agents", agentSection],
  ["Satisfaction", satisfactionSection],
  ["Data quality", qualitySection],
  ["Definitions", definitionSection],
];

function tile(name, value, said, state = null) {
  return element(
    "div",
    { class: state ? `tile ${state}` : "tile" },
    element("dt", {}, name),
    element("dd", { class: "value" }, value),
    element("dd", { class: "said" }, said),
  );
}

function contactsTile() {
  const answer = report("volume");
  if (!answer) return null;
  const total = sum(answer.rows, "contacts");
  if (total === 0) return tile("Contacts", "0", "none in this time");
  const inbound = ratio(sum(answer.rows, "inbound"), total);
  return tile("Contacts", count(total), `${percent(inbound)} inbound, ${count(sum(answer.rows, "open"))} still open`);
}

function containmentTile() {
  const answer = report("containment");
  if (!answer) return null;
  if (sum(answer.rows, "sessions") === 0) return tile("Containment", NONE, "no inbound sessions");
  const share = (column) => percent(ratioOfSums(answer.rows, column, "sessions"));
  const said = `completed by the bot; ${share("handed_over")} handed to an agent, ${share("dropped_off")} dropped off`;
  return tile("Containment", share("completed"), said);
}

function levelTile() {
  const answer = report("service_level");
  if (!answer) return null;
  const level = ratioOfSums(answer.rows, "met", "counted");
  const target = percent(answers.target);
  if (level === null) return tile("Service level", NONE, `no entries to hold against the target of ${target}`);
  const points = `${tenths.format(Math.abs(level - answers.target) * 100)} points`;
  if (isBelow(level)) return tile("Service level", percent(level), `▼ ${points} below the target of ${target}`, "under");
  return tile("Service level", percent(level), `✓ target of ${target} met, ${points} above`, "met");
}

function answerTile() {
  const answer = report("queue_wait");
  if (!answer) return null;
  const answered = sum(answer.rows, "answered");
  if (answered === 0) return tile("Wait (ASA)", NONE, "no answered entries");
  const asa = duration(ratioOfSums(answer.rows, "wait_seconds", "answered"));
  return tile("Wait (ASA)", asa, `average speed of answer, ${counted(answered, "answered entry", "answered entries")}`);
}

function abandonmentTile() {
  const answer = report("abandonment");
  if (!answer) return null;
  const [abandoned, all] = [sum(answer.rows, "abandoned"), sum(answer.rows, "counted")];
  if (all === 0) return tile("Abandonment", NONE, "no queue entries that count");
  return tile("Abandonment", percent(ratio(abandoned, all)), `${count(abandoned)} of ${counted(all, "queue entry", "queue entries")}`);
}

function csatTile() {
  const answer = report("satisfaction");
  if (!answer) return null;
  const { text, isMean } = csatOf(answer, answer.rows);
  const what = isMean ? "mean score" : "scores 4 and 5";
  if (text === NONE) return tile("CSAT", NONE, "no scores");
  return tile("CSAT", text, `${what} of ${counted(sum(answer.rows, "csat_answers"), "answer", "answers")}`);
}

function headlineSection() {
  const tiles = [contactsTile(), containmentTile(), levelTile(), answerTile(), abandonmentTile(), csatTile()];
  const there = tiles.filter((one) => one !== null);
  return there.length > 0 ? section("headline", "Headline", element("dl", { class: "tiles" }, ...there)) : null;
}

function timeShown() {
  const { from, to } = answers;
  if (from && to) return `${longDay(from)} – ${longDay(dayAfter(to, -1))}`;
  if (from) return `from ${longDay(from)}`;
  return to ? `until ${longDay(dayAfter(to, -1))}` : "everything in the lake";
}

function contents(sections) {
  const links = sections.map(({ name, made }) => element("li", {}, element("a", { href: `#${made.id}` }, name)));
  return element("ul", {}, ...links);
}

function show() {
  const sections = SECTIONS.map(([name, make]) => ({ name, made: make() })).filter(({ made }) => made !== null);
  document.getElementById("main").append(...sections.map(({ made }) => made));
  document.getElementById("contents").append(contents(sections));
  document.getElementById("scope").append(`${timeShown()} · ${answers.time_zone} · `, fromData(answers.lake));
  const made = moment(answers.made_at, answers.time_zone);
  document.getElementById("made").append(`Made ${made} (${answers.time_zone}) by kore-lake ${answers.version} from `, fromData(answers.lake), ".");
  drawAll();
  drawWhenNeeded();
}

show();
