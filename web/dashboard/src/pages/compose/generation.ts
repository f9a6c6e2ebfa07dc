import { fanfare, FanfareError, type Schemas } from "../../api";
import type { PlatformName } from "../../components/Platform";

/** How far a generation is. */
export interface Progress {
  step: "started" | "writing" | "checking" | "repairing";
  characters: Partial<Record<PlatformName, number>>;
}

/** Has posts written, telling how far it is. */
export async function generate(customerId: string, body: Schemas["PostGenerate"], tell: (change: (before: Progress) => Progress) => void, signal: AbortSignal): Promise<Schemas["GeneratedPosts"]> {
  const { data: stream } = await fanfare.POST("/v1/customers/{customer_id}/posts/generate", {
    params: { path: { customer_id: customerId } },
    body,
    headers: { Accept: "text/event-stream" },
    parseAs: "stream",
    signal,
  });
  const reader = (stream as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) throw FanfareError.unreachable("the stream ended");
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const name = /^event: (.+)$/m.exec(block)?.[1];
      const content = /^data: (.+)$/m.exec(block)?.[1] ?? "{}";
      if (name === "done") return JSON.parse(content) as Schemas["GeneratedPosts"];
      if (name === "problem") throw new FanfareError(JSON.parse(content) as Schemas["Problem"]);
      if (name === "writing") {
        const { platform, characters } = JSON.parse(content) as { platform: PlatformName; characters: number };
        tell((before) => ({ step: "writing", characters: { ...before.characters, [platform]: characters } }));
      }
      if (name === "started" || name === "checking" || name === "repairing") tell((before) => ({ ...before, step: name }));
    }
  }
}
