// Package video holds what every stage of the picture shares: the Frame and who
// owns it, the fixed Pool that drops instead of growing, the one-place Slot in
// which the newest value wins, damage rectangles, and pixel format conversion.
//
// Packages below it are codecs: video/tile is the lossless tile codec and
// video/vpx binds libvpx. Package video never touches the operating system and
// never writes a pixel anywhere but into memory.
package video
