// Notes the page's signs of life for probes/browser/page_complete.py: run before any script of the page, read by signs_now.js. Timers do
// and return what the page asks the browser for; only when they are due is written down.
(() => {
  if (window !== window.top) return;
  const signs = {due: new Map(), busy: null, painted: null};
  const wrap = (set, again) => function (work, delay = 0, ...rest) {
    if (typeof work !== 'function') return set.call(window, work, delay, ...rest);
    const wait = Number(delay) || 0;
    const number = set.call(window, function (...given) {
      if (again) signs.due.set(number, performance.now() + wait);
      else signs.due.delete(number);
      return work.apply(this, given);
    }, delay, ...rest);
    signs.due.set(number, performance.now() + wait);
    return number;
  };
  const forget = (clear) => function (number) {
    signs.due.delete(number);
    return clear.call(window, number);
  };
  window.setTimeout = wrap(window.setTimeout, false);
  window.setInterval = wrap(window.setInterval, true);
  window.clearTimeout = forget(window.clearTimeout);
  window.clearInterval = forget(window.clearInterval);
  const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({type, buffered: true});
  watch('longtask', (entry) => { signs.busy = entry.startTime + entry.duration; });
  watch('largest-contentful-paint', (entry) => { signs.painted = Math.max(signs.painted, entry.startTime); });
  watch('layout-shift', (entry) => { signs.painted = Math.max(signs.painted, entry.startTime); });
  Object.defineProperty(window, '__signs', {value: signs});
})()
