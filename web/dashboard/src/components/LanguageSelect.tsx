import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";

const common = ["ar", "bg", "ca", "cs", "da", "de", "de-AT", "de-CH", "el", "en", "en-GB", "en-US", "es", "es-MX", "et", "fi", "fr", "fr-CA", "he", "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk", "vi", "zh-Hans", "zh-Hant"];

/** Chooses a language by its name; what is stored is its BCP 47 tag. */
export function LanguageSelect({ label, value, onChange }: { label: string; value: string; onChange: (tag: string) => void }) {
  const { i18n } = useTranslation();
  const names = new Intl.DisplayNames(i18n.language, { type: "language" });
  const tags = common.includes(value) ? common : [value, ...common];
  const data = tags.map((tag) => ({ value: tag, label: names.of(tag) ?? tag })).sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return <Select label={label} searchable data={data} value={value} onChange={(tag) => onChange(tag ?? value)} allowDeselect={false} />;
}
