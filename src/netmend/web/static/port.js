// One port: what it is, what it was given, what guards it, what passed it, what is wrong and what happened.
import { oneLine } from "./faults.js";
import { fill, h } from "./dom.js";
import { code, number, since, until } from "./format.js";
import { ask, on } from "./live.js";
import { later } from "./later.js";
import { reasonItem } from "./now.js";

const EVERY = 3000; // ms: counters of traffic are not told of

export function port(id) {
  const head = h("div.head");
  const about = h("div.about");
  const element = h("div.view.one", {}, h("p.crumbs", {}, h("a", { href: "#/ports" }, "← Ports")), head, about);
  let before = null;
  const show = (found) => {
    fill(head, h("h1", {}, found.name, " ", h("span.quiet", {}, "on ", h("a", { href: `#/networks/${encodeURIComponent(found.network)}` }, found.network_name))));
    fill(about, facts(found), reasons(found), groups(found), leases(found), traffic(found, before), history(found));
    before = found.traffic && { at: performance.now(), ...found.traffic };
  };
  const missing = (error) => {
    if (!head.children.length) fill(head, h("h1", {}, "No such port"), h("p", {}, error.message));
  };
  const load = () => ask(`ports/${encodeURIComponent(id)}`).then(show, missing);
  const refresh = later(load, 300);
  const stop = [on("networks", refresh), on("event", refresh), on("again", load)];
  const timer = setInterval(load, EVERY);
  load();
  return { element, close: () => { stop.forEach((end) => end()); clearInterval(timer); } };
}

function facts(found) {
  const ask = `#/topology?from=${encodeURIComponent(found.id)}&to=world`;
  const pairs = [
    ["Id", code(found.id)],
    ["MAC", code(found.mac)],
    ["Fixed IPs", found.fixed_ips.length ? code(found.fixed_ips.join(" ")) : "none: a dynamic lease"],
    found.hostname && ["Host name", code(found.hostname)],
    ["Device", found.plug === "no" ? "wired by somebody else" : [code(found.device), ` ${found.plug}`]],
    found.instance && ["Instance", code(found.instance)],
    found.project && ["Project", code(found.project)],
    ["Last answered", found.last_answered ? since(found.last_answered, "", " ago") : "not yet"],
    found.declined && ["Declined", h("span.state.bad", {}, since(found.declined, "", " ago"), ": somebody else has its address")],
    ["Router", found.router ? [found.router.name, found.router.published.length ? [", published as ", code(found.router.published.join(", "))] : null] : "none"],
  ];
  return h("section.card", { "aria-label": "About" },
    h("dl.facts", {}, pairs.filter(Boolean).map(([title, value]) => h("div", {}, h("dt", {}, title), h("dd", {}, value)))),
    h("p", {}, h("a", { href: ask }, "What can it reach?")));
}

function reasons(found) {
  if (!found.reasons.length) return null;
  return h("section.card", {}, h("h2", {}, "What is wrong, and why"), h("ul.why", {}, found.reasons.map((reason) => reasonItem(reason, { named: false }))));
}

function groups(found) {
  const security = found.port_security ? "It sends by its own addresses alone (port security)." : "Port security is off, or somebody else wires the port.";
  const pairs = found.allowed_address_pairs.length ? h("p", {}, "It may also use ", code(found.allowed_address_pairs.join(", ")), ".") : null;
  const filtered = found.security_groups;
  const rules = filtered === null
    ? h("p", {}, "No security groups: everything passes both ways.")
    : filtered.length
      ? filtered.map((group) => h("div", {}, h("h3", {}, group.name, group.stateful ? "" : " (stateless: answers need rules too)"), group.rules.length ? h("ul.rules", {}, group.rules.map((rule) => h("li", {}, code(rule)))) : h("p.quiet", {}, "no rules: it lets nothing pass")))
      : h("p", {}, "It is in no security group: nothing passes but what a guest needs for its address.");
  return h("section.card", { "aria-labelledby": "rules" }, h("h2", { id: "rules" }, "What may pass"), h("p", {}, security), pairs, rules);
}

function leases(found) {
  if (!found.leases.length) return null;
  return h("section.card", { "aria-labelledby": "given" }, h("h2", { id: "given" }, "What it was given"),
    h("table.subnets", {},
      h("thead", {}, h("tr", {}, ["Address", "State", "Given", "Ends"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, found.leases.map((lease) => h("tr", {}, h("td", {}, code(lease.address)), h("td", {}, lease.state), h("td", {}, lease.acknowledged ? since(lease.acknowledged, "", " ago") : "not yet"), h("td", {}, lease.expires ? until(lease.expires) : ""))))));
}

function traffic(found, before) {
  const now = found.traffic;
  if (!now) return null;
  const seconds = before ? (performance.now() - before.at) / 1000 : 0;
  const rate = (name) => (before ? `${number(Math.max(0, Math.round((now[name] - before[name]) / seconds)))} / s` : "");
  const rows = [
    ["The guest sent", now.received_packets, now.received_bytes, rate("received_packets"), now.received_dropped + now.received_errors],
    ["The guest was sent", now.sent_packets, now.sent_bytes, rate("sent_packets"), now.sent_dropped + now.sent_errors],
  ];
  return h("section.card", { "aria-labelledby": "traffic" }, h("h2", { id: "traffic" }, "What passed its device"),
    h("table.subnets", {},
      h("thead", {}, h("tr", {}, ["", "Packets", "Bytes", "Packets now", "Dropped"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, rows.map(([title, packets, bytes, per, lost]) => h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, number(packets)), h("td", {}, number(bytes)), h("td", {}, per), h("td", {}, number(lost)))))));
}

function history(found) {
  return h("section.card", { "aria-labelledby": "happened" }, h("h2", { id: "happened" }, "What happened"),
    h("ol.events", {}, found.events.length ? [...found.events].reverse().map(oneLine) : h("li.quiet", {}, "Nothing is remembered of it.")));
}
