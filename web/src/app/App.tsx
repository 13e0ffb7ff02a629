import { Component, Suspense, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { api } from "../api/client";
import { connection, onConnection } from "../api/connection";
import { asProblem, type Problem } from "../api/problem";
import { setToken } from "../api/token";
import { text } from "../text/en";
import { Button } from "../ui/Button";
import { Confirm } from "../ui/confirm";
import { Empty } from "../ui/states";
import { Toasts } from "../ui/toast";
import { forgetCatalogue } from "./catalogue";
import { Nav } from "./Nav";
import { HOME, ROUTES } from "./routes";
import { usePlace } from "./router";

export function App() {
  const { parts } = usePlace();
  const line = useSyncExternalStore(onConnection, connection);
  const [first = HOME[0], ...rest] = parts;
  const route = ROUTES.find((r) => r.path === first);
  const main = useRef<HTMLElement>(null);
  const address = parts.join("/");
  useEffect(() => {
    document.title = route ? `${route.label} · ${text.product}` : text.product;
    main.current?.scrollTo(0, 0);
  }, [address, route]);
  if (line === "token") return <TokenPrompt />;
  return (
    <div className="app">
      <a className="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        main.current?.focus();
      }}>
        {text.common.skip}
      </a>
      <Nav current={first ?? ""} online={line === "online"} tight={(first === "flows" && rest.length > 0) || first === "desktop"} />
      <main className="main" id="content" ref={main} tabIndex={-1}>
        <Crash key={address}>
          <Suspense fallback={<PageWait />}>{route ? <route.page rest={rest} /> : <NotFound />}</Suspense>
        </Crash>
      </main>
      <Toasts />
      <Confirm />
    </div>
  );
}

function PageWait() {
  return (
    <div className="page" aria-busy="true">
      <span className="hidden">{text.common.loading}</span>
      <div className="skeleton" style={{ width: 180, height: 26 }} />
    </div>
  );
}

function NotFound() {
  return (
    <Empty icon="search" title={text.problem.notFound} actions={<a className="btn" href="#/flows">{text.nav.flows}</a>}>
      {text.problem.notFoundBody}
    </Empty>
  );
}

function TokenPrompt() {
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  return (
    <main className="token">
      <form
        className="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          setToken(value.trim());
          setBusy(true);
          forgetCatalogue();
          api
            .flows()
            .catch((error: unknown) => setProblem(asProblem(error)))
            .finally(() => setBusy(false));
        }}
      >
        <h1>{text.token.title}</h1>
        <p className="quiet">{text.token.body}</p>
        <label className="field">
          <span className="label">{text.token.label}</span>
          <input className="input" type="password" autoComplete="off" autoFocus value={value} onChange={(event) => setValue(event.target.value)} />
          {problem && (
            <span className="wrong" role="alert">
              {problem.offline ? text.problem.offlineTitle : text.token.refused}
            </span>
          )}
        </label>
        <Button kind="primary" type="submit" disabled={value.trim() === "" || busy}>
          {text.token.submit}
        </Button>
      </form>
    </main>
  );
}

/** An error in one view leaves the frame standing. */
class Crash extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <Empty icon="error" title={text.problem.crashTitle} actions={<Button onClick={() => location.reload()}>{text.problem.reload}</Button>}>
        {text.problem.crashBody}
      </Empty>
    );
  }
}
