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

  const { at, page, category, ...draft } = read(DRAFT);
  // The time can be in the future if the clock was wrong.
  const isFresh = Math.abs(Date.now() - at) < DAY;
  if (!isFresh) forget(DRAFT);

  const box = byId("remember");
  if (!box) return;

  const NOT_KEPT = /^(category|csrf_token|draft|files|pin|staged)$/;
  const entered = (form) => [...new FormData(form)].filter(([name]) => !NOT_KEPT.test(name));

  const person = read(PERSON);
  const known = PERSON_FIELDS.filter((name) => person[name]);
  const form = byId("request-form");
  // As the server sent it: some browsers have filled in typed values by now. What came back from the server was typed.
  const served = form.cloneNode(true);
  served.reset();
  const isReturned = "returned" in form.dataset;
  const linked = new Map(isReturned ? [] : entered(served));
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
    for (const name of known) {
      if (byId(name).value === person[name]) byId(name).value = "";
      untouched.set(name, linked.get(name));
    }
    keepDraft();
    box.click();
    box.focus();
  });

  const fields = byId("fields");
  const untouched = new Map(linked);
  for (const name of known) untouched.set(name, linked.get(name) || person[name]);
  const isSamePage = page === location.search;
  for (const [name, value] of Object.entries(isFresh && !isReturned ? draft : {})) {
    const shown = linked.get(name);
    // What a link has filled in stays, unless the same link was open when the draft was typed.
    if (NOT_KEPT.test(name) || (shown && (shown === value || !isSamePage))) continue;
    if (form.querySelector(`[name="${CSS.escape(name)}"]`)) form[name].value = value;
    else if (name in form) continue;
    // The server fills it in when it sends the fields of the category, or returns it as hidden for another one.
    else fields.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    if (!form.category.value || isSamePage) form.category.value = category;
    byId("restored").hidden &&= !value;
  }
  const hideRestored = () => { byId("restored").hidden = true; };
  byId("keep").addEventListener("click", hideRestored);
  byId("discard").addEventListener("click", () => {
    forget(DRAFT);
    hideRestored();
    byId("fields").replaceWith(served.querySelector("#fields"));
    untouched.forEach((value, name) => { form[name].value = value; });
    const kinds = document.querySelectorAll("#category input");
    kinds.forEach((kind) => { kind.checked = kind.defaultChecked; });
    kinds[0].focus();
    htmx.trigger("#category", "change");
  });

  const keepDraft = () => {
    const current = byId("request-form");
    // A choice alone is no draft; radio buttons are a list without a type.
    const isTyped = ([name, value]) => current[name].type && value && value !== untouched.get(name);
    const values = entered(current);
    if (!values.some(isTyped)) return forget(DRAFT);
    keep(DRAFT, { at: Date.now(), page: location.search, category: current.category.value, ...Object.fromEntries(values) });
  };
  document.addEventListener("input", ({ target }) => { if (target.closest("#request-form")) keepDraft(); });

  // A reloaded page comes with the fields of the category, so that nothing moves and the browser finds its place.
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target.id !== "fields") return;
    const url = new URL(location);
    const slug = target.querySelector("[data-slug]")?.dataset.slug;
    url.searchParams[slug ? "set" : "delete"]("art", slug);
    history.replaceState(null, "", url);
    const stored = read(DRAFT);
    if (stored.at) keep(DRAFT, { ...stored, page: url.search });
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.xhr.getResponseHeader("HX-Redirect")) return;
    forget(DRAFT);
    // Another person on this device has not agreed to be remembered.
    if (!box.checked || (!isWanted && byId("name").value !== person.name)) return;
    keep(PERSON, Object.fromEntries(PERSON_FIELDS.map((name) => [name, byId(name).value])));
  });
})();
