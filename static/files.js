// Uploads of files that are chosen, dropped or pasted: one at a time; further files wait, and so does submitting.
(() => {
  "use strict";

  const { byId, say, sentence, sends, thing, offline, reason } = portal;
  const complain = (texts) => byId("upload-message")?.append(...texts.map((textContent) =>
    Object.assign(document.createElement("li"), { textContent })));
  const forgetComplaints = () => byId("upload-message").replaceChildren();

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

  // A thumbnail beside the name of each chosen picture, if the browser can decode it.
  const thumbnails = new Map();
  let thumbnailQueue = Promise.resolve();
  const keyOf = (size, name) => `${size} ${name.normalize()}`;

  const draw = async (file) => {
    // Resized while decoding, so that a large photo does not block the page.
    const bitmap = await createImageBitmap(file, { resizeWidth: 132 });
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    return canvas.toDataURL("image/webp");
  };

  const addThumbnail = (file) => {
    const key = keyOf(file.size, file.name);
    if (!file.type.startsWith("image/") || thumbnails.has(key)) return;
    const image = new Image(44, 44);
    image.alt = "";
    thumbnails.set(key, image);
    // One after the other: a small phone has no memory for several large photos at once.
    thumbnailQueue = thumbnailQueue.then(() => draw(file)).then((url) => { image.src = url; }, () => {
      thumbnails.delete(key);
      image.remove();
    });
  };

  document.addEventListener("htmx:afterSwap", () => document.querySelectorAll(".files [data-size]").forEach((item) => {
    const image = thumbnails.get(keyOf(item.dataset.size, item.dataset.sentName));
    if (image) item.prepend(image);
  }));

  // A folder, a vanished file or one that stayed in the cloud would break the whole upload.
  const READ_MS = 60_000;
  const isReadable = (file) => Promise.race([
    file.slice(0, 1).arrayBuffer().then(() => file.size || file.type, () => false),
    new Promise((resolve) => { setTimeout(resolve, READ_MS); }),
  ]);

  // The sender has not read yet that a file is missing.
  const stopSend = () => {
    if (!sendForm) return;
    sendForm = null;
    say("form-message", sentence("refused"));
  };

  const keepReadable = async (files) => {
    const checked = await Promise.all(files.map(isReadable));
    const unreadable = files.filter((_, index) => !checked[index]);
    complain(unreadable.map(({ name }) => sentence("unreadable", { name })));
    if (unreadable.length) stopSend();
    return files.filter((_, index) => checked[index]);
  };

  const upload = async (files) => {
    sending = files;
    sending = await keepReadable(files);
    if (!byId("files")) return uploadEnded(uploadFailed(), sending);
    choose(sending);
    if (sending.length) htmx.trigger("#files", "change");
    else uploadEnded("");
  };

  const add = (files, complaints = []) => {
    const { maxBytes, tooLarge } = byId("attachments").dataset;
    const fits = files.filter((file) => file.size <= Number(maxBytes));
    const refused = files.filter((file) => !fits.includes(file));
    if (!sending) forgetComplaints();
    complain([...complaints, ...refused.map(({ name }) => sentence("file_refused", { name, reason: tooLarge }))]);
    byId("upload-again").hidden = true;
    fits.forEach(addThumbnail);
    if (sending) return waiting.push(...fits);
    const next = [...failed, ...fits];
    failed = [];
    if (next.length) upload(next);
    else choose([]);
  };

  // The list after the next upload replaces this one; the refusals in it must stay visible.
  const refusals = () => [...document.querySelectorAll("#attachments [role=alert] :is(li, p)")].map(({ textContent }) => textContent);

  const uploadFailed = () => sentence(navigator.onLine ? "upload_failed" : "upload_offline");

  // Failed files stay chosen: they are sent with the form or with the next upload.
  const showFailed = (failure) => {
    if (!byId("files")) return;
    choose(failed);
    complain([failure]);
    byId("upload-again").hidden = !failed.length;
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

  // In the capturing phase, before htmx reacts: a choice by the user goes through add(), like a drop.
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches("#files, #camera") || !event.isTrusted) return;
    event.stopPropagation();
    const files = [...input.files];
    if (input.id === "camera") input.value = "";
    add(files);
  }, true);

  // Not while the form is being sent: the files are sent with it.
  const uploadAgain = () => { if (failed.length && !sending && byId("files") && !byId("send").disabled) add([]); };
  window.addEventListener("online", uploadAgain);
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("#upload-again")) return;
    byId("files").focus();
    retries = 0;
    uploadAgain();
  });

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

  document.addEventListener("htmx:confirm", (event) => {
    if (!sends(event.detail.elt) || !sending) return;
    event.preventDefault();
    sendForm = () => event.detail.issueRequest(true);
    say("form-message", sentence("sent_after_upload", { thing: thing() }));
  });

  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, target } = event.detail;
    if (elt.id === "files") watch(xhr, target);
    if (sends(elt)) xhr.addEventListener("loadend", () => {
      if (![200, 413, 422].includes(xhr.status)) return;
      failed = [];
      if (!byId("files")) return;
      choose([]);
      forgetComplaints();
      byId("upload-again").hidden = true;
    });
  });

  document.addEventListener("htmx:sendError", async ({ detail: { elt } }) => {
    if (!sends(elt) || !failed.length) return;
    const readable = await keepReadable(failed);
    if (readable.length === failed.length) return;
    say("form-message", sentence("refused"));
    failed = readable;
    if (byId("files")) choose(failed);
  });

  // Each retry sends the files again, perhaps over a mobile network; from then on the button does it.
  const MAX_RETRIES = 5;
  const MAX_WAIT = 3600;
  let retries = 0;

  // The events of the request also fire after a change of category has removed the file input.
  const watch = (xhr, list) => {
    showProgress(0);
    xhr.upload.addEventListener("progress", ({ loaded, total }) => showProgress(100 * loaded / total));
    xhr.addEventListener("loadend", async () => {
      if (xhr.getResponseHeader("HX-Trigger")) return;
      if (xhr.status === 413 && sending.length > 1) {
        // Together they are too large, but perhaps not each of them.
        const half = Math.ceil(sending.length / 2);
        waiting.unshift(...sending.slice(half));
        return upload(sending.slice(0, half));
      }
      if ([413, 422].includes(xhr.status)) stopSend();
      if (xhr.status === 413) complain(sending.map(({ name }) => sentence("file_refused", { name, reason: reason(xhr) })));
      const failure = [200, 413, 422].includes(xhr.status) ? "" : reason(xhr) ?? uploadFailed();
      if (!xhr.status) {
        const readable = await keepReadable(sending);
        if (readable.length < sending.length) return upload(readable);
      }
      uploadEnded(failure, sending);
      retries = failure ? retries + 1 : 0;
      const wait = Number(xhr.getResponseHeader("Retry-After"));
      if (retries <= MAX_RETRIES && wait > 0 && wait <= MAX_WAIT) setTimeout(uploadAgain, 1000 * wait);
      if (!list.isConnected) htmx.trigger("#category", "change");
    });
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "fields" && failed.length) showFailed(uploadFailed());
  });

  // In the list itself, so that the next list replaces it.
  const notRemoved = Object.assign(document.createElement("p"), { className: "error" });
  document.addEventListener("htmx:sendError", ({ detail: { elt } }) => {
    if (elt.name !== "attachment") return;
    notRemoved.textContent = sentence("not_removed");
    byId("attachment-list").append(notRemoved);
  });

  // Before portal.js marks the input as renewed; if it is marked already, the upload is not repeated.
  document.addEventListener("session-renewed", ({ target }) => {
    if (target.id === "files" && target.dataset.renewed) uploadEnded(sentence("cookies"), sending);
  }, true);
})();
