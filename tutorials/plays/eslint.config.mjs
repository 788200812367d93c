// npx prettier --write *.js && npx eslint *.js
import explore from "../../minigen/workshop/explore/web/eslint.config.mjs";

const browser = ["devicePixelRatio", "IntersectionObserver", "MutationObserver", "ResizeObserver"];

export default [
  ...explore,
  {
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
  },
];
