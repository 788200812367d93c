// A plot: a rectangle of a picture with coordinates of its own.

export class Plot {
  // box: [left, top, width, height] in pixels; xs, ys: the ends of both axes.
  constructor(pen, box, xs, ys) {
    Object.assign(this, { pen, box, xs, ys });
  }

  x(value) {
    const [left, , width] = this.box;
    return left + ((value - this.xs[0]) / (this.xs[1] - this.xs[0])) * width;
  }

  y(value) {
    const [, top, , height] = this.box;
    return top + height - ((value - this.ys[0]) / (this.ys[1] - this.ys[0])) * height;
  }

  // The coordinates of a place in the picture of this size; (0, 0) is its upper left.
  at([x, y], [width, height]) {
    const across = (x * width - this.box[0]) / this.box[2];
    const down = (y * height - this.box[1]) / this.box[3];
    return [
      this.xs[0] + across * (this.xs[1] - this.xs[0]),
      this.ys[1] - down * (this.ys[1] - this.ys[0]),
    ];
  }

  // Call draw so that nothing shows beyond the plot.
  inside(draw) {
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(...this.box);
    this.pen.clip();
    draw();
    this.pen.restore();
  }

  trace(points) {
    this.pen.beginPath();
    points.forEach(([x, y]) => this.pen.lineTo(this.x(x), this.y(y)));
  }

  line(points, colour, { width = 1.5, dash = [] } = {}) {
    this.inside(() => {
      Object.assign(this.pen, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
      this.pen.setLineDash(dash);
      this.trace(points);
      this.pen.stroke();
    });
  }

  // The area between a curve and y = 0.
  area(points, colour, alpha = 0.45) {
    const [first, last] = [points[0], points.at(-1)];
    this.inside(() => {
      Object.assign(this.pen, { fillStyle: colour, globalAlpha: alpha });
      this.trace([[first[0], 0], ...points, [last[0], 0]]);
      this.pen.fill();
    });
  }

  dot([x, y], colour, radius = 4, filled = true) {
    this.pen.beginPath();
    this.pen.arc(this.x(x), this.y(y), radius, 0, 7);
    Object.assign(this.pen, { fillStyle: colour, strokeStyle: colour, lineWidth: 1.5 });
    if (filled) this.pen.fill();
    else this.pen.stroke();
  }

  // Text at a place; align: left, center or right of it.
  text(words, [x, y], colour, align = "left") {
    Object.assign(this.pen, { fillStyle: colour, textAlign: align });
    this.pen.fillText(words, this.x(x), this.y(y));
  }

  // A base line with numbers below it, and what it measures.
  scale(ticks, name, colour) {
    const [left, top, width, height] = this.box;
    const bottom = top + height;
    Object.assign(this.pen, { fillStyle: colour, strokeStyle: colour, lineWidth: 1 });
    this.pen.textAlign = "center";
    this.pen.strokeRect(left, bottom, width, 0);
    ticks.forEach((tick) => {
      const words = `${tick}`.replace("-", "\u2212");
      this.pen.strokeRect(this.x(tick), bottom, 0, 4);
      this.pen.fillText(words, this.x(tick), bottom + 17);
    });
    this.pen.fillText(name, left + width / 2, bottom + 33);
  }
}
