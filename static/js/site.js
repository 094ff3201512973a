/* Signboard's own script: small comforts. Every page works without it. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // Theme: light, dark, or what the system says. Runs before the page is drawn.
  const storage = (act) => { try { return act(window.localStorage); } catch { return null; } };
  const theme = storage((kept) => kept.getItem("theme"));
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place) place.textContent = text;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy !== undefined) {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.classList.add("done");
        announce("Copied");
        window.setTimeout(() => button.classList.remove("done"), 1500);
      } catch {
        announce("Copying was refused by the browser");
      }
    } else if (button.dataset.theme !== undefined) {
      const chosen = button.dataset.theme;
      if (chosen) root.dataset.theme = chosen; else delete root.dataset.theme;
      storage((kept) => (chosen ? kept.setItem("theme", chosen) : kept.removeItem("theme")));
      showTheme();
    }
  });

  const showTheme = () => {
    for (const button of document.querySelectorAll("button[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === (root.dataset.theme || "")));
    }
  };
  document.addEventListener("DOMContentLoaded", showTheme);

  // Menus close when the focus or the pointer goes elsewhere, and on Escape.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("pointerdown", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = event.target.closest("details.menu[open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !event.target.closest("input, textarea, select, [contenteditable]")) {
      const find = document.querySelector(".find input");
      if (find) { event.preventDefault(); find.focus(); find.select(); }
      return;
    }
    const item = event.target.closest('[role="treeitem"]');
    if (item) moveInTree(event, item);
  });

  // Parts that htmx draws anew: the focus stays on what it was on, and what was only polled never takes away typing.
  const isTyping = (element) => element.matches("input, textarea, select");
  const isSelecting = (part) => {
    const selection = document.getSelection();
    return !selection.isCollapsed && selection.containsNode(part, true);
  };
  const stopsOf = (part) => [...part.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex]")];
  const nameOf = (stop) => [stop.tagName, stop.getAttribute("href"), stop.name, stop.ariaLabel].join(" ");
  let left = null; // where the focus was in the part that is being replaced
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target: part, xhr, requestConfig } = event.detail;
    if (new URL(xhr.responseURL).pathname !== new URL(requestConfig.path, window.location).pathname) {
      event.detail.shouldSwap = false; // signed out meanwhile: the page itself asks for the way in
      window.location.reload();
      return;
    }
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    if (part.id === "live" && ((held && isTyping(held)) || isSelecting(part))) {
      event.detail.shouldSwap = false; // the next poll brings it
      return;
    }
    const cursor = held && isTyping(held) ? held.selectionStart : null;
    left = held && { id: part.id, name: nameOf(held), at: stopsOf(part).indexOf(held), cursor };
  });
  document.addEventListener("htmx:afterSettle", () => {
    const part = left && document.getElementById(left.id);
    if (!part) return;
    const { name, at, cursor } = left;
    left = null;
    if (part.contains(document.activeElement)) return;
    const stops = stopsOf(part);
    const alike = stops.filter((stop) => nameOf(stop) === name);
    const nearest = alike.sort((a, b) => Math.abs(stops.indexOf(a) - at) - Math.abs(stops.indexOf(b) - at))[0];
    const goal = nearest || stops[Math.min(at, stops.length - 1)];
    goal?.focus({ preventScroll: true });
    if (cursor !== null && goal?.setSelectionRange) goal.setSelectionRange(cursor, cursor);
  });

  // The tree's arrow keys (WAI-ARIA tree view). Focus rests on the link of a node; folded groups stay in the page.
  const linkOf = (item) => item.querySelector(":scope > .node a");
  const isOpen = (item) => item.getAttribute("aria-expanded") !== "false";
  const setOpen = (item, open) => item.setAttribute("aria-expanded", String(open));
  const visible = (tree) => [...tree.querySelectorAll('[role="treeitem"]')].filter((item) => {
    for (let up = item.parentElement.closest('[role="treeitem"]'); up; up = up.parentElement.closest('[role="treeitem"]')) {
      if (!isOpen(up)) return false;
    }
    return true;
  });
  const moveInTree = (event, item) => {
    const items = visible(item.closest('[role="tree"]'));
    const at = items.indexOf(item);
    const hasGroup = item.hasAttribute("aria-expanded");
    let goal = null;
    if (event.key === "ArrowDown") goal = items[at + 1];
    else if (event.key === "ArrowUp") goal = items[at - 1];
    else if (event.key === "Home") goal = items[0];
    else if (event.key === "End") goal = items[items.length - 1];
    else if (event.key === "ArrowRight") {
      if (hasGroup && !isOpen(item)) setOpen(item, true);
      else if (hasGroup) goal = items[at + 1];
    } else if (event.key === "ArrowLeft") {
      if (hasGroup && isOpen(item)) setOpen(item, false);
      else goal = item.parentElement.closest('[role="treeitem"]');
    } else return;
    event.preventDefault();
    if (goal) linkOf(goal).focus();
  };
})();
