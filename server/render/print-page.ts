/**
 * What is done to a page inside the browser before it is printed, as the texts of a style sheet and of scripts that run in
 * a world of their own, where nothing of the page's own scripts can be in the way.
 */

/** A4 with margins of 15 mm (top and sides) and 18 mm, where the page number stands; in inches, as the browser takes it. */
export const PAPER = {
  paperWidth: 8.27,
  paperHeight: 11.69,
  marginTop: 0.59,
  marginLeft: 0.59,
  marginRight: 0.59,
  marginBottom: 0.71,
}

const DOTS_PER_INCH = 96

/** How wide the page is laid out, in CSS pixels: so that what draws itself to the width of the window fits the paper. */
export const PAGE_WIDTH = Math.floor((PAPER.paperWidth - PAPER.marginLeft - PAPER.marginRight) * DOTS_PER_INCH)
export const PAGE_HEIGHT = Math.floor((PAPER.paperHeight - PAPER.marginTop - PAPER.marginBottom) * DOTS_PER_INCH)

/**
 * Paper has no scroll bars: what is long is broken, what a box hides is shown. Tables are made smaller as far as they must
 * be, by `fit`, and not by the number of their columns, as on a page that is printed without a script; buttons of figures
 * are of no use.
 */
const STYLE = `
@media print {
  html, body { overflow: visible !important; height: auto !important; max-height: none !important; }
  pre, code { white-space: pre-wrap !important; overflow-wrap: anywhere !important; overflow: visible !important; max-height: none !important; }
  img, svg, canvas, video { break-inside: avoid; }
  img { max-width: 100% !important; }
  tr, figure, .js-plotly-plot { break-inside: avoid; }
  .html table { font-size: 8pt !important; }
  .html :is(th, td) { padding: .15rem .35rem !important; }
  .modebar-container { display: none !important; }
  thead { display: table-header-group; }
  h1, h2, h3, h4, h5, h6 { break-after: avoid; }
}`

/** Resolves when the page has been quiet for a moment: pictures and fonts are there, and its scripts have drawn. */
export const settle = (quietMs: number, limitMs: number) => `new Promise((resolve) => {
  const done = () => { clearTimeout(limit); clearTimeout(quiet); watch.disconnect(); resolve() };
  const limit = setTimeout(done, ${limitMs});
  let quiet;
  const wait = () => { clearTimeout(quiet); quiet = setTimeout(done, ${quietMs}) };
  const watch = new MutationObserver(wait);
  const pictures = () => Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  const loaded = document.readyState === 'complete' ? Promise.resolve() : new Promise((now) => addEventListener('load', now));
  loaded.then(() => Promise.all([document.fonts.ready, pictures()])).then(() => {
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    wait();
  });
})`

/**
 * Adds the style sheet and makes what is wider than the page fit it: boxes that scroll are opened, and what then sticks
 * out is scaled down, to a third at most. Gives the number of elements.
 */
export const fit = `(() => {
  const style = document.createElement('style');
  style.textContent = ${JSON.stringify(STYLE)};
  (document.head ?? document.documentElement).append(style);
  const boxes = [...document.querySelectorAll('body *')].filter(
    (box) => box.clientWidth > 0 && (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1),
  );
  const scrolling = boxes.filter((box) => /auto|scroll/.test(getComputedStyle(box).overflow));
  for (const box of scrolling) {
    box.style.setProperty('overflow', 'visible', 'important');
    box.style.setProperty('max-height', 'none', 'important');
  }
  const room = document.documentElement.clientWidth;
  const things = 'table, svg, canvas, iframe, .js-plotly-plot';
  const wide = [...document.querySelectorAll(things)]
    .filter((thing) => !thing.parentElement?.closest(things))
    .map((thing) => ({ thing, box: thing.getBoundingClientRect() }))
    .filter(({ box }) => box.right > room + 1 && box.left < room);
  for (const { thing, box } of wide) {
    thing.style.zoom = String(Math.max(1 / 3, (room - Math.max(0, box.left)) / box.width));
  }
  return document.getElementsByTagName('*').length;
})()`

/** The line at the bottom of every page: the title, which is somebody's text, and the number of the page. */
export const footer = (title: string) =>
  `<div style="font: 8px sans-serif; color: #666; width: 100%; margin: 0 15mm; display: flex; justify-content: space-between;">` +
  `<span style="overflow: hidden; white-space: nowrap; text-overflow: ellipsis; max-width: 80%;">${escaped(title.slice(0, 200))}</span>` +
  `<span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (letter) => ENTITIES[letter] ?? letter)
