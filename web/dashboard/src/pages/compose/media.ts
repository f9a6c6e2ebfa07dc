import { adminReason, apiUrl, FanfareError, type Schemas } from "../../api";
import { session } from "../../session/session";

type Media = Schemas["Media"];

/** What can be uploaded, as the API says. */
export const accepted = "image/jpeg,image/png,image/gif,image/webp,video/mp4,video/quicktime";

/** Uploads a file, telling how far it is. `fetch` cannot tell that, so it is the older way to send. */
export async function upload(customerId: string, file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Media> {
  const token = await session.token();
  return await new Promise<Media>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${apiUrl}/v1/customers/${customerId}/media?${new URLSearchParams({ name: file.name }).toString()}`);
    if (token !== null) request.setRequestHeader("Authorization", `Bearer ${token}`);
    if (/^[\x20-\x7e]+$/.test(adminReason.value)) request.setRequestHeader("X-Admin-Reason", adminReason.value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", crypto.randomUUID());
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as Media);
      else void FanfareError.from(new Response(request.responseText, { status: request.status, headers: { "Content-Type": request.getResponseHeader("Content-Type") ?? "" } })).then(reject);
    };
    request.onerror = () => reject(FanfareError.unreachable(request));
    request.onabort = () => reject(FanfareError.unreachable(request));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
