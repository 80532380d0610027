/** A model endpoint that takes its time and nothing else: a process of its own, forked by the benchmark. */
import { createServer } from "node:http";

const latencyMs = Number(process.argv[2]);
const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "inform(name[Portal])" } }],
  usage: { prompt_tokens: 120, completion_tokens: 8, total_tokens: 128 },
});

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    setTimeout(() => response.writeHead(200, { "content-type": "application/json" }).end(completion), latencyMs);
  });
});
// Longer than any pause of the benchmark, so that no connection ends under a request.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
});
process.on("disconnect", () => process.exit());
