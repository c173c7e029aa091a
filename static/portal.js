// What HTML and htmx cannot say by themselves: files by drop and paste, progress, and what to do when the line fails.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const say = (id, text) => { const place = byId(id); if (place) place.textContent = text; };
  const sayEach = (id, texts) => byId(id)?.replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));

  // What the page says is written there, in its language.
  const sentences = JSON.parse(document.querySelector("[name=portal-sentences]")?.content ?? "{}");
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
  const saidByPortal = (xhr) => xhr.getResponseHeader("Portal-Notice") ? xhr.responseText : null;

  // --- Files: one upload at a time; what is chosen meanwhile waits, and so does the form. ---

  let sending = null;
  let waiting = [];
  let failed = [];
  let sendForm = null;

  const showProgress = (percent) => {
    const progress = byId("upload-progress");
    if (!progress) return;
    progress.hidden = percent === null;
    progress.value = percent ?? 0;
  };

  const choose = (files) => {
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    byId("files").files = transfer.files;
  };

  const add = (files, complaints = []) => {
    const { maxBytes, tooLarge } = byId("attachments").dataset;
    const fits = files.filter((file) => file.size <= Number(maxBytes));
    const refused = files.filter((file) => !fits.includes(file));
    sayEach("upload-message", [...complaints,
      ...refused.map(({ name }) => sentence("file_refused", { name, reason: tooLarge }))]);
    if (sending) {
      waiting.push(...fits);
    } else {
      sending = [...failed, ...fits];
      failed = [];
      choose(sending);
      if (sending.length) htmx.trigger("#files", "change");
      else sending = null;
    }
  };

  // The next upload's list takes the place of this one's, but what was refused is still to be read.
  const refusals = () => [...document.querySelectorAll("#attachment-list [role=alert] :is(li, p)")].map((item) => item.textContent);

  // What failed stays chosen, so that it goes along with the form or with the next upload.
  const showFailed = (failure) => {
    if (!byId("files")) return;
    choose(failed);
    sayEach("upload-message", [failure]);
  };

  const uploadEnded = (failure, unsent = []) => {
    const next = waiting;
    const send = sendForm;
    sending = null;
    waiting = [];
    showProgress(null);
    if (failure) {
      failed = [...unsent, ...next];
      showFailed(failure);
    } else if (byId("files")) {
      choose([]);
      if (next.length) return add(next, refusals());
    }
    sendForm = null;
    if (!send) return;
    say("form-message", failure && offline());
    if (!failure) send();
  };

  // In the capturing phase, before htmx hears of it: the person's own choice goes through add() like a drop.
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.id !== "files" || !event.isTrusted) return;
    event.stopPropagation();
    add([...input.files]);
  }, true);

  const zoneOf = (event) => event.target.closest?.(".dropzone");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    zoneOf(event)?.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => zoneOf(event)?.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // A file dropped beside the field would otherwise replace the page.
    zoneOf(event)?.classList.remove("over");
    if (byId("files")) add([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !byId("files")) return;
    event.preventDefault();
    add(files);
  });

  // --- Requests ---

  document.addEventListener("htmx:confirm", (event) => {
    if (!sends(event.detail.elt) || !sending) return;
    event.preventDefault();
    sendForm = () => event.detail.issueRequest(true);
    say("form-message", sentence("sent_after_upload", { thing: thing() }));
  });

  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, target } = event.detail;
    if (sends(elt)) {
      say("form-message", "");
      byId("send").disabled = true;
      xhr.addEventListener("loadend", () => {
        // Also when the receipt follows: the way back may show this very page again.
        if (byId("send")) byId("send").disabled = false;
        if (xhr.status !== 200 && xhr.status !== 422) return;
        failed = [];
        if (byId("files")) choose([]);
      });
    }
    if (elt.id === "files") watch(xhr, target);
  });

  // By the request's own events, which also come when another category was chosen and the file input is gone.
  const watch = (xhr, list) => {
    showProgress(0);
    xhr.upload.addEventListener("progress", ({ loaded, total }) => showProgress(100 * loaded / total));
    xhr.addEventListener("loadend", () => {
      if (xhr.getResponseHeader("HX-Trigger")) return;
      if (xhr.status === 422 && sendForm) {
        sendForm = null;
        say("form-message", sentence("refused"));
      }
      const failure = { 200: "", 401: sentence("signed_out"), 422: "", 413: sentence("too_large") }[xhr.status] ??
        saidByPortal(xhr) ?? sentence("upload_failed");
      uploadEnded(failure, failure && xhr.status !== 413 ? sending : []);
      if (!list.isConnected) htmx.trigger("#category", "change");
    });
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "fields") return;
    say("category-message", "");
    if (failed.length) showFailed(sentence("upload_failed"));
  });

  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr } = event.detail;
    if (elt.id === "files") return;
    const message = { 401: sentence("signed_out"), 413: sentence("too_large") }[xhr.status] ?? saidByPortal(xhr) ?? serverFailed(xhr);
    say("form-message", message);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.elt.id === "category") say("category-message", sentence("no_fields"));
    if (sends(event.detail.elt)) say("form-message", offline());
  });

  const showFieldsOfChoice = () => {
    const chosen = document.querySelector("#category :checked")?.value;
    if (chosen && chosen !== document.querySelector("[data-category]")?.dataset.category) htmx.trigger("#category", "change");
  };
  // On the way back some browsers load the page anew and choose again what was chosen, but the fields are not there.
  window.addEventListener("pageshow", showFieldsOfChoice);
  window.addEventListener("online", showFieldsOfChoice);

  // The server gave a new token because the old session was gone: the same request once more, but only once.
  document.addEventListener("session-renewed", (event) => {
    const element = event.target;
    if (element.dataset.renewed) {
      say("form-message", sentence("cookies"));
      if (element.id === "files") uploadEnded(sentence("cookies"), sending);
      return;
    }
    element.dataset.renewed = "yes";
    // Later, because htmx is still busy with the answer and drops a second request until it is done.
    setTimeout(() => htmx.trigger(element, element.matches("button") ? "click" : "change"));
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")) delete event.detail.elt.dataset.renewed;
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
})();
