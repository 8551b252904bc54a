// All networks, the worst first.
import { choose, chosenIn } from "./address.js";
import { Grid } from "./grid.js";
import { fill, h } from "./dom.js";
import { number, since, someOf, state, STATES } from "./format.js";
import { ask, latest, on } from "./live.js";
import { later } from "./later.js";

const DEFAULTS = { q: "", state: "", sort: "state" };

export function networks() {
  const chosen = chosenIn(DEFAULTS);
  const grid = new Grid({
    label: "Networks",
    empty: "No network is like that.",
    key: (row) => row.id,
    open: (row) => { location.hash = `#/networks/${encodeURIComponent(row.id)}`; },
    page: (offset, limit) => ask("networks", { ...chosen, offset, limit }),
    columns: [
      { title: "State", name: "state", cell: (row) => state(row.state) },
      { title: "Network", name: "name", cell: (row) => h("a", { href: `#/networks/${encodeURIComponent(row.id)}`, tabindex: -1 }, row.name) },
      { title: "Subnets", name: "subnets", cell: (row) => someOf(row.subnets.concat(Array(row.subnets_count - row.subnets.length).fill("…"))) },
      { title: "Ports", name: "number", cell: (row) => [number(row.ports_count), h("span.unit", {}, " ports")] },
      { title: "Served for", name: "time", cell: (row) => (row.served_since === null ? "" : since(row.served_since)) },
      { title: "Reason", name: "reason", cell: (row) => (row.reason === null ? "" : h("span", { title: row.reason }, row.reason, row.reasons_count > 1 ? ` (and ${number(row.reasons_count - 1)} more)` : "")) },
    ],
  });
  grid.element.classList.add("networks");
  const search = h("input", { type: "search", id: "find", placeholder: "name, id or subnet", value: chosen.q, autocomplete: "off", spellcheck: "false" });
  const chips = h("div.chips", { role: "group", "aria-label": "State" });
  const sort = h("select", { id: "sort" }, [["state", "worst first"], ["name", "name"], ["-ports", "most ports"], ["-since", "served last"]].map(([value, text]) => h("option", { value, selected: value === chosen.sort }, text)));
  const again = () => {
    choose(chosen, DEFAULTS);
    grid.refresh({ top: true });
  };
  search.addEventListener("input", later(() => { chosen.q = search.value.trim(); again(); }, 150));
  sort.addEventListener("change", () => { chosen.sort = sort.value; again(); });
  const showChips = () => {
    const counts = latest.overview?.states ?? {};
    const choices = [["", "all"], ...Object.entries(STATES).map(([name, { word }]) => [name, word])];
    const focused = document.activeElement?.closest(".chips button")?.value;
    fill(chips, choices.map(([name, word]) => h("button", { type: "button", value: name, "aria-pressed": String(chosen.state === name) }, word, name ? h("span.count", {}, ` ${number(counts[name] ?? 0)}`) : null)));
    if (focused !== undefined) chips.querySelector(`button[value="${focused}"]`)?.focus();
  };
  chips.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    chosen.state = button.value;
    showChips();
    again();
  });
  const element = h(
    "div.view", {},
    h("h1", {}, "Networks"),
    h("div.tools", { role: "search" }, h("label", { for: "find" }, "Find"), search, chips, h("label", { for: "sort" }, "Order"), sort),
    grid.element,
  );
  const refresh = later(() => grid.refresh(), 400);
  const stop = [
    on("overview", showChips),
    on("networks", (change) => {
      if (change.all) refresh();
      else {
        grid.apply(change.changed);
        refresh(); // rows may have to change places
      }
    }),
    on("again", refresh),
  ];
  showChips();
  return { element, started: () => grid.refresh(), close: () => { stop.forEach((end) => end()); grid.close(); } };
}
