// Refreshes the page: fetches the same URL every ten seconds and replaces <main>; shows a notice when that fails.
// Without it every page works the same, but does not refresh.
"use strict";

(() => {
  const INTERVAL_MS = 10_000;
  const TIMEOUT_MS = 8_000;
  const stale = document.getElementById("stale");
  let timer = 0;
  let shown = "";

  const main = () => document.getElementById("main");

  // Return a function that finds the element in the next <main>: by its id, or as the nth link to the same URL.
  function locator(element) {
    if (!element || !main().contains(element) || element === main()) return null;
    if (element.id) return () => document.getElementById(element.id);
    const url = element.getAttribute("href");
    if (!url) return null;
    const sameLinks = () => [...main().querySelectorAll("a[href]")].filter((a) => a.getAttribute("href") === url);
    const number = sameLinks().indexOf(element);
    return () => sameLinks()[number];
  }

  // Save what the user has typed, opened and selected; return a function that restores it.
  function saveState() {
    const fields = [...main().querySelectorAll("input[id], select[id]")].map((field) => [
      field.id,
      field.value,
      field.matches("input") ? [field.selectionStart, field.selectionEnd] : null,
    ]);
    const open = new Map([...main().querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    const focus = locator(document.activeElement);
    const { scrollX, scrollY } = window;
    return () => {
      for (const [id, value, range] of fields) {
        const field = document.getElementById(id);
        if (!field) continue;
        field.value = value;
        if (range && range[0] !== null) field.setSelectionRange(range[0], range[1]);
      }
      for (const [id, wasOpen] of open) {
        const one = document.getElementById(id);
        if (one) one.open = wasOpen;
      }
      focus?.()?.focus({ preventScroll: true });
      window.scrollTo(scrollX, scrollY);
    };
  }

  function swap(text) {
    if (text === shown) return;
    const next = new DOMParser().parseFromString(text, "text/html");
    const fresh = next.getElementById("main");
    if (!fresh) throw new Error("no main");
    const restore = saveState();
    main().replaceChildren(...fresh.childNodes);
    main().dataset.time = fresh.dataset.time;
    document.title = next.title;
    shown = text;
    restore();
  }

  // A selection or an open list would be lost: wait for the next refresh.
  function isInteracting() {
    const selection = document.getSelection();
    const reading = selection && !selection.isCollapsed && main().contains(selection.anchorNode);
    return reading || document.activeElement?.matches("select");
  }

  async function refresh() {
    if (isInteracting() || main().querySelector(".error")) return;
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(window.location.href, { signal, cache: "no-store", credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      swap(await response.text());
      stale.hidden = true;
    } catch {
      if (stale.hidden) stale.textContent = stale.dataset.text.replace("{time}", main().dataset.time);
      stale.hidden = false;
    }
  }

  function schedule() {
    window.clearTimeout(timer);
    if (document.hidden) return;
    timer = window.setTimeout(() => refresh().finally(schedule), INTERVAL_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) window.clearTimeout(timer);
    else refresh().finally(schedule);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form.search select")) event.target.form.requestSubmit();
  });
  schedule();
})();
