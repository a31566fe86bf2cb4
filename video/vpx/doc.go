// Package vpx is a thin binding to libvpx: VP9 encoder and decoder for one
// viewer of one surface, for peers that are not ours; and both for one rectangle
// of a surface, which video/tile gives what moves like natural video. The
// quantizer is fixed, or changed by who uses it; only the frame rate follows the
// network.
//
// session gets it from cmd/viewflip by MIME type, as it gets video/tile, which
// gets it from there, too. It is the only package with codec code in C. Coded
// bytes come from peers: sizes are checked here before libvpx sees them.
//
// Where there is no cgo, or no Linux, the constructors return ErrUnavailable.
package vpx
