import { Button, Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ChangeEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Conflict } from "../../components/Conflict";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { tell } from "../../lib/act";
import { useVersions, type Values } from "../../lib/versions";

type TextsOf<T> = { [K in keyof T]: T[K] extends string ? K : never }[keyof T] & string;

interface FieldsOf<T> {
  value: T;
  set: <K extends keyof T & string>(name: K, next: T[K]) => void;
  /** What a field for a text takes. */
  text: (name: TextsOf<T>) => { value: string; onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void };
}

function fieldsOf<T>(value: T, set: FieldsOf<T>["set"]): FieldsOf<T> {
  const text = (name: TextsOf<T>) => ({
    value: value[name] as string,
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => set(name, event.currentTarget.value as T[TextsOf<T>]),
  });
  return { value, set, text };
}

/** What somebody types into a form. */
export function useForm<T extends object>(initial: T): FieldsOf<T> & { replace: (next: T) => void } {
  const [value, replace] = useState(initial);
  return { ...fieldsOf(value, (name, next) => replace((before) => ({ ...before, [name]: next }))), replace };
}

/** A form with a button that does it, and what went wrong above that; with `discard`, a second one forgets what was typed. */
export function Form({ submit, label, error, busy = false, disabled = false, discard, children }: { submit: () => void; label: string; error?: unknown; busy?: boolean; disabled?: boolean; discard?: (() => void) | undefined; children: ReactNode }) {
  const { t: common } = useTranslation();
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
        <Group justify="flex-end" gap="xs">
          {discard !== undefined && (
            <Button variant="default" onClick={discard}>
              {common("discard")}
            </Button>
          )}
          <Button type="submit" loading={busy} disabled={disabled}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface EditProps<T extends { etag: string }, V extends Values<V>> {
  id: string;
  /** Fetches it, with its version. */
  load: () => Promise<T>;
  /** What can be changed of it. */
  values: (record: T) => V;
  /** What each field is called. */
  words: Record<keyof V & string, string>;
  /** Changes it, if it still is of that version. */
  save: (changes: Partial<V>, etag: string) => Promise<unknown>;
  done?: () => void;
  children: (form: FieldsOf<V>) => ReactNode;
}

/** A form that changes what is there. What is typed is kept in this browser; if somebody else has changed it meanwhile, both versions are shown. */
export function EditForm<T extends { etag: string }, V extends Values<V>>(props: EditProps<T, V>) {
  const record = useQuery({ queryKey: ["edit", props.id], queryFn: props.load, gcTime: 0, staleTime: Infinity, refetchOnWindowFocus: false });
  if (record.isError) return <Problem error={record.error} retry={() => void record.refetch()} />;
  return record.data === undefined ? <Skeletons rows={3} /> : <Editing key={props.id} {...props} seen={record.data} />;
}

function Editing<T extends { etag: string }, V extends Values<V>>({ id, load, values, words, save, done, children, seen }: EditProps<T, V> & { seen: T }) {
  const { t: common } = useTranslation();
  const seenOf = (record: T) => ({ values: values(record), etag: record.etag });
  const edit = useVersions<V>({
    draftKey: id,
    seen: seenOf(seen),
    load: async () => seenOf(await load()),
    save: async (changes, etag) => {
      await save(changes, etag);
      return seenOf(await load());
    },
  });
  const saved = () => {
    tell(common("saved"));
    done?.();
  };
  const submit = async () => {
    if (!edit.dirty) done?.();
    else if (await edit.save()) saved();
  };
  return (
    <Form label={common("save")} busy={edit.busy} disabled={edit.current !== undefined} error={edit.error} submit={() => void submit()} discard={edit.dirty ? edit.discard : undefined}>
      {children(fieldsOf(edit.values, edit.set))}
      <Conflict edit={edit} labels={words} onSaved={saved} />
    </Form>
  );
}
