import { Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** What stands where there is nothing yet: what would be here, why one would want it, and the next step. */
export function Empty({ icon: Icon, title, text, action }: { icon: Icon; title: string; text: string; action?: ReactNode }) {
  return (
    <Paper withBorder p="xl" radius="md">
      <Stack align="center" gap="sm" maw={460} mx="auto" ta="center">
        <ThemeIcon variant="light" size={44} radius="xl" aria-hidden>
          <Icon size={22} />
        </ThemeIcon>
        <Title order={2}>{title}</Title>
        <Text c="dimmed" size="sm">
          {text}
        </Text>
        {action}
      </Stack>
    </Paper>
  );
}
