// @ts-check
/* Drawing the map: fills, borders, marks, names. Reads a map and writes to its canvas; changes nothing else. */
import { Room, SCALES } from "./labels.js";

const THEMES = {
  light: {
    water: "#e4ecf2", land: "#f3f4f6", text: "#11181f", soft: "#56616d", halo: "rgba(255,255,255,0.9)",
    thin: "rgba(255,255,255,0.9)", quiet: "rgba(160,170,180,0.35)", border: "#2a3440", chosen: "#b3005e",
    partner: "#7a1fa2",
    none: "#ffffff", hatch: "#1a1a1a", same: "#e6e8eb",
  },
  dark: {
    water: "#0d141b", land: "#1b232c", text: "#f2f5f8", soft: "#9aa7b4", halo: "rgba(10,16,22,0.85)",
    thin: "rgba(0,0,0,0.45)", quiet: "rgba(120,135,150,0.3)", border: "#d5dde5", chosen: "#ff7ab8",
    partner: "#d9a6f5",
    none: "#000000", hatch: "#f2f5f8", same: "#2a333d",
  },
};
const MARKS = { pin: "\u25CF", bar: "\u2716", split: "\u25D0" };

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** @param {any} map */
export function paint(map) {
  const { context: c, canvas, ratio, scale, geometry } = map, theme = THEMES[isDark() ? "dark" : "light"];
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.fillStyle = theme.water;
  c.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const k = ratio * scale;
  c.setTransform(k, 0, 0, k, ratio * (canvas.clientWidth / 2 - map.centre[0] * scale),
    ratio * (canvas.clientHeight / 2 - map.centre[1] * scale));
  c.lineJoin = "round";
  fills(map, theme, hatch(map, theme.hatch, 1 / k));
  const isNear = scale > SCALES.big, line = (path, width, colour) => {
    c.lineWidth = width / scale;
    c.strokeStyle = colour;
    c.stroke(path);
  };
  line(geometry.thin, isNear ? 0.8 : 0.35, map.region < 0 ? theme.thin : theme.quiet);
  if (map.region >= 0) line(map.thinInside, isNear ? 1 : 0.5, theme.thin);
  line(map.borders, isNear ? 1.8 : 1.1, theme.border);
  line(map.outline, map.region < 0 ? (isNear ? 2.6 : 1.4) : 0.8, map.region < 0 ? theme.border : theme.soft);
  if (map.region >= 0) line(map.outlineInside, 3.2, theme.border);
  if (map.partnerBorders) {
    line(map.partnerBorders, 4, theme.halo);
    c.setLineDash([7 / scale, 4 / scale]);
    line(map.partnerBorders, 2, theme.partner);
    c.setLineDash([]);
  }
  for (const area of map.selected) {
    line(geometry.paths[area], 6, theme.halo);
    line(geometry.paths[area], 3, theme.chosen);
  }
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  names(map, theme);
  if (map.rope) rope(map, theme);
}

function fills(map, theme, pattern) {
  const { context: c, canvas, geometry } = map;
  const [left, top] = map.toWorld(0, 0), [right, bottom] = map.toWorld(canvas.clientWidth, canvas.clientHeight);
  geometry.paths.forEach((path, area) => {
    const box = geometry.boxes[area];
    if (box[0] > right || box[2] < left || box[1] > bottom || box[3] < top) return;
    c.fillStyle = fillOf(map, theme, area);
    c.fill(path, "evenodd");
    if (!map.isInside(area)) return;
    const isMarked = map.hatchesChanges || map.colour === "changes" || map.mode === "changes";
    if (isMarked ? map.hasChanged(area) : map.teamOf(area) < 0) {
      c.fillStyle = pattern;
      c.fill(path, "evenodd");
    }
  });
}

function fillOf(map, theme, area) {
  if (!map.isInside(area)) return theme.land;
  const team = map.value.teams[map.teamOf(area)];
  if (!team) return theme.none;
  if (map.mode === "changes" || map.colour === "changes") {
    return map.hasChanged(area) ? teamColour(map, team) : theme.same;
  }
  if (map.colour === "team") return teamColour(map, team);
  return (map.areaShades ? map.areaShades.get(area) : map.shades?.get(team.id)) ?? theme.same;
}

/** @param {any} map @param {any} team */
export const teamColour = (map, team) => map.value.palette[isDark() ? "dark" : "light"][team.colour];

function hatch(map, colour, size) {
  if (map.tile?.colour !== colour) {
    const tile = document.createElement("canvas"), t = /** @type {any} */ (tile.getContext("2d"));
    tile.width = tile.height = 8;
    t.strokeStyle = colour;
    t.lineWidth = 1;
    t.beginPath();
    for (const [x, y, u, v] of [[0, 8, 8, 0], [-2, 2, 2, -2], [6, 10, 10, 6]]) {
      t.moveTo(x, y);
      t.lineTo(u, v);
    }
    t.stroke();
    map.tile = { tile, colour };
  }
  const pattern = map.context.createPattern(map.tile.tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(size * (map.ratio || 1)));
  return pattern;
}

/** A text with a halo, so that it can be read on any fill. */
function written(c, theme, text, x, y, colour) {
  c.lineWidth = 3.5;
  c.lineJoin = "round";
  c.strokeStyle = theme.halo;
  c.strokeText(text, x, y);
  c.fillStyle = colour;
  c.fillText(text, x, y);
}

/** Offices and marks first, then what changes, then teams, then places: what comes later gives way. */
function names(map, theme) {
  const { context: c, canvas, scale } = map, room = new Room(canvas.clientWidth, canvas.clientHeight);
  const isNear = scale > SCALES.big;
  c.textAlign = "center";
  c.textBaseline = "middle";
  offices(map, theme, room, isNear ? 5 : 3);
  if (scale > 0.01) marks(map, theme);
  series(map, theme, room, map.changeLabels, "700 10px system-ui, sans-serif", 6, theme.hatch);
  series(map, theme, room, map.labels, `600 ${isNear ? 13 : 11}px system-ui, sans-serif`, isNear ? 9 : 7, theme.text);
  const italic = `italic ${isNear ? 12.5 : 11}px system-ui, sans-serif`;
  if (scale > SCALES.gemeente) series(map, theme, room, map.places.gemeente, italic, 8, theme.soft);
  if (scale > SCALES.place) series(map, theme, room, map.places.place, "12px system-ui, sans-serif", 7, theme.soft);
  if (scale > SCALES.pc4) series(map, theme, room, map.places.pc4, "11px system-ui, sans-serif", 7, theme.soft, [0, 2]);
}

function series(map, theme, room, labels, font, tall, colour, shifts = [0, 2, -2]) {
  const { context: c } = map;
  c.font = font;
  for (const label of labels) {
    const [x, y] = map.toScreen(label.x, label.y);
    if (x < 0 || y < 0 || x > room.width || y > room.height) continue;
    const at = room.place(x, y, c.measureText(label.text).width / 2 + 3, tall, shifts);
    if (at) written(c, theme, label.text, at[0], at[1], colour);
  }
}

function offices(map, theme, room, r) {
  const { context: c } = map;
  for (const office of map.offices) {
    const [x, y] = map.toScreen(office.x, office.y);
    c.fillStyle = theme.none;
    c.strokeStyle = theme.border;
    c.lineWidth = 1.6;
    c.beginPath();
    c.rect(x - r, y - r, 2 * r, 2 * r);
    c.fill();
    c.stroke();
    c.fillStyle = theme.border;
    c.fillRect(x - r / 3, y - r / 3, (2 * r) / 3, (2 * r) / 3);
    room.taken.push([x - r - 1, y - r - 1, x + r + 1, y + r + 1]);
  }
}

function marks(map, theme) {
  const { context: c, value } = map;
  c.font = "bold 15px system-ui, sans-serif";
  for (const [area, kind] of map.marked) {
    const [x, y] = map.toScreen(value.areas.x[area], -value.areas.y[area]);
    written(c, theme, MARKS[kind], x, y + 14, theme.chosen);
  }
}

function rope(map, theme) {
  const { context: c } = map;
  c.beginPath();
  map.rope.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.closePath();
  c.globalAlpha = 0.15;
  c.fillStyle = theme.chosen;
  c.fill();
  c.globalAlpha = 1;
  c.setLineDash([6, 4]);
  c.lineWidth = 2;
  c.strokeStyle = theme.chosen;
  c.stroke();
  c.setLineDash([]);
}
