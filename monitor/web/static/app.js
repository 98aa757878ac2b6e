// Keeps the page fresh: fetches the same address every ten seconds and swaps <main>; says when it cannot.
// Without it every page works the same, only still.
"use strict";

(() => {
  const EVERY = 10_000;
  const PATIENCE = 8_000;
  const stale = document.getElementById("stale");
  let timer = 0;
  let shown = "";

  const main = () => document.getElementById("main");

  // An element that can be found again in the next <main>: by its id, or as the nth link to the same address.
  function place(element) {
    if (!element || !main().contains(element) || element === main()) return null;
    if (element.id) return () => document.getElementById(element.id);
    const address = element.getAttribute("href");
    if (!address) return null;
    const twins = () => [...main().querySelectorAll("a[href]")].filter((a) => a.getAttribute("href") === address);
    const number = twins().indexOf(element);
    return () => twins()[number];
  }

  // What the reader has typed, opened and selected must outlive the swap.
  function keep() {
    const fields = [...main().querySelectorAll("input[id], select[id]")].map((field) => [
      field.id,
      field.value,
      field.matches("input") ? [field.selectionStart, field.selectionEnd] : null,
    ]);
    const open = new Map([...main().querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    const focus = place(document.activeElement);
    const { scrollX, scrollY } = window;
    return () => {
      for (const [id, value, range] of fields) {
        const field = document.getElementById(id);
        if (!field) continue;
        field.value = value;
        if (range && range[0] !== null) field.setSelectionRange(range[0], range[1]);
      }
      for (const [id, was] of open) {
        const one = document.getElementById(id);
        if (one) one.open = was;
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
    const restore = keep();
    main().replaceChildren(...fresh.childNodes);
    main().dataset.time = fresh.dataset.time;
    document.title = next.title;
    shown = text;
    restore();
  }

  // A selection or an open list would be lost under the reader's hands: wait for the next round.
  function busy() {
    const selection = document.getSelection();
    const reading = selection && !selection.isCollapsed && main().contains(selection.anchorNode);
    return reading || document.activeElement?.matches("select");
  }

  async function refresh() {
    if (busy() || main().querySelector(".error")) return;
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const answer = await fetch(window.location.href, { signal, cache: "no-store", credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      swap(await answer.text());
      stale.hidden = true;
    } catch {
      if (stale.hidden) stale.textContent = stale.dataset.text.replace("{time}", main().dataset.time);
      stale.hidden = false;
    }
  }

  function plan() {
    window.clearTimeout(timer);
    if (document.hidden) return;
    timer = window.setTimeout(() => refresh().finally(plan), EVERY);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) window.clearTimeout(timer);
    else refresh().finally(plan);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form.search select")) event.target.form.requestSubmit();
  });
  plan();
})();
