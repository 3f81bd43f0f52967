// The kinds of chart, each from plain data to `{height, option}`, both functions of the width in CSS pixels.

const NARROW = 620;
const PHONE = 480;
const isNarrow = (width) => width < NARROW;

/** Labels on an axis whose categories are positions: names can repeat, and be anything. */
function nameAxis(names, ink, more = {}) {
  return {
    type: "category",
    data: names.map((_, at) => at),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: ink.ink, fontSize: 12, interval: 0, formatter: (at) => names[at], ...more.axisLabel },
    ...more.axis,
  };
}

/**
 * A heat map of `cells`: `{x, y, text, shortText, tip, bold}`. `columns(narrow)` and `rows` are the axes' labels;
 * `color(cell, ink)` its colour. The value stands in each cell, so that colour never says it alone.
 */
function heatMap({ columns, rows, cells, color, rowHeight = 30, nameWidth = () => 48 }) {
  const top = (narrow) => 14 + 15 * Math.max(...columns(narrow).map((name) => name.split("\n").length));
  return {
    height: (width) => top(isNarrow(width)) + rows.length * rowHeight + 4,
    option(width, ink) {
      const narrow = isNarrow(width);
      const left = nameWidth(width);
      const cellWidth = (width - left) / columns(narrow).length;
      const fit = { width: left - 10, overflow: narrow ? "break" : "truncate", lineHeight: 13 };
      return {
        grid: { left, right: 1, top: top(narrow), bottom: 4, outerBoundsMode: "none" },
        xAxis: nameAxis(columns(narrow), ink, { axis: { position: "top" }, axisLabel: { fontSize: narrow ? 10 : 12, lineHeight: 14 } }),
        yAxis: nameAxis(rows, ink, { axis: { inverse: true }, axisLabel: { fontSize: narrow ? 11 : 12, ...fit } }),
        series: [{ type: "heatmap", data: cells.map((cell) => heatCell(cell, color(cell, ink), ink, cellWidth)) }],
      };
    },
  };
}

function heatCell(cell, color, ink, width) {
  return {
    value: [cell.x, cell.y, 1],
    tip: cell.tip,
    itemStyle: { color, borderColor: ink.surface, borderWidth: 1.5, borderRadius: 3 },
    label: {
      show: true,
      formatter: () => (width < 52 ? cell.shortText : cell.text),
      color: readableOn(color),
      fontSize: width < 36 ? 10 : 12,
      fontWeight: cell.bold ? "bold" : "normal",
    },
    emphasis: { itemStyle: { color, borderColor: ink.ink, borderWidth: 1.5 } },
  };
}

/** The same heat map in two forms: `wide` where there is room for it, `slim` on a phone. */
function turningHeatMap(wide, slim, leastWidth = NARROW) {
  const fitting = (width) => (width < leastWidth ? slim : wide);
  return { height: (width) => fitting(width).height(width), option: (width, ink) => fitting(width).option(width, ink) };
}

/**
 * Horizontal bars, one per row: `rows` are `{name, values, text, tip, mark}`, `series` are `{name, color}`, stacked.
 * `text` stands at the bar's end, `mark` is a value with a diamond.
 */
function bars({ rows, series, format, max = null, mark = null }) {
  const longest = Math.max(...rows.map((row) => row.values.reduce((one, other) => one + (other ?? 0), 0)));
  const rowHeight = 30;
  return {
    height: () => rows.length * rowHeight + 30,
    option(width, ink) {
      const narrow = width < PHONE;
      const textOf = (row) => (narrow ? (row.shortText ?? row.text) : row.text);
      const textWidth = 12 + 6.4 * Math.max(...rows.map((row) => textOf(row).length));
      const left = Math.min(190, Math.max(104, width * 0.27));
      const names = rows.map((row) => chartText(row.name, narrow ? 24 : 34));
      const step = stepOf(format, max ?? longest, width - left - textWidth);
      const end = max ?? (step ? Math.max(1, Math.ceil(longest / step)) * step : null);
      const fit = { width: left - 12, overflow: narrow ? "break" : "truncate", lineHeight: 13 };
      return {
        grid: { left, right: textWidth, top: 4, bottom: 26, outerBoundsMode: "none" },
        yAxis: nameAxis(names, ink, { axis: { inverse: true }, axisLabel: { fontSize: narrow ? 11 : 12, ...fit } }),
        xAxis: valueAxis(ink, format, { max: end, interval: step }),
        series: [
          ...series.map((one, at) => barSeries(one, at, rows, at === series.length - 1 ? textOf : null, ink)),
          ...(mark ? [markSeries(mark, rows, ink)] : []),
        ],
      };
    },
  };
}

const STEPS = {
  share: [0.01, 0.02, 0.05, 0.1, 0.25, 0.5],
  seconds: [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18_000, 36_000],
  number: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
};

/** The step of an axis: even numbers of its unit, as many as have room for their labels. */
function stepOf(format, most, width) {
  const steps = STEPS[format === percentTick ? "share" : format === clock ? "seconds" : "number"];
  return steps.find((step) => most / step <= Math.max(2, width / 60)) ?? null;
}

function valueAxis(ink, format, more) {
  return {
    type: "value",
    min: 0,
    ...more,
    axisLabel: { color: ink.muted, fontSize: 11, formatter: format, hideOverlap: true },
    splitLine: { lineStyle: { color: ink.line } },
  };
}

/** A part of bars that stand or lie on one another. */
function stacked({ name, color }, ink) {
  return {
    name,
    type: "bar",
    stack: "all",
    itemStyle: { color: ink[color], borderColor: ink.surface, borderWidth: 0.5 },
    emphasis: { disabled: true },
  };
}

function barSeries(one, at, rows, textOf, ink) {
  return {
    ...stacked(one, ink),
    barMaxWidth: 18,
    data: rows.map((row) => ({ value: row.values[at] ?? 0, tip: row.tip })),
    label: {
      show: textOf !== null,
      position: "right",
      color: ink.ink,
      fontSize: 12,
      formatter: ({ dataIndex }) => textOf(rows[dataIndex]),
    },
  };
}

function markSeries({ color }, rows, ink) {
  const marked = rows.map((row, at) => ({ value: [row.mark, at], tip: row.tip })).filter(({ value }) => isNumber(value[0]));
  return {
    type: "scatter",
    symbol: "diamond",
    symbolSize: 11,
    z: 5,
    itemStyle: { color: ink[color], borderColor: ink.surface, borderWidth: 1.5, opacity: 1 },
    emphasis: { disabled: true },
    data: marked,
  };
}

/** Upright stacked bars, one per day: `days` are `{name, values, text, tip, hatched}`. */
function dayColumns({ days, series }) {
  return {
    height: (width) => (width < PHONE ? 260 : 320),
    option(width, ink) {
      const withTexts = width / days.length > 34;
      const interval = Math.ceil((days.length * 44) / (width - 50)) - 1;
      return {
        grid: { left: 46, right: 4, top: 22, bottom: 40, outerBoundsMode: "none" },
        xAxis: nameAxis(days.map(({ name }) => name), ink, { axisLabel: { interval, fontSize: 11, lineHeight: 14 } }),
        yAxis: valueAxis(ink, count, { splitNumber: 4, minInterval: 1 }),
        series: series.map((one, at) => columnSeries(one, at, days, withTexts && at === series.length - 1, ink)),
      };
    },
  };
}

function columnSeries(one, at, days, withText, ink) {
  const hatching = { symbol: "rect", color: ink.surface, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4 };
  return {
    ...stacked(one, ink),
    barMaxWidth: 84,
    data: days.map((day) => ({
      value: day.values[at] ?? 0,
      tip: day.tip,
      itemStyle: day.hatched ? { decal: hatching } : {},
    })),
    label: {
      show: withText,
      position: "top",
      color: ink.ink,
      fontSize: 12,
      formatter: ({ dataIndex }) => days[dataIndex].text,
    },
  };
}

/** From `sources` to `targets`: `{id, name, tip, color}`; `links`: `{source, target, value, tip}` by id. */
function flow({ sources, targets, links }) {
  const names = new Map([...sources, ...targets].map((node) => [node.id, node.name]));
  return {
    height: () => Math.max(340, sources.length * 52),
    option(width, ink) {
      const narrow = isNarrow(width);
      const [left, right] = width < PHONE ? [92, 104] : [130, 150];
      const node = (side, room) => (one) => ({
        name: one.id,
        tip: one.tip,
        itemStyle: { color: ink[one.color], borderWidth: 0 },
        label: { position: side, width: room - 10, overflow: "break", lineHeight: 15 },
      });
      return {
        series: [
          {
            type: "sankey",
            left,
            right,
            top: 8,
            // Two lines of text at the last node, however thin it is.
            bottom: 20,
            nodeGap: 24,
            nodeWidth: 14,
            layoutIterations: 0,
            draggable: false,
            emphasis: { focus: "none" },
            label: { color: ink.ink, fontSize: narrow ? 11 : 12, formatter: ({ name }) => names.get(name) },
            lineStyle: { color: "target", opacity: 0.45, curveness: 0.5 },
            data: [...sources.map(node("left", left)), ...targets.map(node("right", right))],
            links,
          },
        ],
      };
    },
  };
}
