import { asProblem } from "../api/problem";
import { toast } from "./toast";

/** Waits for the work; a problem becomes a message. Whether it succeeded. */
export async function tell(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const problem = asProblem(error);
    toast([problem.title, problem.detail].filter(Boolean).join(": "), "bad");
    return false;
  }
}
