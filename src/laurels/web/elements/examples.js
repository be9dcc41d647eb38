// Gives the examples their member and token: from the fragment (#member=…&token=…), which no server sees and which leaves
// the address bar at once, or from the form.

const form = document.querySelector("form");
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(form.elements.member.value.trim(), form.elements.token.value.trim());
});
if (given.has("member") && given.has("token")) show(given.get("member"), given.get("token"));

function show(member, token) {
  form.elements.member.value = member;
  for (const dashboard of document.querySelectorAll("laurels-dashboard")) {
    dashboard.setAttribute("member", member);
    dashboard.token = token;
  }
}
