import { useTranslation } from "react-i18next";
import { platforms } from "../components/Platform";
import { formatNumber } from "./time";

const kinds = ["post_published", "generate_post", "chat", "search_images", "embed_text", "message_received", "message_sent"] as const;

/** What the kinds of usage are called, with the platform where they have one; a kind that is new is called as the API calls it. */
export function useUsageKind() {
  const { t } = useTranslation("usage");
  return (kind: string, platform: string): string => {
    const known = kinds.find((one) => one === kind);
    const name = known === undefined ? kind : t(`kinds.${known}`);
    if (platform === "") return name;
    return `${name}: ${platform in platforms ? platforms[platform as keyof typeof platforms].name : platform}`;
  };
}

/** Money of the API, in millionths of a US dollar. */
export function formatMoney(microusd: number): string {
  const dollars = microusd / 1_000_000;
  return formatNumber(dollars, { style: "currency", currency: "USD", maximumFractionDigits: dollars !== 0 && Math.abs(dollars) < 1 ? 4 : 2 });
}
