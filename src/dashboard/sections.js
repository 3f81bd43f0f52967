// What sections have in common. A section whose report is absent is left out; one whose report is empty says so.

const TOP = 12;

function section(id, title, ...children) {
  return element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), ...children);
}

const nothing = (what) => element("p", { class: "empty" }, `No ${what} in this time.`);

/** Which rows a chart leaves to the table, as a note; null when it shows all. */
function moreNote(all, what, order) {
  if (all.length <= TOP) return null;
  return note(`The ${TOP} ${what} with the most ${order}, and ${count(all.length - TOP)} more in the table below.`);
}

/** Of the groups that a chart shows, the one with the highest value: small ones would win by chance. */
function highest(groups, valueOf) {
  const rated = groups.slice(0, TOP).map((group) => ({ group, value: valueOf(group) }));
  return rated.filter(({ value }) => value !== null).sort((one, other) => other.value - one.value)[0] ?? null;
}

function inQueue(row) {
  return row.queue_name || row.queue_id ? `in ${short(queueName(row), 60)}` : "for entries without a queue";
}
