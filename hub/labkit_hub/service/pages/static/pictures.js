// Comments can be pinned without this file, by two numbers. It takes the place from a click on the picture, and keeps what is typed elsewhere.
"use strict";
const SVG = "http://www.w3.org/2000/svg";

function shown(section, x, y) {
  section.querySelector(".pin.fresh")?.remove();
  const picture = section.querySelector("svg.annotated");
  const [width, height] = [picture.viewBox.baseVal.width, picture.viewBox.baseVal.height];
  const group = document.createElementNS(SVG, "g");
  const circle = document.createElementNS(SVG, "circle");
  group.setAttribute("class", "pin fresh");
  circle.setAttribute("cx", x);
  circle.setAttribute("cy", y);
  circle.setAttribute("r", Math.max(width, height) / 90);
  group.append(circle);
  picture.append(group);
}

document.addEventListener("click", (event) => {
  const picture = event.target.closest?.("[data-pinning] svg.annotated");
  if (!picture) return;
  const section = picture.closest("[data-pinning]");
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
  const { width, height } = picture.viewBox.baseVal;
  if (place.x < 0 || place.y < 0 || place.x > width || place.y > height) return;
  const [x, y] = [place.x.toFixed(1), place.y.toFixed(1)];
  section.querySelector("input[name=x]").value = x;
  section.querySelector("input[name=y]").value = y;
  shown(section, x, y);
  section.querySelector("input[name=text]").focus({ preventScroll: true });
});

document.addEventListener("submit", async (event) => {
  const section = event.target.closest("[data-pinning]");
  if (!section) return;
  event.preventDefault();
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(event.target)) body.append(name, value);
  if (event.submitter?.name) body.set(event.submitter.name, event.submitter.value);
  section.querySelector(".note.bad")?.remove();
  try {
    const answer = await fetch(event.target.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const other = answer.ok ? fresh.getElementById(section.id) : null;
    if (!other) throw new Error(fresh.querySelector("main")?.textContent.trim().replace(/\s+/g, " ") || `HTTP ${answer.status}`);
    const isDrop = event.submitter?.name === "drop";
    const typed = isDrop ? ["x", "y", "text"].map((name) => [name, section.querySelector(`input[name=${name}]`).value]) : [];
    section.replaceWith(other);
    other.classList.add("live");
    for (const [name, value] of typed) other.querySelector(`input[name=${name}]`).value = value;
    const [x, y] = typed.map(([, value]) => value.replace(",", "."));
    if (x && y) shown(other, x, y);
    other.querySelector("input[name=text]").focus({ preventScroll: true });
  } catch (error) {
    const note = document.createElement("p");
    Object.assign(note, { className: "note bad", textContent: `It could not be saved: ${error.message}` });
    note.setAttribute("role", "alert");
    event.target.prepend(note);
  }
});

window.addEventListener("beforeunload", (event) => {
  if ([...document.querySelectorAll("[data-pinning] input[name=text]")].some((field) => field.value.trim())) event.preventDefault();
});

for (const section of document.querySelectorAll("[data-pinning]")) section.classList.add("live");
