// A curve of counts over time; what is above intent is filled. By pointer or arrow keys a moment is read out.
import { h, svg } from "./dom.js";
import { clockTime, number } from "./format.js";

const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 24;

export class Curve {
  /** series: [{name, field, kind}], `kind` "wanted", "found" or "host"; `excess`: fill where found is above wanted. */
  constructor({ label, series, excess = false }) {
    Object.assign(this, { label, series, excess });
    this.columns = null;
    this.chosen = null;
    this.width = 800; // px; the picture is as wide as its place
    this.picture = svg("svg", { role: "img", tabindex: "0", class: "curve" });
    this.reading = h("output.reading", { "aria-live": "off" });
    this.key = h("ul.key", { "aria-hidden": "true" }, series.map((one) => h(`li.${one.kind}`, {}, one.name)));
    this.labels = h("div.labels", { "aria-hidden": "true" });
    this.element = h("figure.chart", {}, h("div.plot", {}, this.picture, this.labels), h("figcaption", {}, this.key, this.reading));
    this.size = new ResizeObserver(([entry]) => this.resized(entry.contentRect.width));
    this.size.observe(this.picture);
    this.picture.addEventListener("pointermove", (event) => this.point(event));
    this.picture.addEventListener("pointerleave", () => this.choose(null));
    this.picture.addEventListener("keydown", (event) => this.press(event));
    this.picture.addEventListener("focus", () => this.reading.setAttribute("aria-live", "polite"));
    this.picture.addEventListener("blur", () => { this.reading.setAttribute("aria-live", "off"); this.choose(null); });
  }

  close() {
    this.size.disconnect();
  }

  resized(width) {
    if (!width || Math.round(width) === this.width) return;
    this.width = Math.round(width);
    if (this.columns) this.draw();
  }

  /** columns: {at: [...], field: [...]}; begin, end: seconds since the epoch. */
  show(columns, begin, end) {
    Object.assign(this, { columns, begin, end });
    this.draw();
  }

  x(at) {
    return LEFT + ((this.width - LEFT - RIGHT) * (at - this.begin)) / Math.max(1, this.end - this.begin);
  }

  y(value) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - this.low) / (this.high - this.low));
  }

  draw() {
    const { columns } = this;
    const fields = this.series.map((one) => one.field);
    const values = fields.flatMap((field) => columns[field]);
    const most = values.reduce((one, other) => Math.max(one, other), 0);
    const least = values.reduce((one, other) => Math.min(one, other), most);
    [this.low, this.high, this.step] = range(least, most);
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const parts = [];
    const labels = [];
    for (let value = this.low; value <= this.high + 1e-9; value += this.step) {
      const y = this.y(value);
      parts.push(svg("line", { x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y, class: "line" }));
      labels.push(label(0, y, number(Math.round(value)), "y"));
    }
    for (const [at, text] of times(this.begin, this.end)) labels.push(label(this.x(at), HEIGHT - BOTTOM, text, "x"));
    if (this.excess) parts.push(...this.excesses());
    for (const one of this.series) parts.push(svg("path", { d: this.path(columns[one.field]), class: `steps ${one.kind}` }));
    if (this.chosen !== null && columns.at[this.chosen] !== undefined) {
      const x = this.x(columns.at[this.chosen]);
      parts.push(svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM, class: "cursor" }));
    }
    this.picture.replaceChildren(...parts);
    this.labels.replaceChildren(...labels);
    this.picture.setAttribute("aria-label", `${this.label}: ${this.words(columns.at.length - 1)}; highest ${number(most)}. Arrow keys read moments.`);
    this.read();
  }

  path(values) {
    const { at } = this.columns;
    let d = "";
    for (let index = 0; index < at.length; index += 1) {
      const x = Math.max(LEFT, this.x(at[index])).toFixed(1);
      const y = this.y(values[index]).toFixed(1);
      d += index ? `H${x}V${y}` : `M${x},${y}`;
    }
    return at.length ? `${d}H${this.x(this.end).toFixed(1)}` : "";
  }

  excesses() {
    const { at, found, wanted } = this.columns;
    const shapes = [];
    for (let index = 0; index < at.length; index += 1) {
      if (found[index] <= wanted[index]) continue;
      let last = index;
      while (last + 1 < at.length && found[last + 1] > wanted[last + 1]) last += 1;
      let d = `M${this.x(at[index])},${this.y(wanted[index])}`;
      for (let i = index; i <= last; i += 1) d += `H${this.x(at[i])}V${this.y(found[i])}`;
      d += `H${this.x(at[last + 1] ?? this.end)}V${this.y(wanted[last])}Z`;
      shapes.push(svg("path", { d, class: "excess" }));
      index = last;
    }
    return shapes;
  }

  words(index) {
    const { at } = this.columns;
    if (index < 0 || at[index] === undefined) return "no sample yet";
    const values = this.series.map((one) => `${number(this.columns[one.field][index])} ${one.name}`).join(", ");
    return `${clockTime(at[index])}: ${values}`;
  }

  read() {
    const index = this.chosen ?? (this.columns ? this.columns.at.length - 1 : -1);
    const text = this.columns ? this.words(index) : "";
    if (this.reading.textContent !== text) this.reading.textContent = text;
  }

  choose(index) {
    if (index === this.chosen) return;
    this.chosen = index;
    if (this.columns) this.draw();
  }

  point(event) {
    if (!this.columns?.at.length) return;
    const box = this.picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.width;
    const at = this.begin + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (this.end - this.begin);
    this.choose(nearest(this.columns.at, at));
  }

  press(event) {
    const size = this.columns?.at.length ?? 0;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60, Home: -size, End: size }[event.key];
    if (step === undefined || !size) return;
    event.preventDefault();
    this.choose(Math.min(size - 1, Math.max(0, (this.chosen ?? size - 1) + step)));
  }
}

function nearest(times, at) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at - times[low - 1] < times[low] - at ? low - 1 : low;
}

/** Lowest and highest of an axis, and the round step between its lines. */
function range(least, most) {
  const low = most - least < most / 3 ? Math.max(0, least - Math.max(2, (most - least) * 0.5)) : 0;
  const rough = Math.max(1, (most - low) / 3);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const bottom = Math.floor(low / step) * step;
  return [bottom, Math.max(bottom + step, (Math.floor(most / step) + 1) * step), step];
}

function times(begin, end) {
  const step = [60, 180, 300, 1800, 3600, 21600, 43200, 86400].find((seconds) => (end - begin) / seconds <= 6) ?? 86400;
  const zone = new Date(end * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let at = Math.ceil((begin - zone) / step) * step + zone; at <= end; at += step) {
    if ((at - begin) / (end - begin) < 0.97) found.push([at, clockTime(at).slice(0, 5)]);
  }
  return found;
}

function label(x, y, text, axis) {
  const element = h(`span.${axis}`, {}, text);
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  return element;
}
