// Runs in the page before everything else: when a peer's widget has drawn a picture, and when it has drawn what the hand does.
// Peers tell nothing of themselves, so drawing is whatever happens first to a canvas or to the elements of an output.
(() => {
  const LARGE_PX = 1000; // an icon is no picture
  let started = 0;
  let moved = 0;
  let opened = [];
  let preview = [];

  const afterThisFrame = action => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => action(performance.now());
    channel.port2.postMessage(null);
  });
  const drewPicture = width => {
    if (started > 0 && width >= LARGE_PX) {
      const since = started;
      started = 0;
      afterThisFrame(now => opened.push(now - since));
    }
  };
  const drewPreview = () => {
    if (moved > 0) {
      const since = moved;
      moved = 0;
      afterThisFrame(now => preview.push(now - since));
    }
  };
  const listen = (type, action) => window.addEventListener(type, action, { capture: true, passive: true });

  listen('keydown', event => { if (event.key === 'Enter' && event.shiftKey) started = event.timeStamp; });
  listen('pointermove', event => { if (event.buttons & 1) moved = event.timeStamp; });
  const loaded = ({ target }) => target instanceof HTMLImageElement && drewPicture(target.naturalWidth);
  document.addEventListener('load', loaded, { capture: true }); // which never comes as far as the window

  const { prototype } = CanvasRenderingContext2D;
  for (const name of ['stroke', 'fill', 'strokeRect', 'fillRect', 'drawImage']) {
    const draw = prototype[name];
    prototype[name] = function (...args) {
      draw.apply(this, args);
      if (this.canvas.closest('.jp-OutputArea') !== null) drewPreview();
      if (name === 'drawImage') drewPicture(args[0].naturalWidth ?? 0);
    };
  }
  const observer = new MutationObserver(changes => {
    const element = ({ target }) => (target instanceof Element ? target : target.parentElement);
    if (changes.some(change => element(change)?.closest('.jp-OutputArea-output'))) drewPreview();
  });
  observer.observe(document, { subtree: true, childList: true, attributes: true });

  window.labkitPeer = {
    isOpen: () => opened.length > 0,
    previews: () => preview.length,
    take: () => {
      const taken = { opened, preview };
      [opened, preview] = [[], []];
      return taken;
    }
  };
})();
