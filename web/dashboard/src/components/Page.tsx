import { Box, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

/** A page: one title, what can be done, and below it everything else. */
export function Page({ title, text, actions, children, wide = false }: { title: string; text?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  useDocumentTitle(`${title} – Fanfare`);
  return (
    <Box maw={wide ? undefined : 1120} mx="auto" px={{ base: "md", sm: "lg" }} py="lg">
      <Stack gap="lg">
        <Group justify="space-between" align="flex-start" gap="sm">
          <Box>
            <Title order={1}>{title}</Title>
            {text !== undefined && (
              <Text c="dimmed" size="sm" mt={4} maw={640}>
                {text}
              </Text>
            )}
          </Box>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </Group>
        {children}
      </Stack>
    </Box>
  );
}
