// Numbers and times as people read them.
import { h, visible } from "./dom.js";

let ahead = 0; // seconds that this browser's clock is ahead of the node's

export function clockIs(node) {
  ahead = Date.now() / 1000 - node;
}

export function now() {
  return Date.now() / 1000 - ahead;
}

export function number(value) {
  return value.toLocaleString("en-US");
}

export function count(value, what) {
  return `${number(value)} ${what}${value === 1 ? "" : "s"}`;
}

export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole < 600 ? `${whole % 60} s` : ""}`.trim();
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function duration(seconds) {
  if (seconds < 0.001) return "under 1 ms";
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}

export function clockTime(at) {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}

function full(at) {
  return new Date(at * 1000).toISOString();
}

/** A span that goes on: how long since `at`, in words around it. */
export function since(at, before = "", after = "") {
  return ticking("since", at, before, after);
}

/** A span that gets shorter: how long until `at`. */
export function until(at, before = "in ") {
  return ticking("until", at, before, "");
}

function ticking(kind, at, before, after) {
  const element = h("time", { datetime: full(at), title: full(at), "data-kind": kind, "data-at": at });
  element.dataset.before = before;
  element.dataset.after = after;
  element.textContent = words(element);
  return element;
}

function words(element) {
  const { kind, at, before, after } = element.dataset;
  const left = kind === "since" ? now() - at : at - now();
  if (kind === "until" && left <= 0) return "now";
  return `${before}${span(left)}${after}`;
}

export function tick() {
  for (const element of document.querySelectorAll("time[data-kind]")) {
    const text = words(element);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function moment(at) {
  return h("time", { datetime: full(at), title: full(at) }, clockTime(at));
}

export function code(text) {
  return h("code", {}, visible(text ?? ""));
}

/** The first two addresses, each on a line of its own where there is little room, and how many more there are. */
export function someOf(addresses) {
  const more = addresses.length > 2 ? h("span.unit-more", {}, ` +${addresses.length - 2}`) : null;
  return h("code", { title: addresses.join(" ") }, addresses.slice(0, 2).map((one, index) => [index ? " " : "", h("span.one", {}, one)]), more);
}

export const STATES = {
  "served": { kind: "good", sign: "●", word: "served" },
  "served with reasons": { kind: "warn", sign: "▲", word: "served, with reasons" },
  "waiting": { kind: "soft", sign: "○", word: "waiting" },
  "not served": { kind: "bad", sign: "■", word: "not served" },
};

/** A state by shape, colour and word: never by colour alone. */
export function state(name, { short = false } = {}) {
  const { kind, sign, word } = STATES[name] ?? { kind: "soft", sign: "?", word: name };
  return h(`span.state.${kind}`, {}, h("span.sign", { "aria-hidden": "true" }, sign), " ", short ? h("span.word", {}, word) : word);
}
