/* Before the first paint: the colours and the language that were chosen here before. A classic script, so that it blocks. */

(() => {
  const remembered = (name) => {
    try {
      return localStorage.getItem(`shopsight.${name}`);
    } catch {
      return null; // storage is closed in some private windows
    }
  };
  const root = document.documentElement;
  const theme = remembered("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  const languages = { en: "en", zh: "zh-CN" };
  const wanted = [remembered("language"), ...(navigator.languages ?? [navigator.language])];
  const code = wanted.map((tag) => String(tag ?? "").toLowerCase().split("-")[0]).find((one) => one in languages);
  root.lang = languages[code ?? "en"];
})();
