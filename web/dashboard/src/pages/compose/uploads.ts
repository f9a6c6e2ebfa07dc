import { useState } from "react";
import { queryClient } from "../../api";
import { mediaKey } from "../../components/MediaThumb";
import { upload } from "./media";

export interface Upload {
  id: string;
  name: string;
  part: number;
  error?: unknown;
  again: () => void;
  stop: () => void;
}

/** Files on their way to the server, each with how far it is. What fails stays in the list until it is tried again or put aside. */
export function useUploads(customerId: string, arrived: (mediaId: string) => void) {
  const [list, setList] = useState<Upload[]>([]);
  function send(file: File, id: string) {
    const stop = new AbortController();
    const without = () => setList((before) => before.filter((one) => one.id !== id));
    const change = (next: Partial<Upload>) => setList((before) => before.map((one) => (one.id === id ? { ...one, ...next } : one)));
    const entry: Upload = {
      id,
      name: file.name,
      part: 0,
      again: () => send(file, id),
      stop: () => {
        stop.abort();
        without();
      },
    };
    setList((before) => [...before.filter((one) => one.id !== id), entry]);
    upload(customerId, file, (part) => change({ part }), stop.signal).then(
      (media) => {
        queryClient.setQueryData(mediaKey(customerId, media.id), media);
        without();
        arrived(media.id);
      },
      (error: unknown) => change({ error }),
    );
  }
  return { list, add: (files: File[]) => files.forEach((file) => send(file, crypto.randomUUID())) };
}

export type Uploads = ReturnType<typeof useUploads>;
