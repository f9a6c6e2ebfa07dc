import { SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatTime, viewerZone, zoneName } from "../../lib/time";
import { localNow, passed, zoned } from "./zoned";

/** A time by the clocks of a zone, which it names; it says where clocks jump over it or show it twice. */
export function TimeField({ id, label, zone, value, onChange, second, setSecond, future = true }: {
  id?: string;
  label: string;
  zone: string;
  value: string;
  onChange: (local: string) => void;
  /** The second of the two is meant, where clocks show the time twice. */
  second: boolean;
  setSecond: (second: boolean) => void;
  future?: boolean;
}) {
  const { t } = useTranslation("composer");
  const time = zoned(value, zone);
  const at = time === undefined ? undefined : second && time.second !== null ? time.second : time.at;
  const past = future && at !== undefined && passed(value, zone);
  const clock = { dateStyle: "full", timeStyle: "short" } as const;
  return (
    <Stack gap="xs">
      <TextInput
        {...(id === undefined ? {} : { id })}
        type="datetime-local"
        label={label}
        description={t("when.zone", { zone, name: zoneName(zone, at === undefined ? new Date() : new Date(at)) })}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        maw={300}
        error={past ? t("when.past") : undefined}
        {...(future ? { min: localNow(zone) } : {})}
      />
      {at !== undefined && time?.shift === "skipped" && <Text size="sm">{t("when.skipped", { time: formatTime(at, zone, clock) })}</Text>}
      {time?.shift === "repeated" && time.second !== null && (
        <Stack gap={4}>
          <Text size="sm">{t("when.repeated")}</Text>
          <SegmentedControl
            aria-label={t("when.repeated")}
            style={{ alignSelf: "flex-start" }}
            value={second ? "second" : "first"}
            onChange={(which) => setSecond(which === "second")}
            data={[
              { value: "first", label: t("when.first", { name: zoneName(zone, new Date(time.at)) }) },
              { value: "second", label: t("when.second", { name: zoneName(zone, new Date(time.second)) }) },
            ]}
          />
        </Stack>
      )}
      {at !== undefined && zone !== viewerZone && (
        <Text size="sm" c="dimmed">
          {t("when.yours", { time: `${formatTime(at, viewerZone)} ${zoneName(viewerZone, new Date(at))}` })}
        </Text>
      )}
    </Stack>
  );
}
