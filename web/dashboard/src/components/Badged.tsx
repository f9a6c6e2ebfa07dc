import { Badge } from "@mantine/core";
import { IconAlertCircle, IconArchive, IconBan, IconCheck, IconCircleDashed, IconClock, IconLoader, IconX } from "@tabler/icons-react";

const looks = {
  idle: { color: "gray", icon: IconCircleDashed },
  waiting: { color: "blue", icon: IconClock },
  running: { color: "blue", icon: IconLoader },
  good: { color: "green", icon: IconCheck },
  attention: { color: "orange", icon: IconAlertCircle },
  failed: { color: "red", icon: IconX },
  off: { color: "gray", icon: IconBan },
  archived: { color: "gray", icon: IconArchive },
} as const;

export type Look = keyof typeof looks;

/** The state of something that is no post: a word, an icon and a colour. */
export function Badged({ look, word }: { look: Look; word: string }) {
  const { color, icon: Icon } = looks[look];
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none" fw={500}>
      {word}
    </Badge>
  );
}
