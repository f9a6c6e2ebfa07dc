import { ActionIcon, Anchor, Button, Group, Paper, Select, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconCalendarTime, IconPlus, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { State } from "../../components/State";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useCustomer, useCustomerId, useMay } from "../../shell/customer";
import { useForm } from "../connect/form";

type Slot = Schemas["QueueSlot"];
type Weekday = Slot["weekday"];
const weekdays: readonly Weekday[] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** The times of a week at which posts of the queue go out, and what goes out next. */
export function Slots() {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const may = useMay("member");
  const path = { customer_id: customerId };
  const slots = useQuery({ queryKey: [...customerKey(customerId), "queue-slots"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/queue-slots", { params: { path } })) });
  const make = (slot: { weekday: Weekday; local_time: string }) => data(fanfare.POST("/v1/customers/{customer_id}/queue-slots", { params: { path }, body: { weekday: slot.weekday, local_time: slot.local_time } }));
  const take = (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/queue-slots/{queue_slot_id}", { params: { path: { ...path, queue_slot_id: id } } }));
  const add = useAct(customerId, make, { done: (slot) => t("slots.added", { day: t(`slots.days.${slot.weekday}`), time: slot.local_time }), undo: (slot) => take(slot.id) });
  const remove = useAct(customerId, (slot: Slot) => take(slot.id), { done: () => t("slots.removed"), undo: (_, slot) => make(slot) });
  const form = useForm<{ weekday: Weekday; local_time: string }>({ weekday: "monday", local_time: "09:00" });
  if (slots.isError) return <Problem error={slots.error} retry={() => void slots.refetch()} />;
  if (slots.data === undefined) return <Skeletons />;
  const { items } = slots.data;
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed" maw={640}>
        {t("slots.text", { zone: customer?.time_zone ?? "" })}
      </Text>
      {may && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(form.value);
          }}
        >
          <Group align="flex-end" gap="sm">
            <Select label={t("slots.day")} w={160} data={weekdays.map((day) => ({ value: day, label: t(`slots.days.${day}`) }))} value={form.value.weekday} allowDeselect={false} onChange={(day) => day !== null && form.set("weekday", day)} />
            <TextInput label={t("slots.time")} type="time" required w={120} {...form.text("local_time")} />
            <Button type="submit" loading={add.isPending} leftSection={<IconPlus size={16} aria-hidden />}>
              {t("slots.add")}
            </Button>
          </Group>
        </form>
      )}
      {items.length === 0 ? (
        <Empty icon={IconCalendarTime} title={t("slots.empty.title")} text={t("slots.empty.text")} />
      ) : (
        <SimpleGrid cols={{ base: 1, xs: 2, sm: 4, md: 7 }} spacing="xs">
          {weekdays.map((day) => (
            <Paper key={day} withBorder p="xs" radius="md" component="section" aria-label={t(`slots.days.${day}`)}>
              <Text size="xs" c="dimmed" fw={600} mb={4}>
                {t(`slots.days.${day}`)}
              </Text>
              <Stack gap={4}>
                {items
                  .filter((slot) => slot.weekday === day)
                  .map((slot) => (
                    <Group key={slot.id} justify="space-between" gap={4} wrap="nowrap">
                      <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
                        {slot.local_time}
                      </Text>
                      {may && (
                        <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("slots.remove", { day: t(`slots.days.${day}`), time: slot.local_time })} onClick={() => remove.mutate(slot)}>
                          <IconX size={14} aria-hidden />
                        </ActionIcon>
                      )}
                    </Group>
                  ))}
              </Stack>
            </Paper>
          ))}
        </SimpleGrid>
      )}
      {items.length > 0 && <Upcoming />}
    </Stack>
  );
}

function Upcoming() {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const upcoming = useQuery({ queryKey: [...customerKey(customerId), "upcoming-slots"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/queue-slots/upcoming", { params: { path: { customer_id: customerId }, query: { limit: 10 } } })) });
  if (upcoming.isError) return <Problem error={upcoming.error} retry={() => void upcoming.refetch()} />;
  if (upcoming.data === undefined) return <Skeletons rows={3} height={32} />;
  return (
    <Stack gap="xs" component="section" aria-label={t("slots.next")}>
      <Title order={2}>{t("slots.next")}</Title>
      {upcoming.data.items.map((slot) => (
        <Group key={slot.at} gap="sm">
          <When at={slot.at} size="sm" miw={180} />
          {slot.free ? (
            <Text size="sm" c="dimmed">
              {t("slots.free")}
            </Text>
          ) : slot.post_id === null ? (
            <Text size="sm">{t("slots.taken")}</Text>
          ) : (
            <Anchor size="sm" underline="always" renderRoot={(props) => <Link {...props} to="/customers/$customerId/posts/$postId" params={{ customerId, postId: slot.post_id ?? "" }} />}>
              {slot.post_title ?? t("slots.untitled")}
            </Anchor>
          )}
          {slot.post_state !== null && <State state={slot.post_state} />}
          {slot.shift !== null && (
            <Text size="xs" c="dimmed">
              {t(`slots.shift.${slot.shift}`)}
            </Text>
          )}
        </Group>
      ))}
    </Stack>
  );
}
