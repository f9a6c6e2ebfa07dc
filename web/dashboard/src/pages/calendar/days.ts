import i18n from "i18next";
import { Temporal } from "temporal-polyfill";
import { formatTime } from "../../lib/time";

// Days are written as 2030-01-31, which compares as they follow each other. What a post's clocks show begins with its day, and so
// needs no calculation; only the ends of days do, which a change of the clocks moves.

/** A day as 2030-01-31. */
export type Day = string;

export function today(zone: string): Day {
  return Temporal.Now.plainDateISO(zone).toString();
}

export function addDays(day: Day, days: number): Day {
  return Temporal.PlainDate.from(day).add({ days }).toString();
}

export function addMonths(day: Day, months: number): Day {
  return Temporal.PlainDate.from(day).add({ months }).toString();
}

/** Monday is 1, Sunday 7: as the viewer's country begins its weeks. */
function firstWeekday(): number {
  const tag = navigator.language.startsWith(i18n.language) ? navigator.language : i18n.language;
  const locale: Intl.Locale & { getWeekInfo?: () => { firstDay: number } } = new Intl.Locale(tag);
  return locale.getWeekInfo?.().firstDay ?? 1;
}

export function weekOf(day: Day): Day {
  const { dayOfWeek } = Temporal.PlainDate.from(day);
  return addDays(day, -((dayOfWeek - firstWeekday() + 7) % 7));
}

export function daysFrom(day: Day, count: number): Day[] {
  const first = Temporal.PlainDate.from(day);
  return Array.from({ length: count }, (_, index) => first.add({ days: index }).toString());
}

/** The beginnings of the weeks that show a month whole. */
export function weeksOfMonth(day: Day): Day[] {
  const first = Temporal.PlainDate.from(day).with({ day: 1 });
  const last = first.add({ months: 1 }).subtract({ days: 1 }).toString();
  const weeks: Day[] = [];
  for (let week = weekOf(first.toString()); week <= last; week = addDays(week, 7)) weeks.push(week);
  return weeks;
}

/** The instant at which a day begins in a zone. */
export function beginning(day: Day, zone: string): string {
  return Temporal.PlainDate.from(day).toZonedDateTime(zone).toInstant().toString();
}

/** The instant at which the clocks of a zone show a time, such as 09:30, on a day. */
export function instantOf(day: Day, time: string, zone: string): string {
  return Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(zone, { disambiguation: "compatible" }).toInstant().toString();
}

/** The clocks of a zone at an instant, as scheduled_local has them. */
export function localOf(at: string, zone: string): string {
  return Temporal.Instant.from(at).toZonedDateTimeISO(zone).toString({ timeZoneName: "never" });
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Writes a day in the language of the dashboard. */
export function formatDay(day: Day, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify([i18n.language, options]);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(i18n.language, { ...options, timeZone: "UTC" });
  formats.set(key, format);
  return format.format(new Date(`${day}T00:00:00Z`));
}

/** The time of day of what clocks show, as it is written in the language of the dashboard. */
export function clockOf(local: string, options: Intl.DateTimeFormatOptions = { timeStyle: "short" }): string {
  return formatTime(`${local.slice(0, 16)}Z`, "UTC", options);
}

/** The time of day of what clocks show, such as 09:30, as fields have it. */
export function timeOf(local: string): string {
  return local.slice(11, 16);
}
