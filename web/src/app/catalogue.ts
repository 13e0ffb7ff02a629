import { api } from "../api/client";
import { Catalogue } from "../flow/catalogue";
import { useLoad, type Loaded } from "../ui/useLoad";

let held: Promise<Catalogue> | null = null;

/** One catalogue per page; a failed load is tried again by the next who asks. */
export function loadCatalogue(): Promise<Catalogue> {
  held ??= api.catalogue().then(
    (data) => new Catalogue(data),
    (error: unknown) => {
      held = null;
      throw error;
    },
  );
  return held;
}

export function forgetCatalogue(): void {
  held = null;
}

export function useCatalogue(): Loaded<Catalogue> & { again: () => void } {
  return useLoad("catalogue", loadCatalogue);
}
