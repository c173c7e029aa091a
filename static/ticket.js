// The page of a ticket: sending by keyboard, a question before a begun text is left, folded facts on phones.
(() => {
  "use strict";

  const { byId } = portal;

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.target.id !== "text") return;
    event.preventDefault();
    byId("reply-form").requestSubmit(byId("send"));
  });

  window.addEventListener("beforeunload", (event) => { if (byId("text")?.value) event.preventDefault(); });

  const fold = (isOpen = matchMedia("(min-width: 60rem)").matches) =>
    document.querySelectorAll("[data-folds]").forEach((details) => { details.open = isOpen; });
  fold();
  window.addEventListener("beforeprint", () => fold(true));
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => { if (target.id === "ticket") fold(); });
})();
