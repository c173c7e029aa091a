// What HTML and htmx cannot say by themselves: files by drop and paste, progress, and what to do when the line fails.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const say = (id, text) => { const place = byId(id); if (place) place.textContent = text; };

  const FAILED = "Das hat nicht geklappt, Ihre Anfrage ist noch nicht eingegangen. Ihre Angaben stehen noch hier. " +
    "Bitte versuchen Sie es in einer Minute noch einmal.";
  const OFFLINE = "Keine Verbindung, Ihre Anfrage ist noch nicht eingegangen. Ihre Angaben stehen noch hier. " +
    "Bitte senden Sie sie noch einmal ab, sobald Sie wieder im Netz sind.";
  const UPLOAD_FAILED = "Das Hochladen ist abgebrochen. Die Dateien sind noch ausgewählt und gehen beim Absenden mit.";
  const TOO_LARGE = "Die Dateien sind zusammen zu groß. Bitte wählen Sie weniger oder kleinere aus.";
  const REFUSED = "Nicht alle Dateien wurden angenommen. Bitte prüfen Sie die Anhänge und senden Sie dann noch einmal ab.";
  const COOKIES = "Bitte erlauben Sie Cookies für diese Seite und laden Sie sie neu.";

  // --- Files: one upload at a time; what is chosen meanwhile waits, and so does the form. ---

  let sending = null;
  let waiting = [];
  let sendForm = null;

  const choose = (files) => {
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    byId("files").files = transfer.files;
  };

  const add = (files) => {
    const maxMib = Number(byId("attachments").dataset.maxMib);
    const fits = files.filter((file) => file.size <= maxMib * 1024 * 1024);
    say("upload-message", files.filter((file) => !fits.includes(file)).map((file) =>
      `„${file.name}“ wurde nicht angenommen: Die Datei ist größer als ${maxMib} MiB.`).join(" "));
    if (sending) {
      waiting.push(...fits);
    } else if (fits.length) {
      sending = fits;
      choose(fits);
      htmx.trigger("#files", "change");
    } else {
      choose([]);
    }
  };

  // What failed stays chosen, so that it goes along with the form; nothing more is uploaded before that.
  const uploadEnded = (failure, unsent = []) => {
    const next = waiting;
    const send = sendForm;
    sending = null;
    waiting = [];
    if (byId("files")) {
      byId("upload-progress").hidden = true;
      choose(failure ? [...unsent, ...next] : []);
      if (failure) say("upload-message", failure);
      else if (next.length) return add(next);
    }
    sendForm = null;
    if (!send) return;
    say("form-message", "");
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
    if (event.detail.elt.id !== "request-form" || !sending) return;
    event.preventDefault();
    sendForm = () => event.detail.issueRequest(true);
    say("form-message", "Die Anfrage wird gesendet, sobald die Dateien hochgeladen sind.");
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "request-form") {
      say("form-message", "");
      byId("send").disabled = true;
    }
    if (event.detail.elt.id !== "files") return;
    byId("upload-progress").value = 0;
    byId("upload-progress").hidden = false;
  });

  document.addEventListener("htmx:xhr:progress", (event) => {
    const progress = byId("upload-progress");
    if (event.target.id === "files" && progress && event.detail.lengthComputable) {
      progress.value = 100 * event.detail.loaded / event.detail.total;
    }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr } = event.detail;
    // Also when the receipt follows: the way back may show this very page again.
    if (elt.id === "request-form") byId("send").disabled = false;
    if (elt.id !== "files" || xhr.getResponseHeader("HX-Trigger")) return;
    if (xhr.status === 422 && sendForm) {
      sendForm = null;
      say("form-message", REFUSED);
    }
    if (xhr.status === 200 || xhr.status === 422) uploadEnded();
    else if (xhr.status === 413) uploadEnded(TOO_LARGE);
    else uploadEnded(UPLOAD_FAILED, sending);
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.id !== "files") say("form-message", event.detail.xhr.status === 413 ? TOO_LARGE : FAILED);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.elt.id !== "files") say("form-message", OFFLINE);
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
      say("form-message", COOKIES);
      if (element.id === "files") uploadEnded(COOKIES);
      return;
    }
    element.dataset.renewed = "yes";
    // Later, because htmx is still busy with the answer and drops a second request until it is done.
    setTimeout(() => htmx.trigger(element, element.matches("button") ? "click" : "change"));
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
})();
