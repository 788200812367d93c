// npx prettier --write *.js *.css && npx eslint *.js
const browser = [
  "atob",
  "Blob",
  "DecompressionStream",
  "document",
  "getComputedStyle",
  "ImageData",
  "matchMedia",
  "performance",
  "requestAnimationFrame",
  "Response",
  "TextDecoder",
];

export default [
  {
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    rules: {
      eqeqeq: "error",
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
