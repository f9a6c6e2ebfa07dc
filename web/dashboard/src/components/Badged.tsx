import { IconAlertCircle, IconArchive, IconBan, IconCheck, IconCircleDashed, IconClock, IconLoader, IconX } from "@tabler/icons-react";
import { Mark } from "./Mark";

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
  const { color, icon } = looks[look];
  return (
    <Mark color={color} icon={icon}>
      {word}
    </Mark>
  );
}
