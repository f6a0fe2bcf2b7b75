// What a test sees of a page from within: jumps of its layout, words, and where the Tab key leads. Runs before the page.
"use strict";
window.looking = (() => {
  let jumped = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) jumped += entry.value;
  }).observe({ type: "layout-shift", buffered: true });

  const OPERABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
  const alone = (one) => {  // of radio buttons that belong together Tab visits the chosen one
    if (one.type !== "radio" || one.checked) return true;
    return !one.form.querySelector(`[type="radio"][name="${CSS.escape(one.name)}"]:checked`);
  };
  const told = (one) => (one.outerHTML.match(/^<[^>]*>/)?.[0] ?? "").slice(0, 160);
  const ring = (one) => {
    const style = getComputedStyle(one);
    const outline = style.outlineStyle === "none" ? "none" : `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor}`;
    return `${outline} | ${style.boxShadow}`;
  };

  let stops = [], rings = new Map();
  document.addEventListener("focusin", (event) => stops.push([event.target, ring(event.target)]));

  return {
    jumped: () => jumped,
    // What sticks out of a page that has to be moved sideways; null for one that need not.
    outside: () => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return null;
      const found = [...document.querySelectorAll("main *, header *")].findLast(
        (one) => shown(one) && one.getBoundingClientRect().right > width);
      return found ? told(found) : "something";
    },
    head: () => ({
      lang: document.documentElement.lang, title: document.title,
      headings: [...document.querySelectorAll("h1")].filter(shown).length,
      skip: document.querySelector("body > :first-child")?.matches('a.skip[href="#content"]') ?? false,
    }),
    // What is written in the page's own language: parts that are marked as another one are left out.
    texts: () => {
      const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const own = (one) => one.closest("[lang]") === document.documentElement && !one.closest("script, style, code, template");
      while (walker.nextNode()) if (own(walker.currentNode.parentElement)) found.push(walker.currentNode.data);
      for (const one of document.body.querySelectorAll("*")) {
        if (own(one)) for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(one.getAttribute(name) ?? "");
      }
      return [document.title.split(" · ")[0], ...found].map((text) => text.replace(/\s+/g, " ").trim()).filter(Boolean);
    },
    // How often Tab is to be pressed: once for each, and more for fields for dates, which have parts.
    begin: () => {
      document.activeElement?.blur();
      const all = [...document.querySelectorAll(OPERABLE)].filter(
        (one) => one.tabIndex >= 0 && !one.disabled && shown(one) && alone(one));
      rings = new Map(all.map((one) => [one, ring(one)]));
      stops = [];
      return all.length + 1 + 5 * all.filter((one) => one.type === "date").length;
    },
    // What is wrong with the way that Tab took. Boxes that scroll are stops of their own, by the browser's will.
    end: () => {
      const operable = [...rings.keys()], way = [];
      for (const [one, lit] of stops) {
        if (rings.has(one)) {
          if (way.includes(one)) break;
          way.push(one);
          if (lit === rings.get(one)) return `nothing shows that this has the focus: ${told(one)}`;
        } else if (one.scrollWidth <= one.clientWidth) return `Tab leads to what nobody can operate: ${told(one)}`;
      }
      const first = Math.max(0, operable.indexOf(way[0]));  // where somebody was before, Tab goes on
      const expected = [...operable.slice(first), ...operable.slice(0, first)];
      const wrong = expected.findIndex((one, at) => way[at] !== one);
      if (wrong < 0) return null;
      return `Tab leads to ${way[wrong] ? told(way[wrong]) : "nothing"} instead of ${told(expected[wrong])}`;
    },
  };
})();
