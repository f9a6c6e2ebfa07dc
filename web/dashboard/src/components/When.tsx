import { Text, Tooltip, type TextProps } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useTick } from "../lib/tick";
import { formatTime, relativeTime, viewerZone, zoneName } from "../lib/time";
import { useCustomer } from "../shell/customer";

/** How long ago or from now a time is, which goes on as time does. */
function Ago({ at }: { at: string }) {
  return useTick(() => relativeTime(at));
}

/** A time by the customer's clocks; the exact one, and the viewer's own, on hover. */
export function When({ at, relative = false, date = false, ...text }: { at: string; relative?: boolean; date?: boolean } & TextProps) {
  const { t } = useTranslation();
  const zone = useCustomer()?.time_zone ?? viewerZone;
  const exact = `${formatTime(at, zone)} ${zoneName(zone, new Date(at))}`;
  const own = zone === viewerZone ? "" : `\n${t("time.yours", { time: `${formatTime(at, viewerZone)} ${zoneName(viewerZone, new Date(at))}` })}`;
  const shown = relative ? <Ago at={at} /> : formatTime(at, zone, date ? { dateStyle: "medium" } : undefined);
  return (
    <Tooltip label={<span style={{ whiteSpace: "pre-line" }}>{exact + own}</span>}>
      <Text component="time" dateTime={at} span inherit style={{ fontVariantNumeric: "tabular-nums" }} {...text}>
        {shown}
      </Text>
    </Tooltip>
  );
}
