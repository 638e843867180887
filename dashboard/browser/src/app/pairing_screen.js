/** The screen of a device that is no camera yet: it takes a link, a key, or a key file. */
import { DeliveryError } from "../delivery/errors.js";
import { keyOfText } from "../delivery/pairing.js";
import { element, showProblem } from "./elements.js";

/** @param {(key: object) => void} onKey */
export function listenForKeys(onKey) {
  const text = element("pairing-text");
  const file = element("pairing-file");
  const take = (content) => {
    try {
      onKey(keyOfText(content, window.location.href));
      text.value = "";
      showProblem("pairing-problem", null);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      showProblem("pairing-problem", error.problem, error.fix);
    }
  };
  element("pairing-form").addEventListener("submit", (event) => {
    event.preventDefault();
    take(text.value);
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (chosen) take(await chosen.text());
  });
}
