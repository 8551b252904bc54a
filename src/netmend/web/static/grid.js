// A table of any length: only the rows in sight exist, and only their pages are asked for. By keyboard: arrows, Page Up
// and Down, Home, End, Enter (WAI-ARIA Authoring Practices, grid).
import { append, h, visible } from "./dom.js";
import { number } from "./format.js";

const PAGE = 100;
const BEYOND = 8; // rows made above and below the sight
const NARROW = "(max-width: 720px)"; // as in style.css

export class Grid {
  /**
   * label; columns: [{title, cell(row), name}]; page(offset, limit) → Promise of {total, rows}; key(row);
   * open(row), where rows lead somewhere; empty: the text when there is none; lines: of a row where the page is so
   * narrow that a row is no table's any more, which is `narrow`.
   */
  constructor({ label, columns, page, key, open = null, empty, lines = 2, narrow = NARROW }) {
    Object.assign(this, { columns, page, key, open, empty, lines });
    this.pages = new Map();
    this.asked = new Set();
    this.elements = new Map();
    this.spare = [];
    this.total = 0;
    this.active = 0;
    this.version = 0;
    this.spacer = h("div.spacer", { role: "presentation" });
    this.rows = h("div.rows", { role: "rowgroup" }, this.spacer);
    this.scroller = h("div.scroller", { role: "presentation" }, this.rows);
    this.head = h(
      "div.head", { role: "rowgroup" },
      h("div.row", { role: "row", "aria-rowindex": 1 }, columns.map((column) => h(`span.cell.${column.name}`, { role: "columnheader" }, column.title))),
    );
    this.table = h(
      "div.grid", { role: open ? "grid" : "table", "aria-label": label, "aria-colcount": columns.length, "aria-rowcount": -1 },
      this.head, this.scroller,
    );
    this.note = h("p.note", { role: "status" });
    this.element = h("div.list", {}, this.table, this.note);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    this.scroller.addEventListener("focusin", (event) => this.focused(event));
    this.size = new ResizeObserver(() => {
      this.table.style.setProperty("--bar", `${this.scroller.offsetWidth - this.scroller.clientWidth}px`); // its scroll bar's
      this.draw();
    });
    this.size.observe(this.scroller);
    this.narrow = matchMedia(narrow);
    this.measure = () => { this.height = this.narrow.matches ? 22 + 20 * this.lines : 34; this.lay(); };
    this.narrow.addEventListener("change", this.measure);
    this.measure();
  }

  /** Let go of what outlives the element. */
  close() {
    this.size.disconnect();
    this.narrow.removeEventListener("change", this.measure);
  }

  /** Ask for everything in sight anew; what is shown stays until the answer is there. */
  async refresh({ top = false } = {}) {
    this.version += 1;
    this.asked.clear();
    if (top) {
      this.scroller.scrollTop = 0;
      this.active = 0;
    }
    const [first, last] = this.sight();
    const numbers = [];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last) / PAGE); page += 1) numbers.push(page);
    const kept = new Set(numbers);
    await Promise.all(numbers.map((page) => this.fetch(page)));
    for (const page of [...this.pages.keys()]) if (!kept.has(page)) this.pages.delete(page);
    this.draw();
  }

  /** Rows that changed, by key; where they stand is left alone. */
  apply(changed) {
    const fresh = new Map(changed.map((row) => [this.key(row), row]));
    for (const rows of this.pages.values()) {
      rows.forEach((row, index) => {
        const other = fresh.get(this.key(row));
        if (other) rows[index] = other;
      });
    }
    this.draw();
  }

  async fetch(page) {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    const version = this.version;
    let found;
    try {
      found = await this.page(page * PAGE, PAGE);
    } catch (error) {
      if (version !== this.version) return;
      this.asked.delete(page);
      this.note.textContent = visible(`Cannot be shown: ${error.message}`);
      return;
    }
    if (version !== this.version) return;
    this.pages.set(page, found.rows);
    if (found.total !== this.total || this.table.getAttribute("aria-rowcount") === "-1") {
      this.total = found.total;
      this.active = Math.min(this.active, Math.max(0, this.total - 1));
      this.table.setAttribute("aria-rowcount", this.total + 1);
    }
    this.note.textContent = this.total ? `${number(this.total)} in all` : this.empty;
    this.lay();
  }

  lay() {
    this.spacer.style.height = `${this.total * this.height}px`;
    this.scroller.style.setProperty("--content", `${this.total * this.height}px`);
    for (const [index, element] of this.elements) element.style.transform = `translateY(${index * this.height}px)`;
    this.draw();
  }

  sight() {
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - BEYOND);
    const last = Math.min(this.total - 1, Math.ceil((top + this.scroller.clientHeight) / this.height) + BEYOND);
    return [first, Math.max(first, last)];
  }

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.drawNow();
    });
  }

  drawNow() {
    const [first, last] = this.total ? this.sight() : [0, -1];
    for (const [index, element] of this.elements) {
      if ((index < first || index > last) && !element.contains(document.activeElement)) {
        this.elements.delete(index);
        element.remove();
        element.shown = undefined;
        if (this.spare.length < 100) this.spare.push(element);
      }
    }
    const fresh = document.createDocumentFragment();
    for (let index = first; index <= last; index += 1) {
      const row = this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
      if (row === undefined) this.fetch(Math.floor(index / PAGE));
      let element = this.elements.get(index);
      if (!element) {
        element = this.spare.pop() ?? h("div.row", { role: "row" });
        element.setAttribute("aria-rowindex", index + 2);
        element.style.transform = `translateY(${index * this.height}px)`;
        element.style.height = `${this.height}px`;
        element.index = index;
        this.elements.set(index, element);
        fresh.append(element);
      }
      element.tabIndex = this.open && index === this.active ? 0 : -1;
      if (element.shown !== row || element.children.length === 0) this.show(element, row);
    }
    this.rows.append(fresh);
  }

  show(element, row) {
    element.shown = row;
    element.toggleAttribute("aria-busy", row === undefined);
    const cells = this.columns.map((column) => {
      const cell = h(`span.cell.${column.name}`, { role: this.open ? "gridcell" : "cell" });
      append(cell, row === undefined ? ["…"] : [column.cell(row)]);
      return cell;
    });
    element.replaceChildren(...cells);
    element.onclick = this.open && row ? (event) => { if (!event.target.closest("a")) this.open(row); } : null;
  }

  focused(event) {
    const row = event.target.closest(".row");
    if (row && row.index !== this.active) {
      this.active = row.index;
      this.draw();
    }
  }

  press(event) {
    if (!this.open || event.altKey || event.ctrlKey || event.metaKey) return;
    const many = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: many, PageUp: -many, Home: -this.total, End: this.total };
    if (event.key in moves) {
      event.preventDefault();
      this.move(Math.min(this.total - 1, Math.max(0, this.active + moves[event.key])));
    } else if (event.key === "Enter" && !event.target.closest("a")) {
      const row = this.elements.get(this.active)?.shown;
      if (row) this.open(row);
    }
  }

  move(index) {
    this.active = index;
    const top = index * this.height;
    const bottom = top + this.height - this.scroller.clientHeight;
    if (this.scroller.scrollTop > top) this.scroller.scrollTop = top;
    else if (this.scroller.scrollTop < bottom) this.scroller.scrollTop = bottom;
    this.drawNow();
    this.elements.get(index)?.focus({ preventScroll: true });
  }
}
