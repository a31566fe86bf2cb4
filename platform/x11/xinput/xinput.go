package xinput

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Minor opcodes (XI2proto.h; the first one XIproto.h).
const (
	opQueryDeviceState    = 30
	opQueryPointer        = 40
	opWarpPointer         = 41
	opChangeHierarchy     = 43
	opSetClientPointer    = 44
	opGetClientPointer    = 45
	opQueryVersion        = 47
	opQueryDevice         = 48
	opSetFocus            = 49
	opGetFocus            = 50
	opGrabDevice          = 51
	opPassiveGrabDevice   = 54
	opPassiveUngrabDevice = 55
)

// The version that is asked for: raw XInput 2.3 is in every server since 2012.
const wantMajor, wantMinor = 2, 3

var (
	// ErrUnsupported means that the server has no XInput 2.
	ErrUnsupported = errors.New("xinput: the X server has no XInput 2")
	// ErrMalformed means that a reply is shorter than it says.
	ErrMalformed = errors.New("xinput: malformed reply")
)

// DeviceID names a device of the server.
type DeviceID uint16

// Ids with a meaning of their own (XI2.h); the core pair has the first two
// numbers of devices in every X.Org server.
const (
	AllDevices   DeviceID = 0
	AllMasters   DeviceID = 1
	CorePointer  DeviceID = 2
	CoreKeyboard DeviceID = 3
)

// Use is what a device is (XI2.h).
type Use uint16

// The uses.
const (
	MasterPointer Use = iota + 1
	MasterKeyboard
	SlavePointer
	SlaveKeyboard
	FloatingSlave
)

// Client makes requests on one X connection. It keeps no state: any goroutine
// may use it.
type Client struct {
	c  *xgb.Conn
	op byte
}

// New agrees on a version with the server. ErrUnsupported where there is none.
func New(c *xgb.Conn) (*Client, error) {
	const name = "XInputExtension"
	e, err := xproto.QueryExtension(c, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: %w", err)
	}
	if !e.Present {
		return nil, ErrUnsupported
	}
	x := &Client{c, e.MajorOpcode}
	b := binary.LittleEndian.AppendUint16(x.request(opQueryVersion), wantMajor)
	b = binary.LittleEndian.AppendUint16(b, wantMinor)
	r, err := x.ask(b).Reply()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnsupported, err)
	}
	if len(r) < replySize || binary.LittleEndian.Uint16(r[8:]) < wantMajor {
		return nil, ErrUnsupported
	}
	return x, nil
}

// replySize is the fixed part of every reply.
const replySize = 32

// request begins a request; its length is filled in when it is sent. xgb always
// speaks little endian.
func (x *Client) request(minor byte) []byte { return []byte{x.op, minor, 0, 0} }

func sealed(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)/4))
	return b
}

// ask sends a request that has a reply.
func (x *Client) ask(b []byte) *xgb.Cookie {
	ck := x.c.NewCookie(true, true)
	x.c.NewRequest(sealed(b), ck)
	return ck
}

// tell sends a request without a reply; Check waits for its success.
func (x *Client) tell(b []byte) *xgb.Cookie {
	ck := x.c.NewCookie(true, false)
	x.c.NewRequest(sealed(b), ck)
	return ck
}

func u16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }
func u32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

// AddMaster makes a master pointer and a master keyboard, called name + " pointer"
// and name + " keyboard", each with an XTEST device of its own. They belong to
// nobody and outlive the connection.
func (x *Client) AddMaster(name string) error {
	const add, header = 1, 8
	pad := (len(name) + 3) / 4 * 4
	b := append(x.request(opChangeHierarchy), 1, 0, 0, 0)
	b = u16(u16(u16(b, add), uint16((header+pad)/4)), uint16(len(name)))
	b = append(append(b, 1, 1), name...) // send core events; enabled
	if err := x.tell(b).Check(); err != nil {
		return fmt.Errorf("xinput: add master: %w", err)
	}
	return nil
}

// RemoveMaster removes a master and the one it is paired with. What they hold
// down is released to whoever got the press.
func (x *Client) RemoveMaster(id DeviceID) error {
	const remove, words, float = 2, 3, 2
	b := append(x.request(opChangeHierarchy), 1, 0, 0, 0)
	b = u16(u16(u16(b, remove), words), uint16(id))
	b = u32(append(b, float, 0), 0)
	if err := x.tell(b).Check(); err != nil {
		return fmt.Errorf("xinput: remove master: %w", err)
	}
	return nil
}

// SetClientPointer makes the core requests of the client that owns w act on the
// master pointer id and the keyboard paired with it; w 0 is this client.
func (x *Client) SetClientPointer(w xproto.Window, id DeviceID) *xgb.Cookie {
	return x.tell(u16(u16(u32(x.request(opSetClientPointer), uint32(w)), uint16(id)), 0))
}

// ClientPointer is the master pointer that core requests of the client of w act
// on; false if nobody set one.
func (x *Client) ClientPointer(w xproto.Window) (DeviceID, bool, error) {
	r, err := x.ask(u32(x.request(opGetClientPointer), uint32(w))).Reply()
	if err != nil {
		return 0, false, fmt.Errorf("xinput: client pointer: %w", err)
	}
	if len(r) < replySize {
		return 0, false, ErrMalformed
	}
	return DeviceID(binary.LittleEndian.Uint16(r[10:])), r[8] != 0, nil
}

// SetFocus gives the keyboard id the focus window w; 0 means none. When w is
// unmapped the focus goes to its parent.
func (x *Client) SetFocus(id DeviceID, w xproto.Window) *xgb.Cookie {
	b := u32(u32(x.request(opSetFocus), uint32(w)), xproto.TimeCurrentTime)
	return x.tell(u16(u16(b, uint16(id)), 0))
}

// WarpPointer puts the master pointer id to a place in pixels of w.
func (x *Client) WarpPointer(id DeviceID, w xproto.Window, px, py int) *xgb.Cookie {
	b := u32(u32(x.request(opWarpPointer), 0), uint32(w))
	b = u32(u32(u32(b, 0), 0), 0) // no source rectangle
	b = u32(u32(b, uint32(int32(px)<<16)), uint32(int32(py)<<16))
	return x.tell(u16(u16(b, uint16(id)), 0))
}

// GrabKeycode tries a passive grab of a key with modifiers on w, for every
// master keyboard, that no event is sent for. The reply tells whether somebody
// else owns the combination; if not, UngrabKeycode must follow.
func (x *Client) GrabKeycode(w xproto.Window, code byte, mods uint16) GrabKeycodeCookie {
	const keycode, async = 1, 1
	b := u32(u32(u32(x.request(opPassiveGrabDevice), 0), uint32(w)), 0)
	b = u16(u16(u32(b, uint32(code)), uint16(AllMasters)), 1) // one set of modifiers
	b = append(u16(b, 0), keycode, async, async, 0, 0, 0)     // no event mask
	return GrabKeycodeCookie{x.ask(u32(b, uint32(mods)))}
}

// UngrabKeycode undoes GrabKeycode; without one it does nothing.
func (x *Client) UngrabKeycode(w xproto.Window, code byte, mods uint16) *xgb.Cookie {
	const keycode = 1
	b := u32(u32(x.request(opPassiveUngrabDevice), uint32(w)), uint32(code))
	b = append(u16(u16(b, uint16(AllMasters)), 1), keycode, 0, 0, 0)
	return x.tell(u32(b, uint32(mods)))
}

// Grabbed asks whether another client has a grab on the master id, by a grab
// for w that cannot succeed, because w is never mapped.
func (x *Client) Grabbed(id DeviceID, w xproto.Window) GrabbedCookie {
	const async = 1
	b := u32(u32(u32(x.request(opGrabDevice), uint32(w)), xproto.TimeCurrentTime), 0)
	b = append(u16(b, uint16(id)), async, async, 0, 0)
	return GrabbedCookie{x.ask(u16(b, 0))}
}

// QueryPointer asks where a master pointer is, in pixels of w, and what it and
// its keyboard hold down.
func (x *Client) QueryPointer(id DeviceID, w xproto.Window) QueryPointerCookie {
	return QueryPointerCookie{x.ask(u16(u16(u32(x.request(opQueryPointer), uint32(w)), uint16(id)), 0))}
}

// GetFocus asks for the focus window of a master keyboard.
func (x *Client) GetFocus(id DeviceID) GetFocusCookie {
	return GetFocusCookie{x.ask(u16(u16(x.request(opGetFocus), uint16(id)), 0))}
}

// Devices lists all devices.
func (x *Client) Devices() ([]Device, error) {
	r, err := x.ask(u16(u16(x.request(opQueryDevice), uint16(AllDevices)), 0)).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: devices: %w", err)
	}
	return parseDevices(r)
}

// Held asks which keys and buttons a device holds down.
func (x *Client) Held(id DeviceID) (Held, error) {
	r, err := x.ask(append(x.request(opQueryDeviceState), byte(id), 0, 0, 0)).Reply()
	if err != nil {
		return Held{}, fmt.Errorf("xinput: device state: %w", err)
	}
	return parseHeld(r)
}
