// Runs as they settle: one card for each, changed by the events of the server.
import { inline, savers, show } from "./ui.js";

export function follow(each) {
  const events = new EventSource("/live/events");
  events.onmessage = (event) => each(JSON.parse(event.data));
  addEventListener("pagehide", () => events.close());
  return events;
}

export function figures({ solver, iteration, violations, solved, total }) {
  const parts = [solver];
  if (iteration !== null) parts.push(`iteration ${iteration}`);
  if (violations !== null && violations >= 0) parts.push(`${violations} violated`);
  if (total > 1) parts.push(`${solved ?? 0} of ${total} answered`);
  return parts.join(", ");
}

const list = document.getElementById("live");
if (list) {
  const cards = new Map();
  const status = document.getElementById("connection");

  function card(id) {
    if (!cards.has(id)) {
      const made = document.getElementById("card").content.firstElementChild.cloneNode(true);
      made.id = `run-${id}`;
      list.prepend(made);
      cards.set(id, made);
      document.getElementById("none").hidden = true;
      while (cards.size > 24) {
        const [oldest, element] = cards.entries().next().value;
        element.remove();
        cards.delete(oldest);
      }
    }
    return cards.get(id);
  }

  const source = follow((state) => {
    if (state.gone) {
      cards.get(state.run)?.classList.add("gone");
      return;
    }
    const made = card(state.run);
    made.dataset.updates = Number(made.dataset.updates ?? 0) + 1;
    made.querySelector("h2").textContent = state.source;
    made.querySelector(".figures").textContent = figures(state);
    const image = made.querySelector("img");
    if (state.svg) {
      if (image.hidden) made.querySelector(".saves").append(...savers(image, () => `state-${state.run}`));
      image.hidden = false;
      image.alt = `State of ${state.source}`;
      show(image, inline(state.svg));
    }
    if (state.ended) {
      made.querySelector(".runs").replaceChildren(
        ...state.ended.flatMap(({ id, status }) => {
          const link = document.createElement("a");
          link.href = `/runs/${encodeURIComponent(id)}`;
          link.textContent = status;
          return [link, " "];
        }),
      );
    }
  });
  source.onopen = () => (status.textContent = "connected");
  source.onerror = () => (status.textContent = "not connected: solve ui has ended, or the connection is lost");
}
