// Plots: a specification from the server, in the colours of the page; saved as SVG and PNG.
import { ask } from "./ui.js";

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();

function config() {
  const [ink, faint, quiet] = ["ink", "faint", "quiet"].map(colour);
  return {
    background: colour("paper"),
    font: "system-ui, DejaVu Sans, Arial, sans-serif",
    axis: { labelColor: ink, titleColor: ink, gridColor: faint, domainColor: quiet, tickColor: quiet, gridOpacity: 0.6 },
    legend: { labelColor: ink, titleColor: ink, orient: "bottom", columns: 4, symbolType: "stroke" },
    view: { stroke: faint },
    range: { category: [0, 5, 2, 3, 1, 6, 7, 4].map((n) => colour(`line-${n}`)) },
    line: { strokeWidth: 2 },
  };
}

// A colour of the server is the name of one of the page's colours.
function coloured(part) {
  if (Array.isArray(part)) return part.map(coloured);
  if (part === null || typeof part !== "object") return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      key === "value" && typeof value === "string" && value.startsWith("line-") ? colour(value) : coloured(value),
    ]),
  );
}

function save(name, address) {
  const link = document.createElement("a");
  link.download = name;
  link.href = address;
  link.click();
}

async function draw(figure) {
  const plot = document.createElement("div");
  plot.className = "plot";
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", figure.dataset.label);
  figure.prepend(plot);
  try {
    const { data, ...rest } = await (await ask(figure.dataset.spec)).json();
    const spec = { ...coloured(rest), data };
    const settings = { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: false, config: config() };
    const { view } = await vegaEmbed(plot, spec, settings);
    plot.querySelector("svg")?.setAttribute("aria-hidden", "true");
    for (const kind of ["svg", "png"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Save as ${kind.toUpperCase()}`;
      button.addEventListener("click", async () =>
        save(`${figure.dataset.name}.${kind}`, await view.toImageURL(kind, kind === "png" ? 2 : 1)),
      );
      figure.querySelector("figcaption").append(button);
    }
    figure.dataset.drawn = "";
  } catch (error) {
    plot.removeAttribute("role");
    plot.textContent = `The plot failed: ${error.message}`;
  }
}

document.querySelectorAll(".chart").forEach(draw);
