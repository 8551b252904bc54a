// "Can A reach B, and which rule says so?": the question, and its answer by the model.
import { fill, h } from "./dom.js";
import { ask } from "./live.js";
import { later } from "./later.js";

/** `chosen` has from, to, protocol and port; `keep` is called once they change; `show` gets the stops of an answer. */
export function reachForm(chosen, keep, show) {
  const answer = h("div.answer", { role: "status" });
  const suggestions = h("datalist", { id: "known-ports" });
  const text = (name, label, placeholder) => {
    const field = h("input", { type: "text", id: `reach-${name}`, name, list: "known-ports", placeholder, value: chosen[name], required: true, autocomplete: "off", spellcheck: "false" });
    field.addEventListener("input", suggest(field, suggestions));
    return [h("label", { for: field.id }, label), field];
  };
  const protocol = h("select", { id: "reach-protocol", name: "protocol" }, ["tcp", "udp", "icmp"].map((one) => h("option", { value: one, selected: one === chosen.protocol }, one)));
  const port = h("input", { type: "number", id: "reach-port", name: "port", min: 1, max: 65535, value: chosen.port });
  const usesPort = () => { port.disabled = protocol.value === "icmp"; };
  protocol.addEventListener("change", usesPort);
  usesPort();
  const form = h(
    "form.reach.card", { "aria-label": "Can one guest reach another?" },
    h("div.tools", {},
      text("from", "Can", "a port, or world"), text("to", "reach", "a port or an address"),
      h("label", { for: "reach-protocol" }, "by"), protocol, h("label.sr", { for: "reach-port" }, "port"), port,
      h("button", { type: "submit" }, "Ask")),
    suggestions, answer,
  );
  const put = async () => {
    const query = { from: chosen.from, to: chosen.to, protocol: chosen.protocol, port: chosen.protocol === "icmp" ? "" : chosen.port };
    const found = await ask("reach", query).catch((error) => ({ problem: error.message }));
    if (found.problem) {
      fill(answer, h("p.bad.says", {}, found.problem));
      show([]);
      return;
    }
    fill(answer, told(found));
    show(found.stops);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of ["from", "to", "protocol", "port"]) chosen[name] = form.elements[name].value.trim() || chosen[name];
    keep();
    put();
  });
  if (chosen.from && chosen.to) put();
  return { element: form };
}

function suggest(field, suggestions) {
  return later(async () => {
    if (field.value.length < 2) return;
    const found = await ask("ports", { q: field.value, limit: 8 }).catch(() => ({ rows: [] }));
    fill(suggestions, found.rows.map((row) => h("option", { value: row.id }, `${row.name} on ${row.network_name} ${row.fixed_ips.join(" ")}`)));
  }, 200);
}

function told(found) {
  return [
    h(`p.says.${found.reaches ? "good" : "bad"}`, {}, h("span.sign", { "aria-hidden": "true" }, found.reaches ? "●" : "■"), found.sentence),
    h("ol.stops", {}, found.stops.map((stop) => h("li", {}, h("b", {}, stop.id === null ? stop.name : `${stop.kind} ${stop.name}`), ` ${stop.text}`))),
    found.verdicts.length ? h("ul.verdicts", { "aria-label": "What security groups say" }, found.verdicts.map((one) => h(`li.${one.passes ? "good" : "bad"}`, {}, `${one.direction} at ${one.name} ${one.passes ? "passes" : "is dropped"}: `, one.group ? [h("b", {}, one.group), ": "] : null, one.says))) : null,
  ];
}
