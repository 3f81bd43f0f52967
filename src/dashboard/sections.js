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

function best(groups, shareOf, isHigh = true) {
  const rated = groups.map((group) => ({ group, share: shareOf(group) })).filter(({ share }) => share !== null);
  rated.sort((one, other) => (isHigh ? other.share - one.share : one.share - other.share));
  return rated[0] ?? null;
}
