import { adminReason, apiUrl, asHeader, FanfareError, type Schemas } from "../api";
import { session } from "../session/session";
import { reachable } from "./reachable";

/** The files that posts can show, for the choice of files of the browser. */
export const ACCEPTED = "image/jpeg,image/png,image/gif,image/webp,video/mp4,video/quicktime";

const MIB = 1024 * 1024;

/** How large a file may be; the server decides, this only spares the way. */
export function largest(file: File): number {
  return file.type.startsWith("video/") ? 512 * MIB : 30 * MIB;
}

/**
 * Sends a file to the customer's library. `onProgress` gets the part of it that has been sent, between 0 and 1.
 * With the same `key` it can be sent again when the connection broke, and is kept once.
 *
 * @throws FanfareError
 */
export async function uploadMedia(customerId: string, file: File, { key, onProgress, signal }: { key: string; onProgress: (part: number) => void; signal: AbortSignal }): Promise<Schemas["Media"]> {
  const token = await session.token();
  const response = await send(`${apiUrl}/v1/customers/${customerId}/media?name=${encodeURIComponent(file.name.slice(0, 255))}`, file, {
    headers: {
      "Content-Type": file.type === "" ? "application/octet-stream" : file.type,
      "Idempotency-Key": key,
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(adminReason.value === "" ? {} : { "X-Admin-Reason": asHeader(adminReason.value) }),
    },
    onProgress,
    signal,
  });
  if (response.ok) return (await response.json()) as Schemas["Media"];
  if (response.status === 401) session.expired();
  throw await FanfareError.from(response);
}

/** Sends a body by XMLHttpRequest, which tells how much of it has been sent; fetch does not. */
function send(url: string, body: File, { headers, onProgress, signal }: { headers: Record<string, string>; onProgress: (part: number) => void; signal: AbortSignal }): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    const stop = () => request.abort();
    request.onload = () =>
      resolve(
        new Response(request.responseText, {
          status: request.status,
          statusText: request.statusText,
          headers: ["Content-Type", "Retry-After", "X-Request-ID"].flatMap((name): [string, string][] => {
            const value = request.getResponseHeader(name);
            return value === null ? [] : [[name, value]];
          }),
        }),
      );
    request.onerror = () => {
      reachable.lost();
      reject(FanfareError.unreachable(new Error("the connection broke")));
    };
    request.onabort = () => reject(signal.reason as Error);
    request.onloadend = () => signal.removeEventListener("abort", stop);
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    request.send(body);
  });
}
