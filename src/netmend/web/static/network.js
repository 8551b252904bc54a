// One network: what it is, what is wrong with it, what its guests asked, its ports and leases.
import { choose, chosenIn } from "./address.js";
import { Grid } from "./grid.js";
import { fill, h } from "./dom.js";
import { code, number, since, state, until } from "./format.js";
import { ask, on } from "./live.js";
import { later } from "./later.js";
import { reasonItem } from "./now.js";
import { portGrid } from "./ports.js";

export function network(id) {
  const path = `networks/${encodeURIComponent(id)}`;
  const query = chosenIn({ q: "" });
  const head = h("div.head");
  const about = h("div.about");
  const ports = portGrid({ path: `${path}/ports`, query, named: false });
  const leases = new Grid({
    label: "Dynamic leases",
    empty: "No dynamic lease.",
    key: (row) => row.address,
    lines: 1,
    page: (offset, limit) => ask(`${path}/leases`, { offset, limit }),
    columns: [
      { title: "Address", name: "name", cell: (row) => h("code", {}, row.address) },
      { title: "MAC", name: "mac", cell: (row) => h("code", {}, row.mac ?? "–") },
      { title: "State", name: "state", cell: (row) => row.state },
      { title: "Ends", name: "time", cell: (row) => (row.expires ? until(row.expires, "in ") : "") },
    ],
  });
  leases.element.classList.add("leases");
  const search = h("input", { type: "search", id: "find", placeholder: "name, MAC, address or host name", value: query.q, autocomplete: "off", spellcheck: "false" });
  search.addEventListener("input", later(() => { query.q = search.value.trim(); choose(query, { q: "" }); ports.refresh({ top: true }); }, 150));
  const element = h(
    "div.view.one", {},
    h("p.crumbs", {}, h("a", { href: "#/networks" }, "← Networks")),
    head,
    about,
    h("section.card", { "aria-labelledby": "ports" }, h("div.bar", {}, h("h2", { id: "ports" }, "Ports"), h("div.tools", { role: "search" }, h("label", { for: "find" }, "Find"), search)), ports.element),
    h("section.card", { "aria-labelledby": "leases" }, h("h2", { id: "leases" }, "Dynamic leases"), leases.element),
  );
  let shown = "";
  const refresh = later(() => { ports.refresh(); leases.refresh(); }, 300);
  const show = (found) => {
    if (found === null) {
      fill(head, h("h1", {}, "No such network"), h("p", {}, "It is not in the intent in force."));
      fill(about);
      return;
    }
    fill(head, h("h1", {}, found.name, " ", state(found.state)));
    fill(about, facts(found), reasons(found), services(found.services));
    const counts = JSON.stringify([found.services, found.ports_count]);
    if (shown && shown !== counts) refresh();
    shown = counts;
  };
  const load = () => ask(path).then(show, () => show(null));
  const stop = [on("network", show), on("again", () => { load(); refresh(); })];
  load();
  return {
    element,
    network: id,
    started: () => { ports.refresh(); leases.refresh(); },
    close: () => { stop.forEach((end) => end()); ports.close(); leases.close(); },
  };
}

function facts(found) {
  const pairs = [
    ["Id", code(found.id)],
    ["Namespace", [code(found.namespace), h(`span.state.${found.namespace_usable ? "good" : "bad"}`, {}, found.namespace_usable ? " usable" : " not usable")]],
    ["Wiring", [found.wiring, " ", code(found.bridge), `, MTU ${found.mtu}`]],
    ["Served", found.served_since === null ? "no" : since(found.served_since, "for ")],
    found.domain && ["Domain", code(found.domain)],
    found.metadata !== "off" && ["Metadata", found.metadata],
    found.project && ["Project", code(found.project)],
  ];
  return h(
    "section.card", { "aria-label": "About" },
    h("dl.facts", {}, pairs.filter(Boolean).map(([title, value]) => h("div", {}, h("dt", {}, title), h("dd", {}, value)))),
    h("table.subnets", {}, h("caption.sr", {}, "Subnets"),
      h("thead", {}, h("tr", {}, ["Subnet", "Name", "Server", "Gateway", "Others"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, found.subnets.map((subnet) => h("tr", {}, h("td", {}, code(subnet.cidr)), h("td", {}, subnet.name), h("td", {}, code(subnet.server_address)), h("td", {}, code(subnet.gateway ?? "–")), h("td", {}, subnet.dynamic ? "dynamic leases" : "ports only"))))),
    found.in_progress ? h("p.lead", {}, "In progress: ", found.in_progress.join("; ")) : null,
  );
}

function reasons(found) {
  if (!found.reasons.length) return null;
  return h("section.card", {}, h("h2", {}, "What is wrong, and why"), h("ul.why", {}, found.reasons.map((reason) => reasonItem(reason, { named: false }))));
}

function services(found) {
  const names = Object.keys(found);
  if (!names.length) return null;
  const sections = names.map((name) => {
    const lines = figures(found[name]);
    return h("div.service", {}, h("h3", {}, name), lines.length ? h("dl", {}, lines) : h("p.quiet", {}, "nothing yet"));
  });
  return h("section.card", {}, h("h2", {}, "What guests asked"), h("div.services", {}, sections));
}

/** The figures of a service, whatever their shape: a group of figures becomes one line, a group of groups several; figures at zero are left out. */
function figures(status, before = "") {
  return Object.entries(status).flatMap(([title, value]) => {
    const named = `${before}${title.replaceAll("_", " ")}`;
    if (isGroup(value) && Object.values(value).some(isGroup)) return figures(value, `${named} `);
    const text = formatFigure(value);
    return text ? [h("div", {}, h("dt", {}, named), h("dd", {}, text))] : [];
  });
}

function isGroup(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function formatFigure(value) {
  if (value === 0 || value === null) return "";
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return value.map(formatFigure).join(", ");
  if (!isGroup(value)) return String(value);
  const parts = Object.entries(value).map(([kind, amount]) => [kind.replaceAll("_", " "), formatFigure(amount)]);
  return parts.filter(([, amount]) => amount).map((part) => part.join(" ")).join(", ");
}
