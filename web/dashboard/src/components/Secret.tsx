import { Alert, Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** A secret that is shown once. */
export function Secret({ value, text }: { value: string; text?: string }) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" icon={<IconKey aria-hidden />} title={t("secret.title")}>
      <Stack gap="xs">
        <Text size="sm">{text ?? t("secret.text")}</Text>
        <Group gap="xs" wrap="nowrap" align="stretch">
          <Code block style={{ flex: 1, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
            {value}
          </Code>
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <Button variant="default" h="auto" onClick={copy}>
                {copied ? t("copied") : t("copy")}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  );
}
