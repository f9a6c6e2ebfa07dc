import { Chip, Group, List, NumberInput, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatTime, zoneName } from "../../lib/time";
import { isTime, nthOf, upcoming, weekdayOf, weekdays, type Rule, type Weekday } from "./recurrence";
import { TimeField } from "./TimeField";

/** What a day of the week is called; 2024-01-01 was a Monday. */
function weekdayName(day: Weekday, language: string, weekday: "short" | "long" = "short"): string {
  return new Intl.DateTimeFormat(language, { weekday, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + weekdays.indexOf(day))));
}

/** A rule of when a post goes out again, with its next times. */
export function RuleField({ zone, rule, onChange }: { zone: string; rule: Rule; onChange: (rule: Rule) => void }) {
  const { t, i18n } = useTranslation("composer");
  const set = (change: Partial<Rule>) => onChange({ ...rule, ...change });
  const valid = isTime(rule.start);
  const next = upcoming(rule, zone);
  const setStart = (start: string) => {
    if (!isTime(start)) return set({ start });
    const follows = valid && rule.days.length === 1 && rule.days[0] === weekdayOf(rule.start);
    set({ start, nth: nthOf(start), ...(follows ? { days: [weekdayOf(start)] } : {}), ...(rule.until < start.slice(0, 10) ? { until: start.slice(0, 10) } : {}) });
  };
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="sm">
        <Select
          label={t("rule.frequency")}
          data={(["DAILY", "WEEKLY", "MONTHLY"] as const).map((value) => ({ value, label: t(`rule.${value}`) }))}
          value={rule.frequency}
          onChange={(value) => set({ frequency: value === "DAILY" || value === "MONTHLY" ? value : "WEEKLY" })}
          allowDeselect={false}
          w={160}
        />
        <NumberInput label={t(`rule.every.${rule.frequency}`)} min={1} max={99} allowDecimal={false} w={160} value={rule.interval} onChange={(value) => set({ interval: Math.min(99, Math.max(1, Number(value) || 1)) })} />
      </Group>
      {rule.frequency === "WEEKLY" && (
        <Stack gap={4} role="group" aria-label={t("rule.days")}>
          <Text size="sm" fw={500}>
            {t("rule.days")}
          </Text>
          <Chip.Group multiple value={rule.days} onChange={(days: string[]) => set({ days: weekdays.filter((day) => days.includes(day)) })}>
            <Group gap={4}>
              {weekdays.map((day) => (
                <Chip key={day} value={day} size="sm">
                  {weekdayName(day, i18n.language)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        </Stack>
      )}
      {rule.frequency === "MONTHLY" && valid && (
        <Radio.Group label={t("rule.monthly")} value={rule.monthly} onChange={(value) => set({ monthly: value === "weekday" ? "weekday" : "day" })}>
          <Stack gap={4} mt={4}>
            <Radio value="day" label={t("rule.onDay", { day: Number(rule.start.slice(8, 10)) })} />
            <Radio value="weekday" label={t(rule.nth === -1 ? "rule.onLast" : "rule.onNth", { nth: rule.nth, day: weekdayName(weekdayOf(rule.start), i18n.language, "long") })} />
          </Stack>
        </Radio.Group>
      )}
      <TimeField label={t("rule.start")} zone={zone} value={rule.start} onChange={setStart} second={false} setSecond={() => undefined} future={false} />
      <Radio.Group label={t("rule.end")} value={rule.end} onChange={(value) => set({ end: value === "until" || value === "count" ? value : "never" })}>
        <Group mt={4}>
          <Radio value="never" label={t("rule.never")} />
          <Radio value="until" label={t("rule.until")} />
          <Radio value="count" label={t("rule.count")} />
        </Group>
      </Radio.Group>
      {rule.end === "until" && <TextInput type="date" label={t("rule.untilDay")} w={180} min={rule.start.slice(0, 10)} value={rule.until} onChange={(event) => set({ until: event.currentTarget.value })} />}
      {rule.end === "count" && <NumberInput label={t("rule.times")} w={160} min={1} max={999} allowDecimal={false} value={rule.count} onChange={(value) => set({ count: Math.min(999, Math.max(1, Number(value) || 1)) })} />}
      <Stack gap={2} aria-live="polite">
        <Text size="sm" fw={500}>
          {t("rule.next")}
        </Text>
        {next.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t("rule.noNext")}
          </Text>
        ) : (
          <List size="sm">
            {next.map((at) => (
              <List.Item key={at}>
                {formatTime(at, zone, { dateStyle: "full", timeStyle: "short" })} {zoneName(zone, new Date(at))}
              </List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Stack>
  );
}
