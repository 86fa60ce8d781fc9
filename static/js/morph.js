// Fresh HTML never takes what a person typed, ticked or opened.
const { Idiomorph } = globalThis;

const TYPED = "input:not([type=checkbox], [type=radio], [type=hidden]), textarea, select";

function isTyped(element) {
  if (!element.matches(TYPED)) return false;
  if (element === document.activeElement) return true;
  if (element.localName !== "select") return element.value !== element.defaultValue;
  return [...element.options].some((option) => option.selected !== option.defaultSelected);
}

/** Whether `region` holds text nobody saved yet. */
export function hasUnsavedText(region) {
  return [...region.querySelectorAll("textarea, input:not([type=hidden], [type=checkbox], [type=radio])")].some(
    (field) => field.value !== field.defaultValue,
  );
}

// A region that re-reads itself has no word of what was said to the person last: it stays.
let isReread = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  isReread = detail.requestConfig?.elt === detail.target;
});

Object.assign(Idiomorph.defaults.callbacks, {
  beforeAttributeUpdated: (name, element) =>
    !(name === "open" && element.matches("details, dialog")) &&
    !(name === "checked" && element.type === "checkbox") &&
    !name.startsWith("data-cursor"),
  beforeNodeMorphed: (old) => {
    if (old.nodeType !== Node.ELEMENT_NODE) return true;
    return !(old.hasAttribute("data-keep") || isTyped(old));
  },
  beforeNodeRemoved: (old) => !(isReread && old.nodeType === Node.ELEMENT_NODE && old.hasAttribute("data-said")),
});

/** Turn `old` into `fresh` in place and let htmx know what is new. */
export function morph(old, fresh) {
  const id = old.id;
  Idiomorph.morph(old, fresh, { morphStyle: "outerHTML" });
  const now = document.getElementById(id);
  if (now) globalThis.htmx.process(now);
  return now;
}
