import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { takeTokenFromAddress } from "./api/token";
import { App } from "./app/App";
import "./theme/tokens.css";
import "./theme/base.css";
import "./ui/ui.css";
import "./ui/overlays.css";
import "./app/app.css";

takeTokenFromAddress();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
