// The slider of a run: replay it in a process of the server, then show its states.
import { ask, post, show, wait } from "./ui.js";

const figure = document.querySelector("#picture");
const find = (id) => document.getElementById(id);

function saves(address, query = "") {
  find("saves").replaceChildren(
    ...["svg", "png"].flatMap((kind) => {
      const link = document.createElement("a");
      link.href = `${address}.${kind}?${query}save`;
      link.download = "";
      link.textContent = kind.toUpperCase();
      return [link, " "];
    }),
  );
}

if (figure) {
  const base = `/runs/${figure.dataset.run}`;
  const [start, said, slider, play, shown] = ["start", "said", "slider", "play", "shown"].map(find);
  let frames = [];
  let timer = null;

  async function to(number) {
    const { iteration, violations } = frames[number];
    const text = `iteration ${iteration}` + (violations >= 0 ? `, ${violations} violated` : "");
    slider.value = number;
    slider.setAttribute("aria-valuetext", text);
    shown.textContent = text;
    await show(find("frame"), `${base}/frames/${number}.svg`);
    find("frame").alt = `State after ${text}`;
    saves(`${base}/frames/${number}`);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  start.addEventListener("click", async () => {
    start.disabled = true;
    said.textContent = "replaying…";
    try {
      let state = await (await post(`${base}/replay`)).json();
      while (!state.done) {
        await wait(150);
        state = await (await ask(`${base}/replay`)).json();
        if (state.iteration !== null) said.textContent = `replaying, iteration ${state.iteration}`;
      }
      if (state.error) throw new Error([state.error, state.hint].filter(Boolean).join(" – "));
      frames = state.frames;
      said.textContent = frames.length > 1 ? `${frames.length} states` : "The solver reports no states on the way to its answer.";
      slider.max = frames.length - 1;
      find("player").hidden = false;
      start.hidden = true;
      await to(0);
      slider.focus();
    } catch (error) {
      said.textContent = error.message;
      start.disabled = false;
    }
  });

  slider.addEventListener("input", () => {
    stop();
    to(Number(slider.value));
  });

  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    let number = Number(slider.value) >= frames.length - 1 ? 0 : Number(slider.value);
    timer = setInterval(() => {
      to(number);
      number += 1;
      if (number >= frames.length) stop();
    }, 150);
  });

  find("solution")?.addEventListener("change", (event) => {
    const number = encodeURIComponent(event.target.value);
    show(find("frame"), `${base}/picture.svg?solution=${number}`);
    saves(`${base}/picture`, `solution=${number}&`);
  });
}
