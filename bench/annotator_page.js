// Runs in the page before everything else: takes the times of what the hand does, and of what the annotator tells of it.
// A time is taken in a task of its own after the frame, so that what the browser does to draw the canvases is in it.
(() => {
  const fresh = () => ({ follow: [], frame: [], preview: [], ack: [], opened: [] });
  const waiting = { follow: [], frame: [], preview: [], ack: [], opened: [] };
  let found = fresh();
  let frames = 0;

  const afterThisFrame = action => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => action(performance.now());
    channel.port2.postMessage(null);
  };
  const settle = kind => {
    const since = waiting[kind].splice(0);
    afterThisFrame(now => found[kind].push(...since.map(then => now - then)));
  };
  const listen = (type, action) => window.addEventListener(type, action, { capture: true, passive: true });
  const viewMoves = event => {
    waiting.follow.push(event.timeStamp);
    waiting.frame.push(event.timeStamp);
  };

  listen('pointermove', event => {
    if (event.buttons & 4) viewMoves(event);
    if (event.buttons & 1) waiting.preview.push(event.timeStamp);
  });
  listen('wheel', viewMoves);
  listen('keydown', event => event.key === 'ArrowDown' && viewMoves(event));
  listen('pointerup', event => event.button === 0 && waiting.ack.push(event.timeStamp));
  listen('click', event => { waiting.opened = [event.timeStamp]; });

  listen('labkit-annotator:preview', () => settle('preview'));
  listen('labkit-annotator:follow', () => settle('follow'));
  listen('labkit-annotator:frame', ({ detail, target }) => {
    frames++;
    settle('follow');
    if (detail.complete) settle('frame');
    const isLaidOut = target.width > 300; // before that it is an empty canvas of one pixel
    if (detail.complete && detail.objects > 0 && isLaidOut) settle('opened');
  });
  listen('labkit-annotator:ack', () => {
    found.ack.push(...waiting.ack.splice(0, 1).map(then => performance.now() - then));
  });

  window.labkitBench = {
    frames: () => frames,
    isComplete: () => waiting.frame.length === 0,
    isOpen: () => found.opened.length > 0,
    acks: () => found.ack.length,
    previews: () => found.preview.length,
    /** What was found since the last call. */
    take: () => {
      const taken = found;
      found = fresh();
      Object.values(waiting).forEach(list => list.splice(0));
      return taken;
    }
  };
})();
