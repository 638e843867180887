/** The elements of the page by their ids. */

export function element(id) {
  return document.getElementById(id);
}

/** Fill a notice with a problem and its fix; without one it is hidden. */
export function showProblem(id, problem, fix = "") {
  const notice = element(id);
  notice.hidden = !problem;
  const strong = document.createElement("strong");
  strong.textContent = problem ?? "";
  notice.replaceChildren(...(problem ? [strong, fix] : []));
}
