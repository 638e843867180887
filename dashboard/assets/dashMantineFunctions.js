/* Functions that components are given by name. */
window.dashMantineFunctions = Object.assign(window.dashMantineFunctions || {}, {
  /* The server has searched already: accents and case do not matter there. */
  everyOption: ({ options }) => options,
});
