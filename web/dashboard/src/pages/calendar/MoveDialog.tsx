import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../components/Problem";
import type { CalendarPost } from "./data";
import { today, timeOf } from "./days";

/** Gives a post another day and time, where it is not dragged. */
export function MoveDialog({ post, zone, move, onClose }: { post: CalendarPost | undefined; zone: string; move: (post: CalendarPost, day: string, time: string) => Promise<unknown>; onClose: () => void }) {
  const { t } = useTranslation("calendar");
  const { t: common } = useTranslation();
  return (
    <Modal opened={post !== undefined} onClose={onClose} title={t("move.title")} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      {post !== undefined && <MoveForm post={post} zone={zone} move={move} onClose={onClose} />}
    </Modal>
  );
}

function MoveForm({ post, zone, move, onClose }: { post: CalendarPost; zone: string; move: (post: CalendarPost, day: string, time: string) => Promise<unknown>; onClose: () => void }) {
  const { t } = useTranslation("calendar");
  const { t: common } = useTranslation();
  const [day, setDay] = useState(post.scheduled_local.slice(0, 10));
  const [time, setTime] = useState(timeOf(post.scheduled_local));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await move(post, day, time);
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {post.state === "pending_approval" && <Text size="sm">{t("move.pending")}</Text>}
        {post.state === "approved" && <Text size="sm">{t("move.approved")}</Text>}
        <Group grow align="flex-start">
          <TextInput type="date" label={t("move.date")} required min={today(zone)} value={day} onChange={(event) => setDay(event.currentTarget.value)} data-autofocus />
          <TextInput type="time" label={t("move.time")} required value={time} onChange={(event) => setTime(event.currentTarget.value)} />
        </Group>
        <Text size="xs" c="dimmed">
          {t("move.zone", { zone })} {post.slot_at !== null && t("post.slot")}
        </Text>
        {error !== undefined && <Problem error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("move.button")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
