import { Temporal } from "temporal-polyfill";
import { localNow, zoned } from "./zoned";

export const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
export type Weekday = (typeof weekdays)[number];

/** A rule as the form has it. `nth` is which of the month's weekdays it is; -1: the last. */
export interface Rule {
  frequency: "DAILY" | "WEEKLY" | "MONTHLY";
  interval: number;
  days: Weekday[];
  monthly: "day" | "weekday";
  nth: number;
  start: string;
  end: "never" | "until" | "count";
  until: string;
  count: number;
}

/** The day of the week of a time by the clocks. */
export function weekdayOf(local: string): Weekday {
  return weekdays[Temporal.PlainDateTime.from(local).dayOfWeek - 1]!;
}

export function isTime(local: string): boolean {
  try {
    Temporal.PlainDateTime.from(local);
    return true;
  } catch {
    return false;
  }
}

/** Which of its weekdays a day is in its month; the fifth counts as the last. */
export function nthOf(local: string): number {
  const nth = Math.ceil(Temporal.PlainDateTime.from(local).day / 7);
  return nth === 5 ? -1 : nth;
}

/** A rule that begins at a time, each week on its day. */
export function ruleAt(start: string): Rule {
  return { frequency: "WEEKLY", interval: 1, days: [weekdayOf(start)], monthly: "day", nth: nthOf(start), start, end: "never", until: start.slice(0, 10), count: 10 };
}

/** The rule as RFC 5545 writes it. */
export function rruleOf(rule: Rule, zone: string): string {
  const parts = [`FREQ=${rule.frequency}`];
  if (rule.interval > 1) parts.push(`INTERVAL=${rule.interval}`);
  if (rule.frequency === "WEEKLY") parts.push(`BYDAY=${weekdays.filter((day) => rule.days.includes(day)).join(",")}`);
  if (rule.frequency === "MONTHLY") parts.push(rule.monthly === "day" ? `BYMONTHDAY=${Temporal.PlainDateTime.from(rule.start).day}` : `BYDAY=${rule.nth}${weekdayOf(rule.start)}`);
  if (rule.end === "count") parts.push(`COUNT=${rule.count}`);
  if (rule.end === "until") {
    const last = zoned(`${rule.until}T23:59`, zone);
    if (last !== undefined) parts.push(`UNTIL=${last.at.replace(/[-:]|\.\d+/g, "")}`);
  }
  return parts.join(";");
}

/** A day of a month, or undefined where the month does not have it. */
function inMonth(month: Temporal.PlainYearMonth, rule: Rule, start: Temporal.PlainDateTime): Temporal.PlainDate | undefined {
  if (rule.monthly === "day") return start.day > month.daysInMonth ? undefined : month.toPlainDate({ day: start.day });
  const first = month.toPlainDate({ day: 1 });
  const earliest = first.add({ days: (start.dayOfWeek - first.dayOfWeek + 7) % 7 });
  if (rule.nth > 0) return earliest.add({ weeks: rule.nth - 1 });
  const fifth = earliest.add({ weeks: 4 });
  return fifth.month === first.month ? fifth : earliest.add({ weeks: 3 });
}

function* days(rule: Rule): Generator<Temporal.PlainDate> {
  const start = Temporal.PlainDateTime.from(rule.start);
  const first = start.toPlainDate();
  const step = Math.max(1, Math.trunc(rule.interval));
  for (let round = 0; round < 600; round += 1) {
    if (rule.frequency === "DAILY") yield first.add({ days: round * step });
    if (rule.frequency === "WEEKLY") {
      const monday = first.subtract({ days: first.dayOfWeek - 1 }).add({ weeks: round * step });
      for (const [index, day] of weekdays.entries()) if (rule.days.includes(day)) yield monday.add({ days: index });
    }
    if (rule.frequency === "MONTHLY") {
      const day = inMonth(first.toPlainYearMonth().add({ months: round * step }), rule, start);
      if (day !== undefined) yield day;
    }
  }
}

/** The next times of a rule, each an instant, by the clocks of a zone. */
export function upcoming(rule: Rule, zone: string, limit = 5): string[] {
  if (!isTime(rule.start) || (rule.frequency === "WEEKLY" && rule.days.length === 0)) return [];
  const first = rule.start.slice(0, 10);
  const time = rule.start.slice(11, 16);
  const now = localNow(zone);
  const found: string[] = [];
  let counted = 0;
  for (const date of days(rule)) {
    const day = date.toString();
    if (day < first) continue;
    counted += 1;
    if (found.length === limit || (rule.end === "count" && counted > rule.count) || (rule.end === "until" && day > rule.until)) break;
    if (`${day}T${time}` <= now) continue;
    const at = zoned(`${day}T${time}`, zone);
    if (at !== undefined) found.push(at.at);
  }
  return found;
}

/** A rule as the form has it, where it is one that the form can make. */
export function ruleFrom(rrule: string, startsLocal: string, zone: string): Rule | undefined {
  const start = startsLocal.slice(0, 16);
  if (!isTime(start)) return undefined;
  const parts = new Map(rrule.replace(/^RRULE:/, "").split(";").map((part) => [part.split("=")[0] ?? "", part.split("=")[1] ?? ""] as const));
  const rule = ruleAt(start);
  for (const [name, value] of parts) {
    if (name === "FREQ" && (value === "DAILY" || value === "WEEKLY" || value === "MONTHLY")) rule.frequency = value;
    else if (name === "INTERVAL") rule.interval = Number(value);
    else if (name === "COUNT") Object.assign(rule, { end: "count", count: Number(value) });
    else if (name === "UNTIL") {
      const [, year, month, day, time] = /^(\d{4})(\d\d)(\d\d)(T.*)?$/.exec(value) ?? [];
      if (year === undefined || month === undefined || day === undefined) return undefined;
      const [, hour = "23", minute = "59"] = /^T(\d\d)(\d\d)/.exec(time ?? "") ?? [];
      const until = time?.endsWith("Z") === true ? Temporal.Instant.from(`${year}-${month}-${day}T${hour}:${minute}Z`).toZonedDateTimeISO(zone).toPlainDate().toString() : `${year}-${month}-${day}`;
      Object.assign(rule, { end: "until", until });
    } else if (name === "BYDAY" && parts.get("FREQ") === "WEEKLY") rule.days = weekdays.filter((day) => value.split(",").includes(day));
    else if (name === "BYDAY" && value.endsWith(weekdayOf(start)) && /^-?[1-4][A-Z]{2}$/.test(value)) Object.assign(rule, { monthly: "weekday", nth: Number(value.slice(0, -2)) });
    else if (name === "BYMONTHDAY" && Number(value) === Number(start.slice(8, 10))) rule.monthly = "day";
    else return undefined;
  }
  return rruleOf(rule, zone).split(";").length >= parts.size - (parts.get("INTERVAL") === "1" ? 1 : 0) ? rule : undefined;
}
