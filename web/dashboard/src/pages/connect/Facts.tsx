import { Badge } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Facts.module.css";

/** What is known of something: names and values. What is undefined is left out. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className={classes.facts}>
      {items
        .filter(([, value]) => value !== undefined && value !== null && value !== "")
        .flatMap(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}.`}>{value}</dd>])}
    </dl>
  );
}

/** How something is: a word, an icon and a colour. */
export function Mark({ color, icon: Icon, children }: { color: string; icon: Icon; children: ReactNode }) {
  return (
    <Badge variant="light" color={color} leftSection={<Icon size={12} aria-hidden />} tt="none" fw={500}>
      {children}
    </Badge>
  );
}
