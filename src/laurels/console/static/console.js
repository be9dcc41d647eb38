/** Makes quicker what works without: "/" jumps to the search, "Older" adds to the list, menus close on Escape. */

addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    for (const menu of document.querySelectorAll('details.menu[open], details.more[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  }
  const writes = event.target.closest?.('input, textarea, select, [contenteditable]');
  if (event.key === '/' && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector('.search [type=search]');
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

const opened = document.getElementById(location.hash.slice(1));
if (opened?.matches('details.entry')) opened.open = true;
