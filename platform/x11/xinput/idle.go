package xinput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Minor opcodes of SYNC (syncproto.h).
const (
	opSyncInitialize = 0
	opSyncCounters   = 1
	opSyncQuery      = 5
	opSyncAlarm      = 8
)

// ErrNoIdle means that the server does not count the idle time of devices.
var ErrNoIdle = errors.New("xinput: the X server does not count the idle time of devices")

// Idle asks how long a device had no event (SYNC's system counters
// "DEVICEIDLETIME n", in X.Org servers since 1.12). A master has the events of
// its slaves. It keeps no state but the counters' ids.
type Idle struct {
	x        Client // SYNC's opcode
	counters map[string]uint32
}

// NewIdle reads which counters there are. Counters of devices that are made
// later are unknown to it. ErrNoIdle.
func NewIdle(c *xgb.Conn) (*Idle, error) {
	const name = "SYNC"
	const major, minor = 3, 1
	e, err := xproto.QueryExtension(c, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: %w", err)
	}
	if !e.Present {
		return nil, ErrNoIdle
	}
	i := &Idle{x: Client{c, e.MajorOpcode}}
	if _, err := i.x.ask(append(i.x.request(opSyncInitialize), major, minor, 0, 0)).Reply(); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoIdle, err)
	}
	r, err := i.x.ask(i.x.request(opSyncCounters)).Reply()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoIdle, err)
	}
	if i.counters, err = parseCounters(r); err != nil {
		return nil, err
	}
	for _, id := range []DeviceID{CorePointer, CoreKeyboard} {
		if _, ok := i.counters[counterName(id)]; !ok {
			return nil, ErrNoIdle
		}
	}
	return i, nil
}

func counterName(id DeviceID) string { return fmt.Sprintf("DEVICEIDLETIME %d", id) }

func parseCounters(r []byte) (map[string]uint32, error) {
	const header = 14
	if len(r) < replySize {
		return nil, ErrMalformed
	}
	n := binary.LittleEndian.Uint32(r[8:])
	p := r[replySize:]
	out := map[string]uint32{}
	for range n {
		if len(p) < header {
			return nil, ErrMalformed
		}
		size := int(binary.LittleEndian.Uint16(p[12:]))
		end := (header + size + 3) / 4 * 4
		if len(p) < end {
			return nil, ErrMalformed
		}
		out[string(p[header:header+size])] = binary.LittleEndian.Uint32(p)
		p = p[end:]
	}
	return out, nil
}

// Query asks for the idle time of one of the core pair.
func (i *Idle) Query(id DeviceID) IdleCookie {
	return IdleCookie{i.x.ask(u32(i.x.request(opSyncQuery), i.counters[counterName(id)]))}
}

// Clock asks for the server's time.
func (i *Idle) Clock() IdleCookie {
	return IdleCookie{i.x.ask(u32(i.x.request(opSyncQuery), i.counters["SERVERTIME"]))}
}

// Alarm has the server send an event (AlarmNotify of SYNC) whenever one of the
// core pair is used after it was not for rest, until the connection ends. While
// nothing happens it costs nothing.
func (i *Idle) Alarm(id DeviceID, rest time.Duration) error {
	alarm, err := i.x.c.NewId()
	if err != nil {
		return fmt.Errorf("xinput: alarm: %w", err)
	}
	// All of CreateAlarm's values: counter, absolute, the limit (high word
	// first), negative transition, no delta, which keeps the alarm, and events.
	const all, absolute, negative = 1<<6 - 1, 0, 1
	b := u32(u32(i.x.request(opSyncAlarm), alarm), all)
	for _, v := range []uint32{i.counters[counterName(id)], absolute, 0, uint32(rest.Milliseconds()), negative, 0, 0, 1} {
		b = u32(b, v)
	}
	if err := i.x.tell(b).Check(); err != nil {
		return fmt.Errorf("xinput: alarm: %w", err)
	}
	return nil
}

// IdleCookie is an answer on its way.
type IdleCookie struct{ c *xgb.Cookie }

// Reply waits for the answer, in milliseconds' resolution.
func (k IdleCookie) Reply() (time.Duration, error) {
	r, err := k.c.Reply()
	if err != nil {
		return 0, err
	}
	return parseCounter(r)
}

func parseCounter(r []byte) (time.Duration, error) {
	if len(r) < replySize {
		return 0, ErrMalformed
	}
	ms := int64(int32(binary.LittleEndian.Uint32(r[8:])))<<32 | int64(binary.LittleEndian.Uint32(r[12:]))
	return time.Duration(ms) * time.Millisecond, nil
}
