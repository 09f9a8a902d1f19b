// @ts-check
/* From arcs to paths: each border once, with the areas on both sides. Whole steps of RD New, y to the south. */

/** @typedef {[number, number, number, number]} Box */

/** @returns {Box} */
const emptyBox = () => [Infinity, Infinity, -Infinity, -Infinity];

/** @param {Box} box @param {number} x @param {number} y */
function grow(box, x, y) {
  box[0] = Math.min(box[0], x);
  box[1] = Math.min(box[1], y);
  box[2] = Math.max(box[2], x);
  box[3] = Math.max(box[3], y);
}

/** Points of an arc from its first point and the steps that follow. @param {number[]} steps */
function walked(steps) {
  const points = new Float32Array(steps.length);
  let x = 0, y = 0;
  for (let i = 0; i < steps.length; i += 2) {
    x += steps[i];
    y -= steps[i + 1];
    points[i] = x;
    points[i + 1] = y;
  }
  return points;
}

/** The borders of a country of areas, ready to draw. */
export class Geometry {
  /** @param {any} value */
  constructor(value) {
    this.sides = value.sides;
    this.arcs = value.arcs.map(walked);
    /** @type {Box[]} */
    this.boxes = [];
    this.paths = value.rings.map((walks) => this.areaPath(walks));
    this.thin = this.arcPath(() => true);
  }

  /** @param {number[][]} walks */
  areaPath(walks) {
    const path = new Path2D(), box = emptyBox();
    for (const walk of walks) {
      let isFirst = true;
      for (const name of walk) {
        const points = this.arcs[name < 0 ? -1 - name : name], size = points.length / 2;
        for (let step = 0; step < size; step++) {
          const i = 2 * (name < 0 ? size - 1 - step : step), x = points[i], y = points[i + 1];
          if (isFirst) path.moveTo(x, y);
          else if (step > 0) path.lineTo(x, y);
          isFirst = false;
          grow(box, x, y);
        }
      }
      path.closePath();
    }
    this.boxes.push(box);
    return path;
  }

  /** @param {(arc: number) => boolean} isWanted */
  arcPath(isWanted) {
    const path = new Path2D();
    this.arcs.forEach((points, i) => {
      if (!isWanted(i)) return;
      path.moveTo(points[0], points[1]);
      for (let j = 2; j < points.length; j += 2) path.lineTo(points[j], points[j + 1]);
    });
    return path;
  }

  /** Borders between areas for which `of` differs; with the outer border where `isClosed`.
   * @param {(area: number) => unknown} of @param {boolean} isClosed */
  borders(of, isClosed) {
    return this.arcPath((i) => {
      const a = this.sides[2 * i], b = this.sides[2 * i + 1];
      return a < 0 || b < 0 ? isClosed : of(a) !== of(b);
    });
  }

  /** @param {Iterable<number>} areas @returns {Box} */
  boxOf(areas) {
    const box = emptyBox();
    for (const area of areas) {
      const own = this.boxes[area];
      grow(box, own[0], own[1]);
      grow(box, own[2], own[3]);
    }
    return box;
  }
}
