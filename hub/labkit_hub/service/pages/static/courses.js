// Grading works without this file. It saves one item without loading the rest of the page again, goes on by j and k, and asks before
// something that was typed is left behind.
"use strict";
const form = document.querySelector("form[data-piecewise]");

function fields(part) {
  return [...part.querySelectorAll("input:not([type=hidden]), textarea")];
}
function isTyped(part) {
  return part.matches("[data-unsaved]") || fields(part).some((field) => field.value !== field.defaultValue);
}
function parts() {
  return [...document.querySelectorAll("[data-part]")];
}

async function save(button) {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.append(name, value);
  if (button?.name) body.set(button.name, button.value);
  const sent = new Map(fields(form).map((field) => [field.name, field.value]));
  form.classList.add("sending");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      leaving = true;
      location.assign(answer.url);
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!fresh.querySelector("form[data-piecewise]")) {
      throw new Error(fresh.querySelector("main")?.innerText.trim() || `HTTP ${answer.status}`);
    }
    for (const part of parts()) {
      const other = fresh.getElementById(part.id);
      const isNewer = fields(part).some((field) => sent.get(field.name) !== field.value);
      if (!other || isNewer || other.outerHTML === part.outerHTML) continue;
      if (other.matches("[data-unsaved]") && !other.matches(".conflict, .faulty")) continue;
      const open = part.querySelector("details")?.open;
      const focused = part.contains(document.activeElement) ? document.activeElement.name : "";
      part.replaceWith(other);
      if (open && other.querySelector("details")) other.querySelector("details").open = true;
      if (focused) other.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    say("");
  } catch (error) {
    say(`It could not be saved: ${error.message}`);
  } finally {
    form.classList.remove("sending");
  }
}

function say(text) {
  const old = document.getElementById("trouble");
  if (!text) return old?.remove();
  const note = old ?? document.createElement("p");
  Object.assign(note, { id: "trouble", className: "note bad", textContent: text });
  note.setAttribute("role", "alert");
  form.prepend(note);
}

let leaving = false;
if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(event.submitter);
  });
  form.addEventListener("keydown", (event) => {
    const part = event.target.closest("[data-part]");
    if (event.key === "Enter" && part && (event.ctrlKey || event.metaKey || event.target.matches("input"))) {
      event.preventDefault();
      form.requestSubmit(part.querySelector("button[name=save]"));
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && parts().some(isTyped)) event.preventDefault();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const way = { j: "next", k: "prev" }[event.key];
  if (way) document.querySelector(`a[rel=${way}]`)?.click();
});
