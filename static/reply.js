// Session storage: a message that was not sent, until it is sent or the tab is closed.
(() => {
  "use strict";

  const { byId } = portal;
  // The page of a ticket is known by its number; its address may be a secret.
  const key = `meldeportal.reply.${byId("reply-form")?.dataset.code}`;
  // Without session storage, or when it is full, the form works as usual.
  const attempt = (action) => { try { return action(); } catch { return null; } };
  const keep = () => attempt(() => sessionStorage.setItem(key, byId("text").value));

  const begun = attempt(() => sessionStorage.getItem(key));
  if (begun && byId("text")?.value === "") {
    byId("text").value = begun;
    byId("reply-restored").hidden = false;
  }

  document.addEventListener("input", ({ target }) => { if (target.id === "text") keep(); });
  // A text block was inserted.
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => { if (target.id === "text-part") keep(); });

  document.addEventListener("htmx:beforeOnLoad", ({ detail: { requestConfig, xhr } }) => {
    if (requestConfig.elt.id === "reply-form" && xhr.status === 200) attempt(() => sessionStorage.removeItem(key));
  });
})();
