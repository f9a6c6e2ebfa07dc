import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconListDetails } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { apiUrl, data, fanfare } from "../../api";
import { Problem } from "../../components/Problem";
import { Reason } from "../../components/Reason";

/** Opens River UI, where the queue of jobs can be looked at. It says why first, as everything that is looked at there is written down. */
export function River() {
  const { t } = useTranslation("installation");
  const { t: common } = useTranslation();
  const [opened, { open, close }] = useDisclosure();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await data(fanfare.POST("/v1/river-session"));
      window.location.assign(`${apiUrl}/river/`);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" leftSection={<IconListDetails size={16} aria-hidden />} onClick={open}>
        {t("river.open")}
      </Button>
      <Modal opened={opened} onClose={close} title={t("river.open")} closeButtonProps={{ "aria-label": common("close") }}>
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Text size="sm">{t("river.text")}</Text>
            <Reason looking />
            {error !== undefined && <Problem error={error} />}
            <Group justify="flex-end">
              <Button type="submit" loading={busy}>
                {t("river.open")}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
