// Follows what happens: fetches this page again, and swaps the regions that are marked data-live where they changed.
// Without it everything works; a reload shows the same.
//
//   <body data-pace="2">        seconds between two looks; the server says fewer while something runs
//   <div id="…" data-live>      swapped as a whole, when what the server wrote differs from what it wrote before
//   data-announce="Completed"   said aloud when it changes
//   <body data-at="/jobs/…">    the address of a page that is the answer to a form
"use strict";

(() => {
  const SLOWEST = 60;
  const served = new Map();
  let etag = null;
  let failures = 0;
  let timer = 0;
  let looking = false;

  const regions = (root) => root.querySelectorAll("[data-live][id]");
  const note = (root) => regions(root).forEach((region) => served.set(region.id, region.outerHTML));
  const announcements = (root) =>
    new Map([...root.querySelectorAll("[data-announce][id]")].map((one) => [one.id, one.dataset.announce]));

  function pace() {
    const seconds = Number(document.body.dataset.pace) || 15;
    return Math.min(SLOWEST, seconds * 2 ** failures) * 1000;
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, pace());
  }

  async function look() {
    if (looking || document.hidden) return;
    looking = true;
    try {
      const headers = { Accept: "text/html" };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") {
        location.reload(); // signed out meanwhile: to where the server leads
        return;
      }
      if (answer.status === 200) {
        etag = answer.headers.get("ETag");
        swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
        failures = 0;
      } else if (answer.status === 304) {
        failures = 0;
      } else {
        failures += 1;
      }
    } catch {
      failures += 1;
    }
    looking = false;
    document.documentElement.toggleAttribute("data-stale", failures > 2);
    if (failures === 3) say("The server does not answer; this page may be out of date.");
    plan();
  }

  function swap(fresh) {
    const before = announcements(document);
    if (fresh.title) document.title = fresh.title; // "Running: …" would stay on the tab of what has ended
    if (fresh.body.dataset.pace) document.body.dataset.pace = fresh.body.dataset.pace;
    for (const next of regions(fresh)) {
      const html = next.outerHTML;
      const present = document.getElementById(next.id);
      if (!present || html === served.get(next.id) || inUse(present)) continue;
      served.set(next.id, html);
      put(present, document.importNode(next, true));
    }
    const news = [...announcements(document)].filter(([id, words]) => words && before.get(id) !== words);
    if (news.length) say(news.map(([, words]) => words).join(". "));
  }

  // Selected text would vanish under the hand that copies it; the next look comes soon.
  function inUse(region) {
    const selection = getSelection();
    return selection && !selection.isCollapsed && region.contains(selection.anchorNode);
  }

  function put(present, next) {
    const focused = present.contains(document.activeElement) ? pathTo(present, document.activeElement) : null;
    for (const details of present.querySelectorAll("details[id]")) {
      const same = next.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = details.open;
    }
    const scrolled = [...present.querySelectorAll("[data-scroll][id]")].map((one) => [one.id, one.scrollLeft, one.scrollTop]);
    present.replaceWith(next);
    for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
    if (focused) focused(next)?.focus({ preventScroll: true });
  }

  // How to find the focused element again: by id, else by where its link leads or what its button says, else by place.
  function pathTo(region, element) {
    if (element === region) return (next) => next;
    if (element.id) return (next) => next.querySelector(`#${CSS.escape(element.id)}`);
    const href = element.getAttribute("href");
    const tag = element.tagName.toLowerCase();
    const alike = (root) =>
      [...root.querySelectorAll(tag)].filter((one) => (href ? one.getAttribute("href") === href : one.textContent === element.textContent));
    const place = alike(region).indexOf(element);
    return (next) => alike(next)[place] ?? alike(next)[0] ?? null;
  }

  function say(words) {
    const status = document.getElementById("live-status");
    if (status) status.textContent = words;
  }

  // The answer to a form stands at its page's own address: else a reload would send the form again (and make a second
  // key), and the way back would end at the browser's own error.
  if (document.body.dataset.at) history.replaceState(history.state, "", document.body.dataset.at);

  note(document);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  addEventListener("pageshow", (event) => event.persisted && look());
  addEventListener("online", look);
  plan();
})();
