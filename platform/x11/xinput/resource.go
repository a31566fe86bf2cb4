package xinput

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// ErrNoResources means that the server has no X-Resource extension.
var ErrNoResources = errors.New("xinput: the X server has no X-Resource")

// Resources asks the server how much a client has made there (X-Resource
// extension). It keeps no state but numbers: any goroutine may use it.
type Resources struct {
	x *Client
	// grab is the atom by which X.Org servers name passive grabs.
	grab xproto.Atom
}

// opQueryClientResources is the request's minor opcode (XResproto.h).
const opQueryClientResources = 2

// NewResources finds the extension. ErrNoResources where there is none.
func NewResources(c *xgb.Conn) (*Resources, error) {
	const name, kind = "X-Resource", "PASSIVE GRAB"
	e, err := xproto.QueryExtension(c, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: resources: %w", err)
	}
	if !e.Present {
		return nil, ErrNoResources
	}
	a, err := xproto.InternAtom(c, false, uint16(len(kind)), kind).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: resources: %w", err)
	}
	return &Resources{&Client{c, e.MajorOpcode}, a.Atom}, nil
}

// PassiveGrabs is how many passive grabs, of keys and buttons, the client that
// made w has on any windows.
func (r *Resources) PassiveGrabs(w xproto.Window) (int, error) {
	b, err := r.x.ask(u32(r.x.request(opQueryClientResources), uint32(w))).Reply()
	if err != nil {
		return 0, fmt.Errorf("xinput: resources: %w", err)
	}
	return parseGrabs(b, uint32(r.grab))
}

// parseGrabs reads a list of kinds and their numbers.
func parseGrabs(b []byte, kind uint32) (int, error) {
	if len(b) < replySize {
		return 0, ErrMalformed
	}
	n, list := binary.LittleEndian.Uint32(b[8:]), b[replySize:]
	const entry = 8
	if uint64(len(list)) < uint64(n)*entry {
		return 0, ErrMalformed
	}
	for i := range n {
		if e := list[i*entry:]; binary.LittleEndian.Uint32(e) == kind {
			return int(binary.LittleEndian.Uint32(e[4:])), nil
		}
	}
	return 0, nil
}
