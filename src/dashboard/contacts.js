// Sections about contacts: volume by weekday and hour, by day and channel; containment.

function weekSection() {
  const answer = report("volume_week");
  if (!answer) return null;
  const total = sum(answer.rows, "contacts");
  if (total === 0) return section("week", "Contacts by weekday and hour", nothing("contacts"));
  const hours = weekHours(answer.rows);
  const peak = hours.reduce((one, other) => (other.contacts > one.contacts ? other : one));
  const caption =
    `${counted(total, "contact", "contacts")} in all; the busiest hour of the week is ${LONG_WEEKDAYS[peak.weekday - 1]} ` +
    `${hourSpan(peak.hour)} with ${count(peak.contacts)}.`;
  return section(
    "week",
    "Contacts by weekday and hour",
    figure("chart-week", caption, weekChart(hours, peak.contacts), rampLegend("fewer contacts", "more")),
    details("Contacts by weekday and hour as a table", weekTable(hours)),
    wholeDetails(answer),
  );
}

/** The 168 hours of a week with their contacts of all channels. */
function weekHours(rows) {
  const contacts = new Map();
  for (const row of rows) {
    const key = row.weekday * 24 + row.hour;
    contacts.set(key, (contacts.get(key) ?? 0) + row.contacts);
  }
  const hour = (_, at) => {
    const [weekday, hour] = [Math.floor(at / 24) + 1, at % 24];
    return { weekday, hour, contacts: contacts.get(weekday * 24 + hour) ?? 0 };
  };
  return Array.from({ length: 168 }, hour);
}

function weekChart(hours, most) {
  const color = (cell, ink) => shade(cell.contacts / most, ink.less, ink.more);
  const cells = (place) =>
    hours.map((hour) => ({
      ...hour,
      ...place(hour),
      text: hour.contacts === 0 ? "" : count(hour.contacts),
      shortText: hour.contacts === 0 ? "" : count(hour.contacts),
      tip: `${LONG_WEEKDAYS[hour.weekday - 1]} ${hourSpan(hour.hour)}\n${counted(hour.contacts, "contact", "contacts")}`,
    }));
  const hourNames = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
  const lying = cells(({ weekday, hour }) => ({ x: hour, y: weekday - 1 }));
  const standing = cells(({ weekday, hour }) => ({ x: weekday - 1, y: hour }));
  return turningHeatMap(
    heatMap({ columns: () => hourNames, rows: WEEKDAYS, cells: lying, color, rowHeight: 34 }),
    heatMap({ columns: () => WEEKDAYS, rows: hourNames, cells: standing, color, rowHeight: 22, nameWidth: () => 26 }),
    most < 1000 ? NARROW : 900,
  );
}

function weekTable(hours) {
  const columns = [{ title: "Hour" }, ...WEEKDAYS.map((title) => ({ title, numeric: true }))];
  const row = (hour) => [hourSpan(hour), ...WEEKDAYS.map((_, day) => count(hours[day * 24 + hour].contacts))];
  return table("Contacts by hour and weekday", columns, Array.from({ length: 24 }, (_, hour) => row(hour)));
}

function rampLegend(low, high) {
  const ramp = element("span", { class: "ramp", "aria-hidden": "true" });
  return element("p", { class: "legend" }, low, ramp, high);
}

const SERIES_COLORS = ["blue", "orange", "teal", "mauve", "violet"];

function volumeSection() {
  const answer = report("volume");
  if (!answer) return null;
  const total = sum(answer.rows, "contacts");
  if (total === 0) return section("volume", "Contacts by day and channel", nothing("contacts"));
  const series = channelSeries(answer.rows);
  const days = volumeDays(answer.rows, series);
  const channels = grouped(answer.rows, channelName, "contacts");
  const [first] = channels;
  const caption =
    `${counted(total, "contact", "contacts")} by ${counted(channels.length, "channel", "channels")}; ` +
    `${short(channelName(first.first), 40)} has the most, ${percent(ratio(first.weight, total))}.`;
  const hatched = days.some((day) => day.hatched) ? [{ name: "hatched: day not final", color: "grey", hatched: true }] : [];
  return section(
    "volume",
    "Contacts by day and channel",
    figure("chart-volume", caption, dayColumns({ days, series }), legend([...series, ...hatched])),
    wholeDetails(answer),
  );
}

/** A series per channel, and one of the rest where there are more channels than colours. */
function channelSeries(rows) {
  const groups = grouped(rows, channelName, "contacts");
  const named = groups.slice(0, SERIES_COLORS.length);
  const rest = groups.slice(SERIES_COLORS.length);
  const series = named.map(({ first, rows }, at) => ({ name: short(channelName(first), 40), color: SERIES_COLORS[at], rows }));
  if (rest.length === 0) return series;
  const name = counted(rest.length, "other channel", "other channels");
  return [...series, { name, color: "grey", rows: rest.flatMap((group) => group.rows) }];
}

function volumeDays(rows, series) {
  const byDay = series.map((one) => new Map(grouped(one.rows, dayOf, "contacts").map((day) => [dayOf(day.first), day.weight])));
  return daysShown(rows, 92).map((day) => {
    const values = byDay.map((days) => days.get(day) ?? 0);
    const total = values.reduce((one, other) => one + other, 0);
    const parts = series.map(({ name }, at) => `${chartText(name)}: ${count(values[at])}`);
    return {
      name: `${weekdayOf(day)}\n${shortDay(day)}`,
      values,
      text: count(total),
      hatched: isUnsettled(day),
      tip: [dayTitle(day), counted(total, "contact", "contacts"), ...parts].join("\n"),
    };
  });
}

function dayTitle(day) {
  const state = isUnsettled(day) ? ` (${dayStates.get(day)})` : "";
  return `${weekdayOf(day)} ${longDay(day)}${state}`;
}

const PARTS = [
  { column: "completed", name: "completed by the bot", color: "teal" },
  { column: "handed_over", name: "handed to an agent", color: "blue" },
  { column: "dropped_off", name: "dropped off", color: "orange" },
  { column: "unknown", name: "unknown", color: "grey" },
];

function containmentSection() {
  const answer = report("containment");
  if (!answer) return null;
  const sessions = sum(answer.rows, "sessions");
  if (sessions === 0) return section("containment", "Containment", nothing("inbound sessions"));
  const shares = PARTS.map(({ column, name }) => `${percent(ratio(sum(answer.rows, column), sessions))} ${name}`);
  const open = sum(answer.rows, "open");
  const caption =
    `Of ${counted(sessions, "inbound session", "inbound sessions")}, ${listed(shares)}.` +
    (open > 0 ? ` ${count(open)} still open, in none of the parts.` : "");
  const all = grouped(answer.rows, channelName, "sessions").filter((group) => group.weight > 0);
  return section(
    "containment",
    "Containment: where inbound sessions ended",
    figure("chart-containment", caption, containmentChart(all.slice(0, TOP), sessions), moreNote(all, "channels", "sessions")),
    wholeDetails(answer),
  );
}

function containmentChart(channels, sessions) {
  const sources = channels.map(({ first, weight }, at) => {
    const name = chartText(channelName(first), 14);
    return { id: `channel ${at}`, name: `${name}\n${count(weight)}`, tip: `${name}\n${counted(weight, "session", "sessions")}`, color: "muted" };
  });
  const parts = PARTS.map((part) => ({ ...part, total: channels.reduce((all, { rows }) => all + sum(rows, part.column), 0) }));
  const targets = parts
    .filter(({ total }) => total > 0)
    .map(({ column, name, color, total }) => {
      const share = percent(ratio(total, sessions));
      return { id: column, name: `${name}\n${count(total)} · ${share}`, tip: `${name}\n${count(total)} of ${count(sessions)} = ${share}`, color };
    });
  return flow({ sources, targets, links: channels.flatMap(containmentLinks) });
}

function containmentLinks({ rows, first, weight }, at) {
  return PARTS.map(({ column, name }) => ({ target: column, value: sum(rows, column), name }))
    .filter(({ value }) => value > 0)
    .map(({ target, value, name }) => ({
      source: `channel ${at}`,
      target,
      value,
      tip: `${chartText(channelName(first))} → ${name}\n${count(value)} of ${count(weight)} = ${percent(ratio(value, weight))}`,
    }));
}
