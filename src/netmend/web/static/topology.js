// The drawing of networks, routers and the way out; and the question whether one guest reaches another.
import { choose, chosenIn } from "./address.js";
import { fill, h } from "./dom.js";
import { count, state } from "./format.js";
import { ask, on } from "./live.js";
import { later } from "./later.js";
import { reachForm } from "./reach.js";

const DEFAULTS = { q: "", from: "", to: "", protocol: "tcp", port: "80" };

export function topology() {
  const chosen = chosenIn(DEFAULTS);
  const drawing = h("div.map", { role: "group", "aria-label": "Networks and routers" });
  const note = h("p.note", { role: "status" });
  const search = h("input", { type: "search", id: "find", placeholder: "network, router or subnet", value: chosen.q, autocomplete: "off", spellcheck: "false" });
  let way = new Map(); // by id: the numbers of the stops there
  let found = null;
  const keep = () => choose(chosen, DEFAULTS);
  const draw = () => {
    if (!found) return;
    fill(drawing, ...drawn(found, way));
    const left = found.networks_total - found.networks.length;
    note.textContent = found.networks_total ? `${count(found.networks_total, "network")}${left ? `, of which the first ${found.networks.length} are drawn: say which` : ""}` : "No network is like that.";
  };
  const load = async () => {
    found = await ask("topology", { q: chosen.q }).catch(() => found);
    draw();
  };
  const asked = reachForm(chosen, keep, (stops) => {
    way = new Map();
    stops.forEach((stop, index) => {
      const key = stop.id ?? "world";
      way.set(key, [...(way.get(key) ?? []), index + 1]);
    });
    draw();
  });
  search.addEventListener("input", later(() => { chosen.q = search.value.trim(); keep(); load(); }, 200));
  const element = h(
    "div.view.topology", {},
    h("h1", {}, "Topology"),
    asked.element,
    h("div.tools", { role: "search" }, h("label", { for: "find" }, "Find"), search),
    drawing, note,
  );
  const refresh = later(load, 500);
  const stop = [on("networks", refresh), on("overview", refresh), on("again", refresh)];
  load();
  return { element, close: () => stop.forEach((end) => end()) };
}

function drawn(found, way) {
  const parts = [];
  const outside = found.routers.filter((router) => router.uplink);
  if (outside.length) parts.push(h(`div.world.box${marked(way, "world")}`, {}, numbers(way, "world"), h("b", {}, "The world"), h("span.quiet", {}, " what lies beyond the uplinks")));
  const joined = new Map(found.routers.map((router) => [router.id, []]));
  const alone = [];
  for (const network of found.networks) (joined.get(network.router) ?? alone).push(network);
  for (const router of found.routers) parts.push(routerWith(router, joined.get(router.id), way));
  if (alone.length) {
    parts.push(h("section.island", { "aria-label": "Networks without a router" }, h("h2", {}, "Without a router: nothing gets in or out"), h("div.nets", {}, alone.map((network) => networkBox(network, null, way)))));
  }
  return parts;
}

function routerWith(router, networks, way) {
  const out = router.uplink
    ? h("p.uplink", {}, `out by ${router.uplink === "host" ? "way of the host" : router.uplink}`, router.uplink_addresses.length ? [" as ", h("code", {}, router.uplink_addresses.join(" "))] : null, router.snat ? ", guests are seen as the router" : ", addresses pass as they are")
    : h("p.uplink.none", {}, "no way out");
  return h(
    "section.routed", { "aria-label": `Router ${router.name}` },
    out,
    h(`div.router.box${marked(way, router.id)}`, {},
      numbers(way, router.id), h("b", {}, router.name), " ", state(router.state, { short: true }),
      list("Floating IPs", router.floating.map((one) => `${one.address} is ${one.fixed_ip}`)),
      list("Published ports", router.published.map((one) => `${one.protocol} ${one.address ?? "uplink"}:${one.port} is ${one.to}`))),
    h("div.nets.joined", {}, networks.map((network) => networkBox(network, router, way))),
  );
}

function list(title, lines) {
  return lines.length ? h("ul.small", { "aria-label": title }, lines.map((line) => h("li", {}, h("code", {}, line)))) : null;
}

function networkBox(network, router, way) {
  const gateway = router?.ports.find((port) => port.network === network.id)?.addresses ?? [];
  const left = network.ports_count - network.guests.length;
  return h(
    `article.net.box${marked(way, network.id)}`, {},
    h("h3", {}, numbers(way, network.id), h("a", { href: `#/networks/${encodeURIComponent(network.id)}` }, network.name), " ", state(network.state, { short: true })),
    h("p.quiet", {}, h("code", {}, network.subnets.join(" ")), gateway.length ? [", gateway ", h("code", {}, gateway.join(" "))] : null),
    h("ul.guests", { "aria-label": `Guests of ${network.name}` },
      network.guests.map((guest) => h(`li${marked(way, guest.id)}`, {}, numbers(way, guest.id), h("a", { href: `#/ports/${encodeURIComponent(guest.id)}` }, guest.name), " ", h("code", {}, guest.fixed_ips.join(" ")))),
      left > 0 ? h("li.quiet", {}, h("a", { href: `#/networks/${encodeURIComponent(network.id)}` }, `and ${count(left, "port")} more`)) : null),
  );
}

function marked(way, id) {
  return way.has(id) ? ".on-way" : "";
}

function numbers(way, id) {
  return (way.get(id) ?? []).map((number) => h("span.step", { "aria-label": `stop ${number}` }, String(number)));
}
