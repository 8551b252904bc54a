// The journal: what happened, the latest first, as it happens.
import { choose, chosenIn } from "./address.js";
import { oneLine } from "./faults.js";
import { fill, h } from "./dom.js";
import { ask, on } from "./live.js";

const KEPT = 500;
const LEVELS = [["", "all"], ["warning", "warnings and errors"], ["error", "errors"]];

export function events() {
  const chosen = chosenIn({ level: "" });
  let list = [];
  let held = null;
  const items = h("ol.events.long", { "aria-label": "Events, the latest first" });
  const hold = h("button", { type: "button", "aria-pressed": "false" }, "Hold still");
  const chips = h("div.chips", { role: "group", "aria-label": "Level" }, LEVELS.map(([name, word]) => h("button", { type: "button", value: name, "aria-pressed": String(chosen.level === name) }, word)));
  const element = h("div.view", {}, h("h1", {}, "Events"), h("div.tools", {}, chips, hold), items);
  const wanted = (event) => !chosen.level || event.level === "error" || (chosen.level === "warning" && event.level === "warning");
  const show = () => {
    const chosen = (held ?? list).filter(wanted).slice(-KEPT).reverse();
    fill(items, chosen.length ? chosen.map(oneLine) : h("li.quiet", {}, "Nothing of that kind happened yet."));
  };
  hold.addEventListener("click", () => {
    held = held ? null : [...list];
    hold.setAttribute("aria-pressed", String(held !== null));
    show();
  });
  chips.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    chosen.level = button.value;
    choose(chosen, { level: "" });
    for (const other of chips.children) other.setAttribute("aria-pressed", String(other === button));
    show();
  });
  const load = async () => {
    list = await ask("events").catch(() => list);
    show();
  };
  const stop = [
    on("event", (event) => {
      list.push(event);
      if (list.length > 2 * KEPT) list = list.slice(-KEPT);
      if (held || !wanted(event)) return;
      items.querySelector(".quiet")?.remove();
      items.prepend(oneLine(event));
      while (items.children.length > KEPT) items.lastElementChild.remove();
    }),
    on("again", load),
  ];
  load();
  return { element, close: () => stop.forEach((end) => end()) };
}
