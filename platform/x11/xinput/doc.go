// Package xinput is what xgb lacks about input devices: the requests of XInput 2
// that make, ask and steer master devices, one of XInput 1 that says what a
// device holds down, the idle time of a device from SYNC's system counters, how
// much a client has grabbed from X-Resource, and from XKB the maps and controls
// of keyboards and the news of a new one.
// input/xtest builds the second cursor on it.
//
// It selects no events, and nobody may on an xgb connection: xgb reads every
// event as 32 bytes, and a longer XInput 2 event would end all sense.
//
// Layouts are those of XI2proto.h, XIproto.h, syncproto.h and XKBproto.h
// (xorgproto).
package xinput
