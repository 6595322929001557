// What has to happen in the browser itself: the clipboard, following the end of an answer, Escape.
const galopWrite = (text) =>
  navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject(new Error("no clipboard"));
const galopCopy = (id) => galopWrite(document.getElementById("c" + id).querySelector(".body, .plain").innerText);
let galopFollow = true;
const galopToEnd = () => {
  galopFollow = true;
  window.scrollTo(0, document.documentElement.scrollHeight);
};
document.addEventListener("click", (event) => {
  const button = event.target.closest(".code .copy");
  if (!button) return;
  galopWrite(button.closest(".code").querySelector("pre").innerText).then(() => {
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 2000);
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector(".q-dialog, .q-menu")) emitEvent("galop_stop");
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    document.querySelector("textarea").focus();
  }
});
const galopAttach = (event, files) => {
  if (!files || !files.length) return;
  event.preventDefault();
  const upload = document.querySelector(".galop-upload");
  getElement(Number(upload.id.slice(1))).$refs.qRef.addFiles([...files]);
};
document.addEventListener("paste", (event) => galopAttach(event, event.clipboardData && event.clipboardData.files));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => galopAttach(event, event.dataTransfer && event.dataTransfer.files));
window.addEventListener("scroll", () => {
  const page = document.documentElement;
  galopFollow = page.scrollTop + window.innerHeight > page.scrollHeight - 80;
});
new MutationObserver(() => {
  if (galopFollow) window.scrollTo(0, document.documentElement.scrollHeight);
}).observe(document.body, { subtree: true, childList: true, characterData: true });
