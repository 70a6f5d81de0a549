// Shared by all pages: requests with the token, and keys.
const token = document.querySelector("meta[name=token]").content;

export async function ask(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { "x-mull-token": token, ...options.headers } });
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page.querySelector("[role=alert]")?.textContent ?? page.body.textContent.trim();
    throw new Error([said, page.querySelector(".note")?.textContent].filter(Boolean).join(" – "));
  }
  return answer;
}

export const post = (address, body) => ask(address, { method: "POST", body });
export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// A picture that replaces another one as a whole, so that it does not flicker.
export async function show(image, source) {
  const next = new Image();
  next.src = source;
  try {
    await next.decode();
  } catch {
    return;
  }
  image.src = source;
}

export const inline = (svg) => "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);

function saved(name, address) {
  const link = document.createElement("a");
  link.download = name;
  link.href = address;
  link.click();
}

// Buttons that save what an image shows at the moment; without a picture they are disabled.
export function savers(image, name) {
  return ["svg", "png"].map((kind) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.toUpperCase();
    button.setAttribute("aria-label", `Save the picture as ${kind.toUpperCase()}`);
    button.disabled = !image.getAttribute("src");
    image.addEventListener("load", () => (button.disabled = false));
    button.addEventListener("click", () => {
      if (kind === "svg") return saved(`${name()}.svg`, image.src);
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [2 * image.naturalWidth, 2 * image.naturalHeight];
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      saved(`${name()}.png`, canvas.toDataURL("image/png"));
    });
    return button;
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) {
    const field = document.querySelector(".filter input");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  }
});
