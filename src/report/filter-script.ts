/** The page's only script: it filters the changed answers. The page says everything without it. */

/** Runs in browsers as it is here; needs no name from outside. */
export const filterScript = `
"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const changes = [...document.querySelectorAll(".change")].map((element) => ({
    element,
    direction: [element.dataset.direction],
    metric: element.dataset.metrics.split("\\n"),
    subset: element.dataset.subsets.split("\\n"),
  }));
  const filter = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value !== "");
    let count = 0;
    for (const change of changes) {
      const fits = wanted.every(([name, value]) => change[name].includes(value));
      change.element.hidden = !fits;
      if (fits) count += 1;
    }
    if (more && wanted.length > 0) more.open = true;
    shown.textContent = count + " of " + changes.length;
  };
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();
`;
