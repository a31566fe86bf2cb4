package x11

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// ErrNoDisplay means that there is no X server to talk to: none is named, it does
// not answer, or it refuses this program. The text of an error that is this one
// says which, and what to do.
var ErrNoDisplay = errors.New("x11: there is no display: start viewflip in a desktop session, or set DISPLAY")

// noDisplayError is ErrNoDisplay with a sentence of its own.
type noDisplayError string

// Error implements error.
func (e noDisplayError) Error() string { return "x11: " + string(e) }

// Is makes it ErrNoDisplay.
func (e noDisplayError) Is(target error) bool { return target == ErrNoDisplay }

// refusal is how xgb begins what a server says that refuses a client.
const refusal = "x protocol authentication refused"

// unreachable says why a display cannot be used.
func unreachable(display string, err error) error {
	if strings.Contains(err.Error(), refusal) {
		return noDisplayError(fmt.Sprintf("the display %q refuses this program: start viewflip as the person whose desktop it is, or set XAUTHORITY to the file with their key", display))
	}
	return noDisplayError(fmt.Sprintf("the display %q does not answer: start viewflip in a desktop session that runs, or set DISPLAY to it", display))
}

// Conn is one connection to an X server with its atoms.
type Conn struct {
	*xgb.Conn
	Root   xproto.Window
	Screen *xproto.ScreenInfo

	mu    sync.Mutex
	atoms map[string]xproto.Atom
	first map[Extension]byte // number of an extension's first event
}

// Connect opens a connection; display "" means $DISPLAY, and a name that
// WithAuthority made brings its own authority.
func Connect(display string) (*Conn, error) {
	if display == "" {
		display = os.Getenv("DISPLAY")
	}
	if display == "" {
		return nil, ErrNoDisplay
	}
	prepare()
	c, err := dial(display)
	if err != nil {
		name, _ := SplitAuthority(display)
		return nil, unreachable(name, err)
	}
	s := xproto.Setup(c).DefaultScreen(c)
	return &Conn{Conn: c, Root: s.Root, Screen: s, atoms: map[string]xproto.Atom{}, first: map[Extension]byte{}}, nil
}

// Extension names an X extension that Require can initialise.
type Extension string

// The extensions.
const (
	Composite Extension = "Composite"
	Damage    Extension = "DAMAGE"
	XFixes    Extension = "XFIXES"
	SHM       Extension = "MIT-SHM"
	XTest     Extension = "XTEST"
	XInput    Extension = "XInputExtension"
	Shape     Extension = "SHAPE"
	Render    Extension = "RENDER"
	Sync      Extension = "SYNC"
	RandR     Extension = "RANDR"
)

// Require enables extensions, with the version handshakes that they need. It
// stands in for the Init functions of xgb's extension packages, which must not
// be called: see prepare.
func (c *Conn) Require(exts ...Extension) error {
	for _, e := range exts {
		if err := c.require(e); err != nil {
			return fmt.Errorf("x11: extension %s: %w", e, err)
		}
	}
	return nil
}

func (c *Conn) require(e Extension) error {
	r, err := xproto.QueryExtension(c.Conn, uint16(len(e)), string(e)).Reply()
	if err != nil {
		return err
	}
	if !r.Present {
		return errors.New("the X server does not have it")
	}
	c.ExtLock.Lock()
	c.Extensions[string(e)] = r.MajorOpcode
	c.ExtLock.Unlock()
	c.mu.Lock()
	c.first[e] = r.FirstEvent
	c.mu.Unlock()
	switch e {
	case Composite:
		_, err = composite.QueryVersion(c.Conn, 0, 4).Reply()
	case Damage:
		_, err = damage.QueryVersion(c.Conn, 1, 1).Reply()
	case XFixes:
		_, err = xfixes.QueryVersion(c.Conn, 5, 0).Reply()
	case Shape:
		_, err = shape.QueryVersion(c.Conn).Reply()
	case SHM:
		_, err = shm.QueryVersion(c.Conn).Reply()
	case XTest:
		_, err = xtest.GetVersion(c.Conn, 2, 2).Reply()
	case Render:
		_, err = render.QueryVersion(c.Conn, 0, 11).Reply()
	case RandR:
		_, err = randr.QueryVersion(c.Conn, 1, 3).Reply()
	case XInput, Sync: // xgb does not speak them; their users say their version themselves
	}
	return err
}

// Has reports whether the server offers an extension.
func (c *Conn) Has(e Extension) bool {
	r, err := xproto.QueryExtension(c.Conn, uint16(len(e)), string(e)).Reply()
	return err == nil && r.Present
}

// Atom interns a name; 0 when the connection is gone.
func (c *Conn) Atom(name string) xproto.Atom {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.atoms[name]; ok {
		return a
	}
	r, err := xproto.InternAtom(c.Conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return 0
	}
	c.atoms[name] = r.Atom
	return r.Atom
}
