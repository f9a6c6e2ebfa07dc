import { IconAlertCircle, IconCheck, IconUnlink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api";
import { Mark } from "../../components/Mark";

const looks = { active: ["green", IconCheck], unreachable: ["orange", IconAlertCircle], ended: ["gray", IconUnlink] } as const;

/** Whether a chat is the customer's, and can be reached. */
export function SpaceState({ space }: { space: Schemas["Space"] }) {
  const { t } = useTranslation("spaces");
  const [color, icon] = looks[space.state];
  return (
    <Mark color={color} icon={icon}>
      {t(`states.${space.state}`)}
    </Mark>
  );
}
