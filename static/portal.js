// What all forms share: error messages, automatic retries, renewed CSRF tokens, the enter key on phones.
const portal = (() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const say = (id, text) => {
    const place = byId(id);
    // Do not repeat the same text: a screen reader would read it out each time.
    if (place && place.textContent !== text) place.textContent = text;
  };

  // The page contains the messages in its language; those about files come with the fields for files.
  const sentences = JSON.parse(document.querySelector("[name=portal-sentences]").content);
  const sentence = (name, values = {}) => sentences[name]?.replace(/{(\w+)}/g, (_, key) => values[key]);
  document.addEventListener("htmx:load", () =>
    Object.assign(sentences, JSON.parse(byId("attachments")?.dataset.sentences ?? null)));

  // The form names what it sends.
  const sends = (element) => element.matches("[data-thing]");
  const thing = () => document.querySelector("[data-thing]")?.dataset.thing;

  const serverFailed = (xhr) => {
    const number = xhr.getResponseHeader("Error-Number");
    return sentence("failed", { thing: thing() }) + (number ? ` ${sentence("error_number", { number })}` : "");
  };
  const offline = () => sentence("offline", { thing: thing() });
  // The portal marks its answers, and in a notice it says why and what to do; an error page of a proxy has no mark.
  const reason = (xhr) => {
    if (xhr.status === 413) return sentence(xhr.getResponseHeader("Portal-Error") ? "too_large" : "too_large_for_proxy");
    return xhr.getResponseHeader("Portal-Notice") ? xhr.responseText : null;
  };

  document.addEventListener("htmx:beforeSend", (event) => {
    if (!sends(event.detail.elt)) return;
    say("form-message", "");
    byId("send").disabled = true;
    // Even if the receipt follows: going back may show this page again.
    event.detail.xhr.addEventListener("loadend", () => { if (byId("send")) byId("send").disabled = false; });
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "fields") say("category-message", "");
  });

  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr } = event.detail;
    if (elt.id === "files") return;
    say("form-message", reason(xhr) ?? serverFailed(xhr));
  });

  // Retry requests for fragments: not every browser fires an event when the connection is back.
  const RETRY_MS = 3000;
  // Longer than the server may take to check a file.
  const RESPONSE_TIMEOUT_MS = 120_000;
  const MESSAGE_IDS = { fields: "category-message", "lead-time": "lead-time", suggestion: "suggestion" };

  document.addEventListener("htmx:sendError", ({ detail: { elt, target } }) => {
    if (sends(elt)) say("form-message", offline());
    if (!MESSAGE_IDS[target.id]) return;
    say(MESSAGE_IDS[target.id], sentence("goes_on"));
    clearTimeout(elt.retry);
    elt.retry = setTimeout(() => { if (elt.isConnected) htmx.trigger(elt, "change"); }, RETRY_MS);
  });

  // A connection can break without an event. Sending the same form again is safe: it gets the same receipt.
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

  // When going back, some browsers reload the page and restore the chosen category, but its fields are missing.
  window.addEventListener("pageshow", () => {
    const chosen = document.querySelector("#category :checked")?.value;
    if (chosen && chosen !== document.querySelector("[data-category]")?.dataset.category) htmx.trigger("#category", "change");
    else if (byId("entry_date")?.value) htmx.trigger("#entry_date", "change");
  });

  // The session had expired and the server sent a new CSRF token: repeat the request once.
  document.addEventListener("session-renewed", (event) => {
    const element = event.target;
    if (element.dataset.renewed) {
      say("form-message", sentence("cookies"));
      return;
    }
    element.dataset.renewed = "yes";
    // Deferred: htmx drops a second request while it handles the answer.
    setTimeout(() => htmx.trigger(element, element.matches("button") ? "click" : "change"));
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")) delete event.detail.elt.dataset.renewed;
  });

  // The on-screen keyboard shows "next", but on some phones the key would submit the form.
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
    // Submit without htmx, which would use the form's own address.
    event.preventDefault();
    carrier.form.action = carrier.formAction;
    carrier.form.submit();
  });

  // Going back to this address would ask whether to send the form again; the form's own address just opens it.
  if (location.pathname.endsWith("/sprache")) history.replaceState(null, "", document.querySelector("[data-thing]")?.action);

  // The message stays until the form is sent again, but the field is being corrected.
  document.addEventListener("input", ({ target: { name } }) => {
    document.getElementsByName(name).forEach((field) => field.removeAttribute("aria-invalid"));
    if (name === "priority") byId("still-chosen")?.remove();
  });

  return { byId, say, sentence, sends, thing, offline, reason };
})();
