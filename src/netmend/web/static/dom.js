// Elements from values. Texts become text nodes, never markup.

const TOLD = new Set(["title", "aria-label", "alt", "placeholder"]); // attributes that are shown or read aloud

/** An element `tag.class`, with attributes and properties (`on…`: listeners), and children: nodes, texts, nothing. */
export function h(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : TOLD.has(name) ? visible(String(value)) : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(String(child)));
  }
}

/** Put other children in; what is equal already stays, so that focus, selection and scrolling do. */
export function fill(element, ...children) {
  const fresh = document.createDocumentFragment();
  append(fresh, children);
  if (sameContent(element, fresh)) return;
  element.replaceChildren(fresh);
}

function sameContent(element, fragment) {
  if (element.childNodes.length !== fragment.childNodes.length) return false;
  return [...element.childNodes].every((node, index) => node.isEqualNode(fragment.childNodes[index]));
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  append(element, children);
  return element;
}

// Characters that hide or turn round what stands beside them: the same as in ground/printable.py.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\p{Surrogate}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** A text as it is, with what cannot be seen written out: names come from guests. */
export function visible(text) {
  return text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}
