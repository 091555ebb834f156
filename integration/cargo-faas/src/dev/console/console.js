// Keeps the page up to date. Everything it puts in was made and escaped by the server.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const rows = $("rows"), live = $("live"), lines = $("lines"), said = $("said"), processes = $("processes");
  const KEPT_ROWS = 200;
  const KEPT_LINES = 2000;

  const refresh = (element, address) => {
    let due = false, busy = false;
    const run = async () => {
      if (busy) { due = true; return; }
      busy = true;
      try {
        const reply = await fetch(address);
        if (reply.ok) {
          const open = [...element.querySelectorAll("details")].map((one) => one.open);
          element.innerHTML = await reply.text();
          element.querySelectorAll("details").forEach((one, at) => { one.open = open[at] || false; });
        }
      } catch { /* The server has gone; the stream says so. */ }
      busy = false;
      if (due) { due = false; run(); }
    };
    return run;
  };
  const refreshLive = live && refresh(live, `/_faas/invocations/${live.dataset.number}?part=1`);
  const refreshProcesses = processes && refresh(processes, "/_faas/processes?part=1");

  const source = new EventSource("/_faas/api/changes");
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    $("state").innerHTML = '<p class="bad">cargo faas dev is not there. This page comes back when it does.</p>';
  });

  on("state", (state) => {
    $("state").innerHTML = state.html;
    if (refreshProcesses) refreshProcesses();
  });
  on("reload", () => location.reload());
  on("row", (row) => {
    if (refreshLive && String(row.number) === live.dataset.number) refreshLive();
    if (!rows) return;
    const holder = document.createElement("tbody");
    holder.innerHTML = row.html;
    const fresh = holder.firstElementChild;
    const old = $(`row-${row.number}`);
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement.tagName : "";
      fresh.querySelector("input").checked = old.querySelector("input").checked;
      old.replaceWith(fresh);
      if (focused) fresh.querySelector(focused.toLowerCase())?.focus();
    } else {
      rows.prepend(fresh);
      while (rows.children.length > KEPT_ROWS) rows.lastElementChild.remove();
      $("empty")?.remove();
    }
    // An end is told once, and not again for each line of output that comes after it.
    if (row.over && (!old || old.className === "runs")) said.textContent = row.said;
  });
  on("line", (entry) => {
    if (!lines || (lines.dataset.function && entry.function !== lines.dataset.function)) return;
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
    lines.append(`${entry.unit} | ${entry.text}\n`);
    while (lines.childNodes.length > KEPT_LINES) lines.firstChild.remove();
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  });
  if (lines) lines.scrollTop = lines.scrollHeight;
  if (refreshProcesses) setInterval(refreshProcesses, 2000);
})();
