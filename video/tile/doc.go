// Package tile is viewflip's lossless picture codec in pure Go. Within the
// damage it finds the 16-pixel tiles that really changed, recognises scrolling
// and panning, sends them as copies, and puts the rest as raw pixels through one
// zstd stream (RFC 8878) that lives as long as the viewer watches: what was
// seen before costs almost nothing to say again. The decoder's picture is
// exact after every frame.
//
// What goes away from the picture is kept at both ends, in slots, and told as copies
// when it comes again: tabs, pages, menus, dialogs. The encoder says in the frame what
// goes into which slot and what comes out of it; a refresh empties them.
//
// Given a coder of video (Options.Region), the encoder lets it have the one
// rectangle that moves like natural video, and on slow links natural pictures.
// What came with loss is owed: the encoder keeps which tiles that are, and pays
// them back without loss once they rest. Decoder.Exact tells of it.
//
// session makes one Encoder per viewer and surface and one Decoder per view.
// The coded bytes come from peers: Decode checks everything before it touches
// memory. docs/protocol.md describes them.
package tile
