// The commands as users start them: each of the hundreds of modules of `dist/` costs a process a third of a millisecond, one
// file next to none. Packages stay outside.
export default {
  input: {
    reprise: 'dist/cli/reprise.js',
    'reprise-system-arm': 'dist/cli/reprise-system-arm.js',
    // Started by its file's name, beside whoever starts it.
    'answer-worker': 'dist/api/answer-worker.js',
  },
  platform: 'node',
  external: /^[^./]/,
  output: { dir: 'dist/bin', cleanDir: true, chunkFileNames: '[name].js', comments: { legal: false, jsdoc: false } },
};
