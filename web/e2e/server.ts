import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BINARY = process.env.LOCAL_BINARY ?? resolve(import.meta.dirname, "../../target/debug/tieline");

/** `tieline local` on free ports with a directory of its own; ended by its own process id. */
export class LocalServer {
  #process: ChildProcess | null = null;
  #data = mkdtempSync(join(tmpdir(), "tieline-e2e-"));
  #port = 0;
  #orgPort = 0;
  readonly token = "token-of-this-test";

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The address a person would open. */
  get address(): string {
    return `${this.origin}/?token=${this.token}`;
  }

  async start(): Promise<void> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not built: run cargo build --bin tieline`);
    const args = ["local", "--port", String(this.#port), "--org-port", String(this.#orgPort), "--data-dir", this.#data, "--token", this.token];
    const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], env: cleanEnvironment() });
    this.#process = child;
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await new Promise<void>((ready, failed) => {
      child.once("exit", (code) => failed(new Error(`tieline local ended with ${code}: ${said}`)));
      child.stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const page = /http:\/\/127\.0\.0\.1:(\d+)\/\?token=/.exec(said);
        const org = /http:\/\/127\.0\.0\.1:(\d+)\/_org\//.exec(said);
        if (!page || !org) return;
        this.#port = Number(page[1]);
        this.#orgPort = Number(org[1]);
        ready();
      });
    });
    await this.#answers();
  }

  async #answers(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const ok = await fetch(`${this.origin}/healthz`).then(
        (r) => r.ok,
        () => false,
      );
      if (ok) return;
      if (tries > 100) throw new Error("tieline local does not answer /healthz");
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  /** Ends it as a crash would; its data and ports stay for the next start. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }

  async close(): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.#data, { recursive: true, force: true });
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.origin}/api${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}

/** Nothing of this shell's configuration may reach the program under test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TIELINE_|SF_|AWS_)/.test(name)));
}
