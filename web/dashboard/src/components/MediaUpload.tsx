import { Box, Button, CloseButton, Group, Paper, Progress, Stack, Text, VisuallyHidden } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useCallback, useEffect, useRef, useState, type DragEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, queryClient } from "../api";
import { complain } from "../lib/act";
import { formatBytes } from "../lib/time";
import { ACCEPTED, largest, uploadMedia } from "../lib/upload";
import { useCustomerId } from "../shell/customer";
import { mediaKey, type Media } from "./MediaThumb";
import classes from "./MediaUpload.module.css";
import { Problem } from "./Problem";

interface Upload {
  key: string;
  file: File;
  part: number;
  error?: unknown;
  stop: AbortController;
}

/** How many files are sent at once. */
const AT_ONCE = 2;

/** The files that are being sent to the library. They still are once nobody looks any more; what fails then is said in a corner. */
export function useUploads(onDone: (media: Media) => void) {
  const customerId = useCustomerId();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const waiting = useRef<Upload[]>([]);
  const running = useRef(0);
  const done = useRef(onDone);
  useEffect(() => {
    done.current = onDone;
  });
  const seen = useRef(true);
  useEffect(() => {
    seen.current = true;
    return () => {
      seen.current = false;
    };
  }, []);
  const change = useCallback((key: string, next: Partial<Upload> | null) => setUploads((before) => before.flatMap((upload) => (upload.key !== key ? [upload] : next === null ? [] : [{ ...upload, ...next }]))), []);
  const run = useCallback(() => {
    const next = () => {
      const upload = waiting.current.shift();
      if (upload === undefined) return;
      if (upload.stop.signal.aborted) return next();
      running.current++;
      void uploadMedia(customerId, upload.file, { key: upload.key, signal: upload.stop.signal, onProgress: (part) => change(upload.key, { part }) })
        .then(async (media) => {
          change(upload.key, null);
          queryClient.setQueryData(mediaKey(customerId, media.id), media);
          done.current(media);
          await changed(customerId);
        })
        .catch((error: unknown) => {
          if (upload.stop.signal.aborted) return;
          change(upload.key, { error });
          if (!seen.current) complain(error);
        })
        .finally(() => {
          running.current--;
          next();
        });
    };
    while (running.current < AT_ONCE && waiting.current.length > 0) next();
  }, [customerId, change]);
  const begin = useCallback(
    (begun: Upload[]) => {
      waiting.current.push(...begun);
      run();
    },
    [run],
  );
  const add = useCallback(
    (files: Iterable<File>) => {
      const begun = Array.from(files, (file): Upload => ({ key: crypto.randomUUID(), file, part: 0, stop: new AbortController() }));
      setUploads((before) => [...before, ...begun]);
      begin(begun.filter((upload) => upload.file.size <= largest(upload.file)));
    },
    [begin],
  );
  const remove = (upload: Upload) => {
    upload.stop.abort(new Error("not wanted any more"));
    change(upload.key, null);
  };
  const again = (upload: Upload) => {
    const next = { ...upload, part: 0, error: undefined, stop: new AbortController() };
    change(upload.key, next);
    begin([next]);
  };
  return { uploads, add, remove, again };
}

export type Uploads = ReturnType<typeof useUploads>;

/** The files of a paste or a drop. */
function filesOf(transfer: DataTransfer | null): File[] {
  return transfer === null ? [] : Array.from(transfer.files);
}

/** Where files are dropped, chosen or pasted to be sent to the library, and how far they are. */
export function MediaUpload({ onDone, compact = false }: { onDone: (media: Media) => void; compact?: boolean }) {
  const { t } = useTranslation("media");
  const sending = useUploads(onDone);
  const { add } = sending;
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = filesOf(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      add(files);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [add]);
  const drag = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(true);
  };
  return (
    <Stack gap="xs">
      <Box
        className={classes.zone}
        data-over={over || undefined}
        p={compact ? "sm" : "lg"}
        onDragEnter={drag}
        onDragOver={drag}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          add(filesOf(event.dataTransfer));
        }}
      >
        <Group gap="sm" justify="center">
          <Button variant="light" leftSection={<IconUpload size={16} aria-hidden />} onClick={() => input.current?.click()}>
            {t("upload.choose")}
          </Button>
          <Text size="sm" c="dimmed">
            {t("upload.hint")}
          </Text>
        </Group>
        {!compact && (
          <Text size="xs" c="dimmed" ta="center" mt="xs">
            {t("upload.limits")}
          </Text>
        )}
        <VisuallyHidden>
          <input
            ref={input}
            type="file"
            multiple
            accept={ACCEPTED}
            tabIndex={-1}
            aria-label={t("upload.choose")}
            onChange={(event) => {
              add(Array.from(event.currentTarget.files ?? []));
              event.currentTarget.value = "";
            }}
          />
        </VisuallyHidden>
      </Box>
      <Sent {...sending} />
    </Stack>
  );
}

/** How far files are that are being sent, and what went wrong. */
export function Sent({ uploads, remove, again }: Uploads) {
  return uploads.map((upload) => <Sending key={upload.key} upload={upload} remove={() => remove(upload)} again={() => again(upload)} />);
}

function Sending({ upload, remove, again }: { upload: Upload; remove: () => void; again: () => void }) {
  const { t } = useTranslation("media");
  const { file, part } = upload;
  const tooLarge = file.size > largest(file);
  const percent = Math.round(part * 100);
  return (
    <Paper withBorder p="sm">
      <Stack gap="xs">
        <Group wrap="nowrap" justify="space-between" gap="sm">
          <Text size="sm" truncate>
            {file.name}
          </Text>
          <Group wrap="nowrap" gap="xs">
            <Text size="xs" c="dimmed" style={{ fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" }}>
              {upload.error === undefined && !tooLarge ? (part === 1 ? t("upload.checking") : `${percent} % · ${formatBytes(file.size)}`) : formatBytes(file.size)}
            </Text>
            <CloseButton size="sm" aria-label={t("upload.cancel", { name: file.name })} onClick={remove} />
          </Group>
        </Group>
        {tooLarge ? (
          <Text size="sm" c="red" role="alert">
            {t("upload.tooLarge", { most: formatBytes(largest(file)) })}
          </Text>
        ) : upload.error === undefined ? (
          <Progress value={percent} size="sm" aria-label={t("upload.progress", { name: file.name })} animated={part === 1} />
        ) : (
          <Problem error={upload.error} retry={again} title={t("upload.failed", { name: file.name })} />
        )}
      </Stack>
    </Paper>
  );
}
