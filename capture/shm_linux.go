package capture

import (
	"fmt"

	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"viewflip.app/platform/x11"
)

// segment is System V shared memory that the X server writes into. Without
// MIT-SHM (a remote display) it is plain memory.
type segment struct {
	c   *x11.Conn
	mem []byte
	seg shm.Seg
}

func newSegment(c *x11.Conn, size int, shared bool) (*segment, error) {
	if !shared {
		return &segment{c: c, mem: make([]byte, size)}, nil
	}
	const create = 0o1000 // IPC_CREAT
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, size, 0o600|create)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	// Marked at once: it vanishes with its last user, whatever happens.
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil) //nolint:errcheck // nothing more can be done
	mem, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	s := &segment{c: c, mem: mem}
	if s.seg, err = shm.NewSegId(c.Conn); err == nil {
		err = shm.AttachChecked(c.Conn, s.seg, uint32(id), false).Check()
	}
	if err != nil {
		_ = unix.SysvShmDetach(mem)
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	return s, nil
}

// free detaches. On a connection that is closed the server has let go already,
// and no request may be made.
func (s *segment) free(connected bool) {
	if s.seg != 0 {
		if connected {
			shm.Detach(s.c.Conn, s.seg)
		}
		_ = unix.SysvShmDetach(s.mem)
	}
	s.mem = nil
}

// fetch asks the server to put rows [y0,y1) of the content of a pixmap where
// they belong in the segment; they are there when the function that it returns
// has returned. x and y are the content's place in the pixmap.
func (s *segment) fetch(pix xproto.Pixmap, x, y, w, y0, y1 int) (wait func() error) {
	const allPlanes = 0xffffffff
	if s.seg != 0 {
		c := shm.GetImage(s.c.Conn, xproto.Drawable(pix), int16(x), int16(y+y0), uint16(w), uint16(y1-y0),
			allPlanes, xproto.ImageFormatZPixmap, s.seg, uint32(y0*w*4))
		return func() error {
			_, err := c.Reply()
			return err
		}
	}
	c := xproto.GetImage(s.c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(pix),
		int16(x), int16(y+y0), uint16(w), uint16(y1-y0), allPlanes)
	return func() error {
		r, err := c.Reply()
		if err == nil {
			copy(s.mem[y0*w*4:], r.Data)
		}
		return err
	}
}
