/** The days of a report, the last one included. */
export interface Range {
  from: string;
  to: string;
}

export const presets = ["7", "30", "90", "month", "lastMonth"] as const;

/** The day some days later. */
export function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** Which day it is by the clocks of a zone. */
export function today(zone: string): string {
  const parts = new Map(new Intl.DateTimeFormat("en", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date()).map((part) => [part.type, part.value]));
  return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
}

/** The days of a preset, seen from a day. */
export function rangeOf(preset: (typeof presets)[number], last: string): Range {
  const first = `${last.slice(0, 7)}-01`;
  if (preset === "month") return { from: first, to: last };
  if (preset === "lastMonth") {
    const to = addDays(first, -1);
    return { from: `${to.slice(0, 7)}-01`, to };
  }
  return { from: addDays(last, 1 - Number(preset)), to: last };
}
