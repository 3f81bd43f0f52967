// Charts on the page: made, and made again when the width, the colour scheme or the medium changes.

const INKS = [
  "ink", "muted", "line", "surface", "blue", "orange", "teal", "mauve", "violet", "grey",
  "less", "more", "met-less", "met-more", "under-less", "under-more",
];

// Between the margins of an A4 or letter page, in CSS pixels.
const PRINT_WIDTH = 680;

const drawn = [];

/** The colours that hold now, by name. */
function inks() {
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(INKS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return { ...found, font: getComputedStyle(document.body).fontFamily };
}

function luminance(color) {
  const [red, green, blue] = echarts.color.parse(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white, whichever can be read better on `background`. */
function readableOn(background) {
  const light = luminance(background);
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff";
}

function shade(share, from, to) {
  return echarts.color.lerp(Math.min(1, Math.max(0, share)), [from, to]);
}

/** What all charts share. Tooltips are drawn as text of the chart: as HTML they would run what stands in the data. */
function baseOption(ink) {
  return {
    animation: false,
    textStyle: { fontFamily: ink.font, fontSize: 12, color: ink.ink },
    tooltip: {
      renderMode: "richText",
      confine: true,
      backgroundColor: ink.surface,
      borderColor: ink.muted,
      borderWidth: 1,
      padding: 10,
      textStyle: { color: ink.ink, fontFamily: ink.font, fontSize: 12, lineHeight: 18 },
      formatter: (point) => point.data?.tip ?? "",
    },
  };
}

function draw(chart) {
  const printing = document.documentElement.classList.contains("printing");
  const width = printing ? PRINT_WIDTH : chart.box.clientWidth;
  if (width === 0) return;
  const ink = inks();
  const height = chart.height(width);
  chart.box.style.height = `${height}px`;
  chart.drawing ??= echarts.init(chart.box, null, { renderer: "svg", width, height });
  chart.drawing.resize({ width, height });
  chart.drawing.setOption({ ...baseOption(ink), ...chart.option(width, ink) }, { notMerge: true });
  chart.width = width;
}

function drawAll() {
  drawn.forEach(draw);
}

/** A figure whose caption says in a sentence what the chart shows. */
function figure(id, caption, chart, ...notes) {
  const captionId = `${id}-caption`;
  const box = element("div", { class: "chart", id, role: "img", "aria-labelledby": captionId });
  drawn.push({ box, ...chart });
  return element("figure", {}, element("figcaption", { id: captionId }, caption), ...notes, box);
}

function setPrinting(on) {
  document.documentElement.classList.toggle("printing", on);
  drawAll();
}

function drawWhenNeeded() {
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = drawn.find(({ box }) => box === target);
      if (chart.width !== target.clientWidth && !document.documentElement.classList.contains("printing")) draw(chart);
    }
  });
  drawn.forEach(({ box }) => resized.observe(box));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", (medium) => setPrinting(medium.matches));
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(matchMedia("print").matches));
}
