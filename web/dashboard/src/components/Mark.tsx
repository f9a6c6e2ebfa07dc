import { Badge, type BadgeProps } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** How something is: a word, an icon and a colour. */
export function Mark({ color, icon: Icon, children, ...badge }: { color: string; icon: Icon; children: ReactNode } & BadgeProps) {
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none" fw={500} {...badge}>
      {children}
    </Badge>
  );
}
