// The description and the checks of a solver, made by a process of the server.
import { ask, post, wait } from "./ui.js";

async function load(place) {
  const address = `/solvers/${encodeURIComponent(place.dataset.name)}/${place.dataset.what}`;
  try {
    const { job } = await (await post(address)).json();
    let answer = await ask(`${address}/${job}`);
    while (answer.status === 202) {
      await wait(250);
      answer = await ask(`${address}/${job}`);
    }
    place.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  } catch (error) {
    place.textContent = error.message;
  }
  place.dataset.loaded = "";
}

load(document.getElementById("about"));
document.getElementById("check").addEventListener("click", async (event) => {
  event.target.disabled = true;
  document.getElementById("checks").textContent = "Running the checks…";
  await load(document.getElementById("checks"));
  event.target.disabled = false;
});
