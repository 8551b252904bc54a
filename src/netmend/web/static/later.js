// Work that many events ask for, done once for all of them.

/** `call`, once, when it was not asked for again for so many ms; at the latest after four times as long. */
export function later(call, ms) {
  let timer = 0;
  let first = 0;
  return () => {
    const now = Date.now();
    if (!timer) first = now;
    clearTimeout(timer);
    timer = setTimeout(() => { timer = 0; call(); }, Math.max(0, Math.min(ms, first + 4 * ms - now)));
  };
}
