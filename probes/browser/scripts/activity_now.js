// The activity that activity.js recorded, in seconds from now: {busy, painted} ago, {due} ahead; null for none.
(() => {
  const now = performance.now();
  const activity = window.__activity;
  if (!activity) return {busy: null, painted: null, due: null};
  const ago = (at) => (at === null ? null : (now - at) / 1000);
  // getAnimations makes the browser style the page; before it is loaded that would fetch its fonts too early.
  const moving = document.readyState === 'complete' && document.getAnimations().some((each) => each.playState === 'running');
  const next = Math.min(...[...activity.due.values()].filter((at) => at >= now));
  return {busy: ago(activity.busy), painted: ago(activity.painted),
    due: moving ? 0 : next === Infinity ? null : (next - now) / 1000};
})()
