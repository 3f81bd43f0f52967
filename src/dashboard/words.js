"use strict";

// Values as words: numbers, shares, durations, days and moments, in one locale whatever the reader's is.

const LOCALE = "en-GB";
const NONE = "–";
const LONGEST_CELL = 200;

const wholes = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const upToTenths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const graphemes = new Intl.Segmenter(LOCALE, { granularity: "grapheme" });

/** Kept on one line. */
const unbroken = (text) => text.replaceAll(" ", "\u00a0");

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

function count(value) {
  return isNumber(value) ? wholes.format(value) : NONE;
}

function counted(value, one, many) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `0.8134` as `81.3`: for places whose heading has the unit. */
function hundreds(share) {
  return isNumber(share) ? tenths.format(share * 100) : NONE;
}

function percent(share) {
  return isNumber(share) ? `${hundreds(share)}%` : NONE;
}

/** On an axis, where steps can be halves of a percent and whole ones need no decimal. */
function percentTick(share) {
  return `${upToTenths.format(share * 100)}%`;
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
function clock(seconds) {
  if (!isNumber(seconds)) return NONE;
  const whole = Math.round(seconds);
  const two = (part) => String(part).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, two(whole % 60)];
  return hours > 0 ? `${wholes.format(hours)}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function duration(seconds) {
  return isNumber(seconds) && seconds < 60 ? `${count(seconds)} s` : clock(seconds);
}

function dayFormat(options) {
  const format = new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", ...options });
  return (day) => {
    const date = new Date(`${day}T00:00:00Z`);
    return Number.isNaN(date.getTime()) ? String(day) : unbroken(format.format(date));
  };
}

const longDay = dayFormat({ day: "numeric", month: "long", year: "numeric" });
const shortDay = dayFormat({ day: "numeric", month: "short" });
const weekdayOf = dayFormat({ weekday: "short" });
const dayOfMonth = dayFormat({ day: "numeric" });

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

function hourSpan(hour) {
  const two = (part) => String(part).padStart(2, "0");
  return `${two(hour)}:00–${two(hour + 1)}:00`;
}

/** The day `days` after `day`, both `YYYY-MM-DD`. */
function dayAfter(day, days = 1) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

function zoneOr(zone, otherwise) {
  try {
    new Intl.DateTimeFormat(LOCALE, { timeZone: zone });
    return zone;
  } catch {
    return otherwise;
  }
}

/** A moment in the page's time zone. A text without an offset is local time already and keeps its clock. */
function moment(text, zone) {
  if (text === null || text === undefined) return NONE;
  const absolute = /(Z|[+-]\d\d:?\d\d)$/.test(text);
  const date = new Date(absolute ? text : `${text}Z`);
  if (Number.isNaN(date.getTime())) return String(text);
  const options = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  const format = new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: absolute ? zoneOr(zone, "UTC") : "UTC" });
  return unbroken(format.format(date));
}

/** The first `most` characters as a reader counts them, so that no emoji is cut in two. */
function short(text, most) {
  if (text.length <= most) return text;
  const begin = [...graphemes.segment(text.slice(0, most * 12))].map((part) => part.segment);
  return begin.length <= most ? text : `${begin.slice(0, most - 1).join("").trimEnd()}…`;
}

/** Text for a cell: whole, unless it would bury the table. */
function cellText(text) {
  const begin = short(text, LONGEST_CELL);
  return begin === text ? text : `${begin} (${counted(text.length, "character", "characters")} in all)`;
}

/** A name in a chart: one line, its direction kept to itself, and nothing in it that rich text takes for a style. */
function chartText(text, most = 40) {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
  return `\u2068${short(line.trim(), most).replace(/\{/g, "{\u2060")}\u2069`;
}

function listed(words, most = 6) {
  const shown = words.slice(0, most);
  if (words.length > most) shown.push(`${count(words.length - most)} more`);
  return new Intl.ListFormat(LOCALE).format(shown);
}
