import { map, words, type Block } from "./blocks";
import { Refused } from "./surface";

export const pageBlocks: Record<string, Block> = {
  SE_ShowModal: async (call) => {
    const agreed = await call.surface.page.modal(words(call.inputs, "title"), words(call.inputs, "message"));
    if (!agreed) throw new Refused("Declined", "The agent closed the message without agreeing.");
    return {};
  },
  SE_Alert: async (call) => {
    await call.surface.page.alert(words(call.inputs, "message"));
    return {};
  },
  SE_SendDataToOverlay: (call) => {
    call.surface.page.overlay(map(call.inputs, "value"));
    return {};
  },
  SE_ShowAttributes: (call) => {
    call.surface.page.showAttributes();
    return {};
  },
  SE_JQueryMethod: () => {
    throw new Refused("NotAllowed", "Code from a flow is not run in this page. Use the block made for the purpose.");
  },
};
