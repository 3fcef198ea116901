"""English words that a page shows, tells a screen reader, or keeps for when the pointer rests on something."""

import re

from playwright.sync_api import Page

# Of what is visible: texts, attributes, choices in fields, and the title of the document.
TEXTS = """() => {
  const names = ["aria-label", "aria-description", "aria-valuetext", "title", "placeholder", "alt"];
  const silent = "script, style, textarea, code, pre, [translate=no]";
  const found = new Set([document.title]);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement: parent, data } = walker.currentNode;
    if (!parent.closest(silent) && (parent.checkVisibility() || parent.closest("select")?.checkVisibility())) {
      found.add(data.trim());
    }
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility() || element.closest("[translate=no]")) continue;
    for (const name of names) if (element.hasAttribute(name)) found.add(element.getAttribute(name).trim());
  }
  for (const field of document.querySelectorAll("input[role=combobox]")) {
    const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    if (field.checkVisibility()) found.add(get.call(field).trim());
  }
  return [...found];
}"""
# Names, units and the like, which stand in Chinese texts as they are.
AS_THEY_ARE = """
    pix2pix pix2pixHD studio PyTorch PyTorch-GAN pytorch-CycleGAN-and-pix2pix torch.export onnxruntime-web WebAssembly
    WebGPU OpenVINO Hugging Face Hub Adam PatchGAN U-Net ONNX WebP GIF PNG JPEG AVIF HEIC TIFF BMP PPM zip API JSON POST
    URL CUDA MPS CPU GPU CPUs GPUs AMX Git LFS CMP GeneratorUNet net Gradio Microsoft MIT epoch dropout Dropout
    torch.compile KB MB GB px KID SSIM bf16 fp16 fp32 tensorboard tracker https auto cpu mps cuda Ctrl Shift
    Enter Esc owner name revision hf safetensors AVX512_BF16 NVIDIA Ampere
"""
NAMES = set(AS_THEY_ARE.split())


def english_in(page: Page, names: set[str]) -> list[str]:
    """Texts with English words that are neither in `NAMES` nor in `names`."""
    allowed = sorted(NAMES | names, key=len, reverse=True)
    known = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])" for name in allowed))
    return sorted(text for text in page.evaluate(TEXTS) if re.search("[A-Za-z]{2,}", known.sub(" ", text)))
