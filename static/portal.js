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

  // The form that is filled in says what it sends.
  const sends = (element) => element.matches("[data-thing]");
  const thing = () => document.querySelector("[data-thing]")?.dataset.thing;

  const notSent = (why, advice) =>
    `${why}, ${thing()} ist noch nicht eingegangen. Ihre Angaben stehen noch hier. Bitte ${advice}`;
  const serverFailed = (xhr) => {
    const number = xhr.getResponseHeader("Error-Number");
    return notSent("Das hat nicht geklappt", "versuchen Sie es in einer Minute noch einmal.") +
      (number ? ` Bleibt es dabei, nennen Sie uns bitte die Fehlernummer ${number}.` : "");
  };
  const offline = () => notSent("Keine Verbindung", "senden Sie sie noch einmal ab, sobald Sie wieder im Netz sind.");
  const NO_FIELDS = "Keine Verbindung. Die Felder wechseln, sobald Sie wieder im Netz sind.";
  const UPLOAD_FAILED = "Das Hochladen ist abgebrochen. Die Dateien sind noch ausgewählt und gehen beim Absenden mit.";
  const SIGNED_OUT = "Sie sind nicht mehr angemeldet. Ihre Angaben stehen noch hier: Melden Sie sich in einem anderen " +
    "Tab an, dann geht es hier weiter.";
  const TOO_LARGE = "Die Dateien sind zusammen zu groß. Bitte wählen Sie weniger oder kleinere aus.";
  const REFUSED = "Nicht alle Dateien wurden angenommen. Bitte prüfen Sie die Anhänge und senden Sie dann noch einmal ab.";
  // The portal itself says why to wait and how long; a proxy in front has only its own page.
  const saidByPortal = (xhr) => xhr.getResponseHeader("Portal-Notice") ? xhr.responseText : null;
  const COOKIES = "Bitte erlauben Sie Cookies für diese Seite und laden Sie sie neu.";

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
      ...refused.map((file) => `„${file.name}“ wurde nicht angenommen: ${tooLarge}`)]);
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
    say("form-message", `${thing()} wird gesendet, sobald die Dateien hochgeladen sind.`);
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
        say("form-message", REFUSED);
      }
      const failure = { 200: "", 401: SIGNED_OUT, 422: "", 413: TOO_LARGE }[xhr.status] ?? saidByPortal(xhr) ?? UPLOAD_FAILED;
      uploadEnded(failure, failure && failure !== TOO_LARGE ? sending : []);
      if (!list.isConnected) htmx.trigger("#category", "change");
    });
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "fields") return;
    say("category-message", "");
    if (failed.length) showFailed(UPLOAD_FAILED);
  });

  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr } = event.detail;
    if (elt.id === "files") return;
    const message = { 401: SIGNED_OUT, 413: TOO_LARGE }[xhr.status] ?? saidByPortal(xhr) ?? serverFailed(xhr);
    say("form-message", message);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.elt.id === "category") say("category-message", NO_FIELDS);
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
      say("form-message", COOKIES);
      if (element.id === "files") uploadEnded(COOKIES, sending);
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
  });
})();
