import type { TFunction } from "i18next";
import { FanfareError, type Schemas } from "../api";
import { platforms } from "../components/Platform";
import { formatNumber } from "./time";

type Place = Schemas["ProblemDetail"];

const fields = ["description", "email", "ends_on", "language", "media", "name", "password", "reason", "scheduled_at", "starts_on", "text", "time_zone", "title", "token", "url"] as const;

/** What the API's validator finds, which speaks to programs. */
const rules = [
  [/^expected length <= (\d+)$/, "longest"],
  [/^expected length >= (\d+)$/, "shortest"],
  [/^expected number <= (\d+)$/, "most"],
  [/^expected number >= (\d+)$/, "least"],
  [/^expected array length <= (\d+)$/, "fewer"],
  [/^expected array length >= (\d+)$/, "more"],
] as const;

const missing = /^expected required property (\w+) to be present$/;

/** The field at a place such as `body.slots[0].time_zone`, by its name in the dashboard or else in its own words; a whole sentence names it itself. */
function fieldOf(place: Place, t: TFunction): string {
  if (/^[A-Z].*\.$/.test(place.message)) return "";
  const name = missing.exec(place.message)?.[1] ?? (place.location ?? "").split(".").slice(1).at(-1)?.replace(/\[\d+\]$/, "") ?? "";
  const known = fields.find((field) => field === name);
  if (known !== undefined) return t(`problem.field.${known}`);
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

/** The platform whose rule it is, unless it is said anyway. */
function platformOf({ platform = "", message }: Place): string {
  const name = platform in platforms ? platforms[platform as keyof typeof platforms].name : platform;
  return message.includes(name) ? "" : name;
}

function findingOf({ message }: Place, t: TFunction): string {
  if (missing.test(message)) return t("problem.rule.missing");
  for (const [rule, key] of rules) {
    const count = rule.exec(message)?.[1];
    if (count !== undefined) return t(`problem.rule.${key}`, { count: Number(count), number: formatNumber(Number(count)) });
  }
  return message;
}

/** What went wrong, for people: a sentence, and each thing that is to be mended, by the names that it has in the dashboard. */
export function inWords(error: unknown, t: TFunction): { text: string; places: string[] } {
  if (!(error instanceof FanfareError)) return { text: t("problem.unknown"), places: [] };
  if (error.status === 0) return { text: t("problem.unreachable"), places: [] };
  const places = error.errors.map((place) => {
    const at = [platformOf(place), fieldOf(place, t)].filter((part) => part !== "").join(", ");
    return at === "" ? findingOf(place, t) : `${at}: ${findingOf(place, t)}`;
  });
  const text = error.message.startsWith("The request is not valid") ? t(places.length === 0 ? "problem.invalid" : "problem.invalidPlaces") : error.message.replace(" Each is listed under errors.", "");
  return { text, places };
}
