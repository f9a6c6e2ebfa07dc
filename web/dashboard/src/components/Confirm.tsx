import { Button, Group, Modal, Stack, Text, TextInput, type ButtonProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "./Problem";

/**
 * A button for what cannot be undone: it says what will happen, and asks. `type` has a word typed first, for what is worst.
 * What can be undone is done at once, and offers to undo it: see `useAct`.
 */
export function Confirm({
  title,
  text,
  confirm,
  act,
  word,
  danger = true,
  children,
  ...button
}: {
  title: string;
  text: ReactNode;
  /** What the button that does it says. */
  confirm: string;
  act: () => Promise<unknown>;
  word?: string;
  danger?: boolean;
  children: ReactNode;
  id?: string;
} & ButtonProps) {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {children}
      </Button>
      <Modal opened={opened} onClose={close} title={title} attributes={{ header: { role: "presentation" } }} closeButtonProps={{ "aria-label": t("close") }} styles={{ title: { fontWeight: 600 } }}>
        <Stack>
          <Text size="sm" component="div">
            {text}
          </Text>
          {word !== undefined && <TextInput label={t("confirm.type", { word })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} data-autofocus autoComplete="off" />}
          {error !== undefined && <Problem error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("cancel")}
            </Button>
            <Button color={danger ? "red" : undefined} loading={busy} disabled={word !== undefined && typed !== word} onClick={() => void run()}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
