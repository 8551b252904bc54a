// Where the API asks for tokens, the page does too. The token goes to the node once, and comes back as a cookie that no
// script can read.
import { h } from "./dom.js";

export function login() {
  const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const problem = h("p.bad", { role: "alert" });
  const form = h(
    "form.login.card", {},
    h("h1", {}, "Who asks?"),
    h("p", {}, "This node answers to bearers of a token. It stands in the file ", h("code", {}, "api-tokens"), " of its state directory."),
    h("label", { for: "token" }, "Token"), field, h("button", { type: "submit" }, "Show the node"), problem,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch("/view/session", { method: "POST", body: field.value }).catch(() => null);
    if (answer?.ok) location.reload();
    else problem.textContent = answer ? "There is no such token." : "The node does not answer.";
  });
  return form;
}
