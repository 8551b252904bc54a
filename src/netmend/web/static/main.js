// Which view is shown, and the head of the page, which says in one sentence how the node is.
import { fill } from "./dom.js";
import { count, number, since, tick } from "./format.js";
import { follow, latest, on } from "./live.js";
import { events } from "./events.js";
import { login } from "./login.js";
import { mounts } from "./mounts.js";
import { network } from "./network.js";
import { networks } from "./networks.js";
import { nowView } from "./now.js";
import { place } from "./address.js";
import { port } from "./port.js";
import { ports } from "./ports.js";
import { topology } from "./topology.js";

const main = document.getElementById("main");
const VIEWS = [
  [/^#?\/?$/, "Now", () => nowView()],
  [/^#\/networks$/, "Networks", () => networks()],
  [/^#\/networks\/([^/]+)$/, "Network", ([, id]) => network(decodeURIComponent(id))],
  [/^#\/topology$/, "Topology", () => topology()],
  [/^#\/ports$/, "Ports", () => ports()],
  [/^#\/ports\/([^/]+)$/, "Port", ([, id]) => port(decodeURIComponent(id))],
  [/^#\/mounts$/, "Mounts", () => mounts()],
  [/^#\/events$/, "Events", () => events()],
];
let shown = null;

function route({ first = false } = {}) {
  if (location.hash === "#main") return;
  const [pattern, title, make] = VIEWS.find(([known]) => known.test(place())) ?? VIEWS[0];
  shown?.close();
  shown = make(place().match(pattern) ?? []);
  follow(shown.network ?? null);
  main.replaceChildren(shown.element);
  shown.started?.();
  document.title = `${title} · netmend`;
  for (const link of document.querySelectorAll("nav a")) {
    const section = link.getAttribute("href");
    const here = section === "#/" ? title === "Now" : location.hash.startsWith(section);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!first) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

/** How the node is: kind and sentence. */
function verdict(found) {
  const { states, breaker, intent } = found;
  const hurt = states["not served"];
  if (breaker) return ["bad", `Host fault, nothing is created${hurt ? `; ${count(hurt, "network")} not served` : ""}`];
  if (hurt) return ["bad", `${count(hurt, "network")} of ${number(intent.networks)} not served`];
  if (intent.problem) return ["warn", "A newer intent cannot be used; the one before it is served"];
  if (found.leases_problem) return ["warn", "Dynamic leases cannot be stored"];
  if (found.routed_metadata_problem) return ["warn", "Guests behind routers get no metadata"];
  const above = found.devices?.surplus ?? 0;
  if (above) return ["warn", `${count(above, "device")} above intent`];
  if (found.reasons_total) return ["warn", `Served, with ${count(found.reasons_total, "resync reason")}`];
  if (found.pinning) return ["warn", "Namespaces are held by descriptor only"];
  if (found.mount_faults.length) return ["warn", "Served; the host's mounts have a fault"];
  if (states.waiting && !found.reconciler.passes) return ["warn", `Starting: ${number(intent.networks - states.waiting)} of ${count(intent.networks, "network")} served`];
  if (states.waiting) return ["warn", `${count(states.waiting, "network")} waiting to be served`];
  if (!intent.networks) return ["good", "No network is asked for"];
  return ["good", intent.networks === 1 ? "The one network is served" : `All ${number(intent.networks)} networks are served`];
}

function head() {
  const { overview, connection } = latest;
  const top = document.getElementById("top");
  const text = document.getElementById("connection-text");
  const words = {
    live: ["live"],
    connecting: ["connecting"],
    silent: ["silent ", since(connection.at / 1000, "for "), ": what you see is old"],
    lost: latest.overview === null ? ["no answer yet"] : ["no answer ", since(connection.at / 1000, "for "), ": what you see is old"],
  };
  top.dataset.connection = connection.state;
  fill(text, ...words[connection.state]);
  if (!overview) return;
  const [kind, sentence] = verdict(overview);
  const heard = connection.state === "live" || connection.state === "connecting";
  top.dataset.kind = heard ? kind : "bad";
  fill(document.getElementById("verdict"), heard ? sentence : ["The node does not answer; before: ", sentence]);
  fill(document.getElementById("host"), `on ${overview.node.host} · ${overview.node.version}`);
  fill(document.getElementById("count-networks"), number(overview.intent.networks));
  fill(document.getElementById("count-ports"), number(overview.intent.ports));
}

on("overview", head);
on("devices", (sample) => {
  if (latest.overview && latest.overview.devices?.surplus !== sample.surplus) {
    latest.overview.devices = sample;
    head();
  }
});
on("connection", head);
on("login", () => {
  shown?.close();
  shown = null;
  document.getElementById("verdict").textContent = "A token is asked for";
  main.replaceChildren(login());
  document.getElementById("token").focus();
});
head();
setInterval(tick, 1000);
addEventListener("hashchange", () => route());
route({ first: true });
