// @ts-check
/* Which names stand on the map at a scale, where, and which give way. Pure but for measuring a text. */
import { shortTeam } from "../dom.js";

/** @typedef {{ x: number, y: number, text: string, weight: number }} Label */

/** Pixels a step of 10 m above which each kind of name is shown. */
export const SCALES = { team: 0, gemeente: 0.004, place: 0.09, pc4: 0.13, big: 0.02 };

/**
 * A name per group, on the area nearest to the middle of the group's work.
 * @param {any} areas @param {number[]} group per area its group; below 0 is none
 * @param {number[]} weights @param {(group: number) => string} textOf
 * @returns {Label[]}
 */
export function middles(areas, group, weights, textOf) {
  const sums = new Map();
  group.forEach((g, a) => {
    if (g < 0) return;
    const sum = sums.get(g) || { weight: 0, x: 0, y: 0 }, weight = (weights[a] ?? 0) + 0.01;
    sum.weight += weight;
    sum.x += weight * areas.x[a];
    sum.y -= weight * areas.y[a];
    sums.set(g, sum);
  });
  const best = new Map();
  group.forEach((g, a) => {
    const sum = sums.get(g);
    if (!sum) return;
    const far = Math.hypot(areas.x[a] - sum.x / sum.weight, -areas.y[a] - sum.y / sum.weight);
    if (!(best.get(g)?.far <= far)) best.set(g, { far, x: areas.x[a], y: -areas.y[a] });
  });
  const labels = [...best].map(([g, { x, y }]) => ({ x, y, text: textOf(g), weight: sums.get(g).weight }));
  return labels.sort((a, b) => b.weight - a.weight);
}

/** The names that do not depend on who has what. @param {any} value */
export function placeLabels(value) {
  const { areas, gemeenten } = value, hours = value.layers[0].hours;
  const places = [...new Set(areas.place)], at = new Map(places.map((name, i) => [name, i]));
  return {
    gemeente: middles(areas, areas.gemeente, hours, (g) => gemeenten[g]),
    place: middles(areas, areas.place.map((name) => (name ? at.get(name) : -1)), hours, (p) => String(places[p])),
    pc4: areas.pc4.map((text, a) => ({ x: areas.x[a], y: -areas.y[a], text, weight: hours[a] ?? 0 })),
  };
}

/** The short names of the teams. @param {any} value @param {number[]} teamOf @param {number[]} hours */
export function teamLabels(value, teamOf, hours) {
  return middles(value.areas, teamOf, hours, (t) => shortTeam(value.teams[t].id));
}

/** What is taken of the screen: a name stands only where nothing else does. */
export class Room {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** @type {number[][]} */
    this.taken = [];
  }

  /** @param {number[]} box */
  isFree(box) {
    return !this.taken.some((o) => o[0] < box[2] && o[2] > box[0] && o[1] < box[3] && o[3] > box[1]);
  }

  /** Where a text of this size can stand near a point: there, below or above; null where nothing is free. It stays
   * whole at the edge of the map. */
  place(x, y, half, tall, shifts = [0, 2, -2]) {
    if (x < 0 || x > this.width || y < 0 || y > this.height) return null;
    const cx = Math.min(Math.max(x, half), this.width - half);
    for (const shift of shifts) {
      const cy = Math.min(Math.max(y + shift * tall, tall), this.height - tall);
      const box = [cx - half, cy - tall, cx + half, cy + tall];
      if (this.isFree(box)) {
        this.taken.push(box);
        return [cx, cy];
      }
    }
    return null;
  }
}
