import { Group, Text } from "@mantine/core";
import { IconBrandFacebook, IconBrandLinkedin, IconBrandSlack, IconBrandTelegram, IconBrandWhatsapp, IconBrandX, IconGhost2, IconMail, type Icon } from "@tabler/icons-react";
import type { Schemas } from "../api";

export type PlatformName = Schemas["PlatformPost"]["platform"];
export type ChatName = Schemas["Space"]["platform"];

/** What platforms are called, their marks, and their colours, which are used for small marks alone. */
export const platforms: Record<PlatformName | ChatName, { name: string; icon: Icon; color: string }> = {
  twitter: { name: "X", icon: IconBrandX, color: "light-dark(#0f1419, #e7e9ea)" },
  linkedin: { name: "LinkedIn", icon: IconBrandLinkedin, color: "light-dark(#0a66c2, #71b7fb)" },
  facebook: { name: "Facebook", icon: IconBrandFacebook, color: "light-dark(#0866ff, #75a7ff)" },
  mailchimp: { name: "Mailchimp", icon: IconMail, color: "light-dark(#7a5c00, #ffe01b)" },
  ghost: { name: "Ghost", icon: IconGhost2, color: "light-dark(#15171a, #b8c4d0)" },
  telegram: { name: "Telegram", icon: IconBrandTelegram, color: "light-dark(#1f7fb8, #6cc3f5)" },
  whatsapp: { name: "WhatsApp", icon: IconBrandWhatsapp, color: "light-dark(#0f7b45, #4fd68b)" },
  slack: { name: "Slack", icon: IconBrandSlack, color: "light-dark(#611f69, #d59bdd)" },
};

/** A platform's mark, with its name beside it or for screen readers alone. */
export function Platform({ platform, name = false, size = 16 }: { platform: PlatformName | ChatName; name?: boolean | string; size?: number }) {
  const { name: known, icon: Icon, color } = platforms[platform];
  if (name === false) return <Icon size={size} color={color} role="img" aria-label={known} style={{ flex: "none" }} />;
  return (
    <Group gap={6} wrap="nowrap" component="span" style={{ display: "inline-flex", minWidth: 0 }}>
      <Icon size={size} color={color} aria-hidden={name === true} role={name === true ? undefined : "img"} aria-label={name === true ? undefined : known} style={{ flex: "none" }} />
      <Text span inherit truncate lh="var(--mantine-line-height)">
        {name === true ? known : name}
      </Text>
    </Group>
  );
}
