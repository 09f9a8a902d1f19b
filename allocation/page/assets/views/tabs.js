// @ts-check
/* The tabs of the side panel: one part at a time, by mouse, arrows, Home and End. */
import { byId, element } from "../dom.js";

/** @param {string} id of the part */
export function showTab(id) {
  for (const tab of byId("tabs").children) {
    const isShown = tab.getAttribute("aria-controls") === id;
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !isShown;
  }
}

export function wireTabs() {
  const parts = [...document.querySelectorAll("section[data-tab]")], bar = byId("tabs");
  bar.append(...parts.map((part) => {
    const name = /** @type {HTMLElement} */ (part).dataset.tab;
    const roles = { type: "button", role: "tab", id: `naar-${part.id}`, "aria-controls": part.id };
    const tab = element("button", name, roles);
    tab.addEventListener("click", () => showTab(part.id));
    part.setAttribute("role", "tabpanel");
    part.setAttribute("aria-labelledby", tab.id);
    return tab;
  }));
  bar.addEventListener("keydown", (event) => {
    const tabs = [...bar.children], at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    next.focus();
    showTab(next.getAttribute("aria-controls"));
  });
  showTab(parts[0].id);
}
