// Ports: of one network, or of all, found by name, MAC, address, id or host name.
import { choose, chosenIn } from "./address.js";
import { Grid } from "./grid.js";
import { h } from "./dom.js";
import { since, someOf } from "./format.js";
import { ask, on } from "./live.js";
import { later } from "./later.js";

export function portGrid({ path, query, named }) {
  const columns = [
    { title: "Port", name: "name", cell: (row) => h("a", { href: `#/ports/${encodeURIComponent(row.id)}`, tabindex: -1 }, row.name) },
    { title: "MAC", name: "mac", cell: (row) => h("code", {}, row.mac) },
    { title: "Addresses", name: "addresses", cell: (row) => someOf(row.fixed_ips) },
    { title: "Host name", name: "hostname", cell: (row) => row.hostname ?? "" },
    { title: "Device", name: "device", cell: (row) => (row.plug === "no" ? h("span.quiet", {}, "not plugged") : [h("code", {}, row.device), ` ${row.plug}`]) },
    { title: "Last answered", name: "time", cell: (row) => [h("span.unit", {}, "answered "), row.declined ? h("span.state.bad", {}, "declined ", since(row.declined, "", " ago "), " ") : null, row.last_answered ? since(row.last_answered, "", " ago") : h("span.quiet", {}, "not yet")] },
  ];
  if (named) columns.unshift({ title: "Network", name: "network", cell: (row) => h("a", { href: `#/networks/${encodeURIComponent(row.network)}`, tabindex: -1 }, row.network_name) });
  const grid = new Grid({
    label: "Ports",
    lines: named ? 3 : 2,
    narrow: "(max-width: 1100px)", // as in style.css
    empty: "No port is like that.",
    key: (row) => row.id,
    open: (row) => { location.hash = `#/ports/${encodeURIComponent(row.id)}`; },
    page: (offset, limit) => ask(path, { ...query, offset, limit }),
    columns,
  });
  grid.element.classList.add("ports", named ? "of-all" : "of-one");
  return grid;
}

const DEFAULTS = { q: "", sort: "" };

export function ports() {
  const chosen = chosenIn(DEFAULTS);
  const grid = portGrid({ path: "ports", query: chosen, named: true });
  const search = h("input", { type: "search", id: "find", placeholder: "name, MAC, address, id or host name", value: chosen.q, autocomplete: "off", spellcheck: "false" });
  search.addEventListener("input", later(() => { chosen.q = search.value.trim(); choose(chosen, DEFAULTS); grid.refresh({ top: true }); }, 150));
  const element = h("div.view", {}, h("h1", {}, "Ports"), h("div.tools", { role: "search" }, h("label", { for: "find" }, "Find"), search), grid.element);
  const refresh = later(() => grid.refresh(), 500);
  const stop = [on("networks", refresh), on("again", refresh)];
  const slow = setInterval(refresh, 5000);
  return { element, started: () => grid.refresh(), close: () => { stop.forEach((end) => end()); clearInterval(slow); grid.close(); } };
}
