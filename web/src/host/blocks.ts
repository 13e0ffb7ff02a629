import type { Json, Outcome } from "../api/types";
import { agentBlocks } from "./agentBlocks";
import { contactBlocks } from "./contactBlocks";
import { pageBlocks } from "./pageBlocks";
import { salesforceBlocks } from "./salesforceBlocks";
import type { Fields, Surface } from "./surface";

export interface Call {
  inputs: Fields;
  surface: Surface;
  /** The contact the run is bound to; never "the first contact". */
  contactId: string | null;
}

/** Results of a block; a boolean is the branch of a decision. */
export type Block = (call: Call) => Promise<Json> | Json;

const BLOCKS: Record<string, Block> = { ...salesforceBlocks, ...agentBlocks, ...contactBlocks, ...pageBlocks };

export function knows(type: string): boolean {
  return type in BLOCKS;
}

/** Carries out one block. Nothing thrown outside reaches the engine as anything but a failure with its reason. */
export async function perform(type: string, call: Call): Promise<Outcome> {
  const block = BLOCKS[type];
  if (!block) return failure("NotAvailable", `This desktop cannot carry out ${type}.`);
  try {
    const result = await block(call);
    return typeof result === "boolean" ? { kind: "branch", value: result } : { kind: "success", results: result };
  } catch (error) {
    if (error instanceof Error) return failure(error.name, error.message);
    return failure("Error", typeof error === "string" ? error : (JSON.stringify(error) ?? "unknown"));
  }
}

function failure(name: string, message: string): Outcome {
  return { kind: "failure", exception: { name, message } };
}

// ── reading inputs ──

export function words(inputs: Fields, name: string): string {
  const value = inputs[name];
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function flag(inputs: Fields, name: string): boolean {
  const value = inputs[name];
  return value === true || value === "true";
}

export function map(inputs: Fields, name: string): Fields {
  const value = inputs[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

export function size(inputs: Fields, name: string): number | null {
  const value = Number(words(inputs, name));
  return Number.isFinite(value) && value > 0 ? value : null;
}
