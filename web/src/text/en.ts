import { common } from "./common";
import { desktop } from "./desktop";
import { editor } from "./editor";
import { flows } from "./flows";

// Every text of the pages, in one place. Sentences say the thing, the reason and the cure.
// The operations pages have theirs in `console.ts`, which loads with those pages.

export const text = { ...common, ...flows, ...editor, ...desktop };
