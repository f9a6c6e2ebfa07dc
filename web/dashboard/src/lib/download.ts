/** From how many bytes on a download goes to the disk as it arrives, where the browser can do that. */
const LARGE = 64_000_000;

type Bytes = Uint8Array<ArrayBuffer>;
type Picker = (options: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream<Bytes>> }>;

function picker(): Picker | undefined {
  return (window as unknown as { showSaveFilePicker?: Picker }).showSaveFilePicker?.bind(window);
}

/** Where to write a large file; undefined where the browser has no such thing, or asks for a click first. */
async function pick(name: string): Promise<WritableStream<Bytes> | undefined> {
  try {
    return await (await picker()?.({ suggestedName: name }))?.createWritable();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    return undefined;
  }
}

/** The name of a file that says what it is of whom and of which time, without spaces and signs that file systems refuse. */
export function fileName(ending: string, ...parts: (string | undefined)[]): string {
  const words = parts.map((part) => (part ?? "").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, ""));
  return `${words.filter((word) => word !== "").join("-").toLowerCase()}.${ending}`;
}

function offer(name: string, content: Blob) {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Saves what the API answers (`parseAs: "stream"`) as a file. What is large, or turns out to be, is written to the disk as it arrives, where the browser can.
 * False: whoever sits there thought better of it.
 */
export async function download(name: string, load: () => Promise<{ data?: unknown; response: Response }>, size?: number): Promise<boolean> {
  try {
    const chosen = size !== undefined && size > LARGE ? await pick(name) : undefined;
    const { data, response } = await load();
    const body = data as ReadableStream<Bytes> | null | undefined;
    if (body === null || body === undefined) {
      offer(name, new Blob([]));
      return true;
    }
    if (chosen !== undefined) {
      await body.pipeTo(chosen);
      return true;
    }
    const parts: Blob[] = []; // browsers keep these on the disk
    const reader = body.getReader();
    let waiting: Bytes[] = [];
    let held = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (value !== undefined) {
        waiting.push(value);
        held += value.length;
      }
      if (done || held >= LARGE) {
        parts.push(new Blob(waiting));
        waiting = [];
        held = 0;
      }
      if (done) break;
      if (parts.length === 1 && held === 0) {
        const place = await pick(name);
        if (place !== undefined) {
          await parts[0]!.stream().pipeTo(place, { preventClose: true });
          reader.releaseLock();
          await body.pipeTo(place);
          return true;
        }
      }
    }
    offer(name, new Blob(parts, { type: response.headers.get("Content-Type") ?? "" }));
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    throw error;
  }
}
