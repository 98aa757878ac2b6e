// The signs of life that signs.js noted, in seconds from now: {busy, painted} ago, {due} ahead; null for none.
(() => {
  const now = performance.now();
  const signs = window.__signs;
  if (!signs) return {busy: null, painted: null, due: null};
  const ago = (at) => (at === null ? null : (now - at) / 1000);
  // Asking for animations makes the browser style the page; before it is loaded that would fetch its fonts too early.
  const moving = document.readyState === 'complete' && document.getAnimations().some((each) => each.playState === 'running');
  const next = Math.min(...[...signs.due.values()].filter((at) => at >= now));
  return {busy: ago(signs.busy), painted: ago(signs.painted),
    due: moving ? 0 : next === Infinity ? null : (next - now) / 1000};
})()
