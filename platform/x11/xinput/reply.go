package xinput

import (
	"encoding/binary"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Device is one input device (XIDeviceInfo).
type Device struct {
	ID  DeviceID
	Use Use
	// Attachment is the paired master, or a slave's master.
	Attachment DeviceID
	Enabled    bool
	Name       string
}

func parseDevices(r []byte) ([]Device, error) {
	const header = 12
	if len(r) < replySize {
		return nil, ErrMalformed
	}
	n := int(binary.LittleEndian.Uint16(r[8:]))
	p := r[replySize:]
	var out []Device
	for range n {
		if len(p) < header {
			return nil, ErrMalformed
		}
		d := Device{
			ID: DeviceID(binary.LittleEndian.Uint16(p)), Use: Use(binary.LittleEndian.Uint16(p[2:])),
			Attachment: DeviceID(binary.LittleEndian.Uint16(p[4:])), Enabled: p[10] != 0,
		}
		classes, name := int(binary.LittleEndian.Uint16(p[6:])), int(binary.LittleEndian.Uint16(p[8:]))
		end := header + (name+3)/4*4
		if len(p) < end {
			return nil, ErrMalformed
		}
		d.Name = string(p[header : header+name])
		p = p[end:]
		for range classes {
			if len(p) < 4 {
				return nil, ErrMalformed
			}
			size := 4 * int(binary.LittleEndian.Uint16(p[2:]))
			if size == 0 || len(p) < size {
				return nil, ErrMalformed
			}
			p = p[size:]
		}
		out = append(out, d)
	}
	return out, nil
}

// Pointer is the state of a master pointer and its keyboard.
type Pointer struct {
	// Child is the child of the window that was asked about under the pointer.
	Child xproto.Window
	// At is where the pointer is, in root pixels.
	At image.Point
	// Mods are the modifiers in force, as in the state of core events.
	Mods uint16
	// Group is the group of the keyboard map in force, from 0.
	Group uint8
	// Buttons has a bit for each button that is down: bit n for button n.
	Buttons uint32
}

// QueryPointerCookie is an answer on its way.
type QueryPointerCookie struct{ c *xgb.Cookie }

// Reply waits for the answer.
func (k QueryPointerCookie) Reply() (Pointer, error) {
	r, err := k.c.Reply()
	if err != nil {
		return Pointer{}, err
	}
	return parsePointer(r)
}

func parsePointer(r []byte) (Pointer, error) {
	const fixed = 56
	if len(r) < fixed {
		return Pointer{}, ErrMalformed
	}
	p := Pointer{
		Child: xproto.Window(binary.LittleEndian.Uint32(r[12:])),
		At:    image.Pt(fp1616(r[16:]), fp1616(r[20:])),
	}
	// Base, latched and locked; servers leave the effective ones out.
	for i := 36; i < 48; i += 4 {
		p.Mods |= uint16(binary.LittleEndian.Uint32(r[i:]))
	}
	p.Group = (r[52] + r[53] + r[54]) & 3
	n := 4 * int(binary.LittleEndian.Uint16(r[34:]))
	if len(r) < fixed+n {
		return Pointer{}, ErrMalformed
	}
	if n > 0 {
		p.Buttons = binary.LittleEndian.Uint32(r[fixed:])
	}
	return p, nil
}

// fp1616 is the whole part of a 16.16 fixed-point number.
func fp1616(b []byte) int { return int(int32(binary.LittleEndian.Uint32(b)) >> 16) }

// GetFocusCookie is an answer on its way.
type GetFocusCookie struct{ c *xgb.Cookie }

// Reply waits for the answer: a window, 0 for none or 1 for the window under
// the pointer.
func (k GetFocusCookie) Reply() (xproto.Window, error) {
	r, err := k.c.Reply()
	if err != nil {
		return 0, err
	}
	if len(r) < replySize {
		return 0, ErrMalformed
	}
	return xproto.Window(binary.LittleEndian.Uint32(r[8:])), nil
}

// GrabKeycodeCookie is an answer on its way.
type GrabKeycodeCookie struct{ c *xgb.Cookie }

// Owned waits for the answer: whether somebody else has the combination.
func (k GrabKeycodeCookie) Owned() (bool, error) {
	r, err := k.c.Reply()
	if err != nil {
		return true, err
	}
	if len(r) < replySize {
		return true, ErrMalformed
	}
	return binary.LittleEndian.Uint16(r[8:]) > 0, nil // the modifiers that failed
}

// GrabbedCookie is an answer on its way.
type GrabbedCookie struct{ c *xgb.Cookie }

// Reply waits for the answer.
func (k GrabbedCookie) Reply() (bool, error) {
	r, err := k.c.Reply()
	if err != nil {
		return true, err
	}
	if len(r) < replySize {
		return true, ErrMalformed
	}
	return r[8] != xproto.GrabStatusNotViewable, nil // the server looks for grabs first
}

// Held is what a device holds down.
type Held struct {
	Keys, Buttons []byte // keycodes and X buttons, ascending
}

func parseHeld(r []byte) (Held, error) {
	const keyClass, buttonClass, header, bits = 0, 1, 4, 32
	if len(r) < replySize {
		return Held{}, ErrMalformed
	}
	var h Held
	p := r[replySize:]
	for range int(r[8]) {
		if len(p) < 2 || int(p[1]) < 2 || len(p) < int(p[1]) {
			return Held{}, ErrMalformed
		}
		class, size := p[0], int(p[1])
		if class == keyClass || class == buttonClass {
			if size < header+bits {
				return Held{}, ErrMalformed
			}
			down := downBits(p[header : header+bits])
			if class == keyClass {
				h.Keys = down
			} else {
				h.Buttons = down
			}
		}
		p = p[size:]
	}
	return h, nil
}

func downBits(b []byte) []byte {
	var out []byte
	for i := range 8 * len(b) {
		if b[i/8]>>(i%8)&1 != 0 {
			out = append(out, byte(i))
		}
	}
	return out
}
