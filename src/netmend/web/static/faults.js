// Faults of the host, each with evidence, cause and mend; and lines of the journal.
import { h } from "./dom.js";
import { count, moment, number, since, until } from "./format.js";
import { retryButton } from "./retry.js";

/** The faults above all else: the breaker, and what keeps the node from its work. Nothing when all is well. */
export function fault(found) {
  const parts = [];
  const { breaker, intent, pinning, leases_problem: leases, routed_metadata_problem: routed } = found;
  if (breaker) {
    parts.push(diagnosis("bad", "Host fault: nothing is created", breaker, h("p.quiet", {}, "Open ", since(breaker.since, "for "), ` · tried ${number(breaker.failures)}× · `, until(breaker.next_try, "next try in "), " ", retryButton())));
  }
  if (intent.problem) parts.push(faultSection("warn", "A newer intent cannot be used; the one before it stays in force", h("pre", { tabindex: 0 }, intent.problem)));
  if (pinning) parts.push(faultSection("warn", "Names of namespaces cannot be made: they are held by descriptor, and end with this process", h("p", {}, pinning.problem)));
  if (leases) parts.push(faultSection("warn", "Dynamic leases cannot be stored", h("p", {}, leases)));
  if (routed) parts.push(faultSection("warn", "Guests behind routers get no metadata", h("p", {}, routed)));
  return parts;
}

/** What the doctor finds of the host's mounts; `short`: where the breaker's diagnosis stands above it already. */
export function mountFaults(faults, { short }) {
  if (short && faults.length) {
    return faultSection("warn", "The host's mounts", h("ul", {}, faults.map((found) => h("li", {}, found.summary))), h("p", {}, h("a", { href: "#/mounts" }, "The drawing, and how to mend each")));
  }
  return faults.map((found) => diagnosis("warn", "The host's mounts", found));
}

function faultSection(kind, title, ...inside) {
  return h(`section.fault.${kind}`, {}, h("h2", {}, title), inside);
}

export function diagnosis(kind, title, found, ...more) {
  return h(
    `section.fault.${kind}`, {},
    h("h2", {}, title),
    h("p.summary", {}, found.summary),
    h("dl", {},
      found.cause ? [h("dt", {}, "Cause"), h("dd", {}, found.cause)] : null,
      found.mend ? [h("dt", {}, "Mend"), h("dd", {}, h("pre.mend", { tabindex: 0, "aria-label": "Commands that mend it" }, found.mend), copyButton(found.mend))] : null),
    found.evidence?.length ? h("details", { open: kind === "bad" }, h("summary", {}, `Evidence: ${count(found.evidence.length, "line")}`), h("ul.evidence", {}, found.evidence.map((line) => h("li", {}, line)))) : null,
    more,
  );
}

function copyButton(text) {
  if (!navigator.clipboard) return null;
  const button = h("button.copy", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

export function oneLine(event) {
  const where = event.network ? h("a", { href: `#/networks/${encodeURIComponent(event.network)}` }, event.name ?? event.network.slice(0, 8)) : null;
  return h(
    `li.${event.level}`, {},
    moment(event.at),
    h("span.kind", {}, event.level === "info" ? event.kind : `${event.kind}, ${event.level}`),
    h("span.text", {}, where, where ? " " : "", event.text),
  );
}
