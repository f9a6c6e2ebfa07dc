import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import type { Messages } from "./messages";

/** The languages that the dashboard speaks, each in its own words. */
export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;

const KEY = "fanfare.language";
const load: Record<Language, () => Promise<{ default: Messages }>> = { en: () => import("./en"), de: () => import("./de") };

function known(tag: string | null | undefined): Language | undefined {
  const language = tag?.split("-")[0];
  return language !== undefined && language in languages ? (language as Language) : undefined;
}

function preferred(): Language {
  return known(localStorage.getItem(KEY)) ?? navigator.languages.map(known).find((l) => l !== undefined) ?? "en";
}

/** Loads the messages of the language that was chosen, or that the browser prefers. */
export async function startMessages(): Promise<void> {
  const language = preferred();
  const messages = (await load[language]()).default;
  await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: messages },
    defaultNS: "common",
    interpolation: { escapeValue: false }, // React does
    returnNull: false,
  });
  document.documentElement.lang = language;
}

/** Changes the language, and remembers it in this browser. */
export async function speak(language: Language): Promise<void> {
  const messages = (await load[language]()).default;
  for (const [namespace, texts] of Object.entries(messages)) i18n.addResourceBundle(language, namespace, texts);
  await i18n.changeLanguage(language);
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language;
}
