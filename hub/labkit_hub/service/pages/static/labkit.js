// Pages work without this file. It keeps what changes fresh, asks before something is stopped, and shows some buttons only once
// there is something to send.
"use strict";
const EVERY_MS = 5000;

function isTyped(area) {
  return [...area.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue);
}

function isBusy(area) {
  const here = document.activeElement;
  return document.hidden || (here && area.contains(here)) || isTyped(area);
}

// Something that was going on has ended, and the rest of the page with it is old.
function showAll() {
  const address = new URL(location.href);
  address.searchParams.delete("said");
  if (!isTyped(document)) location.replace(address);
}

let next = 0;
async function refresh() {
  const area = document.querySelector("[data-live]");
  if (!area || isBusy(area) || Date.now() < next) return;
  next = Date.now() + (Number(area.dataset.every) || 0);
  try {
    const answer = await fetch(area.dataset.live || location.pathname, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (!fresh || fresh.innerHTML === area.innerHTML || isBusy(area)) return;
    const hasEnded = area.dataset.going && !fresh.dataset.going;
    area.replaceWith(fresh);
    if (hasEnded) showAll();
  } catch {
    // The service is away for a moment; what is shown stays.
  }
}

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
document.addEventListener("change", (event) => {
  event.target.form?.classList.add("changed");
});
document.documentElement.classList.add("scripted");
setInterval(refresh, EVERY_MS);
