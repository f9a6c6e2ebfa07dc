import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import i18n from "i18next";
import { useTranslation } from "react-i18next";
import { changed, FanfareError } from "../api";
import { inWords } from "./problem";

/** Says in a corner what was done, with a way to undo it where there is one. */
export function tell(text: string, undo?: { label: string; act: () => Promise<unknown> }) {
  const id = crypto.randomUUID();
  notifications.show({
    id,
    closeButtonProps: { "aria-label": i18n.t("close") },
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{text}</Text>
        {undo !== undefined && (
          <Button
            size="compact-sm"
            variant="light"
            onClick={() => {
              notifications.hide(id);
              undo.act().catch(complain);
            }}
          >
            {undo.label}
          </Button>
        )}
      </Group>
    ),
    autoClose: undo === undefined ? 4000 : 10_000,
  });
}

/** Says in a corner what went wrong with something that was done in passing. */
export function complain(error: unknown) {
  const { text, places } = inWords(error, i18n.t);
  const message = error instanceof FanfareError ? [text, ...places].join("\n") : error instanceof Error ? error.message : String(error);
  notifications.show({ closeButtonProps: { "aria-label": i18n.t("close") }, color: "red", title: i18n.t("problem.title"), message, style: { whiteSpace: "pre-line" }, autoClose: 12_000 });
}

/**
 * Does something in a customer, then fetches again what is shown of it. `done` says what was done; `undo` takes it back.
 * What goes wrong is shown by whoever looks at `error`; without `quiet`, in a corner as well.
 */
export function useAct<In, Out>(customerId: string, act: (input: In) => Promise<Out>, options: { done?: (out: Out, input: In) => string | undefined; undo?: (out: Out, input: In) => Promise<unknown>; quiet?: boolean } = {}) {
  const { t } = useTranslation();
  return useMutation({
    mutationFn: act,
    onSuccess: async (out, input) => {
      const text = options.done?.(out, input);
      const { undo } = options;
      if (text !== undefined)
        tell(
          text,
          undo && {
            label: t("undo"),
            act: async () => {
              await undo(out, input);
              await changed(customerId);
            },
          },
        );
      await changed(customerId);
    },
    onError: (error) => {
      if (options.quiet !== true) complain(error);
    },
  });
}
