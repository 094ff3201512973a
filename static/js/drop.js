/* Files that are dropped on a file field; without this script the field itself takes them. */
(() => {
  "use strict";
  const say = (place) => {
    const chosen = [...place.querySelector("input[type=file]").files].map((file) => file.name);
    const shown = chosen.slice(0, 5).join(", ");
    const more = chosen.length > 5 ? ` and ${chosen.length - 5} more` : "";
    place.querySelector("[data-chosen]").textContent = chosen.length ? `Chosen: ${shown}${more}` : "Files can be dropped here.";
  };
  for (const place of document.querySelectorAll("[data-drop]")) {
    const field = place.querySelector("input[type=file]");
    field.addEventListener("change", () => say(place));
    place.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      place.classList.add("over");
    });
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      place.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      field.files = event.dataTransfer.files;
      say(place);
    });
  }
})();
