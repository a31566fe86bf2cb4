// Package virtual starts private X displays: Xvfb with a window manager and
// clients, which end together. "viewflip demo" and the tests run on them.
// Nothing on such a display can reach the user's own, and nobody enters it
// without its cookie, which is in a file for this user alone.
package virtual
