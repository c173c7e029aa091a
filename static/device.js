// What the customer's own device keeps: who asks, where the box is ticked, and for a day what is not sent yet.
(() => {
  "use strict";

  const { byId } = portal;
  const PERSON = "meldeportal.person";
  const DRAFT = "meldeportal.draft";
  const DAY = 24 * 60 * 60 * 1000;

  // Where a browser keeps nothing, or has no room left, the form is the same without.
  const storage = (() => { try { return localStorage; } catch { return null; } })();
  const read = (key) => JSON.parse(storage?.getItem(key) ?? null);
  const forget = (key) => storage?.removeItem(key);
  const keep = (key, value) => {
    try { storage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  };

  let draft = read(DRAFT);
  if (draft && Date.now() - draft.at > DAY) draft = forget(DRAFT);

  const box = byId("remember");
  if (!box) return;

  const person = read(PERSON);
  const known = Object.entries(person ?? {});
  const { elements } = byId("request-form");
  for (const [name, value] of known) elements[name].value ||= value;
  box.checked = person;
  byId("known").hidden = !known.length;
  if (!storage) byId("memory").style.display = "none";

  box.addEventListener("change", () => {
    box.checked = box.checked && keep(PERSON, {});
    if (box.checked) return;
    forget(PERSON);
    byId("known").hidden = true;
  });
  byId("forget").addEventListener("click", () => {
    for (const [name, value] of known) if (byId(name).value === value) byId(name).value = "";
    box.click();
    box.focus();
  });

  const fields = byId("fields");
  const before = fields.cloneNode(true);
  for (const [name, value] of Object.entries(draft?.values ?? {})) {
    if (elements[name]?.value) continue;
    if (elements[name]) elements[name].value = value;
    // The server fills it in when it brings the fields of the kind, or carries it along for another kind.
    else fields.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    elements.category.value ||= draft.category;
    byId("restored").hidden = false;
  }
  byId("discard").addEventListener("click", () => {
    forget(DRAFT);
    byId("restored").hidden = true;
    byId("fields").replaceWith(before);
    const kinds = document.querySelectorAll("#category input");
    kinds.forEach((kind) => { kind.checked = kind.defaultChecked; });
    kinds[0].focus();
    htmx.trigger("#category", "change");
  });

  const texts = "#fields :is(textarea, input:not([type=radio], [type=file], [name=staged]))";
  document.addEventListener("input", ({ target }) => {
    if (!target.closest("#category, #fields")) return;
    const typed = [...document.querySelectorAll(`${texts}, #fields :checked`)].filter((field) => field.value);
    if (!typed.some((field) => field.matches(texts))) return forget(DRAFT);
    const values = Object.fromEntries(typed.map(({ name, value }) => [name, value]));
    keep(DRAFT, { at: Date.now(), category: document.querySelector("#category :checked").value, values });
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.xhr.getResponseHeader("HX-Redirect")) return;
    forget(DRAFT);
    if (!box.checked) return;
    keep(PERSON, Object.fromEntries(["name", "phone", "customer_number"].map((name) => [name, byId(name).value])));
  });
})();
