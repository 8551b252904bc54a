// What is chosen in a view stands in the address, so that it can be sent to somebody, and survives going back.

/** The view's address without what is chosen in it: `#/networks`. */
export function place() {
  return location.hash.split("?")[0];
}

/** What the address says is chosen, for each name of `defaults`. */
export function chosenIn(defaults) {
  const given = new URLSearchParams(location.hash.split("?")[1] ?? "");
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value]));
}

/** Write what is chosen into the address, without what is as usual; `step`: going back leads to what was before. */
export function choose(chosen, defaults, { step = false } = {}) {
  const given = new URLSearchParams(Object.entries(chosen).filter(([name, value]) => value !== defaults[name]));
  const address = `${place()}${given.size ? `?${given}` : ""}`;
  if (address !== location.hash) history[step ? "pushState" : "replaceState"](null, "", address);
}
