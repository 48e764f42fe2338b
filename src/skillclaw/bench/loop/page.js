"use strict";
// Tables sort by a column at a click or a key press. The page is whole without it.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const first = kind === "num" ? "descending" : "ascending";
      const second = kind === "num" ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const value = (row) => (kind === "num" ? row.cells[column].dataset.key : row.cells[column].textContent.trim());
      const sorted = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (!x || !y) return Number(!x) - Number(!y);
        return sign * (kind === "num" ? Number(x) - Number(y) : x.localeCompare(y));
      });
      body.append(...sorted);
    });
  });
}
