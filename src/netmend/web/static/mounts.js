// The propagation drawing of `netmend doctor --html`, live, with what the doctor finds.
import { diagnosis } from "./faults.js";
import { fill, h } from "./dom.js";
import { since } from "./format.js";
import { ask, on } from "./live.js";

const EVERY = 10_000; // ms; a look walks /proc of the whole host

export function mounts() {
  const summary = h("p.summary", { role: "status" }, "Looking at the host's mounts …");
  const drawings = h("div.drawings");
  const findings = h("div.findings");
  const again = h("button", { type: "button", onclick: () => load() }, "Look again");
  const element = h(
    "div.view.mounts", {},
    h("div.bar", {}, h("h1", {}, "Mounts"), again),
    h("p.quiet", {}, "Who receives mounts from whom around each directory of namespaces. An arrow is the way a mount takes; a red, broken one is where names are plain files and their use fails."),
    summary, drawings, findings,
  );
  let ended = false;
  async function load() {
    const found = await ask("propagation").catch((error) => ({ problem: error.message, drawings: [], findings: [] }));
    if (ended) return;
    fill(summary, found.problem ? `Cannot be looked at: ${found.problem}` : [found.summary, " · looked ", since(found.taken_at, "", " ago")]);
    await draw(found.drawings);
    fill(findings, found.findings.map((one) => diagnosis(one.severity === "error" ? "bad" : "warn", one.check, one)));
  }
  async function draw(list) {
    const pictures = await Promise.all(list.map((_, index) => picture(`/view/propagation/${index}`).catch(() => null)));
    fill(drawings, list.map((one, index) => h("section.card", {}, h("h2", {}, h("code", {}, one.title)), h("p.quiet", {}, one.about), h("div.drawing", { tabindex: 0, role: "group", "aria-label": `Drawing of ${one.title}` }, pictures[index] ?? h("p", {}, "The drawing cannot be read.")))));
    if (!list.length) fill(drawings, h("p", {}, "No directory of namespaces was seen."));
  }
  const timer = setInterval(load, EVERY);
  const stop = on("again", load);
  load();
  return { element, close: () => { ended = true; clearInterval(timer); stop(); } };
}

/** The drawing as nodes: parsed as XML by the browser's loader, never from a string. */
function picture(address) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => (request.responseXML ? done(document.importNode(request.responseXML.documentElement, true)) : failed(new Error("no drawing")));
    request.onerror = failed;
    request.send();
  });
}
