import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconArrowsSplit2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type ChangeEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FanfareError, changed } from "../../api";
import { Facts } from "../../components/Facts";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { tell } from "../../lib/act";
import { useCustomerId } from "../../shell/customer";

type Value = string | boolean | string[];
type TextsOf<T> = { [K in keyof T]: T[K] extends string ? K : never }[keyof T] & string;

export interface FormOf<T> {
  value: T;
  set: <K extends keyof T>(name: K, next: T[K]) => void;
  replace: (next: T) => void;
  /** What a field for a text takes. */
  text: (name: TextsOf<T>) => { value: string; onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void };
}

/** What somebody types into a form. */
export function useForm<T extends object>(initial: T): FormOf<T> {
  const [value, replace] = useState(initial);
  const set = <K extends keyof T>(name: K, next: T[K]) => replace((before) => ({ ...before, [name]: next }));
  const text = (name: TextsOf<T>) => ({
    value: value[name] as string,
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => set(name, event.currentTarget.value as T[TextsOf<T>]),
  });
  return { value, set, replace, text };
}

/** A form with one button, which does it, and what went wrong above that. */
export function Form({ submit, label, error, busy = false, disabled = false, children }: { submit: () => void; label: string; error?: unknown; busy?: boolean; disabled?: boolean; children: ReactNode }) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack>
        {children}
        {error !== undefined && error !== null && <Problem error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={disabled}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface EditProps<T extends { etag: string }, V extends Record<string, Value>> {
  id: string;
  /** Fetches it, with its version. */
  load: () => Promise<T>;
  /** What can be changed of it. */
  values: (record: T) => V;
  /** What each field is called. */
  words: Record<keyof V, string>;
  /** Changes it, if it still is of that version. */
  save: (changes: Partial<V>, etag: string) => Promise<unknown>;
  done?: () => void;
  children: (form: FormOf<V>) => ReactNode;
}

/** A form that changes what is there. If somebody else has changed it meanwhile, both versions are shown, and nothing typed is lost. */
export function EditForm<T extends { etag: string }, V extends Record<string, Value>>(props: EditProps<T, V>) {
  const [seen, setSeen] = useState<T>();
  const record = useQuery({ queryKey: ["edit", props.id], queryFn: props.load, gcTime: 0, enabled: seen === undefined });
  if (record.isError) return <Problem error={record.error} retry={() => void record.refetch()} />;
  const now = seen ?? record.data;
  return now === undefined ? <Skeletons rows={3} /> : <Editing {...props} seen={now} setSeen={setSeen} />;
}

function Editing<T extends { etag: string }, V extends Record<string, Value>>({ load, values, words, save, done, children, seen, setSeen }: EditProps<T, V> & { seen: T; setSeen: (seen: T) => void }) {
  const { t } = useTranslation("members");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm(values(seen));
  const [theirs, setTheirs] = useState<T>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const send = async (before: T) => {
    const base = values(before);
    const changes = Object.fromEntries(Object.entries(form.value).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(base[name]))) as Partial<V>;
    if (Object.keys(changes).length === 0) return done?.();
    setBusy(true);
    setError(undefined);
    try {
      await save(changes, before.etag);
      setTheirs(undefined);
      setSeen(await load());
      tell(common("saved"));
      await changed(customerId);
      done?.();
    } catch (problem) {
      if (problem instanceof FanfareError && problem.status === 412) await load().then(setTheirs, setError);
      else setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const differing = theirs === undefined ? [] : Object.keys(words).filter((name) => JSON.stringify(values(theirs)[name]) !== JSON.stringify(form.value[name]));
  const shown = (value: Value | undefined) => (Array.isArray(value) ? value.join(", ") : String(value ?? ""));
  return (
    <Form label={common("save")} busy={busy} disabled={theirs !== undefined} error={error} submit={() => void send(seen)}>
      {children(form)}
      {theirs !== undefined && (
        <Alert color="orange" role="alert" icon={<IconArrowsSplit2 aria-hidden />} title={t("conflict.title")}>
          <Stack gap="xs">
            <Text size="sm">{t("conflict.text")}</Text>
            {differing.map((name) => (
              <Facts
                key={name}
                facts={[
                  [`${words[name]}: ${t("conflict.theirs")}`, shown(values(theirs)[name])],
                  [`${words[name]}: ${t("conflict.mine")}`, shown(form.value[name])],
                ]}
              />
            ))}
            <Group gap="xs">
              <Button size="xs" onClick={() => void send(theirs)}>
                {t("conflict.keepMine")}
              </Button>
              <Button
                size="xs"
                variant="default"
                onClick={() => {
                  form.replace(values(theirs));
                  setSeen(theirs);
                  setTheirs(undefined);
                }}
              >
                {t("conflict.takeTheirs")}
              </Button>
            </Group>
          </Stack>
        </Alert>
      )}
    </Form>
  );
}
