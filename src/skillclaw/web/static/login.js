// The code of the link stands behind its #, which no browser sends to a server or writes into a log.
const code = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (code) {
  document.getElementById("token").value = code;
  document.querySelector("form").submit();
}
