import i18n, { type TFunction } from "i18next";

const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

/** A weekday's name, short. */
function weekday(day: (typeof weekdays)[number]): string {
  return new Intl.DateTimeFormat(i18n.language, { weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + weekdays.indexOf(day))));
}

/** A recurrence rule (RFC 5545) in words; undefined for one that these words cannot say. */
export function inWords(rule: string, t: TFunction<"campaigns">): string | undefined {
  const parts = new Map(rule.split(";").map((part): [string, string] => [part.split("=")[0] ?? "", part.split("=")[1] ?? ""]));
  const words: string[] = [];
  const frequency = (["DAILY", "WEEKLY", "MONTHLY", "YEARLY"] as const).find((known) => known === parts.get("FREQ"));
  if (frequency === undefined || [...parts.keys()].some((name) => !["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL", "WKST"].includes(name))) return undefined;
  words.push(t(`rule.every.${frequency}`, { count: Number(parts.get("INTERVAL") ?? 1) }));
  const list = new Intl.ListFormat(i18n.language, { type: "conjunction" });
  const by = parts.get("BYDAY");
  if (by !== undefined) {
    const named = by.split(",").map((day) => weekdays.find((known) => known === day));
    if (named.includes(undefined)) return undefined;
    words.push(t("rule.on", { days: list.format(named.flatMap((day) => (day === undefined ? [] : [weekday(day)]))) }));
  }
  const monthDays = parts.get("BYMONTHDAY");
  if (monthDays !== undefined) {
    if (!/^\d+(,\d+)*$/.test(monthDays)) return undefined;
    words.push(t("rule.days", { days: list.format(monthDays.split(",").map((day) => `${day}.`)) }));
  }
  const count = parts.get("COUNT");
  if (count !== undefined) words.push(t("rule.times", { count: Number(count) }));
  const until = /^(\d{4})(\d\d)(\d\d)/.exec(parts.get("UNTIL") ?? "");
  if (until !== null) words.push(t("rule.until", { day: new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(Date.UTC(Number(until[1]), Number(until[2]) - 1, Number(until[3])))) }));
  return words.join(", ");
}
