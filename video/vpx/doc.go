// Package vpx is a thin binding to libvpx: a VP9 encoder for one viewer of one
// surface and a decoder, for peers that are not ours, and both for one rectangle
// of a surface, which video/tile uses where natural video moves. The quantizer is fixed; only the
// frame rate follows the network.
//
// session gets it from cmd/viewflip by MIME type, as it gets video/tile, and
// nobody else calls it. It is the only package with codec code in C. Coded
// bytes come from peers: sizes are checked here before libvpx sees them.
//
// Where there is no cgo, or no Linux, the constructors return ErrUnavailable.
package vpx
