import { Alert, Anchor, Button, Code, Collapse, CopyButton, Group, List, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { FanfareError } from "../api";
import { inWords } from "../lib/problem";

/** Says what went wrong and what to do; the technical detail unfolds under it. */
export function Problem({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const { t } = useTranslation();
  const [open, { toggle }] = useDisclosure();
  const { text, places } = inWords(error, t);
  const problem = error instanceof FanfareError ? error : undefined;
  const detail = problem === undefined ? String(error) : JSON.stringify({ status: problem.status, type: problem.type, request_id: problem.requestId, errors: problem.errors }, null, 2);
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={title ?? t("problem.title")} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{text}</Text>
        {places.length > 0 && (
          <List size="sm">
            {places.map((place, index) => (
              <List.Item key={index}>{place}</List.Item>
            ))}
          </List>
        )}
        <Group gap="sm">
          {retry !== undefined && (
            <Button size="xs" variant="default" onClick={retry}>
              {t("retry")}
            </Button>
          )}
          <Anchor component="button" type="button" size="sm" onClick={toggle} aria-expanded={open}>
            {t("problem.detail")}
          </Anchor>
        </Group>
        <Collapse expanded={open} w="100%">
          <Code block>{detail}</Code>
          <CopyButton value={detail}>
            {({ copied, copy }) => (
              <Button mt="xs" size="xs" variant="default" onClick={copy}>
                {copied ? t("copied") : t("copy")}
              </Button>
            )}
          </CopyButton>
        </Collapse>
      </Stack>
    </Alert>
  );
}
