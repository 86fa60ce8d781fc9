// Lists know their next page only. The one before is where this one was opened from.
const WAY = "rh.before:";

/** A page of a list, whatever is open beside it. */
function pageOf(address) {
  const url = new URL(address, location.href);
  url.searchParams.delete("case");
  return url.pathname + url.search;
}

/** Back to the page before, or to the first one when this one was opened by its address. */
export function previousPage() {
  const here = new URL(location.href);
  if (!here.searchParams.has("after")) return;
  here.searchParams.delete("after");
  location.assign(sessionStorage.getItem(WAY + pageOf(location.href)) ?? pageOf(here));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".more a");
  if (link) sessionStorage.setItem(WAY + pageOf(link.href), pageOf(location.href));
});
