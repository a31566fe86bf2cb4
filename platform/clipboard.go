package platform

import (
	"context"
	"errors"
)

// MaxClip bounds what passes through a Clipboard, in bytes.
const MaxClip = 8 << 20

// Errors that callers act on.
var (
	// ErrNoClip means that the clipboard holds no text and no picture.
	ErrNoClip = errors.New("platform: the clipboard holds no text and no picture")
	// ErrClipTooLarge means that the content is over MaxClip.
	ErrClipTooLarge = errors.New("platform: the clipboard holds more than 8 MiB")
)

// ClipKind is what a Clip holds.
type ClipKind uint8

// The kinds.
const (
	ClipText ClipKind = iota + 1 // UTF-8
	ClipPNG
)

// Clip is one content of the clipboard. Its bytes must not be changed.
type Clip struct {
	Kind ClipKind
	Data []byte
}

// Clipboard is the desktop's clipboard. It is looked at only when a method is
// called, never by watching. Methods may be called from any goroutine.
//
// On X11 it is a selection owner of its own (ICCCM 2.6 and 2.7): targets,
// UTF8_STRING, image/png, and INCR for what is large.
type Clipboard struct{ impl clipboard }

type clipboard interface {
	read(ctx context.Context) (Clip, error)
	write(c Clip) error
	lend(ctx context.Context, id WindowID, c Clip, primary bool) (giveBack func(), err error)
	copied(id WindowID) (wait func(ctx context.Context) (Clip, error))
	close()
}

// OpenClipboard connects to the clipboard; the caller closes it.
func (d *Desktop) OpenClipboard() (*Clipboard, error) {
	c, err := d.impl.openClipboard()
	if err != nil {
		return nil, err
	}
	return &Clipboard{c}, nil
}

// Read returns what the clipboard holds: text, or else a picture. ErrNoClip
// and ErrClipTooLarge where there is nothing to return.
func (c *Clipboard) Read(ctx context.Context) (Clip, error) { return c.impl.read(ctx) }

// Write puts content on the clipboard until somebody else does, or Close.
func (c *Clipboard) Write(clip Clip) error { return c.impl.write(clip) }

// Lend puts content on the clipboard for the program of one window alone: no
// other program gets it. primary also lends the selection that X programs
// paste on Shift+Insert or the middle button. Once the program has fetched it,
// or after two seconds, or when giveBack is called, the clipboard holds what it
// held before, if that was text or a picture (in that form only), and nothing
// otherwise.
func (c *Clipboard) Lend(ctx context.Context, id WindowID, clip Clip, primary bool) (giveBack func(), err error) {
	return c.impl.lend(ctx, id, clip, primary)
}

// Copied begins to wait for the program of a window to put something on the
// clipboard; wait returns that, or the error of ctx. What another program puts
// there is never looked at. wait must be called, once.
func (c *Clipboard) Copied(id WindowID) (wait func(ctx context.Context) (Clip, error)) {
	return c.impl.copied(id)
}

// Close gives up the clipboard and ends the connection.
func (c *Clipboard) Close() { c.impl.close() }
