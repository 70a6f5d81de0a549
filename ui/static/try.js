// Solve a pasted puzzle, a file or a generated problem, and watch it settle.
import { figures, follow } from "./live.js";
import { ask, inline, post, savers, show, wait } from "./ui.js";

const find = (id) => document.getElementById(id);
const form = find("try");
const drop = find("drop");
let process = null;
find("saves").append(...savers(find("now"), () => "state"));
let job = null;

follow((state) => {
  if (process === null || !state.run.startsWith(`${process}-`)) return;
  find("figures").textContent = figures(state);
  if (state.svg) {
    find("watch").hidden = false;
    show(find("now"), inline(state.svg));
  }
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") form.elements.file.files = event.dataTransfer.files;
  });
}

function answers(runs) {
  find("answers").replaceChildren(
    ...runs.map(({ run, status, source, detail }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `/runs/${encodeURIComponent(run)}`;
      link.textContent = `${source}: ${status}`;
      item.append(link, detail ? ` – ${detail}` : "");
      return item;
    }),
  );
}

async function solve() {
  const values = new FormData(form);
  const query = new URLSearchParams();
  for (const name of ["solver", "family", "seconds", "seed", "options", "spec"]) query.set(name, values.get(name));
  const file = values.get("file");
  let body = values.get("text").trim() ? new Blob([values.get("text")]) : null;
  if (file?.size) {
    body = file;
    query.set("name", file.name);
  }
  job = (await (await post(`/try?${query}`, body)).json()).job;
  find("stop").hidden = false;
  for (;;) {
    const state = await (await ask(`/try/${job}`)).json();
    process = state.process;
    answers(state.runs);
    if (state.notice) find("figures").textContent = state.notice;
    if (state.error) throw new Error([state.error, state.hint].filter(Boolean).join(" – "));
    if (state.done) {
      find("said").textContent = `${state.answered} of ${state.problems} ended`;
      if (state.runs.length) {
        find("watch").hidden = false;
        await show(find("now"), `/runs/${encodeURIComponent(state.runs[0].run)}/picture.svg`);
      }
      return;
    }
    find("said").textContent = state.problems === null ? "reading…" : "solving…";
    await wait(200);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  find("solve").disabled = true;
  find("failed").textContent = "";
  find("answers").replaceChildren();
  find("said").textContent = "starting…";
  try {
    await solve();
  } catch (error) {
    find("said").textContent = "";
    find("failed").textContent = error.message;
  }
  find("stop").hidden = true;
  find("solve").disabled = false;
});
find("stop").addEventListener("click", () => post(`/try/${job}/stop`));
