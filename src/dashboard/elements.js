// Elements of the page. Text gets in as text nodes only: whatever stands in the data is shown, never run.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Text from the data: its direction is its own. */
function fromData(text) {
  return element("bdi", {}, cellText(text));
}

const RATIOS = new Set(["share", "service_level", "abandonment", "rate"]);

function isRatio(name, parameters) {
  return RATIOS.has(name) || name.endsWith("_share") || (name === "csat" && parameters.csat !== "mean");
}

function isMoment(name) {
  return name.endsWith("_at") || name.endsWith("_through") || ["begins", "ends", "interval_start"].includes(name);
}

function unitOf(name, parameters) {
  if (isRatio(name, parameters)) return " (%)";
  if (name === "seconds" || name.endsWith("_seconds")) return " (h:mm:ss)";
  return name === "nps" ? " (points)" : "";
}

function columnTitle(name, parameters) {
  const words = name.replace(/_seconds$/, "").replaceAll("_", " ");
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  return title.replace(/^(Nps|Csat|Asa|Aht)\b/, (word) => word.toUpperCase()) + unitOf(name, parameters);
}

function intervalStart(value) {
  return value.endsWith("T00:00:00") ? longDay(value.slice(0, 10)) : moment(value, answers.time_zone);
}

/** A cell of a report as text; what it is follows from its column's name. */
function shown(name, value, parameters) {
  if (value === null) return NONE;
  if (typeof value === "string") {
    if (name === "interval_start") return intervalStart(value);
    return isMoment(name) ? moment(value, answers.time_zone) : value;
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (isRatio(name, parameters)) return hundreds(value);
  if (name === "seconds" || name.endsWith("_seconds")) return clock(value);
  if (name === "csat") return hundredths.format(value);
  return name === "nps" ? tenths.format(value) : count(value);
}

function cell(text, isNumeric, isHeading) {
  const attributes = isHeading ? { scope: "row" } : {};
  const classes = [isNumeric ? "number" : "", text === NONE ? "none" : ""].filter(Boolean).join(" ");
  return element(isHeading ? "th" : "td", { ...attributes, class: classes || null }, isNumeric ? text : fromData(text));
}

/** `columns`: `{title, about, numeric}`; `rows`: arrays of texts, of which the first is the row's heading. */
function table(label, columns, rows) {
  const heads = columns.map((column) =>
    element("th", { scope: "col", class: column.numeric ? "number" : null, title: column.about ?? null }, column.title),
  );
  const body = element("tbody", {}, ...rows.map((row) => tableRow(columns, row)));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, made);
}

function tableRow(columns, row) {
  return element("tr", {}, ...row.map((text, at) => cell(text, columns[at].numeric, at === 0)));
}

function numericColumns(answer) {
  return answer.columns.map((_, at) => {
    const cells = answer.cells.map((row) => row[at]).filter((value) => value !== null && value !== undefined);
    return cells.length > 0 && cells.every((value) => typeof value === "number");
  });
}

// More would make a page of a long time slow to open; a button brings them.
const ROWS_AT_ONCE = 1000;

/** All rows and columns of a report. */
function wholeTable(answer) {
  const numeric = numericColumns(answer);
  const columns = answer.columns.map((column, at) => ({
    title: columnTitle(column.name, answer.parameters),
    about: column.about,
    numeric: numeric[at],
  }));
  const texts = (row) => answer.columns.map(({ name }, at) => shown(name, row[at] ?? null, answer.parameters));
  const made = table(`${answer.title}, all rows`, columns, answer.cells.slice(0, ROWS_AT_ONCE).map(texts));
  if (answer.cells.length <= ROWS_AT_ONCE) return [made];
  return [made, remainingRows(made.querySelector("tbody"), answer.cells.slice(ROWS_AT_ONCE), (row) => tableRow(columns, texts(row)))];
}

function remainingRows(body, rows, toRow) {
  const button = element("button", { type: "button" }, `Show the other ${counted(rows.length, "row", "rows")}`);
  button.addEventListener("click", () => {
    body.append(...rows.map(toRow));
    button.remove();
  });
  return button;
}

function details(summary, ...children) {
  return element("details", {}, element("summary", {}, summary), ...children);
}

function wholeDetails(answer) {
  if (answer.cells.length === 0) return null;
  const rows = counted(answer.cells.length, "row", "rows");
  return details(`All columns of “${answer.title}” as a table (${rows})`, ...wholeTable(answer));
}

function note(text) {
  return element("p", { class: "note" }, text);
}

/** `{name, color, hatched}`; without a colour, the name begins with the mark that it explains. */
function legend(entries) {
  const items = entries.map(({ name, color, hatched }) => {
    const style = `--swatch: var(--${color})`;
    const swatch = element("span", { class: hatched ? "swatch hatched" : "swatch", style, "aria-hidden": "true" });
    return element("li", {}, color ? swatch : null, fromData(name));
  });
  return element("ul", { class: "legend" }, ...items);
}
