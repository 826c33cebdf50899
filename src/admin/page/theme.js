// theme.js: light or dark, before anything is drawn: what the reader chose here, else what the system says.
'use strict';
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => { try { return localStorage.getItem('leat-theme'); } catch { return null; } };
  const apply = () => {
    const theme = chosen();
    document.documentElement.dataset.theme = theme === 'light' || theme === 'dark' ? theme : system.matches ? 'dark' : 'light';
    dispatchEvent(new Event('leat-theme'));
  };
  window.leatTheme = {
    choice: () => chosen() ?? 'auto',
    choose(theme) {
      try { theme === 'auto' ? localStorage.removeItem('leat-theme') : localStorage.setItem('leat-theme', theme); } catch { /* for this time */ }
      apply();
    },
  };
  system.addEventListener('change', apply);
  apply();
})();
