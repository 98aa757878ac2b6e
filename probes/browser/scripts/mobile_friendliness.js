// Describes the page as it stands for probes/browser/mobile_friendliness.py: evaluated in the page, changes nothing, returns plain JSON.
(() => {
  const LIMIT = 2000;
  const TARGETS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, label[for], [role=button], ' +
    '[role=link], [role=tab], [role=menuitem], [role=checkbox], [role=radio], [role=switch], [onclick]';
  const root = document.documentElement;
  const zoom = window.visualViewport ? window.visualViewport.scale : 1;
  const shown = (element) => element.checkVisibility({opacityProperty: true, visibilityProperty: true});

  // Characters of visible text by their size on the screen.
  const sizes = {};
  const walker = document.createTreeWalker(document.body || root, NodeFilter.SHOW_TEXT);
  const known = new Map();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.data.trim().length;
    const parent = node.parentElement;
    if (!length || !parent || /^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|TITLE|OPTION)$/.test(parent.tagName)) continue;
    if (!known.has(parent)) {
      known.set(parent, shown(parent) ? parseFloat(getComputedStyle(parent).fontSize) * zoom : 0);
    }
    const size = known.get(parent);
    if (size) sizes[size.toFixed(1)] = (sizes[size.toFixed(1)] || 0) + length;
  }

  // Boxes of tap targets, the outermost of nested ones, in CSS pixels on the screen.
  const targets = [];
  for (const element of document.querySelectorAll(TARGETS)) {
    if (targets.length >= LIMIT) break;
    if (element.disabled || !shown(element) || element.parentElement?.closest(TARGETS)) continue;
    const boxes = [...element.getClientRects(), ...[...element.children].map((child) => child.getBoundingClientRect())]
      .filter((box) => box.width > 1 && box.height > 1);
    if (!boxes.length) continue;
    const box = boxes.reduce((best, each) => (each.width * each.height > best.width * best.height ? each : best));
    // A link in the middle of a sentence has the height of its line: WCAG 2.5.8 excepts it.
    const beside = [...(element.parentElement?.childNodes || [])]
      .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1);
    targets.push({
      x: (box.left + window.scrollX) * zoom,
      y: (box.top + window.scrollY) * zoom,
      width: box.width * zoom,
      height: box.height * zoom,
      inline: beside && getComputedStyle(element).display === 'inline',
    });
  }
  const meta = document.querySelector('meta[name=viewport i]');
  return {
    viewport: meta ? meta.content : null,
    language: root.getAttribute('lang'),
    layoutWidth: root.clientWidth,
    contentWidth: Math.max(root.scrollWidth, document.body ? document.body.scrollWidth : 0),
    sizes,
    targets,
  };
})()
