// Trying again at once what waits for its next try. To act takes the token itself: the cookie only reads.
import { h } from "./dom.js";

let token = ""; // for as long as the page is open

/** A button that has the node look again now, at a network (its id) or at all (""). */
export function retryButton(network = "", words = "Try again now") {
  const said = h("span.said", { role: "status" });
  const button = h("button.retry", { type: "button" }, words);
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = await ask(network);
    button.disabled = false;
  });
  return h("span.retry-line", {}, button, " ", said);
}

async function ask(network) {
  const address = `/view/retry${network ? `?network=${encodeURIComponent(network)}` : ""}`;
  const post = () => fetch(address, { method: "POST", headers: token ? { "X-Auth-Token": token } : {} }).catch(() => null);
  let answer = await post();
  if (answer?.status === 401) {
    token = await askForToken();
    if (!token) return "";
    answer = await post();
  }
  if (answer?.ok) return "It looks again now.";
  if (!answer) return "The node does not answer.";
  if (answer.status === 401) {
    token = "";
    return "There is no such token.";
  }
  const body = await answer.json().catch(() => ({}));
  return `Not done: ${body.error ?? `the node answered ${answer.status}`}`;
}

function askForToken() {
  const field = h("input", { type: "password", id: "acting-token", autocomplete: "off", required: true });
  const dialog = h(
    "dialog.login", { "aria-label": "Token" },
    h("form", { method: "dialog" },
      h("p", {}, "To have the node do something takes a token: it stands in the file ", h("code", {}, "api-tokens"), " of its state directory. It is kept while this page is open."),
      h("label", { for: "acting-token" }, "Token"), field,
      h("div.bar", {}, h("button", { value: "go" }, "Try again now"), h("button", { value: "", formnovalidate: true }, "Cancel"))),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      done(dialog.returnValue === "go" ? field.value.trim() : "");
      dialog.remove();
    });
  });
}
