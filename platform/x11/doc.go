// Package x11 is how the rest of viewflip talks to an X server, in pure Go: one
// quiet connection, the atoms and extensions that it needs, and the EWMH
// properties of windows. platform, capture, input and the viewer's surface
// build on it. It never injects input and reads no pixels.
package x11
