/** What can be dragged to the stage: a new block (the Explorer asks which), or Start or End by type. */
export type PaletteItem = "block" | "SE_Start" | "SE_End";

/** Where a dragged thing lands; set by the stage while it stands. */
export const dropTarget: { current: ((item: PaletteItem, clientX: number, clientY: number) => void) | null } = { current: null };
