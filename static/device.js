// Local storage: the sender's details if the box is ticked, and for one day a form that was not sent.
(() => {
  "use strict";

  const { byId } = portal;
  const PERSON = "meldeportal.person";
  const DRAFT = "meldeportal.draft";
  const PERSON_FIELDS = ["name", "phone", "customer_number"];
  const DAY = 24 * 60 * 60 * 1000;

  // Without local storage, or when it is full, the form works as usual.
  const storage = (() => { try { return localStorage; } catch { return null; } })();
  const forget = (key) => storage?.removeItem(key);
  // Damaged or foreign content must not break the form.
  const read = (key) => {
    try {
      const pairs = Object.entries(JSON.parse(storage.getItem(key)));
      return Object.fromEntries(pairs.filter(([, value]) => typeof value !== "object"));
    } catch { forget(key); return {}; }
  };
  const keep = (key, value) => {
    try { storage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  };

  const { at, category, ...draftValues } = read(DRAFT);
  // The time can be in the future if the clock was wrong.
  const isFresh = Math.abs(Date.now() - at) < DAY;
  if (!isFresh) forget(DRAFT);

  const box = byId("remember");
  if (!box) return;

  const person = read(PERSON);
  const known = PERSON_FIELDS.filter((name) => person[name]);
  const form = byId("request-form");
  for (const name of known) form[name].value ||= person[name];
  box.checked = known.length;
  byId("known").hidden = !known.length;
  if (!storage) byId("memory").style.display = "none";

  let isWanted = false;
  box.addEventListener("change", () => {
    isWanted = box.checked &&= keep(PERSON, {});
    if (isWanted) return;
    forget(PERSON);
    byId("known").hidden = true;
  });
  byId("forget").addEventListener("click", () => {
    for (const name of known) if (byId(name).value === person[name]) byId(name).value = "";
    box.click();
    box.focus();
  });

  const fields = byId("fields");
  const before = fields.cloneNode(true);
  const fieldSelector = "#fields :is(textarea, input:not([type=file], [name=staged]))";
  const shownFields = [...document.querySelectorAll(fieldSelector)].map(({ name }) => name);
  for (const [name, value] of Object.entries(isFresh ? draftValues : {})) {
    if (shownFields.includes(name) ? form[name].value : name in form || /^(files|staged)$/.test(name)) continue;
    if (name in form) form[name].value = value;
    // The server fills it in when it sends the fields of the category, or returns it as hidden for another one.
    else fields.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    form.category.value ||= category;
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

  const textSelector = `${fieldSelector}:not([type=radio])`;
  document.addEventListener("input", ({ target }) => {
    if (!target.closest("#category, #fields")) return;
    const typed = [...document.querySelectorAll(`${textSelector}, #fields :checked`)].filter((field) => field.value);
    if (!typed.some((field) => field.matches(textSelector))) return forget(DRAFT);
    const values = Object.fromEntries(typed.map(({ name, value }) => [name, value]));
    keep(DRAFT, { at: Date.now(), category: document.querySelector("#category :checked").value, ...values });
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.xhr.getResponseHeader("HX-Redirect")) return;
    forget(DRAFT);
    // Another person on this device has not agreed to be remembered.
    if (!box.checked || (!isWanted && byId("name").value !== person.name)) return;
    keep(PERSON, Object.fromEntries(PERSON_FIELDS.map((name) => [name, byId(name).value])));
  });
})();
