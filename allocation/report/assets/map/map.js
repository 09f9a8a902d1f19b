// @ts-check
/* The map of postcodes on a canvas: what is in view, who has what, and what is pointed at. Knows nothing of tables,
   servers or forms. */
import { Geometry } from "./geometry.js";
import { placeLabels, teamLabels } from "./labels.js";
import { paint } from "./paint.js";

const MARGIN = 1.08;
const MOST_CHANGES_NAMED = 40;
const LARGEST_SCALE = 4;
const SMALLEST_SCALE = 0.004;
const KEY_STEP = 60;
const BRUSH_STEP = 6;
const KEY_MOVES = {
  ArrowLeft: [KEY_STEP, 0], ArrowRight: [-KEY_STEP, 0], ArrowUp: [0, KEY_STEP], ArrowDown: [0, -KEY_STEP],
};

export class CaseloadMap {
  /** @param {HTMLCanvasElement} canvas @param {any} value @param {CaseloadMap} [twin] whose borders to share */
  constructor(canvas, value, twin) {
    this.canvas = canvas;
    this.value = value;
    this.mode = "proposal";           // proposal (as changed), original, now, changes
    this.colour = "team";             // team, changes, or a measure with its shades
    this.partner = null;              // area -> partner of a kind, where the borders of a kind are shown
    this.shades = null;               // team id -> colour
    this.areaShades = null;           // area -> colour, where a measure is one of the postcode itself
    this.layer = 0;
    this.region = -1;                 // position of the region that stands out; -1 is the country
    this.selected = new Set();
    this.marked = new Map();          // area -> "pin" | "bar" | "split"
    this.plans = value.layers.map((layer) => layer.proposal);
    this.onHover = (_area, _x, _y) => {};
    this.onPick = (_area, _isMore) => {};
    this.onLasso = null;
    this.isLassoing = false;
    this.isBrushing = false;          // dragging chooses what the pointer passes
    this.compared = null;             // two sets of plans per layer, where two divisions are compared
    this.hatchesChanges = false;      // hatch what changes team, whatever the colour says
    this.namesChanges = false;        // and write its postcode, where that is not too much
    this.onView = () => {};           // after every drawing: for a second map that follows
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.geometry = twin ? twin.geometry : new Geometry(value);
    this.places = twin ? twin.places : placeLabels(value);
    this.paths = this.geometry.paths;
    const region = (a) => value.areas.region[a];
    this.outline = this.geometry.borders(region, true);
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  // --- what is shown ---

  teamOf(area) {
    const layer = this.value.layers[this.layer];
    if (this.compared) return this.compared[this.mode === "now" ? 0 : 1][this.layer][area];
    if (this.mode === "now") return layer.now[area];
    return (this.mode === "original" ? layer.proposal : this.plans[this.layer])[area];
  }

  hasChanged(area) {
    if (this.compared) return this.compared[0][this.layer][area] !== this.compared[1][this.layer][area];
    return this.value.layers[this.layer].now[area] !== this.plans[this.layer][area];
  }

  isInside(area) {
    return this.region < 0 || this.value.areas.region[area] === this.region;
  }

  /** @param {Partial<CaseloadMap>} changes */
  show(changes) {
    Object.assign(this, changes);
    this.borders = null;
    this.draw();
  }

  prepare() {
    if (this.borders) return;
    const { areas, layers, teams } = this.value, { sides } = this.geometry;
    const inside = (i) => [sides[2 * i], sides[2 * i + 1]].map((a) => a >= 0 && this.isInside(a));
    const hasTwo = (i) => sides[2 * i] >= 0 && sides[2 * i + 1] >= 0;
    this.borders = this.geometry.arcPath((i) => hasTwo(i) && inside(i).every(Boolean)
      && this.teamOf(sides[2 * i]) !== this.teamOf(sides[2 * i + 1]));
    const { partner } = this;
    this.partnerBorders = partner && this.geometry.arcPath((i) => hasTwo(i) && inside(i).some(Boolean)
      && partner[sides[2 * i]] !== partner[sides[2 * i + 1]]);
    if (this.region >= 0) {
      this.thinInside = this.geometry.arcPath((i) => inside(i).some(Boolean));
      this.outlineInside = this.geometry.arcPath((i) => inside(i)[0] !== inside(i)[1]);
    }
    const team = areas.pc4.map((_, a) => (this.isInside(a) ? this.teamOf(a) : -1));
    this.labels = teamLabels(this.value, team, layers[this.layer].hours);
    const changed = this.namesChanges
      ? this.places.pc4.filter((_, a) => this.isInside(a) && this.hasChanged(a)) : [];
    this.changeLabels = changed.length <= MOST_CHANGES_NAMED ? changed : [];
    const here = new Map();
    for (const t of new Set(team)) if (t >= 0 && teams[t].at >= 0) here.set(teams[t].at, teams[t].office);
    this.offices = [...here].map(([a, name]) => ({ x: areas.x[a], y: -areas.y[a], name }));
  }

  // --- the view ---

  resize() {
    const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.ratio = ratio;
    if (this.wanted || !this.scale) this.zoomTo(this.wanted || this.paths.map((_, a) => a));
    else this.draw();
  }

  /** @param {number[]} areas */
  zoomTo(areas) {
    this.wanted = areas;
    const box = this.geometry.boxOf(areas), { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    this.scale = Math.min(w / ((box[2] - box[0]) * MARGIN), h / ((box[3] - box[1]) * MARGIN), 2);
    this.centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    this.draw();
  }

  zoomBy(factor, x, y) {
    const { clientWidth: w, clientHeight: h } = this.canvas, px = x ?? w / 2, py = y ?? h / 2;
    const [wx, wy] = this.toWorld(px, py);
    this.wanted = null;
    this.scale = Math.min(Math.max(this.scale * factor, SMALLEST_SCALE), LARGEST_SCALE);
    this.centre = [wx - (px - w / 2) / this.scale, wy - (py - h / 2) / this.scale];
    this.draw();
  }

  panBy(dx, dy) {
    this.wanted = null;
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] - dy / this.scale];
    this.draw();
  }

  /** @param {CaseloadMap} other */
  follow(other) {
    this.wanted = null;
    this.scale = other.scale;
    this.centre = [...other.centre];
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
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    if (!this.scale || !this.canvas.width) return;
    this.prepare();
    paint(this);
    this.onView();
  }

  // --- pointing ---

  /** Ask the canvas in the map's own coordinates. @param {(c: CanvasRenderingContext2D) => any} question */
  asked(question) {
    const c = this.context;
    c.save();
    c.setTransform(1, 0, 0, 1, 0, 0);
    const answer = question(c);
    c.restore();
    return answer;
  }

  areaAt(x, y) {
    const [wx, wy] = this.toWorld(x, y);
    return this.asked((c) => this.geometry.boxes.findIndex((b, a) => b[0] <= wx && b[2] >= wx && b[1] <= wy
      && b[3] >= wy && c.isPointInPath(this.paths[a], wx, wy, "evenodd")));
  }

  areasIn(rope) {
    const path = new Path2D(), { areas } = this.value;
    rope.forEach(([x, y], i) => {
      const [wx, wy] = this.toWorld(x, y);
      if (i) path.lineTo(wx, wy);
      else path.moveTo(wx, wy);
    });
    const isIn = (c, a) => this.isInside(a) && c.isPointInPath(path, areas.x[a], -areas.y[a]);
    return this.asked((c) => areas.pc4.map((_, a) => a).filter((a) => isIn(c, a)));
  }

  /** Choose what lies under the pointer's way from one point to the next. */
  brush([x, y], [toX, toY]) {
    const count = Math.ceil(Math.hypot(toX - x, toY - y) / BRUSH_STEP);
    for (let i = 0; i <= count; i += 1) {
      const part = count ? i / count : 1, area = this.areaAt(x + (toX - x) * part, y + (toY - y) * part);
      if (area >= 0 && this.isInside(area)) this.brushed.add(area);
    }
    this.selected = this.brushed;
    this.draw();
  }

  listen() {
    const { canvas } = this, fingers = new Map();
    let grip = null, spread = 0;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const pinch = () => {
      const [[ax, ay], [bx, by]] = [...fingers.values()], wide = Math.hypot(ax - bx, ay - by);
      if (spread) this.zoomBy(wide / spread, (ax + bx) / 2, (ay + by) / 2);
      spread = wide;
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, at(event));
      spread = 0;
      grip = { from: at(event), last: at(event), hasMoved: fingers.size > 1 };
      if (this.onLasso && this.isLassoing) this.rope = [grip.from];
      if (this.onLasso && this.isBrushing) this.brushed = new Set();
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, [x, y]);
      if (!grip) return this.onHover(this.areaAt(x, y), x, y);
      if (fingers.size > 1) return pinch();
      if (Math.hypot(x - grip.from[0], y - grip.from[1]) > 4) grip.hasMoved = true;
      if (this.rope) {
        this.rope.push([x, y]);
        this.draw();
      } else if (this.brushed) this.brush(grip.last, [x, y]);
      else if (grip.hasMoved) this.panBy(x - grip.last[0], y - grip.last[1]);
      grip.last = [x, y];
    });
    const ended = (event) => {
      const [x, y] = at(event), { rope, brushed } = this;
      fingers.delete(event.pointerId);
      this.rope = this.brushed = null;
      if (rope && grip?.hasMoved) this.onLasso?.(this.areasIn(rope), event.shiftKey);
      else if (brushed && grip?.hasMoved) this.onLasso?.([...brushed], event.shiftKey);
      else if (grip && !grip.hasMoved && event.type === "pointerup") this.onPick(this.areaAt(x, y), event.shiftKey);
      grip = null;
      this.draw();
    };
    canvas.addEventListener("pointerup", ended);
    canvas.addEventListener("pointercancel", ended);
    canvas.addEventListener("pointerleave", () => this.onHover(-1, 0, 0));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== canvas && !canvas.dataset.wheel) return;
      event.preventDefault();
      const [x, y] = at(event);
      this.zoomBy(Math.exp(-event.deltaY * 0.0015), x, y);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey) return;
    if (KEY_MOVES[event.key]) this.panBy(...KEY_MOVES[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
    else if (event.key === "-") this.zoomBy(1 / 1.4);
    else if (event.key === "0") this.zoomTo(this.paths.map((_, a) => a));
    else return;
    event.preventDefault();
  }
}
