/** Makes quicker what works without: "/" jumps to the search, menus close on Escape, a job that is under way is looked at
 * again.
 */

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

/** Looks at a job again until it has ended, and says where it is; the page is loaded anew when it has. */
const LOOK_AGAIN_MS = 2000;
const job = document.querySelector('[data-progress]');
if (job) {
  const policy = window.trustedTypes?.createPolicy('laurels', { createHTML: text => text });
  const look = async () => {
    const answer = await fetch(job.dataset.progress, { headers: { Accept: 'text/html' } });
    if (!answer.ok) return;
    const text = await answer.text();
    const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, 'text/html');
    if (!page.querySelector('[data-progress]')) return location.reload();
    for (const part of ['[role="status"]', 'progress']) {
      const [now, then] = [page, job].map(where => where.querySelector(part));
      if (now && then && now.outerHTML !== then.outerHTML) then.replaceWith(document.adoptNode(now));
    }
  };
  setInterval(look, LOOK_AGAIN_MS);
}
