// The first view: what is wrong, why, what is done about it, and the curve.
import { Curve } from "./curve.js";
import { fault, mountFaults, oneLine } from "./faults.js";
import { fill, h } from "./dom.js";
import { code, count, duration, now, number, since, until } from "./format.js";
import { ask, latest, on } from "./live.js";
import { retryButton } from "./retry.js";

const SPANS = [[900, "15 min"], [14400, "4 h"], [172800, "2 d"]];
const FIELDS = ["at", "wanted", "found", "surplus", "missing", "host", "down"];

export function nowView() {
  const faults = h("div.faults");
  const tiles = h("div.tiles");
  const doing = h("div.doing");
  const reasons = h("div.reasons");
  const recent = h("ol.events");
  const chart = devices();
  const element = h(
    "div.now", {},
    h("h1.sr", {}, "Now"),
    faults,
    tiles,
    h("div.columns", {},
      h("div", {}, chart.element, h("section.card", { "aria-labelledby": "reasons" }, h("h2", { id: "reasons" }, "What is wrong, and why"), reasons)),
      h("div", {},
        h("section.card", { "aria-labelledby": "doing" }, h("h2", { id: "doing" }, "Reconciler"), doing),
        h("section.card", { "aria-labelledby": "recent" }, h("h2", { id: "recent" }, "Latest events ", h("a.more", { href: "#/events" }, "all events")), recent)),
    ),
  );
  const show = (found) => {
    if (!found) return;
    fill(faults, fault(found), mountFaults(found.mount_faults, { short: found.breaker !== null }));
    fill(tiles, ...tilesOf(found));
    fill(doing, ...doingNow(found));
    fill(reasons, ...reasonsOf(found));
  };
  let list = [];
  const showEvents = () => fill(recent, list.length ? list.slice(-12).reverse().map(oneLine) : h("li.quiet", {}, "Nothing happened yet."));
  const load = async () => {
    list = await ask("events").catch(() => list);
    showEvents();
  };
  const stop = [
    on("overview", show),
    on("devices", () => { if (latest.overview) fill(tiles, ...tilesOf(latest.overview)); }),
    on("event", (event) => { list.push(event); list = list.slice(-50); showEvents(); }),
    on("again", load),
  ];
  show(latest.overview);
  load();
  return { element, close: () => { stop.forEach((end) => end()); chart.close(); } };
}

function tile(title, value, about, kind, href) {
  const inside = [h("span.title", {}, title), h("span.value", {}, value), h("span.about", {}, about)];
  return href ? h(`a.tile.${kind}`, { href }, inside) : h(`div.tile.${kind}`, {}, inside);
}

function tilesOf(found) {
  const { states, intent, namespaces, reconciler } = found;
  const devices = latest.devices ?? found.devices;
  const served = states.served + states["served with reasons"];
  const oldest = found.reasons[0];
  const last = reconciler.last_pass;
  const hurt = [states["not served"] && `${number(states["not served"])} not served`, states.waiting && `${number(states.waiting)} waiting`];
  return [
    tile("Networks served", `${number(served)} / ${number(intent.networks)}`, hurt.filter(Boolean).join(", ") || count(intent.ports, "port"), states["not served"] ? "bad" : states.waiting ? "warn" : "good", "#/networks"),
    tile("Namespaces usable", `${number(namespaces.usable)} / ${number(namespaces.wanted)}`, namespaces.usable < namespaces.wanted ? `${number(namespaces.wanted - namespaces.usable)} not usable` : found.pinning ? "held by descriptor only" : "entered and held", namespaces.usable < namespaces.wanted ? "bad" : found.pinning ? "warn" : "good"),
    tile("Devices found / wanted", devices ? `${number(devices.found)} / ${number(devices.wanted)}` : "–", devices ? aboutDevices(devices) : "not counted yet", devices?.surplus ? "bad" : devices?.missing ? "warn" : "good"),
    tile("Resync reasons", number(found.reasons_total), oldest ? since(oldest.since, "oldest ") : "none", found.reasons_total ? "warn" : "good"),
    tile("Breaker", found.breaker ? "open" : "closed", found.breaker ? until(found.breaker.next_try, "next try in ") : "the host is sound", found.breaker ? "bad" : "good"),
    tile("Last pass", last ? duration(last.seconds) : "–", last ? since(last.at, "", " ago") : "none yet", "plain"),
  ];
}

function aboutDevices(devices) {
  const differences = [devices.surplus && `${number(devices.surplus)} above intent`, devices.missing && `${number(devices.missing)} missing`];
  return differences.filter(Boolean).join(", ") || "as intent asks";
}

function doingNow(found) {
  const { in_progress: busy, last_pass: last, passes } = found.reconciler;
  const parts = [];
  if (found.breaker) parts.push(h("p.lead.bad", {}, "Stopped by a fault of the host. ", until(found.breaker.next_try, "It looks again in "), `; tried ${number(found.breaker.failures)}×.`));
  else if (busy.length) parts.push(h("p.lead", {}, `Working on ${count(busy.length, "network")}:`));
  else parts.push(h("p.lead", {}, found.reasons.length ? ["At rest; ", until(nextTry(found), "next try in "), "."] : "At rest: the host is as intent says."));
  if (busy.length) {
    parts.push(h("ul.busy", {}, busy.slice(0, 6).map((plan) => h("li", {}, link(plan.network, plan.name), ` ${count(plan.steps_total, "step")}: `, h("span.steps", {}, plan.steps.join("; "))))));
  }
  if (last) {
    parts.push(h("p.quiet", {}, "Last pass ended ", since(last.at, "", " ago"), `: ${count(last.networks, "network")}, ${count(last.steps, "step")}, ${duration(last.seconds)}. ${count(passes, "pass").replace("passs", "passes")} since the start.`));
  }
  parts.push(h("p.quiet", {}, "Started ", since(found.node.started_at, "", " ago"), found.node.first_answer_after === null ? "; no network was served yet." : `; first network served after ${duration(found.node.first_answer_after)}.`));
  return parts;
}

function nextTry(found) {
  return Math.min(...found.reasons.map((reason) => reason.next_try));
}

export function link(id, name) {
  return h("a", { href: `#/networks/${encodeURIComponent(id)}` }, name ?? id);
}

export function reasonItem(reason, { named = true } = {}) {
  return h(
    `li.${reason.serves ? "warn" : "bad"}`, {},
    h("p.text", {}, named ? [link(reason.network, reason.name), ": "] : null, reason.reason),
    h("p.quiet", {}, reason.serves ? "guests are served · " : "", since(reason.since, "for "), ` · tried ${number(reason.failures)}× · `, until(reason.next_try, "next in "), reason.port ? [" · port ", h("a", { href: `#/ports/${encodeURIComponent(reason.port)}` }, code(reason.port))] : null, " ", retryButton(reason.network)),
  );
}

function reasonsOf(found) {
  const { states } = found;
  if (!found.reasons_total && found.breaker) return [h("p", {}, `The host's fault above; ${count(states["not served"], "network")} not served because of it.`)];
  if (!found.reasons_total && states.waiting) return [h("p", {}, `Nothing so far; ${count(states.waiting, "network")} still to be looked at.`)];
  if (!found.reasons_total) return [h("p.fine", {}, "Nothing: every network is as intent says.")];
  const left = found.reasons_total - found.reasons.length;
  return [
    h("ul.why", {}, found.reasons.map((reason) => reasonItem(reason))),
    left ? h("p.quiet", {}, `and ${number(left)} more; `, h("a", { href: "#/networks" }, "the networks, the worst first")) : null,
  ];
}

/** The curve of devices, with the host's below it. */
function devices() {
  let span = SPANS[0][0];
  let columns = null;
  const ours = new Curve({ label: "netmend's devices against intent", excess: true, series: [{ name: "found", field: "found", kind: "found" }, { name: "wanted", field: "wanted", kind: "wanted" }] });
  const host = new Curve({ label: "All devices of the host", series: [{ name: "on the host", field: "host", kind: "host" }, { name: "of them down", field: "down", kind: "down" }] });
  const buttons = SPANS.map(([seconds, text]) => h("button", { type: "button", "aria-pressed": String(seconds === span), onclick: () => choose(seconds) }, text));
  const element = h(
    "section.card.devices", { "aria-labelledby": "devices" },
    h("div.bar", {}, h("h2", { id: "devices" }, "Devices against intent"), h("div.spans", { role: "group", "aria-label": "Span" }, buttons)),
    ours.element,
    h("h3", {}, "All devices of the host"),
    host.element,
  );
  const draw = () => {
    if (!columns) return;
    const end = Math.max(now(), columns.at.at(-1) ?? 0);
    const begin = Math.max(end - span, Math.min(columns.at[0] ?? end, end - 60)); // a young node has no past to show
    ours.show(columns, begin, end);
    host.show(columns, begin, end);
  };
  const load = async () => {
    const asked = span;
    const found = await ask("history", { span }).catch(() => null);
    if (!found || asked !== span) return;
    columns = found;
    draw();
  };
  const choose = (seconds) => {
    span = seconds;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(SPANS[index][0] === span)));
    load();
  };
  const take = (sample) => {
    if (!columns) return;
    const fine = span === SPANS[0][0];
    if (fine) FIELDS.forEach((field) => columns[field].push(sample[field]));
    while (columns.at.length && columns.at[0] < sample.at - span) FIELDS.forEach((field) => columns[field].shift());
    draw();
  };
  const stop = [on("devices", take), on("again", load)];
  const slow = setInterval(() => { if (span !== SPANS[0][0]) load(); }, 15000);
  load();
  return { element, close: () => { stop.forEach((end) => end()); clearInterval(slow); ours.close(); host.close(); } };
}
