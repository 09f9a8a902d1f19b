"use strict";
/* The postcode map on a canvas. Knows borders, teams and plans; knows nothing of tables, servers or forms.
   Positions in the value are whole steps of `step` metres, RD New with y to the north; here y points down. */

class CaseloadMap {
  constructor(canvas, value) {
    this.canvas = canvas;
    this.value = value;
    this.mode = "proposal";
    this.layer = 0;
    this.selected = new Set();
    this.marked = new Map();          // area -> "pin" | "bar" | "split"
    this.plans = value.layers.map((one) => one.proposal);
    this.onHover = () => {};
    this.onPick = () => {};
    this.onLasso = null;
    this.isLassoing = false;
    this.onView = () => {};           // called after every drawing: for a second map that follows
    this.context = canvas.getContext("2d");
    this.decode();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  // --- geometry ---

  decode() {
    const { arcs, rings, sides, areas } = this.value;
    this.arcs = arcs.map((steps) => {
      const points = new Float32Array(steps.length);
      let x = 0, y = 0;
      for (let i = 0; i < steps.length; i += 2) {
        x += steps[i];
        y -= steps[i + 1];
        points[i] = x;
        points[i + 1] = y;
      }
      return points;
    });
    this.boxes = [];
    this.paths = rings.map((walks) => this.areaPath(walks));
    this.thin = this.arcPath(() => true);
    this.outline = this.arcPath((i) => this.differs(sides[2 * i], sides[2 * i + 1], (a) => areas.region[a]));
  }

  areaPath(walks) {
    const path = new Path2D(), box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const walk of walks) {
      let isFirst = true;
      for (const name of walk) {
        const points = this.arcs[name < 0 ? -1 - name : name], size = points.length / 2;
        for (let step = 0; step < size; step++) {
          const i = 2 * (name < 0 ? size - 1 - step : step), x = points[i], y = points[i + 1];
          if (isFirst) path.moveTo(x, y); else if (step > 0) path.lineTo(x, y);
          isFirst = false;
          box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
          box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
        }
      }
      path.closePath();
    }
    this.boxes.push(box);
    return path;
  }

  arcPath(isWanted) {
    const path = new Path2D();
    this.arcs.forEach((points, i) => {
      if (!isWanted(i)) return;
      path.moveTo(points[0], points[1]);
      for (let j = 2; j < points.length; j += 2) path.lineTo(points[j], points[j + 1]);
    });
    return path;
  }

  differs(a, b, of) {
    return a < 0 || b < 0 || of(a) !== of(b);
  }

  boxOf(areas) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const a of areas) {
      const own = this.boxes[a];
      box[0] = Math.min(box[0], own[0]); box[1] = Math.min(box[1], own[1]);
      box[2] = Math.max(box[2], own[2]); box[3] = Math.max(box[3], own[3]);
    }
    return box;
  }

  // --- what is shown ---

  teamOf(area) {
    const layer = this.value.layers[this.layer];
    if (this.mode === "now") return layer.now[area];
    return (this.mode === "original" ? layer.proposal : this.plans[this.layer])[area];
  }

  hasChanged(area) {
    return this.value.layers[this.layer].now[area] !== this.plans[this.layer][area];
  }

  show(changes) {
    Object.assign(this, changes);
    this.borders = null;
    this.draw();
  }

  prepare() {
    if (this.borders) return;
    const { sides, areas, layers, teams } = this.value;
    this.borders = this.arcPath((i) => sides[2 * i] >= 0 && sides[2 * i + 1] >= 0
      && this.teamOf(sides[2 * i]) !== this.teamOf(sides[2 * i + 1]));
    const sums = teams.map(() => ({ weight: 0, x: 0, y: 0, size: 0 }));
    const hours = layers[this.layer].hours;
    areas.pc4.forEach((_, a) => {
      const sum = sums[this.teamOf(a)];
      if (!sum) return;
      const weight = hours[a] + 0.01;
      sum.weight += weight; sum.size += 1;
      sum.x += weight * areas.x[a]; sum.y -= weight * areas.y[a];
    });
    const best = teams.map(() => ({ far: Infinity }));
    areas.pc4.forEach((_, a) => {
      const team = this.teamOf(a), sum = sums[team];
      if (!sum) return;
      const far = Math.hypot(areas.x[a] - sum.x / sum.weight, -areas.y[a] - sum.y / sum.weight);
      if (far < best[team].far) best[team] = { far, x: areas.x[a], y: -areas.y[a], team, size: sum.size };
    });
    this.labels = best.filter((one) => one.far < Infinity).sort((a, b) => b.size - a.size);
    const here = new Map();
    for (const label of this.labels) {
      const team = teams[label.team];
      if (team.at >= 0) here.set(team.at, team.office);
    }
    this.offices = [...here].map(([a, name]) => ({ x: areas.x[a], y: -areas.y[a], name }));
  }

  fill(area) {
    const team = this.value.teams[this.teamOf(area)];
    if (!team) return "#ffffff";
    if (this.mode === "changes" && !this.hasChanged(area)) return "#ececec";
    return this.value.palette[team.colour];
  }

  // --- drawing ---

  resize() {
    const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.ratio = ratio;
    if (this.wanted || !this.scale) this.zoomTo(this.wanted || this.boxes.map((_, a) => a)); else this.draw();
  }

  zoomTo(areas) {
    this.wanted = areas;
    const box = this.boxOf(areas), { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    const margin = 1.06;
    this.scale = Math.min(w / ((box[2] - box[0]) * margin), h / ((box[3] - box[1]) * margin), 2);
    this.centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    this.draw();
  }

  zoomBy(factor, x, y) {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const px = x === undefined ? w / 2 : x, py = y === undefined ? h / 2 : y;
    const [wx, wy] = this.toWorld(px, py);
    this.wanted = null;
    this.scale = Math.min(Math.max(this.scale * factor, 0.005), 4);
    this.centre = [wx - (px - w / 2) / this.scale, wy - (py - h / 2) / this.scale];
    this.draw();
  }

  panBy(dx, dy) {
    this.wanted = null;
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] - dy / this.scale];
    this.draw();
  }

  toWorld(x, y) {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    return [this.centre[0] + (x - w / 2) / this.scale, this.centre[1] + (y - h / 2) / this.scale];
  }

  toScreen(x, y) {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    return [(x - this.centre[0]) * this.scale + w / 2, (y - this.centre[1]) * this.scale + h / 2];
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.paint(); });
  }

  paint() {
    if (!this.scale || !this.canvas.width) return;
    this.prepare();
    const { context: c, canvas, ratio, scale } = this;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = "#f4f7f9";
    c.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const k = ratio * scale;
    c.setTransform(k, 0, 0, k, ratio * (canvas.clientWidth / 2 - this.centre[0] * scale),
      ratio * (canvas.clientHeight / 2 - this.centre[1] * scale));
    const [left, top] = this.toWorld(0, 0), [right, bottom] = this.toWorld(canvas.clientWidth, canvas.clientHeight);
    const isSeen = (b) => b[0] < right && b[2] > left && b[1] < bottom && b[3] > top;
    const hatch = this.hatch("#1a1a1a", 1 / k);
    c.lineJoin = "round";
    this.paths.forEach((path, a) => {
      if (!isSeen(this.boxes[a])) return;
      c.fillStyle = this.fill(a);
      c.fill(path, "evenodd");
      if (this.mode === "changes" ? this.hasChanged(a) : this.teamOf(a) < 0) {
        c.fillStyle = hatch;
        c.fill(path, "evenodd");
      }
    });
    const line = (path, width, colour) => {
      c.lineWidth = width / scale;
      c.strokeStyle = colour;
      c.stroke(path);
    };
    line(this.thin, scale > 0.02 ? 0.7 : 0.35, "rgba(255,255,255,0.85)");
    line(this.borders, scale > 0.02 ? 2.4 : 1.3, "#1f2933");
    line(this.outline, scale > 0.02 ? 4 : 2.2, "#1f2933");
    line(this.outline, scale > 0.02 ? 1.6 : 0.8, "#ffffff");
    for (const a of this.selected) { line(this.paths[a], 6, "#ffffff"); line(this.paths[a], 3, "#b3005e"); }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paintMarks();
    this.paintOffices();
    this.paintLabels();
    if (this.rope) this.paintRope();
    this.onView();
  }

  follow(other) {
    this.wanted = null;
    this.scale = other.scale;
    this.centre = [...other.centre];
    this.draw();
  }

  hatch(colour, size) {
    if (!this.tile) {
      this.tile = document.createElement("canvas");
      this.tile.width = this.tile.height = 8;
      const t = this.tile.getContext("2d");
      t.strokeStyle = colour;
      t.lineWidth = 1.2;
      t.beginPath();
      t.moveTo(0, 8); t.lineTo(8, 0); t.moveTo(-2, 2); t.lineTo(2, -2); t.moveTo(6, 10); t.lineTo(10, 6);
      t.stroke();
    }
    const pattern = this.context.createPattern(this.tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(size * (this.ratio || 1)));
    return pattern;
  }

  paintOffices() {
    const c = this.context;
    for (const office of this.offices) {
      const [x, y] = this.toScreen(office.x, office.y), r = this.scale > 0.02 ? 6 : 4;
      c.fillStyle = "#ffffff"; c.strokeStyle = "#1f2933"; c.lineWidth = 2;
      c.beginPath(); c.rect(x - r, y - r, 2 * r, 2 * r); c.fill(); c.stroke();
      c.fillStyle = "#1f2933";
      c.beginPath(); c.rect(x - r / 3, y - r / 3, 2 * r / 3, 2 * r / 3); c.fill();
    }
  }

  paintMarks() {
    const c = this.context, { areas } = this.value, sign = { pin: "\u25CF", bar: "\u2716", split: "\u25D0" };
    if (this.scale < 0.01) return;
    c.font = "bold 15px system-ui, sans-serif";
    c.textAlign = "center"; c.textBaseline = "middle";
    for (const [a, kind] of this.marked) {
      const [x, y] = this.toScreen(areas.x[a], -areas.y[a]);
      c.lineWidth = 4; c.strokeStyle = "#ffffff"; c.strokeText(sign[kind], x, y + 14);
      c.fillStyle = "#7a003d"; c.fillText(sign[kind], x, y + 14);
    }
  }

  /* A label makes way for offices where areas are large, stays whole at the edge of the map, and covers no other label. */
  paintLabels() {
    const c = this.context, taken = [], big = this.scale > 0.02, tall = big ? 9 : 7, { clientWidth: width, clientHeight: height } = this.canvas;
    const r = big ? 7 : 5, offices = this.offices.map(({ x, y }) => this.toScreen(x, y)).map(([x, y]) => [x - r, y - r, x + r, y + r]);
    const isFree = (box, others) => !others.some((o) => o[0] < box[2] && o[2] > box[0] && o[1] < box[3] && o[3] > box[1]);
    c.font = `600 ${big ? 13 : 10.5}px system-ui, sans-serif`;
    c.textAlign = "center"; c.textBaseline = "middle";
    for (const label of this.labels) {
      const at = this.toScreen(label.x, label.y), text = shortTeam(this.value.teams[label.team].id);
      if (at[0] < 0 || at[0] > width || at[1] < 0 || at[1] > height) continue;
      const half = c.measureText(text).width / 2 + 2, x = Math.min(Math.max(at[0], half), width - half), y = Math.min(Math.max(at[1], tall), height - tall);
      const boxAt = (dy) => [x - half, y + dy - tall, x + half, y + dy + tall];
      const dy = (big ? [0, -2 * tall, 2 * tall] : [0]).find((one) => isFree(boxAt(one), taken) && isFree(boxAt(one), offices)) ?? 0;
      if (!isFree(boxAt(dy), taken)) continue;
      taken.push(boxAt(dy));
      c.lineWidth = 3.5; c.lineJoin = "round";
      c.strokeStyle = "rgba(255,255,255,0.92)"; c.strokeText(text, x, y + dy);
      c.fillStyle = "#111111"; c.fillText(text, x, y + dy);
    }
  }

  paintRope() {
    const c = this.context;
    c.beginPath();
    this.rope.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.closePath();
    c.fillStyle = "rgba(179,0,94,0.15)"; c.fill();
    c.setLineDash([6, 4]); c.lineWidth = 2; c.strokeStyle = "#b3005e"; c.stroke(); c.setLineDash([]);
  }

  // --- pointing ---

  areaAt(x, y) {
    const [wx, wy] = this.toWorld(x, y), c = this.context;
    c.save();
    c.setTransform(1, 0, 0, 1, 0, 0);
    const found = this.boxes.findIndex((b, a) => b[0] <= wx && b[2] >= wx && b[1] <= wy && b[3] >= wy
      && c.isPointInPath(this.paths[a], wx, wy, "evenodd"));
    c.restore();
    return found;
  }

  areasIn(rope) {
    const path = new Path2D(), { areas } = this.value, c = this.context;
    rope.forEach(([x, y], i) => (i ? path.lineTo(...this.toWorld(x, y)) : path.moveTo(...this.toWorld(x, y))));
    c.save();
    c.setTransform(1, 0, 0, 1, 0, 0);
    const found = areas.pc4.map((_, a) => a).filter((a) => c.isPointInPath(path, areas.x[a], -areas.y[a]));
    c.restore();
    return found;
  }

  listen() {
    const { canvas } = this;
    let grip = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      grip = { from: at(event), last: at(event), hasMoved: false };
      if (this.onLasso && this.isLassoing) this.rope = [grip.from];
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (!grip) return this.onHover(this.areaAt(x, y), x, y);
      if (Math.hypot(x - grip.from[0], y - grip.from[1]) > 4) grip.hasMoved = true;
      if (this.rope) { this.rope.push([x, y]); this.draw(); }
      else if (grip.hasMoved) this.panBy(x - grip.last[0], y - grip.last[1]);
      grip.last = [x, y];
    });
    canvas.addEventListener("pointerup", (event) => {
      const [x, y] = at(event), rope = this.rope;
      this.rope = null;
      if (rope && grip && grip.hasMoved) this.onLasso(this.areasIn(rope), event.shiftKey);
      else if (grip && !grip.hasMoved) this.onPick(this.areaAt(x, y), event.shiftKey);
      grip = null;
    });
    canvas.addEventListener("pointerleave", () => this.onHover(-1));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * 0.0015), ...at(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const step = 60, moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) this.panBy(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
      else if (event.key === "-") this.zoomBy(1 / 1.4);
      else if (event.key === "0") this.zoomTo(this.boxes.map((_, a) => a));
      else return;
      event.preventDefault();
    });
  }
}

function shortTeam(id) {
  return id.replace(/^SMC-/, "");
}
