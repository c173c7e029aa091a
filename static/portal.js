// What every form has beside htmx: sentences about what fails, a second try by itself, a new token, keys for a thumb.
const portal = (() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const say = (id, text) => {
    const place = byId(id);
    // What is said already is not said again: a screen reader would read it out every time.
    if (place && place.textContent !== text) place.textContent = text;
  };

  // What the page says is written there, in its language.
  const sentences = JSON.parse(document.querySelector("[name=portal-sentences]").content);
  const sentence = (name, values = {}) => sentences[name].replace(/{(\w+)}/g, (_, key) => values[key]);

  // The form that is filled in says what it sends.
  const sends = (element) => element.matches("[data-thing]");
  const thing = () => document.querySelector("[data-thing]")?.dataset.thing;

  const notSent = (why, advice) =>
    sentence("not_sent", { why: sentence(why), thing: thing(), advice: sentence(advice) });
  const serverFailed = (xhr) => {
    const number = xhr.getResponseHeader("Error-Number");
    return notSent("failed", "try_again") + (number ? ` ${sentence("error_number", { number })}` : "");
  };
  const offline = () => notSent("offline", "send_again");
  // The portal itself says why to wait and how long; a proxy in front has only its own page.
  const portalNotice = (xhr) => xhr.getResponseHeader("Portal-Notice") ? xhr.responseText : null;

  document.addEventListener("htmx:beforeSend", (event) => {
    if (!sends(event.detail.elt)) return;
    say("form-message", "");
    byId("send").disabled = true;
    // Also when the receipt follows: the way back may show this very page again.
    event.detail.xhr.addEventListener("loadend", () => { if (byId("send")) byId("send").disabled = false; });
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "fields") say("category-message", "");
  });

  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr } = event.detail;
    if (elt.id === "files") return;
    const message = { 401: sentence("signed_out"), 413: sentence("too_large") }[xhr.status] ?? portalNotice(xhr) ?? serverFailed(xhr);
    say("form-message", message);
  });

  // What the page asks for by itself it asks for again: not every browser notices that the line is back.
  const RETRY_MS = 3000;
  // Longer than the office's own check of a file may take.
  const RESPONSE_TIMEOUT_MS = 120_000;
  const MESSAGE_IDS = { fields: "category-message", "lead-time": "lead-time", suggestion: "suggestion" };

  document.addEventListener("htmx:sendError", ({ detail: { elt, target } }) => {
    if (sends(elt)) say("form-message", offline());
    if (!MESSAGE_IDS[target.id]) return;
    say(MESSAGE_IDS[target.id], sentence("goes_on"));
    clearTimeout(elt.retry);
    elt.retry = setTimeout(() => { if (elt.isConnected) htmx.trigger(elt, "change"); }, RETRY_MS);
  });

  // A line can break without a word. Whoever sends the same once more gets the same receipt.
  document.addEventListener("htmx:beforeSend", ({ detail: { elt, target, xhr } }) => {
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        xhr.abort();
        htmx.trigger(elt, "htmx:sendError", { target });
      }, RESPONSE_TIMEOUT_MS);
    };
    wait();
    xhr.upload.addEventListener("progress", wait);
    xhr.addEventListener("loadend", () => clearTimeout(timer));
  });

  window.addEventListener("online", () => {
    if (byId("form-message")?.textContent === offline()) say("form-message", sentence("online"));
  });

  // On the way back some browsers load the page anew and choose again what was chosen, but the fields are not there.
  window.addEventListener("pageshow", () => {
    const chosen = document.querySelector("#category :checked")?.value;
    if (chosen && chosen !== document.querySelector("[data-category]")?.dataset.category) htmx.trigger("#category", "change");
  });

  // The server gave a new token because the old session was gone: the same request once more, but only once.
  document.addEventListener("session-renewed", (event) => {
    const element = event.target;
    if (element.dataset.renewed) {
      say("form-message", sentence("cookies"));
      return;
    }
    element.dataset.renewed = "yes";
    // Later, because htmx is still busy with the answer and drops a second request until it is done.
    setTimeout(() => htmx.trigger(element, element.matches("button") ? "click" : "change"));
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")) delete event.detail.elt.dataset.renewed;
  });

  // A keyboard on glass says "next" there; not each of them goes there by itself, some would send.
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key !== "Enter" || field.enterKeyHint !== "next" || !matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    const fields = [...field.form.querySelectorAll("[enterkeyhint], textarea")];
    fields[fields.indexOf(field) + 1]?.focus();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const carrier = event.target.closest("[data-carries-form]");
    if (!carrier) return;
    // The browser's own way of sending, because htmx would send it to where the form goes.
    event.preventDefault();
    carrier.form.action = carrier.formAction;
    carrier.form.submit();
  });

  // The way back to this address would ask whether to send once more; the form's own one simply opens it.
  if (location.pathname.endsWith("/sprache")) history.replaceState(null, "", document.querySelector("[data-thing]")?.action);

  // What is wrong is still to be read until the next sending, but the field is being put right.
  document.addEventListener("input", ({ target: { name } }) => {
    document.getElementsByName(name).forEach((field) => field.removeAttribute("aria-invalid"));
    if (name === "priority") byId("still-chosen")?.remove();
  });

  return { byId, say, sentence, sends, thing, offline, portalNotice };
})();
