import type { Connect } from "vite";
import { MockServer } from "./server";

/** Answers /api from memory while developing; the product's server is not needed to work on the pages. */
export function answer(): Connect.NextHandleFunction {
  const server = new MockServer();
  return (request, response, next) => {
    const url = request.url ?? "";
    if (url === "/healthz") {
      response.end('{"status":"ok"}');
      return;
    }
    if (!url.startsWith("/api/")) {
      next();
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const reply = server.handle(request.method ?? "GET", url.slice(4), body === "" ? {} : JSON.parse(body));
      response.statusCode = reply.status;
      response.setHeader("Content-Type", reply.status < 400 ? "application/json" : "application/problem+json");
      response.end(reply.status === 204 ? undefined : typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? null));
    });
  };
}
