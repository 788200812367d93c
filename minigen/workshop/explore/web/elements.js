// Elements of the page. Text is set as text, so no name in the content can become markup.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function button(text, onclick) {
  return element("button", { type: "button", onclick }, text);
}

export function section(title, lead, ...children) {
  return element("section", {}, element("h2", {}, title), element("p", {}, lead), ...children);
}

// A canvas drawn at twice its size on the page, with its context scaled accordingly.
export function canvas(width, height, attributes) {
  const made = element("canvas", { width: 2 * width, height: 2 * height, ...attributes });
  made.getContext("2d").scale(2, 2);
  return made;
}

// A list of quantities: its `show` puts [[name, value, unit], ...] there.
export function quantities() {
  const list = element("dl", { "aria-live": "polite" });
  const show = (rows) => {
    while (list.children.length > rows.length) list.lastChild.remove();
    while (list.children.length < rows.length) {
      const value = element("dd", {}, element("span"), " ", element("small"));
      list.append(element("div", {}, element("dt"), value));
    }
    rows.forEach((row, i) =>
      ["dt", "span", "small"].forEach((place, k) => {
        const text = list.children[i].querySelector(place);
        if (text.textContent !== row[k]) text.textContent = row[k];
      }),
    );
  };
  return { list, show };
}

// A number for people: its digits, and a minus sign that is as wide as a plus.
export function digits(value, places = 2) {
  return value.toFixed(places).replace("-", "\u2212");
}

// The digits that count, of a number whose size is not known.
export function significant(value, count = 4) {
  return `${Number(value.toPrecision(count))}`.replace("-", "\u2212");
}

const scheme = matchMedia("(prefers-color-scheme: dark)");
const colours = new Map(); // those that were asked for, so that no drawing waits for the style sheet
scheme.addEventListener("change", () => colours.clear());

// A colour of the style sheet, light or dark.
export function colour(name) {
  if (!colours.has(name)) {
    const style = getComputedStyle(document.documentElement);
    colours.set(name, style.getPropertyValue(`--${name}`));
  }
  return colours.get(name);
}

// Call draw whenever the colours change.
export function recoloured(draw) {
  scheme.addEventListener("change", draw);
}

// The place of a pointer within an element: (0, 0) at its upper left, (1, 1) at its lower right.
export function placeOf(event, target) {
  const box = target.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

// Call move(x, y, first) while a pointer is down on an element, also where it leaves it.
export function dragged(target, move) {
  target.addEventListener("pointerdown", (event) => {
    target.setPointerCapture(event.pointerId);
    move(...placeOf(event, target), true);
  });
  target.addEventListener("pointermove", (event) => {
    if (target.hasPointerCapture(event.pointerId)) move(...placeOf(event, target), false);
  });
}

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Call move(dx, dy, event) at each arrow key, one step to the right or down being 1.
export function arrowed(target, move) {
  target.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(...steps[event.key], event);
  });
}
