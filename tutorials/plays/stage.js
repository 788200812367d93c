// What all plays share: their place on the page, their controls, and pictures that fit it.

import { element } from "../../minigen/workshop/explore/web/elements.js";

// Put a play where its figure stands: it takes the place of a moving one, and stands above a still.
export function stage(figure, title, ...parts) {
  const pictures = [...document.querySelectorAll(`article img[src*="/${figure}."]`)];
  const moving = pictures.filter((picture) => picture.matches(".moving, .moving + .still"));
  const place = (moving[0] ?? pictures[0]).closest("p");
  const heading = element("p", { class: "play-title" }, title);
  place.before(element("section", { class: "play", "aria-label": title }, heading, ...parts));
  moving.forEach((picture) => picture.remove());
}

export function row(...parts) {
  return element("div", { class: "play-row" }, ...parts);
}

// A line of text that is read out when it changes.
export function line() {
  return element("p", { class: "play-line", "aria-live": "polite" });
}

// A slider beside its name and value; `say` puts the value into words.
export function slider(name, { min, max, step, value, say = String }, oninput) {
  const input = element("input", { type: "range", min, max, step });
  const output = element("output");
  const show = () => {
    output.textContent = say(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const control = {
    label: element("label", { class: "play-slider" }, element("span", {}, name), input, output),
    get value() {
      return input.valueAsNumber;
    },
    set value(to) {
      input.value = to;
      show();
    },
  };
  input.addEventListener("input", () => {
    show();
    oninput();
  });
  control.value = value;
  return control;
}

export function choice(name, options, oninput) {
  const select = element("select", { oninput }, ...options.map((o) => element("option", {}, o)));
  return { label: element("label", {}, `${name} `, select), select };
}

// Call frame() sixty times a second, until it returns false or the button is pressed again;
// meanwhile no line is read out. Who asks for less motion has no such button.
export function player(name, frame) {
  let running = false;
  const button = element("button", { type: "button" }, name);
  const run = () => {
    running &&= frame();
    button.textContent = running ? "Stop" : name;
    for (const said of button.closest(".play").querySelectorAll(".play-line")) {
      said.ariaLive = running ? "off" : "polite";
    }
    if (running) requestAnimationFrame(run);
  };
  button.addEventListener("click", () => {
    running = !running;
    run();
  });
  button.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return button;
}

// A canvas as wide as its place. draw(pen, width, height, colour) is called when its size or the
// colours of the page change, and by redraw; colour(name) is one of the style sheet.
export function picture(ratio, attributes, draw) {
  const style = `aspect-ratio: ${ratio}`; // else a drawing would change the size it answers to
  const target = element("canvas", { role: "img", style, ...attributes });
  const redraw = () => {
    const width = target.clientWidth;
    if (!width) return;
    const height = Math.round(width / ratio);
    target.width = width * devicePixelRatio;
    target.height = height * devicePixelRatio;
    const pen = target.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.font = "13px system-ui, sans-serif";
    const colours = getComputedStyle(target);
    draw(pen, width, height, (name) => colours.getPropertyValue(`--${name}`));
  };
  new ResizeObserver(redraw).observe(target);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { target, redraw };
}
