import type { BadgeProps } from "@mantine/core";
import { IconAlertCircle, IconBan, IconCheck, IconCircleDashed, IconClock, IconHourglass, IconLoader, IconThumbUp, IconX, type Icon } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api";
import { Mark } from "./Mark";

export type PostState = Schemas["Post"]["state"] | Schemas["PlatformPost"]["state"];

const looks: Record<PostState, { color: string; icon: Icon }> = {
  draft: { color: "gray", icon: IconCircleDashed },
  pending_approval: { color: "violet", icon: IconHourglass },
  approved: { color: "violet", icon: IconThumbUp },
  scheduled: { color: "blue", icon: IconClock },
  publishing: { color: "blue", icon: IconLoader },
  published: { color: "green", icon: IconCheck },
  partially_published: { color: "orange", icon: IconAlertCircle },
  needs_attention: { color: "orange", icon: IconAlertCircle },
  failed: { color: "red", icon: IconX },
  cancelled: { color: "gray", icon: IconBan },
};

/** The state of a post or of a platform post: a word, an icon and a colour. */
export function State({ state, ...badge }: { state: PostState } & BadgeProps) {
  const { t } = useTranslation();
  const { color, icon } = looks[state];
  return (
    <Mark color={color} icon={icon} {...badge}>
      {t(`state.${state}`)}
    </Mark>
  );
}

/** The icon of a state alone, with its word for screen readers; `bare`, where the word stands beside it. */
export function StateMark({ state, size = 14, bare = false }: { state: PostState; size?: number; bare?: boolean }) {
  const { t } = useTranslation();
  const { color, icon: Icon } = looks[state];
  return <Icon size={size} role={bare ? undefined : "img"} aria-hidden={bare} aria-label={bare ? undefined : t(`state.${state}`)} color={`var(--mantine-color-${color}-light-color)`} style={{ flex: "none" }} />;
}
