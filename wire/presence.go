package wire

import "encoding/binary"

// Presence states.
const (
	Offline State = iota
	Online
	Busy
	// Invisible is sent by clients alone; others see Offline.
	Invisible
)

// What changed, in Changed.
const (
	ChangedContacts What = iota + 1 // or the vault, which says who they are
	ChangedDevices
	ChangedAccount
)

type (
	// State is whether a person can be called.
	State uint8
	// What names what a client should ask for again.
	What uint8

	// Bind binds the connection to a session of an account. The MAC is
	// account.Chain.RequestMAC with account.BindMethod, account.BindPath and the
	// nonce of the Challenge as body. It may be sent again, in a newer session.
	Bind struct {
		Session  [16]byte
		Gen, Seq uint64
		MAC      [32]byte
	}
	// Bound answers Bind.
	Bound struct{}
	// SetPresence tells the state of a device: from the first one on, contacts
	// see it.
	SetPresence struct{ State State }
	// Presence tells the state of a contact.
	Presence struct {
		Handle [16]byte
		State  State
	}
	// Changed tells that something is not any more as it was.
	Changed struct{ What What }
)

// Their types are apart from those of the mailbox.
const (
	frameBind byte = iota + 48
	frameBound
	frameSetPresence
	framePresence
	frameChanged
)

func (Bind) frame() byte        { return frameBind }
func (Bound) frame() byte       { return frameBound }
func (SetPresence) frame() byte { return frameSetPresence }
func (Presence) frame() byte    { return framePresence }
func (Changed) frame() byte     { return frameChanged }

func appendAccountFrame(b []byte, m FrameBody) []byte {
	switch m := m.(type) {
	case Bind:
		b = binary.BigEndian.AppendUint64(append(b, m.Session[:]...), m.Gen)
		b = append(binary.BigEndian.AppendUint64(b, m.Seq), m.MAC[:]...)
	case SetPresence:
		b = append(b, byte(m.State))
	case Presence:
		b = append(append(b, m.Handle[:]...), byte(m.State))
	case Changed:
		b = append(b, byte(m.What))
	}
	return b
}

func (r *reader) accountFrame(kind byte) (FrameBody, bool) {
	switch kind {
	case frameBind:
		var m Bind
		r.copy(m.Session[:])
		m.Gen, m.Seq = r.u64(), r.u64()
		r.copy(m.MAC[:])
		return m, m.Gen < 1<<63 && m.Seq < 1<<63 // what a database counts
	case frameBound:
		return Bound{}, true
	case frameSetPresence:
		m := SetPresence{State(r.u8())}
		return m, m.State >= Online && m.State <= Invisible
	case framePresence:
		var m Presence
		r.copy(m.Handle[:])
		m.State = State(r.u8())
		return m, m.State <= Busy
	case frameChanged:
		m := Changed{What(r.u8())}
		return m, m.What >= ChangedContacts && m.What <= ChangedAccount
	}
	return nil, false
}
