// The search in the header, and the lists of tickets whose rows can be ticked.
(() => {
  "use strict";

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    document.getElementById("search")?.select();
  });

  const ticks = () => [...document.querySelectorAll("input[type=checkbox][name=ticket]")];
  let last;

  document.addEventListener("click", ({ target, shiftKey }) => {
    const all = ticks();
    if (target.id === "all") all.forEach((tick) => { tick.checked = target.checked; });
    if (target.name !== "ticket") return;
    // With the shift key, everything since the last click follows.
    const [from, to] = [all.indexOf(last), all.indexOf(target)].sort((a, b) => a - b);
    if (shiftKey && from >= 0) all.slice(from, to).forEach((tick) => { tick.checked = target.checked; });
    last = target;
  });

  // The list does not renew itself while somebody works with what is ticked, or would lose the focus.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "live") return;
    const active = document.activeElement;
    const losesFocus = event.target.contains(active) && !active.id;
    if (losesFocus || ticks().some((tick) => tick.checked)) event.preventDefault();
  });
})();
