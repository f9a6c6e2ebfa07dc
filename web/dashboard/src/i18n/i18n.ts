import i18n from "i18next";
import resourcesToBackend from "i18next-resources-to-backend";
import { initReactI18next } from "react-i18next";
import { load } from "../lib/load";

/** The languages that the dashboard speaks, each in its own words. */
export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;

const KEY = "fanfare.language";

function known(tag: string | null | undefined): Language | undefined {
  const language = tag?.split("-")[0];
  return language !== undefined && language in languages ? (language as Language) : undefined;
}

function preferred(): Language {
  return known(localStorage.getItem(KEY)) ?? navigator.languages.map(known).find((l) => l !== undefined) ?? "en";
}

/** Loads the messages of the language that was chosen, or that the browser prefers; those of an area when a page of it is opened. */
export async function startMessages(): Promise<void> {
  const language = preferred();
  await i18n
    .use(initReactI18next)
    .use(resourcesToBackend((tag: string, area: string) => load(() => import(`./${tag}/${area}.json`))))
    .init({
      lng: language,
      fallbackLng: false,
      ns: ["common", "shell"],
      defaultNS: "common",
      interpolation: { escapeValue: false }, // React does
      returnNull: false,
    });
  document.documentElement.lang = language;
}

/** Changes the language, and remembers it in this browser. */
export async function speak(language: Language): Promise<void> {
  await i18n.changeLanguage(language);
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language;
}
