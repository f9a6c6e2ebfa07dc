import { Temporal } from "temporal-polyfill";

interface Zoned {
  /** The instant, for the API. */
  at: string;
  /** What clocks do then: they jump over the time that was asked for, or show it twice. */
  shift: "skipped" | "repeated" | null;
  /** The second of the two, where clocks show the time twice. */
  second: string | null;
  /** What clocks show at `at`. */
  local: string;
}

/** The instant at which the clocks of a zone show a time such as 2026-03-29T02:30; undefined: it is no time. */
export function zoned(local: string, zone: string): Zoned | undefined {
  let plain: Temporal.PlainDateTime;
  try {
    plain = Temporal.PlainDateTime.from(local);
  } catch {
    return undefined;
  }
  // As the API does it: what clocks jump over is as much later, and of two it is the first.
  const at = plain.toZonedDateTime(zone, { disambiguation: "compatible" });
  const last = plain.toZonedDateTime(zone, { disambiguation: "later" });
  const skipped = !at.toPlainDateTime().equals(plain);
  const repeated = !skipped && !at.equals(last);
  return { at: at.toInstant().toString(), shift: skipped ? "skipped" : repeated ? "repeated" : null, second: repeated ? last.toInstant().toString() : null, local: minutes(at.toPlainDateTime()) };
}

function minutes(plain: Temporal.PlainDateTime): string {
  return plain.toString({ smallestUnit: "minute" });
}

/** What the clocks of a zone show at an instant, as a field for a time has it. */
export function localOf(at: string, zone: string): string {
  return minutes(Temporal.Instant.from(at).toZonedDateTimeISO(zone).toPlainDateTime());
}

/** What the clocks of a zone show now, some minutes later. */
export function localNow(zone: string, plusMinutes = 0): string {
  return minutes(Temporal.Now.zonedDateTimeISO(zone).add({ minutes: plusMinutes }).toPlainDateTime());
}

/** Whether clocks of a zone have shown a time already. */
export function passed(local: string, zone: string): boolean {
  return local < localNow(zone);
}

/** The next full hour after the one that is on, by the clocks of a zone. */
export function nextHour(zone: string): string {
  return minutes(Temporal.Now.zonedDateTimeISO(zone).add({ hours: 1 }).round({ smallestUnit: "hour", roundingMode: "ceil" }).toPlainDateTime());
}
