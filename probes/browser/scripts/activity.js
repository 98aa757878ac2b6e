// Records the page's activity for probes/browser/page_complete.py: run before any script of the page, read by
// activity_now.js. Timers work as in the browser; only the times when they are due are recorded.
(() => {
  if (window !== window.top) return;
  const activity = {due: new Map(), busy: null, painted: null};
  const wrap = (set, again) => function (work, delay = 0, ...rest) {
    if (typeof work !== 'function') return set.call(window, work, delay, ...rest);
    const wait = Number(delay) || 0;
    const number = set.call(window, function (...given) {
      if (again) activity.due.set(number, performance.now() + wait);
      else activity.due.delete(number);
      return work.apply(this, given);
    }, delay, ...rest);
    activity.due.set(number, performance.now() + wait);
    return number;
  };
  const forget = (clear) => function (number) {
    activity.due.delete(number);
    return clear.call(window, number);
  };
  window.setTimeout = wrap(window.setTimeout, false);
  window.setInterval = wrap(window.setInterval, true);
  window.clearTimeout = forget(window.clearTimeout);
  window.clearInterval = forget(window.clearInterval);
  const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({type, buffered: true});
  watch('longtask', (entry) => { activity.busy = entry.startTime + entry.duration; });
  watch('largest-contentful-paint', (entry) => { activity.painted = Math.max(activity.painted, entry.startTime); });
  watch('layout-shift', (entry) => { activity.painted = Math.max(activity.painted, entry.startTime); });
  Object.defineProperty(window, '__activity', {value: activity});
})()
