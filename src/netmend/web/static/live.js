// What the node says, as it says it: one stream of server-sent events for the whole page.
import { clockIs } from "./format.js";

const SILENT = 6000; // ms without a word, while a sample is due each second
const listeners = new Map();
let source = null;
let watched = null;
let heard = 0;
let opened = false;

/** The last of each kind; `connection`: "connecting", "live", "silent" or "lost", with the time it began. */
export const latest = { overview: null, devices: null, connection: { state: "connecting", at: Date.now() } };

/** Call `listener` with each message of a kind; returns a function that ends it. */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(listener);
  return () => listeners.get(kind).delete(listener);
}

function dispatch(kind, data) {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

/** Follow the node, and one network (an id, or null) closely. */
export function follow(network = null) {
  if (source && watched === network) return;
  watched = network;
  connect();
}

function connect() {
  source?.close();
  const stream = new EventSource(`/view/live${watched ? `?network=${encodeURIComponent(watched)}` : ""}`);
  source = stream;
  for (const kind of ["overview", "devices", "networks", "event", "network", "lost"]) {
    stream.addEventListener(kind, (message) => {
      if (stream === source) hear(kind, JSON.parse(message.data));
    });
  }
  stream.onopen = () => {
    if (stream !== source) return;
    if (opened) dispatch("again", null); // messages were missed: ask for all anew
    opened = true;
    connection("live");
  };
  stream.onerror = () => {
    if (stream !== source) return;
    connection("lost");
    if (stream.readyState === EventSource.CLOSED) refused(stream);
  };
}

/** The node answered without a stream: it asks for a token, or has too many readers now. */
async function refused(stream) {
  const answer = await fetch("/view/overview").catch(() => null);
  if (stream !== source) return;
  if (answer?.status === 401) dispatch("login", null);
  else setTimeout(() => stream === source && connect(), 2000);
}

function hear(kind, data) {
  heard = Date.now();
  if (kind === "lost") {
    connect();
    return;
  }
  if (kind === "devices" && data) clockIs(data.at);
  if (kind === "overview") {
    if (!latest.overview && data.devices) clockIs(data.devices.at);
    if (data.devices) latest.devices = data.devices;
  }
  latest[kind] = data;
  connection("live");
  dispatch(kind, data);
}

function connection(state) {
  if (latest.connection.state === state) return;
  latest.connection = { state, at: state === "live" ? Date.now() : heard || Date.now() };
  dispatch("connection", latest.connection);
}

setInterval(() => {
  if (latest.connection.state === "live" && Date.now() - heard > SILENT) connection("silent");
}, 1000);

/** JSON of one of the node's views; an Error with its sentence when it refuses. */
export async function ask(path, query = {}) {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null));
  const answer = await get(`/view/${path}${given.size ? `?${given}` : ""}`);
  const body = await answer.json().catch(() => ({ error: `the node answered ${answer.status}` }));
  if (!answer.ok) throw new Error(body.error ?? `the node answered ${answer.status}`);
  return body;
}

/** `fetch`, again where nothing came: see start.js. */
async function get(address, tries = 4) {
  try {
    return await fetch(address);
  } catch (error) {
    if (tries <= 1) throw error;
    await new Promise((done) => setTimeout(done, 300));
    return get(address, tries - 1);
  }
}
