// What Gradio asks of a server that is away is answered with undefined, and a warning. Here it fails, so that whoever
// asks can tell.
server = new Proxy(server ?? {}, {
  get: (all, name) =>
    all[name] &&
    (async (...asked) => {
      const reply = await all[name](...asked);
      if (reply === undefined) throw new Error("no answer");
      return reply;
    }),
});
